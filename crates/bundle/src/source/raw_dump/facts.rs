//! What the rows of a dump say of a server, as [`Snapshot::facts`](crate::source::Snapshot::facts) asks a database.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::RawDumpError;
use crate::archive::{CopyTarget, Dump};
use crate::format::{Ciphertext, Collation, Counts, Expected, Extension, Postgresql, Schema};
use crate::source::{ENCRYPTED, Facts, LONGEST_CIPHERTEXT, Needs, UNKNOWN, fork};

type Row<'a> = [Option<Cow<'a, str>>];

/// One table, while its rows pass.
pub(super) struct TableRows {
    rows: u64,
    bytes: u64,
    look: Look,
}

/// What is looked at, and where it stands.
enum Look {
    Nothing,
    Statuses {
        local: Option<usize>,
        uri: Option<usize>,
        local_only: Option<usize>,
        own: u64,
        meant_local: u64,
    },
    Migrations {
        version: usize,
        versions: BTreeSet<String>,
    },
    Encrypted {
        id: Option<usize>,
        column: usize,
        /// Of the greatest id, which is the newest.
        newest: Option<(i64, String)>,
        /// The column from before 4.3, and rows that have something in it.
        legacy: Option<usize>,
        legacies: u64,
    },
}

impl TableRows {
    pub fn of(target: &CopyTarget) -> Self {
        let at = |name: &str| target.columns.iter().position(|it| it == name);
        let look = match target.table.as_str() {
            "statuses" => Look::Statuses { local: at("local"), uri: at("uri"), local_only: at("local_only"), own: 0, meant_local: 0 },
            "schema_migrations" => at("version").map_or(Look::Nothing, |version| Look::Migrations { version, versions: BTreeSet::new() }),
            table => {
                let column = ENCRYPTED.iter().find(|(it, _)| *it == table).and_then(|(_, column)| at(column));
                let legacy = at("encrypted_otp_secret");
                column.map_or(Look::Nothing, |column| Look::Encrypted { id: at("id"), column, newest: None, legacy, legacies: 0 })
            }
        };
        Self { rows: 0, bytes: 0, look }
    }

    /// Whether single rows matter.
    pub const fn looks(&self) -> bool {
        !matches!(self.look, Look::Nothing)
    }

    pub const fn read(&mut self, rows: u64, bytes: usize) {
        self.rows += rows;
        self.bytes += bytes as u64;
    }

