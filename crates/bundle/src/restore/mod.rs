//! Bringing a bundle back: its rows into a database that has the release's schema, its media into a store, its environment into a file.
//!
//! What can be refused is refused before anything is written: the secrets are proved on a stored value first, and the rows become visible only
//! when all of them are what the manifest says.

mod error;
mod media;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::io::SyncIoBridge;

use crate::archive::{Dump, Limits as ArchiveLimits};
use crate::format::{self, BundlePath, FileFacts, Manifest, Preflight, Seal, Sha256Hex, VERSION};
use crate::load::{self, Duplicates, LoadError, Loaded, Mark};
use crate::media::Store;
use crate::place::{Bundle, Place, PlaceError, Reader};
use crate::progress::{Event, Stage, Told};
use crate::seal::{self, Identities, Opener};
use crate::sign::PublicKey;
use crate::source::{self, DatabaseSettings, Environment, Identity, Needs, Outcome};
use crate::verify::{Hashing, compare_tables, wrong};

pub use error::RestoreError;

const CONNECT: std::time::Duration = std::time::Duration::from_secs(10);
/// Of the small files that are held.
const HELD: u64 = 16 << 20;

pub struct Options<'a> {
    pub from: &'a Place,
    pub identities: Option<Arc<Identities>>,
    /// One of whom has to have signed it; without any, a signature is not looked at.
    pub signers: &'a [PublicKey],
    pub database: DatabaseSettings,
    pub duplicates: Duplicates,
    /// What the database is marked with, together with the rows: [`is_marked`].
    pub mark: Option<Mark>,
    /// SHA-256 of the manifest, in hexadecimal: a bundle with another one is refused.
    pub manifest_sha256: Option<String>,
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
/// [`RestoreError`]. Of the database nothing is changed then, unless only the environment's file could not be written at the end; media that was
/// put stays; the next run puts again what a store can't tell to be the same.
pub async fn restore(options: Options<'_>, told: &Told) -> Result<Restored, RestoreError> {
    told(Event::Stage { stage: Stage::Looking, bytes: None, files: None });
    let Reader::Bundle(bundle) = Reader::open(options.from).await? else { return Err(RestoreError::Pipe) };
    let (preflight, manifest) = describe(&bundle, options.signers, options.manifest_sha256.as_deref()).await?;
    let identities = unlocked(&bundle, &manifest, options.identities.clone()).await?;
    let identity = secrets(&bundle, &manifest, &preflight, identities.as_deref()).await?;
    let environment = options.env_to.as_deref().map(NewFile::begin).transpose()?;
    let mut client = source::Connection::open(&options.database, CONNECT).await?.client;
    load::check(&mut client, load::Limits::default()).await?;
    // Before the rows: it can be put again, and they are visible only when everything is there.
    let media = match &options.media_to {
        None => 0,
        Some(store) => media::put(&bundle, store, &manifest, told).await?,
    };
    let loaded = rows(&bundle, &manifest, &options, identities, told).await?;
    if let Some(file) = environment {
        // Written anew of what Mastodon knows: the file itself may say more than that to whoever reads it.
        let text = String::from_utf8(held(&bundle, &manifest, format::ENV_DOTENV).await?).map_err(|_| RestoreError::EnvironmentNotText)?;
        let environment = Environment::from_dotenv(&text, &|_| None).known().portable().dotenv;
        let secrets = identity.to_dotenv().map_err(|name| RestoreError::Unwritable { name })?;
        file.write(&secrets, &environment)?;
    }
    Ok(Restored { preflight, manifest, loaded, media })
}

/// Was this database loaded with this mark? Whoever was killed after the commit, and before that could be told, has nothing more to do.
///
/// # Errors
/// [`RestoreError`].
pub async fn is_marked(database: &DatabaseSettings, mark: &Mark) -> Result<bool, RestoreError> {
    let mut client = source::Connection::open(database, CONNECT).await?.client;
    Ok(load::is_marked(&mut client, mark).await?)
}

/// A raw dump of a file, with nothing to compare it with.
///
/// # Errors
/// [`RestoreError`]; nothing is changed then.
pub async fn restore_dump(dump: PathBuf, database: &DatabaseSettings, duplicates: Duplicates, told: &Told) -> Result<Loaded, RestoreError> {
    let fed = load::feed(move || Dump::open(&dump, ArchiveLimits::default()));
    load_into(database, duplicates, None, fed, told, |_| Ok(())).await
}

