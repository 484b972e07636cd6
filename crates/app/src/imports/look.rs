//! The look into a bundle: its small files and a listing, in seconds. With the key the secrets are proved, too, and forgotten at once.

use futures::TryStreamExt as _;
use howdah_bundle::format::{MANIFEST, RECOVERY_KEY, Sha256Hex};
use howdah_bundle::receive::{self, Brought, HELD, READ};
use howdah_bundle::seal::{Identities, Phrase};
use howdah_bundle::source::Identity;
use howdah_db::models::import::Import;
use howdah_domain::{AddressKind, ImportId, MastodonVersion, Release, ServerAddress};
use secrecy::{ExposeSecret as _, SecretString};

use super::seen::{Seen, SeenServer};
use super::view::{ImportView, view_of};
use super::{is_open, seen_by};
use crate::ports::Bundles;
use crate::{Actor, App, Error, limits};

/// What a look found that the record doesn't keep.
pub(super) struct Found {
    pub seen: Seen,
    pub identity: Option<Identity>,
    /// An identity file that opens it: as it was given, or as a phrase opened it.
    pub key: Option<SecretString>,
    /// Of the manifest that was read, in hexadecimal.
    pub manifest_sha256: String,
}

/// Looks, and keeps what was found.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for one that has become a server; [`Error::Invalid`] for a key that is none;
/// [`Error::RateLimited`]; [`Error::Unavailable`] where the bucket doesn't answer.
pub async fn look(app: &App, actor: &Actor, id: ImportId, key: Option<&SecretString>) -> Result<ImportView, Error> {
    actor.may_change()?;
    let mut conn = app.conn().await?;
    let import = seen_by(&mut conn, actor, id).await?;
    is_open(app, &import)?;
    limits::LOOKS_INTO.take(app, &mut conn, &import.id.to_string()).await?;
    drop(conn);
    looked(app, &import, key).await?;
    let mut conn = app.conn().await?;
    let import = seen_by(&mut conn, actor, id).await?;
    view_of(app, &mut conn, import).await
}

/// The worker's own look, once a bundle was pulled: nobody has to ask for it.
pub(crate) async fn look_unasked(app: &App, import: &Import) -> Result<(), Error> {
    if is_open(app, import).is_ok() { looked(app, import, None).await } else { Ok(()) }
}

async fn looked(app: &App, import: &Import, key: Option<&SecretString>) -> Result<(), Error> {
    let Found { seen, .. } = into(app, import, key).await?;
    let kept = serde_json::to_value(&seen).map_err(Error::internal)?;
    Ok(Import::saw(&mut *app.conn().await?, import.id, &kept, app.now()).await?)
}

pub(super) async fn into(app: &App, import: &Import, key: Option<&SecretString>) -> Result<Found, Error> {
    let bundles = app.bundles.as_deref().ok_or(Error::NotFound { what: "import" })?;
    let brought = read(bundles, &import.prefix).await?;
    let given = key.filter(|it| !it.expose_secret().trim().is_empty());
    let identities = given.map(|it| parse_key(it, brought.held.contains_key(RECOVERY_KEY))).transpose()?;
    let is_file = matches!(identities, Some(Identities::Keys(_)));
    let manifest_sha256 = brought.held.get(MANIFEST).map(|it| Sha256Hex::of(it).to_string()).unwrap_or_default();
    // Proving a key takes up to half a second of processor time.
    let looked = tokio::task::spawn_blocking(move || receive::look(&brought, identities.as_ref()));
    let looked = looked.await.map_err(Error::internal)?;
    let mut seen = Seen::default();
    let look = match looked {
        Ok(look) => look,
        Err(finding) => {
            seen.add(&finding);
            return Ok(Found { seen, identity: None, key: None, manifest_sha256 });
        }
    };
    let mut server = SeenServer::of(&look.preflight, &look.manifest);
    look.findings.iter().for_each(|it| seen.add(it));
    seen.is_proved = look.identity.is_some();
    match release(app, server.version.as_deref()) {
        Ok(release) => server.runs_as = Some(release.version.to_string()),
        Err(sentence) => seen.refuse("mastodon", "unknown_release", sentence),
    }
    if let Err(sentence) = address(app, &server) {
        seen.refuse(&server.domain, "address", sentence);
    }
    seen.server = Some(server);
    let key = look.unlocked.or_else(|| given.filter(|_| is_file).cloned());
    Ok(Found { seen, identity: look.identity, key, manifest_sha256 })
}

