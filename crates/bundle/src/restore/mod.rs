//! Bringing a bundle back: its rows into a database that has the release's schema, its media into a store, its environment into a file.
//!
//! What can be refused is refused before anything is written: the secrets are proved on a stored value first, and the rows become visible only
//! when all of them are what the manifest says.

mod error;
mod media;

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::io::SyncIoBridge;

use crate::archive::{Dump, Limits as ArchiveLimits};
use crate::format::{self, BundlePath, Manifest, Preflight, Seal, VERSION};
use crate::load::{self, LoadError, Loaded};
use crate::media::Store;
use crate::place::{Bundle, Place, Reader};
use crate::progress::{Event, Stage, Told};
use crate::seal::{self, Identities, Opener};
use crate::source::{self, DatabaseSettings, Environment, Identity, Outcome};
use crate::verify::compare_tables;

pub use error::RestoreError;

const CONNECT: std::time::Duration = std::time::Duration::from_secs(10);
/// Of the small files that are held.
const HELD: u64 = 16 << 20;

pub struct Options<'a> {
    pub from: &'a Place,
    pub identities: Option<Arc<Identities>>,
    pub database: DatabaseSettings,
    pub media_to: Option<Store>,
    /// A new file for the environment, secrets included.
    pub env_to: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub struct Restored {
    pub preflight: Preflight,
    pub manifest: Manifest,
    pub loaded: Loaded,
    pub media: u64,
}

/// # Errors
/// [`RestoreError`]. Of a database nothing is changed then; media that was put stays, and is put again by the next run.
pub async fn restore(options: Options<'_>, told: &Told) -> Result<Restored, RestoreError> {
    told(Event::Stage { stage: Stage::Looking, bytes: None, files: None });
    let Reader::Bundle(bundle) = Reader::open(options.from).await? else { return Err(RestoreError::Pipe) };
    let (preflight, manifest) = describe(&bundle).await?;
    let secrets = secrets(&bundle, &manifest, &preflight, options.identities.as_deref()).await?;
    if let Some(file) = options.env_to.as_ref().filter(|it| it.exists()) {
        return Err(RestoreError::EnvironmentThere { file: file.clone() });
    }
    let loaded = rows(&bundle, &manifest, &options, told).await?;
    let media = match &options.media_to {
        None => 0,
        Some(store) => media::put(&bundle, store, &manifest, told).await?,
    };
    if let Some(file) = options.env_to {
        let environment = bundle.read_small(&path(format::ENV_DOTENV)?, HELD).await?;
        write_environment(&file, &secrets, &environment)?;
    }
    Ok(Restored { preflight, manifest, loaded, media })
}

/// A raw dump of a file, with nothing to compare it with.
///
/// # Errors
/// [`RestoreError`]; nothing is changed then.
pub async fn restore_dump(dump: PathBuf, database: &DatabaseSettings, told: &Told) -> Result<Loaded, RestoreError> {
    let fed = load::feed(move || Dump::open(&dump, ArchiveLimits::default()));
    load_into(database, fed, told, |_| Ok(())).await
}

async fn describe(bundle: &Bundle) -> Result<(Preflight, Manifest), RestoreError> {
    let preflight: Preflight = parsed(bundle, format::PREFLIGHT).await?;
    let manifest: Manifest = parsed(bundle, format::MANIFEST).await?;
    for version in [preflight.format, manifest.format] {
        if version != VERSION {
            return Err(RestoreError::Version { version });
        }
    }
    Ok((preflight, manifest))
}

async fn parsed<T: serde::de::DeserializeOwned>(bundle: &Bundle, name: &'static str) -> Result<T, RestoreError> {
    let bytes = bundle.read_small(&path(name)?, HELD).await?;
    serde_json::from_slice(&bytes).map_err(|source| RestoreError::Unreadable { name, source })
}

/// Opened, and proved on what the database holds: one wrong key, and nothing is begun.
async fn secrets(
    bundle: &Bundle,
    manifest: &Manifest,
    preflight: &Preflight,
    identities: Option<&Identities>,
) -> Result<SecretString, RestoreError> {
    let opened = match (&manifest.seal, identities) {
        (Seal::Plain, _) => bundle.read_small(&path(format::SECRETS)?, HELD).await?,
        (_, None) => return Err(RestoreError::NoKey),
        (_, Some(identities)) => {
            let name = format!("{}{}", format::SECRETS, format::SEALED);
            let sealed = bundle.read_small(&path(&name)?, HELD).await?;
            seal::open(&name, &sealed, identities)?
        }
    };
    let text = SecretString::from(String::from_utf8(opened).map_err(|_| RestoreError::SecretsNotText)?);
    let identity = Identity::parse(&Environment::from_dotenv(text.expose_secret(), &|_| None));
    let proofs = source::prove(&identity, &preflight.ciphertexts);
    let wrong: Vec<_> = proofs.into_iter().filter(|it| it.outcome != Outcome::Proved).collect();
    if wrong.is_empty() { Ok(text) } else { Err(RestoreError::WrongSecrets { proofs: wrong }) }
}

async fn rows(bundle: &Bundle, manifest: &Manifest, options: &Options<'_>, told: &Told) -> Result<Loaded, RestoreError> {
    told(Event::Stage { stage: Stage::Loading, bytes: None, files: None });
    let sealed = manifest.seal != Seal::Plain;
    let name = if sealed { format!("{}{}", format::DUMP, format::SEALED) } else { format::DUMP.to_owned() };
    let body = SyncIoBridge::new(bundle.open(&path(&name)?).await?.body);
    let identities = options.identities.clone();
    let fed = load::feed(move || match identities.filter(|_| sealed) {
        None => Dump::read(body, ArchiveLimits::default()),
        Some(identities) => {
            let opened =
                Opener::new(&name, body, &identities).map_err(|error| crate::archive::ArchiveError::Read(std::io::Error::other(error)))?;
            Dump::read(opened, ArchiveLimits::default())
        }
    });
    let said = manifest.tables.clone();
    load_into(&options.database, fed, told, move |loaded| {
        let mut findings = Vec::new();
        compare_tables(&said, &loaded.tables, &mut findings);
        if findings.is_empty() { Ok(()) } else { Err(LoadError::Differs { findings }) }
    })
    .await
}

async fn load_into(
    database: &DatabaseSettings,
    fed: tokio::sync::mpsc::Receiver<load::Fed>,
    told: &Told,
    accept: impl FnOnce(&Loaded) -> Result<(), LoadError>,
) -> Result<Loaded, RestoreError> {
    let mut client = source::Connection::open(database, CONNECT).await?.client;
    let step = |step: load::Step<'_>| match step {
        load::Step::Table(name) | load::Step::Index(name) => told(Event::Object { name: name.to_owned() }),
        load::Step::Bytes(bytes) => told(Event::Progress { bytes, files: 0 }),
    };
    Ok(load::load(&mut client, load::Limits::default(), fed, &step, accept).await?)
}

/// A new file that only its owner reads: the secrets first, then the rest.
fn write_environment(file: &std::path::Path, secrets: &SecretString, environment: &[u8]) -> Result<(), RestoreError> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let failed = |source| RestoreError::Environment { file: file.to_owned(), source };
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    out.write_all(secrets.expose_secret().as_bytes())
        .and_then(|()| out.write_all(environment))
        .and_then(|()| out.sync_all())
        .map_err(failed)
}

fn path(name: &str) -> Result<BundlePath, RestoreError> {
    Ok(BundlePath::parse(name)?)
}