async fn describe(bundle: &Bundle, signers: &[PublicKey], wanted: Option<&str>) -> Result<(Preflight, Manifest), RestoreError> {
    let manifest: Manifest = parsed(format::MANIFEST, &signed(bundle, signers, wanted).await?)?;
    let preflight: Preflight = parsed(format::PREFLIGHT, &held(bundle, &manifest, format::PREFLIGHT).await?)?;
    for version in [preflight.format, manifest.format] {
        if version != VERSION {
            return Err(RestoreError::Version { version });
        }
    }
    Ok((preflight, manifest))
}

/// The manifest's bytes, read once: who holds the bundle's place can give others the next time. Through the digests that it has, its signature is
/// of everything that is used.
async fn signed(bundle: &Bundle, signers: &[PublicKey], wanted: Option<&str>) -> Result<Vec<u8>, RestoreError> {
    let manifest = bundle.read_small(&path(format::MANIFEST)?, HELD).await?;
    if wanted.is_some_and(|it| it != Sha256Hex::of(&manifest).to_string()) {
        return Err(RestoreError::Replaced);
    }
    if signers.is_empty() {
        return Ok(manifest);
    }
    let signature = match bundle.read_small(&path(format::SIGNATURE)?, HELD).await {
        Err(PlaceError::Missing { .. }) => return Err(RestoreError::NotSigned),
        read => read?,
    };
    if signers.iter().any(|it| it.signed(&manifest, &signature)) { Ok(manifest) } else { Err(RestoreError::SignatureDiffers) }
}

fn parsed<T: serde::de::DeserializeOwned>(name: &'static str, bytes: &[u8]) -> Result<T, RestoreError> {
    serde_json::from_slice(bytes).map_err(|source| RestoreError::Unreadable { name, source })
}

/// A passphrase opens the bundle's recovery key, where it has one, and that the rest.
async fn unlocked(
    bundle: &Bundle,
    manifest: &Manifest,
    identities: Option<Arc<Identities>>,
) -> Result<Option<Arc<Identities>>, RestoreError> {
    let has_key = manifest.files.contains_key(&path(format::RECOVERY_KEY)?);
    let Some(given) = identities.as_deref().filter(|_| has_key) else { return Ok(identities) };
    let key = held(bundle, manifest, format::RECOVERY_KEY).await?;
    match seal::unlocked(given, &key)? {
        Some(file) => Ok(Some(Arc::new(Identities::file(&file)?))),
        None => Ok(identities),
    }
}

/// Opened, and proved on what the database holds: one wrong key, and nothing is begun.
async fn secrets(
    bundle: &Bundle,
    manifest: &Manifest,
    preflight: &Preflight,
    identities: Option<&Identities>,
) -> Result<Identity, RestoreError> {
    let opened = match (&manifest.seal, identities) {
        (Seal::Plain, _) => held(bundle, manifest, format::SECRETS).await?,
        (_, None) => return Err(RestoreError::NoKey),
        (_, Some(identities)) => {
            let name = format!("{}{}", format::SECRETS, format::SEALED);
            let sealed = held(bundle, manifest, &name).await?;
            seal::open(&name, &sealed, identities)?
        }
    };
    let text = SecretString::from(String::from_utf8(opened).map_err(|_| RestoreError::SecretsNotText)?);
    let identity = Identity::parse(&Environment::from_dotenv(text.expose_secret(), &|_| None));
    let missing = identity.missing(Needs { record_encryption: !preflight.ciphertexts.is_empty(), otp_secret: false });
    if !missing.is_empty() {
        return Err(RestoreError::Secrets { names: missing });
    }
    let wrong: Vec<_> = source::prove_some(&identity, &preflight.ciphertexts).filter(|it| it.outcome != Outcome::Proved).collect();
    if wrong.is_empty() { Ok(identity) } else { Err(RestoreError::WrongSecrets { proofs: wrong }) }
}