    pub fn row(&mut self, row: &Row<'_>) {
        let text = |at: usize| row.get(at).and_then(Option::as_deref);
        let is_true = |at: Option<usize>| at.and_then(text) == Some("t");
        match &mut self.look {
            Look::Nothing => {}
            Look::Statuses { local, uri, local_only, own, meant_local } => {
                // As `Status.local` (UP:app/models/status.rb).
                *own += u64::from(is_true(*local) || uri.is_some_and(|it| text(it).is_none()));
                *meant_local += u64::from(is_true(*local_only));
            }
            Look::Migrations { version, versions } => versions.extend(text(*version).map(str::to_owned)),
            Look::Encrypted { id, column, newest, legacy, legacies } => {
                *legacies += u64::from(legacy.and_then(text).is_some_and(|it| !it.is_empty()));
                let Some(value) = text(*column).filter(|it| it.starts_with(r#"{"p":"#) && it.len() <= LONGEST_CIPHERTEXT) else { return };
                let id = id.and_then(text).and_then(|it| it.parse::<i64>().ok()).unwrap_or(0);
                if newest.as_ref().is_none_or(|(newest, _)| *newest <= id) {
                    *newest = Some((id, value.to_owned()));
                }
            }
        }
    }
}

/// All tables of the schema `public` so far.
#[derive(Default)]
pub(super) struct Seen {
    tables: BTreeMap<String, u64>,
    bytes: u64,
    /// Columns of `statuses`.
    statuses: Vec<String>,
    own_statuses: u64,
    meant_local: u64,
    migrations: BTreeSet<String>,
    encrypts: bool,
    legacy_otp: u64,
    ciphertexts: Vec<Ciphertext>,
}

impl Seen {
    pub fn table(&mut self, target: CopyTarget, TableRows { rows, bytes, look }: TableRows) {
        *self.tables.entry(target.table.clone()).or_default() += rows;
        self.bytes = self.bytes.saturating_add(bytes);
        match look {
            Look::Nothing => {}
            Look::Statuses { own, meant_local, .. } => {
                (self.own_statuses, self.meant_local) = (own, meant_local);
                self.statuses = target.columns;
            }
            Look::Migrations { versions, .. } => self.migrations = versions,
            Look::Encrypted { column, newest, legacies, .. } => {
                self.encrypts = true;
                self.legacy_otp += legacies;
                let column = target.columns[column].clone();
                self.ciphertexts.extend(newest.map(|(_, value)| Ciphertext { table: target.table, column, value }));
            }
        }
    }

    pub fn facts(self, dump: &Dump<'_>, media: (u64, u64)) -> Result<Facts, RawDumpError> {
        let not = |what: String| RawDumpError::NotMastodon { what };
        for table in ["accounts", "statuses", "users", "schema_migrations"] {
            if !self.tables.contains_key(table) {
                return Err(not(format!("it has no rows of a table `{table}`")));
            }
        }
        let migrations: Vec<String> = self.migrations.into_iter().collect();
        let newest_migration = migrations.last().cloned().ok_or_else(|| not("its schema_migrations is empty".to_owned()))?;
        let has = |name: &str| self.statuses.iter().any(|it| it == name);
        let findings = if has("local_only") { vec![fork::local_only(self.meant_local)] } else { Vec::new() };
        let (local_media, media_bytes) = media;
        Ok(Facts {
            postgresql: postgresql(dump),
            schema: Schema { newest_migration, migrations: migrations.len() as u64, post_deployment_complete: None },
            migrations,
            fork: fork::of(has),
            counts: Counts {
                local_users: self.tables.get("users").copied().unwrap_or(0),
                local_statuses: self.own_statuses,
                local_media,
                tables: self.tables,
            },
            expected: Expected { database_bytes: self.bytes, media_bytes },
            ciphertexts: self.ciphertexts,
            needs: Needs { record_encryption: self.encrypts, otp_secret: self.legacy_otp > 0 },
            findings,
        })
    }
}

fn postgresql(dump: &Dump<'_>) -> Postgresql {
    let facts = dump.facts();
    let unknown = || UNKNOWN.to_owned();
    let version = facts.server_version.clone().unwrap_or_else(unknown);
    let extension = |name: &str| Extension { name: name.to_owned(), version: unknown(), schema: unknown() };
    Postgresql {
        version_num: version_num(&version),
        version,
        encoding: facts.encoding.clone().unwrap_or_else(unknown),
        collation: Collation { provider: unknown(), collate: unknown(), ctype: unknown(), version: None, library_version: None },
        extensions: dump.entries().iter().filter(|it| it.kind == "EXTENSION").map(|it| extension(&it.name)).collect(),
    }
}

/// `server_version_num` of such as `17.12 (Debian 17.12-1)`.
fn version_num(version: &str) -> u32 {
    let mut numbers = version.split(|it: char| !it.is_ascii_digit()).map(|it| it.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    major.saturating_mul(10_000).saturating_add(minor.min(9999))
}

#[cfg(test)]
mod tests {
    use super::version_num;

    #[test]
    fn a_version_is_a_number() {
        for (text, number) in
            [("17.12 (Debian 17.12-1)", 170_012), ("18.4", 180_004), ("18beta1", 180_000), ("unknown", 0), ("99999999.1", u32::MAX)]
        {
            assert_eq!(version_num(text), number, "{text}");
        }
    }
}
