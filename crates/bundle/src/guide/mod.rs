//! What stands beside the data for whoever brings it back by stock tools: `RESTORE.md`, `restore.sh`, `proxy/nginx.conf`,
//! `proxy/media-redirects.txt`, filled in for one bundle.
//!
//! The texts become a shell script and a server's configuration: every value that is put into one is checked for what it may be made of
//! first, whoever gave it.

use std::collections::BTreeMap;

use crate::format::{BundlePath, Domains, FileFacts, Preflight, RECOVERY_KEY, Seal};

const RESTORE_SH: &str = include_str!("text/restore.sh");
const RESTORE_MD: &str = include_str!("text/RESTORE.md");
const NGINX: &str = include_str!("text/nginx.conf");
const NGINX_SPLIT: &str = include_str!("text/nginx_split.conf");

/// Folders of media whose addresses posts name.
const CLASSES: [&str; 4] = ["accounts", "media_attachments", "custom_emojis", "site_uploads"];

/// What the texts are filled in with.
pub struct Guide<'a> {
    pub preflight: &'a Preflight,
    pub seal: &'a Seal,
    /// The files that `restore.sh` compares: all that are written before it.
    pub files: &'a BTreeMap<BundlePath, FileFacts>,
    /// Variables that were left empty.
    pub blanked: &'a [String],
}

/// A value that can't be put into a script or a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} is `{value}`, which has characters that no such name has: set it right in the server's environment first")]
pub struct UnfitValue {
    what: &'static str,
    value: String,
}