async fn rows(
    bundle: &Bundle,
    manifest: &Manifest,
    options: &Options<'_>,
    identities: Option<Arc<Identities>>,
    told: &Told,
) -> Result<Loaded, RestoreError> {
    told(Event::Stage { stage: Stage::Loading, bytes: None, files: None });
    let sealed = manifest.seal != Seal::Plain;
    let name = if sealed { format!("{}{}", format::DUMP, format::SEALED) } else { format::DUMP.to_owned() };
    let read = Arc::new(OnceLock::new());
    let body = Hashing::telling(SyncIoBridge::new(bundle.open(&path(&name)?).await?.body), Arc::clone(&read));
    let opened = name.clone();
    let fed = load::feed(move || match identities.filter(|_| sealed) {
        None => Dump::read(body, ArchiveLimits::default()),
        Some(identities) => {
            let opened = Opener::new(&opened, body, &identities)
                .map_err(|error| crate::archive::ArchiveError::Read(std::io::Error::other(error)))?;
            Dump::read(opened, ArchiveLimits::default())
        }
    });
    let said = manifest.tables.clone();
    let whole = manifest.files.get(&path(&name)?).copied();
    load_into(&options.database, options.duplicates, options.mark.as_ref(), fed, told, move |loaded| {
        let mut findings = Vec::new();
        // Rows are compared below; where sequences stand is in the file's digest alone.
        if read.get() != whole.as_ref() {
            findings.push(wrong(&name, "digest_differs", format!("{name} is not what it was when the bundle was made")));
        }
        compare_tables(&said, &loaded.tables, &mut findings);
        if findings.is_empty() { Ok(()) } else { Err(LoadError::Differs { findings }) }
    })
    .await
}

async fn load_into(
    database: &DatabaseSettings,
    duplicates: Duplicates,
    mark: Option<&Mark>,
    fed: tokio::sync::mpsc::Receiver<load::Fed>,
    told: &Told,
    accept: impl FnOnce(&Loaded) -> Result<(), LoadError>,
) -> Result<Loaded, RestoreError> {
    let mut client = source::Connection::open(database, CONNECT).await?.client;
    let step = |step: load::Step<'_>| match step {
        load::Step::Table(name) | load::Step::Index(name) => told(Event::Object { name: name.to_owned() }),
        load::Step::Bytes(bytes) => told(Event::Progress { bytes, files: 0 }),
    };
    Ok(load::load(&mut client, load::Limits::default(), duplicates, mark, fed, &step, accept).await?)
}

/// A small file of the bundle, which is what the manifest says.
async fn held(bundle: &Bundle, manifest: &Manifest, name: &str) -> Result<Vec<u8>, RestoreError> {
    let path = path(name)?;
    let bytes = bundle.read_small(&path, HELD).await?;
    let facts = FileFacts { bytes: bytes.len() as u64, sha256: Sha256Hex::of(&bytes) };
    if manifest.files.get(&path) == Some(&facts) { Ok(bytes) } else { Err(RestoreError::Differs { path }) }
}

/// A file that only its owner reads, begun before anything else, so that what speaks against it is known then.
struct NewFile {
    part: PathBuf,
    file: PathBuf,
    out: File,
}

impl NewFile {
    fn begin(file: &Path) -> Result<Self, RestoreError> {
        if file.symlink_metadata().is_ok() {
            return Err(RestoreError::EnvironmentThere { file: file.to_owned() });
        }
        let part = file.with_added_extension("part");
        // Of an earlier run that did not come to its end.
        let _ = std::fs::remove_file(&part);
        let out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let out = out.map_err(|source| RestoreError::Environment { file: file.to_owned(), source })?;
        Ok(Self { part, file: file.to_owned(), out })
    }

    fn write(mut self, secrets: &SecretString, environment: &str) -> Result<(), RestoreError> {
        let written = self.out.write_all(secrets.expose_secret().as_bytes()).and_then(|()| self.out.write_all(environment.as_bytes()));
        let done = written.and_then(|()| self.out.sync_all()).and_then(|()| std::fs::rename(&self.part, &self.file));
        done.map_err(|source| RestoreError::Environment { file: self.file.clone(), source })
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.part);
    }
}

fn path(name: &str) -> Result<BundlePath, RestoreError> {
    Ok(BundlePath::parse(name)?)
}