/// An identity file of age's, as it is pasted; of a bundle that has a recovery key also its phrase, or the passphrase that was chosen instead.
fn parse_key(key: &SecretString, has_recovery_key: bool) -> Result<Identities, Error> {
    let text = key.expose_secret();
    let is_file = text.to_ascii_uppercase().contains("AGE-SECRET-KEY-");
    if has_recovery_key && !is_file { Identities::passphrase(Phrase::as_typed(text)) } else { Identities::file(key) }
        .map_err(|error| Error::invalid("key", "malformed", format!("The key can't be used: {error}.")))
}

/// What is read and listed of a bundle below this prefix.
pub(crate) async fn read(bundles: &dyn Bundles, prefix: &str) -> Result<Brought, Error> {
    let mut brought = listed(bundles, prefix).await?;
    for name in READ {
        if let Some(bytes) = bundles.read(prefix, name, HELD).await? {
            brought.held.insert(name.to_owned(), bytes);
        }
    }
    Ok(brought)
}

pub(super) async fn listed(bundles: &dyn Bundles, prefix: &str) -> Result<Brought, Error> {
    let mut brought = Brought::default();
    let mut files = bundles.files(prefix);
    while let Some(file) = files.try_next().await? {
        // Notes of the run that wrote it.
        if !file.path.starts_with('.') && !brought.list(file.path, file.bytes) {
            let sentence = "There are more files than any bundle has. Throw this import away, and bring the bundle alone.".to_owned();
            return Err(Error::Conflict { reason: "too_many_files", sentence });
        }
    }
    Ok(brought)
}

/// The release that it will run as: its own, or of its line the newest, where that is a later one.
pub(super) fn release<'a>(app: &'a App, version: Option<&str>) -> Result<&'a Release, String> {
    let Some(version) = version else {
        return Err("the bundle doesn't say which version of Mastodon it is of: make it anew with --mastodon-version".to_owned());
    };
    // Builds add something of their own: `4.5.11+birds`, `4.6.0-rc.1`.
    let plain = version.split(['+', '-']).next().unwrap_or(version);
    let Ok(parsed) = plain.parse::<MastodonVersion>() else {
        return Err(format!("“{version}” is no version of Mastodon's: make the bundle anew with --mastodon-version, such as 4.5.11"));
    };
    let later = || app.releases.newest_of_line(parsed.line()).filter(|it| it.version > parsed);
    app.releases.get(parsed).or_else(later).ok_or_else(|| not_taken(app, version, parsed))
}

/// Its database has to be migrated by releases that don't run here, or can't go back to one that does.
fn not_taken(app: &App, said: &str, version: MastodonVersion) -> String {
    let oldest = app.releases.iter().map(|it| it.version).min();
    let lines = app.releases.lines();
    let newest_of = |line| app.releases.newest_of_line(line).map(|it| it.version);
    let next = lines.iter().find(|it| **it > version.line()).and_then(|it| newest_of(*it));
    let newest_of_line = newest_of(version.line());
    match (oldest, next, newest_of_line) {
        (Some(oldest), Some(first), None) if version < oldest => format!(
            "Mastodon {said} is older than {oldest}, the oldest that is taken in: upgrade the old server to {first} first, through one release at least of each line \
             between, as Mastodon's release notes say, and make the bundle anew"
        ),
        (_, _, Some(newest)) => format!(
            "Mastodon {said} is newer than {newest}, the newest of its line that runs here, and a database can't go back: write to the support, or wait until \
             it runs here"
        ),
        (_, Some(next), None) => {
            format!("Mastodon {said} is of a line that doesn't run here: upgrade the old server to {next} first, and make the bundle anew")
        }
        (_, None, None) => format!(
            "Mastodon {said} is newer than all that run here, and a database can't go back: write to the support, or wait until it runs here"
        ),
    }
}

/// Its names are the customer's own: a platform's can't be moved.
pub(super) fn address(app: &App, server: &SeenServer) -> Result<ServerAddress, String> {
    let address = ServerAddress::parse(&server.domain, Some(&server.web_domain), &app.config.names).map_err(|it| it.error.to_string())?;
    match address.kind {
        AddressKind::Own => Ok(address),
        AddressKind::Platform { .. } => Err(format!("“{}” is a name of this platform's, and none of those is given twice", server.domain)),
    }
}