impl Guide<'_> {
    /// # Errors
    /// [`UnfitValue`].
    pub fn restore_sh(&self) -> Result<String, UnfitValue> {
        let sums: Vec<String> = self.files.iter().map(|(path, facts)| format!("{}  {path}", facts.sha256)).collect();
        let mut values = self.values()?;
        values.insert("SUMS", sums.join("\n"));
        values.insert("SEALED", self.sealed().to_owned());
        Ok(filled(RESTORE_SH, &values))
    }

    /// # Errors
    /// [`UnfitValue`].
    pub fn restore_md(&self) -> Result<String, UnfitValue> {
        let counts = &self.preflight.counts;
        let mut values = self.values()?;
        values.insert("CREATED", self.preflight.created_at.format("%Y-%m-%d %H:%M UTC").to_string());
        values.insert("MIGRATION", fit("the newest migration", &self.preflight.schema.newest_migration)?.to_owned());
        values.insert("USERS", counts.local_users.to_string());
        values.insert("STATUSES", counts.local_statuses.to_string());
        values.insert("MEDIA_URL", self.media_url()?.to_owned());
        values.insert("BLANKED", self.blanked.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", "));
        values.insert("SEAL", self.seal_words());
        let needs_file = matches!(self.seal, Seal::Recipients { .. }) && !self.has_recovery_key();
        values.insert("IDENTITY_HINT", if needs_file { " --identity KEY_FILE".into() } else { String::new() });
        let phrase = "Where `age` asks for a passphrase, it takes the recovery phrase: its words with a hyphen between two, `one-two-three`, or the passphrase \
                      that was chosen instead. Who has another of the keys that it is sealed to gives that: `-i KEY_FILE`.\n\n";
        values.insert("PHRASE", if self.has_recovery_key() { phrase.into() } else { String::new() });
        values.insert("BY_HAND", self.by_hand());
        values.insert("OPEN", self.open());
        values.insert("CLOSE", self.close());
        Ok(filled(RESTORE_MD, &values))
    }

    /// # Errors
    /// [`UnfitValue`].
    pub fn nginx(&self) -> Result<String, UnfitValue> {
        let Domains { local, web, .. } = &self.preflight.domains;
        let mut values = self.values()?;
        values.insert("SERVER_NAMES", if local == web { web.clone() } else { format!("{web} {local}") });
        let split = if local == web { String::new() } else { filled(NGINX_SPLIT, &values) };
        Ok(filled(NGINX, &values) + &split)
    }

    /// One line a folder, old address and new, as nginx' `map` and others read it.
    ///
    /// # Errors
    /// [`UnfitValue`].
    pub fn media_redirects(&self) -> Result<String, UnfitValue> {
        let old = self.media_url()?;
        let web = fit("WEB_DOMAIN", &self.preflight.domains.web)?;
        let lines = CLASSES.map(|class| format!("{old}/{class}/ https://{web}/system/{class}/\n"));
        Ok(format!(
            "# Where old addresses of media lead if it is kept on the new server's disk: what begins with the first is at the second.\n{}",
            lines.concat()
        ))
    }

    fn values(&self) -> Result<BTreeMap<&'static str, String>, UnfitValue> {
        let Domains { local, web, .. } = &self.preflight.domains;
        let unknown =
            format!("the release whose newest migration is {}", fit("the newest migration", &self.preflight.schema.newest_migration)?);
        let version = match &self.preflight.mastodon.version {
            Some(version) => fit("Mastodon's version", version)?.to_owned(),
            None => unknown,
        };
        Ok(BTreeMap::from([
            ("LOCAL_DOMAIN", fit("LOCAL_DOMAIN", local)?.to_owned()),
            ("WEB_DOMAIN", fit("WEB_DOMAIN", web)?.to_owned()),
            ("VERSION", version),
            ("MAJOR", self.preflight.postgresql.major().to_string()),
        ]))
    }

    fn media_url(&self) -> Result<&str, UnfitValue> {
        fit("the address of the media", self.preflight.media.public_base_url.as_deref().unwrap_or_default())
    }

    const fn sealed(&self) -> &'static str {
        if matches!(self.seal, Seal::Plain) { "" } else { crate::format::SEALED }
    }

    /// Whoever knows its passphrase needs no file of keys.
    fn has_recovery_key(&self) -> bool {
        self.files.keys().any(|it| it.as_str() == RECOVERY_KEY)
    }

    fn seal_words(&self) -> String {
        match self.seal {
            Seal::Recipients { recipients } if self.has_recovery_key() => {
                format!(
                    "age, to {}; a recovery phrase or a passphrase opens the key of one of them, `{RECOVERY_KEY}`",
                    recipients.join(", ")
                )
            }
            Seal::Recipients { recipients } => format!("age, to {}", recipients.join(", ")),
            Seal::Passphrase => "age, by a passphrase".to_owned(),
            Seal::Plain => "nothing: whoever holds this reads everything".to_owned(),
        }
    }

    /// What is sealed, opened beside itself by age; nothing of a plain bundle.
    fn open(&self) -> String {
        let open = match self.seal {
            Seal::Recipients { .. } if self.has_recovery_key() => "age -d -i env/recovery-key.age",
            Seal::Recipients { .. } => "age -d -i KEY_FILE",
            Seal::Passphrase => "age -d",
            Seal::Plain => return String::new(),
        };
        [crate::format::DUMP, crate::format::SECRETS].map(|it| format!("   {open} {it}.age > {it}\n")).concat()
    }

    /// Takes away what was opened.
    fn close(&self) -> String {
        let (dump, secrets) = (crate::format::DUMP, crate::format::SECRETS);
        if matches!(self.seal, Seal::Plain) { String::new() } else { format!("   rm {secrets} {dump}\n") }
    }

    fn by_hand(&self) -> String {
        let (dump, open, close) = (crate::format::DUMP, self.open(), self.close());
        format!(
            "   umask 077\n{open}   createdb -T template0 -E UTF8 mastodon_production\n   pg_restore -Fc -j2 -U mastodon -n public --no-owner --role=mastodon -d mastodon_production {dump}\n   \
             cat env/secrets.env env/.env.production > /home/mastodon/live/.env.production\n{close}   cp -R media/* /home/mastodon/live/public/system/\n   chmod -R u=rwX,go=rX /home/mastodon/live/public/system"
        )
    }
}

/// What hosts, ports, versions and URLs are made of, and nothing that a shell, a here-document or nginx reads as more.
fn fit<'a>(what: &'static str, value: &'a str) -> Result<&'a str, UnfitValue> {
    let fits = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '-' | '_' | ':' | '/' | '+' | '~' | '[' | ']');
    if value.chars().all(fits) {
        Ok(value)
    } else {
        Err(UnfitValue { what, value: value.chars().take(120).map(|it| if it.is_control() { '?' } else { it }).collect() })
    }
}

/// `@NAME@` by its value. A value is never looked into again.
fn filled(text: &str, values: &BTreeMap<&'static str, String>) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let placeholder = from[1..].split_once('@').and_then(|(name, after)| values.get(name).map(|value| (value, after)));
        match placeholder {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('@');
                rest = &from[1..];
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests;
