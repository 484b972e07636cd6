//! What `PREFLIGHT.json` says of a database.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::catalogue::{Kind, Table, quoted};
use super::count::{count, count_by_copy};
use super::known::{self, Asked, Counted, ENCRYPTED};
use super::{DatabaseError, Snapshot, server};
use crate::format::{Ciphertext, Counts, Expected, Finding, Fork, Postgresql, Schema};
use crate::source::{Needs, fork};

/// Mastodon has some 500.
const MOST_MIGRATIONS: usize = 20_000;

/// An encrypted private key has some 3 KB.
pub const LONGEST_CIPHERTEXT: usize = 64 << 10;

#[derive(Debug, Clone)]
pub struct Facts {
    pub postgresql: Postgresql,
    /// [`Schema::post_deployment_complete`] is absent: [`crate::source::Installation::complete`] may know.
    pub schema: Schema,
    /// Every version in `schema_migrations`, sorted.
    pub migrations: Vec<String>,
    pub fork: Option<Fork>,
    pub counts: Counts,
    pub expected: Expected,
    /// At most 64 KiB each.
    pub ciphertexts: Vec<Ciphertext>,
    pub needs: Needs,
    /// [`Snapshot::findings`] are others.
    pub findings: Vec<Finding>,
}

impl Snapshot {
    /// All of it, counted in the snapshot: minutes for a large server.
    ///
    /// # Errors
    /// [`DatabaseError`] names what could not be read.
    pub async fn facts(&self) -> Result<Facts, DatabaseError> {
        let client = self.client();
        let mut findings = Vec::new();
        let migrations = self.migrations().await?;
        let newest_migration = migrations.last().cloned().unwrap_or_default();
        let schema = Schema { newest_migration, migrations: migrations.len() as u64, post_deployment_complete: None };
        let (postgresql, database_bytes) = server::postgresql(client, self.version_num(), &mut findings).await?;
        let (tables, sums) = self.counts(&mut findings).await?;
        let sum = |it: Counted| sums.get(&it).copied().unwrap_or(0);
        let fork = self.fork(sum(Counted::LocalOnly), &mut findings);
        let counts = Counts {
            local_users: tables.get("users").copied().unwrap_or(0),
            local_statuses: sum(Counted::LocalStatuses),
            local_media: sum(Counted::LocalMedia),
            tables,
        };
        let needs = Needs { record_encryption: self.encrypts(), otp_secret: sum(Counted::LegacyOtp) > 0 };
        let expected = Expected { database_bytes, media_bytes: sum(Counted::MediaBytes) };
        let ciphertexts = self.ciphertexts().await?;
        Ok(Facts { postgresql, schema, migrations, fork, counts, expected, ciphertexts, needs, findings })
    }

    fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|it| it.name == name)
    }

    async fn migrations(&self) -> Result<Vec<String>, DatabaseError> {
        let not = |what| DatabaseError::NotMastodon { database: self.database(), what };
        for name in ["accounts", "statuses", "users"] {
            if self.table(name).is_none() {
                return Err(not("it has no tables of that name (accounts, statuses, users)"));
            }
        }
        let table = self.table("schema_migrations").filter(|it| it.has("version", Kind::Text));
        let table = table.ok_or_else(|| not("it has no schema_migrations"))?;
        if !table.plannable() {
            return Err(not("its schema_migrations is not as Rails makes it"));
        }
        let statement =
            format!("SELECT pg_catalog.left(\"version\"::pg_catalog.text, 40) FROM ONLY {} LIMIT {MOST_MIGRATIONS}", table.sql());
        let rows = self.client().query(&statement, &[]).await.map_err(DatabaseError::query("schema_migrations"))?;
        let mut versions: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        versions.sort_unstable();
        if versions.is_empty() { Err(not("its schema_migrations is empty")) } else { Ok(versions) }
    }

    async fn counts(&self, findings: &mut Vec<Finding>) -> Result<(BTreeMap<String, u64>, BTreeMap<Counted, u64>), DatabaseError> {
        let asked = known::asked();
        let mut rows = BTreeMap::new();
        let mut sums: BTreeMap<Counted, u64> = BTreeMap::new();
        for table in self.tables.iter().filter(|it| !it.partitioned) {
            let (possible, impossible): (Vec<&Asked>, Vec<&Asked>) =
                asked.iter().filter(|it| it.table == table.name).partition(|it| it.fits(table));
            findings.extend(impossible.iter().filter_map(|it| it.finding(table)));
            if !table.plannable() {
                rows.insert(table.name.clone(), count_by_copy(self.client(), table).await?);
                continue;
            }
            let expressions: Vec<&str> = possible.iter().map(|it| it.sql.as_str()).collect();
            let counted = count(self.client(), table, &expressions).await?;
            let mut counted = counted.into_iter();
            rows.insert(table.name.clone(), counted.next().unwrap_or(0));
            for (asked, number) in possible.iter().zip(counted) {
                let sum = sums.entry(asked.counted).or_default();
                *sum = sum.saturating_add(number);
            }
        }
        Ok((rows, sums))
    }

    fn fork(&self, local_only: u64, findings: &mut Vec<Finding>) -> Option<Fork> {
        let statuses = self.table("statuses")?;
        let has = |name: &str| statuses.columns.iter().any(|it| it.name == name);
        if has("local_only") {
            findings.push(fork::local_only(local_only));
        }
        fork::of(has)
    }

    /// Whether the schema is one that needs the keys of Active Record Encryption.
    fn encrypts(&self) -> bool {
        ENCRYPTED.iter().any(|(table, column)| self.table(table).is_some_and(|it| it.columns.iter().any(|it| it.name == *column)))
    }

    /// The newest of each column: an older one may have been encrypted with keys that are no more.
    async fn ciphertexts(&self) -> Result<Vec<Ciphertext>, DatabaseError> {
        let mut found = Vec::new();
        for (table_name, column) in ENCRYPTED {
            let Some(table) = self.table(table_name).filter(|it| it.plannable() && it.has(column, Kind::Text)) else { continue };
            let value = newest_ciphertext(self.client(), table, column).await?;
            found.extend(value.map(|value| Ciphertext { table: table_name.to_owned(), column: column.to_owned(), value }));
        }
        Ok(found)
    }
}

async fn newest_ciphertext(client: &Client, table: &Table, column: &str) -> Result<Option<String>, DatabaseError> {
    let quoted = quoted(column);
    let order = if table.has("id", Kind::Integer) { "ORDER BY \"id\" DESC" } else { "" };
    let statement = format!(
        "SELECT {quoted}::pg_catalog.text FROM ONLY {table}
         WHERE pg_catalog.left({quoted}, 5) = '{{\"p\":' AND pg_catalog.octet_length({quoted}) <= {LONGEST_CIPHERTEXT} {order} LIMIT 1",
        table = table.sql(),
    );
    let row = client.query_opt(&statement, &[]).await.map_err(DatabaseError::query(format!("{}.{column}", table.name)))?;
    Ok(row.map(|it| it.get(0)))
}
