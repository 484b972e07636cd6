//! Making a bundle of a Mastodon server: of one that has a database, or of a dump that was made of it.
//!
//! The order is the format's: what a receiver needs first, then the database in one snapshot, then the media, then what describes it all. In
//! between a run may be killed at any byte: what the place's journal knows is not made again.

mod dump;
mod error;
mod media;
mod origin;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};

use crate::format::{
    self, BundlePath, Consistency, ContentDigest, DumpFacts, FileFacts, Finding, InventoryFacts, Manifest, Mastodon, Preflight, Seal,
    VERSION,
};
use crate::guide::Guide;
use crate::place::{FinishedDump, Place, Run, Writer};
use crate::progress::{Event, Stage, Told, found};
use crate::seal::{self, Identities, Recipients, RecoveryKey, Sealer};
use crate::sign::SigningKey;
use crate::source::{self, Environment, Installation, Outcome, Settings, notice};

pub use error::CreateError;
use origin::{Origin, Running};

/// A line of `media/MISSING.ndjson` or `ORPHANS.ndjson` is kept until all media is done: so many at most. All are counted.
const LISTED: usize = 50_000;

/// Who is taken along, and how.
pub struct Options {
    pub environment: Environment,
    /// Where the environment's paths start from.
    pub place: source::Place,
    pub mode: Consistency,
    pub seal: SealWith,
    /// Of one of those whom it is sealed to: it goes into the bundle.
    pub recovery_key: Option<RecoveryKey>,
    /// For `SIGNATURE`.
    pub sign: Option<SigningKey>,
    pub to: Place,
    pub incremental_from: Option<(String, Place)>,
    pub spool: Option<PathBuf>,
    pub pg_dump: Option<PathBuf>,
    /// A file of `pg_dump -Fc`, where the database is not at hand: no database is connected to then.
    pub from_dump: Option<PathBuf>,
    /// A `PATH` to look for `pg_dump` in.
    pub search: Option<std::ffi::OsString>,
    pub made_by: String,
}

pub enum SealWith {
    Recipients(Recipients),
    Plain,
}

/// A bundle that is whole.
#[derive(Debug, Clone)]
pub struct Created {
    pub manifest: Manifest,
    pub findings: Vec<Finding>,
}

/// # Errors
/// [`CreateError`]. What was finished stays where it is, for a next run of the same options.
pub async fn create(options: Options, now: &(dyn Fn() -> DateTime<Utc> + Sync), told: &Told) -> Result<Created, CreateError> {
    told(Event::Stage { stage: Stage::Looking, bytes: None, files: None });
    let server = Server::look(&options, told).await?;
    let run = Run {
        started_at: now(),
        domain: server.settings.domains.local.clone(),
        consistency: options.mode,
        seal: options.seal.facts(),
        earlier: options.incremental_from.as_ref().map(|(name, _)| name.clone()),
    };
    let earlier = options.incremental_from.as_ref().map(|(_, place)| place);
    let writer = Arc::new(Writer::open(&options.to, run, options.spool.clone(), earlier).await?);
    let bundle = Making { options: &options, server: &server, writer, now, told };
    bundle.make().await
}

/// What is known of the server before anything is written.
struct Server {
    settings: Settings,
    origin: Origin,
    facts: source::Facts,
    installation: Installation,
    portable: source::Portable,
    findings: Vec<Finding>,
}

impl Server {
    async fn look(options: &Options, told: &Told) -> Result<Self, CreateError> {
        let settings = Settings::parse(&options.environment, &options.place)?;
        let (origin, facts) = Origin::look(options, &settings, told).await?;
        let missing = settings.identity.missing(facts.needs);
        if !missing.is_empty() {
            return Err(CreateError::Secrets { names: missing });
        }
        let wrong: Vec<_> =
            source::prove(&settings.identity, &facts.ciphertexts).into_iter().filter(|it| it.outcome != Outcome::Proved).collect();
        if !wrong.is_empty() {
            return Err(CreateError::WrongSecrets { proofs: wrong });
        }
        let read = |root| Installation::read(root, &options.environment);
        let mut installation = options.place.root.as_deref().map(read).unwrap_or_default();
        installation.version = installation.version.or_else(|| options.place.version.clone());
        let portable = options.environment.portable();
        let vapid = match settings.identity.vapid_pair_matches() {
            Some(false) => vec![notice(
                "VAPID_PRIVATE_KEY",
                "vapid_pair_differs",
                "VAPID_PRIVATE_KEY and VAPID_PUBLIC_KEY are no pair: web push does not work, here and wherever this is brought back",
            )],
            _ => Vec::new(),
        };
        let version = unknown_version(&installation);
        let findings = [
            options.environment.findings(),
            &settings.findings,
            origin.findings(),
            &facts.findings,
            &portable.findings,
            &vapid,
            version.as_slice(),
        ]
        .concat();
        found(told, &findings);
        Ok(Self { settings, origin, facts, installation, portable, findings })
    }

    fn preflight(&self, options: &Options, created_at: DateTime<Utc>) -> Preflight {
        let Self { settings, facts, installation, .. } = self;
        let mut schema = facts.schema.clone();
        schema.post_deployment_complete = installation.complete(&facts.migrations);
        Preflight {
            format: VERSION,
            made_by: options.made_by.clone(),
            created_at,
            consistency: options.mode,
            domains: settings.domains.clone(),
            mastodon: Mastodon {
                version: installation.version.clone(),
                source: settings.source_code.url.clone(),
                commit: settings.source_code.commit.clone().or_else(|| installation.commit.clone()),
                fork: facts.fork,
            },
            schema,
            postgresql: facts.postgresql.clone(),
            media: settings.media.facts(),
            counts: facts.counts.clone(),
            expected: facts.expected.clone(),
            ciphertexts: facts.ciphertexts.clone(),
        }
    }
}

enum Dumping {
    /// By an earlier run.
    Done(FinishedDump),
    Begun(Running, DumpFacts),
}

struct Making<'a> {
    options: &'a Options,
    server: &'a Server,
    writer: Arc<Writer>,
    now: &'a (dyn Fn() -> DateTime<Utc> + Sync),
    told: &'a Told,
}

impl Making<'_> {
    async fn make(self) -> Result<Created, CreateError> {
        let manifest = path(format::MANIFEST)?;
        if self.writer.files().contains_key(&manifest) {
            // It was killed at its very end: nothing is left to make.
            let kept = self.writer.read_back(&manifest, 64 << 20).await?;
            self.sign(&kept).await?;
            let manifest = serde_json::from_slice(&kept).map_err(|source| CreateError::Kept { path: format::MANIFEST, source })?;
            let findings = self.server.findings.clone();
            Arc::into_inner(self.writer).ok_or(CreateError::StillWriting)?.finish().await?;
            return Ok(Created { manifest, findings });
        }
        // `pg_dump` looks around while the rest is looked at, and waits for its reader then.
        let dumping = match self.writer.dump() {
            Some(dumped) => Dumping::Done(dumped),
            None => {
                let (running, facts) = self.server.origin.dump(self.options, &self.server.settings)?;
                Dumping::Begun(running, facts)
            }
        };
        let preflight = self.introduce().await?;
        let dumped = match dumping {
            Dumping::Done(dumped) => dumped,
            Dumping::Begun(running, facts) => self.dump(running, facts).await?,
        };
        let media = self.media().await?;
        (self.told)(Event::Stage { stage: Stage::Finishing, bytes: None, files: None });
        let inventory = self.writer.write_inventory().await?;
        self.lines(format::MISSING, &media.missing).await?;
        self.lines(format::ORPHANS, &media.orphans).await?;
        self.guide(&preflight).await?;
        let facts = InventoryFacts {
            files: inventory.files,
            bytes: inventory.bytes,
            sha256: inventory.file.sha256,
            missing: media.missing_count,
            orphans: media.orphan_count,
        };
        let tables = || dumped.tables.iter().map(|(name, facts)| (name.as_str(), facts.rows, facts.digest));
        let content_digest = ContentDigest::of(&inventory.digest, tables());
        let FinishedDump { dump, tables, .. } = dumped;
        let manifest = Manifest {
            format: VERSION,
            made_by: self.options.made_by.clone(),
            started_at: self.writer.run().started_at,
            finished_at: (self.now)(),
            consistency: self.options.mode,
            files: self.writer.files(),
            inventory: facts,
            dump,
            tables,
            content_digest,
            seal: self.options.seal.facts(),
        };
        let said = json(&manifest);
        self.write(format::MANIFEST, said.clone()).await?;
        self.sign(said.as_bytes()).await?;
        let findings = [self.server.findings.clone(), media.findings].concat();
        let writer = Arc::into_inner(self.writer).ok_or(CreateError::StillWriting)?;
        writer.finish().await?;
        Ok(Created { manifest, findings })
    }

    /// What a receiver needs first. A resumed run keeps it: it says when the bundle was begun.
    async fn introduce(&self) -> Result<Preflight, CreateError> {
        // Until the dump is finished, a tree's other files are written anew with it: they describe one moment. A tar takes each file once.
        let is_tree = !matches!(self.options.to, Place::TarFile(_) | Place::Pipe);
        let keeps = self.writer.dump().is_some() || !is_tree;
        let there = |path: &str| self.writer.files().keys().any(|it| it.as_str() == path);
        let has = |path: &str| keeps && there(path);
        let secrets = self.sealed_name(format::SECRETS);
        if there(&secrets) {
            self.same_passphrase(&secrets).await?;
        }
        let preflight = if self.writer.dump().is_some() && has(format::PREFLIGHT) {
            let kept = self.writer.read_back(&path(format::PREFLIGHT)?, 64 << 20).await?;
            serde_json::from_slice(&kept).map_err(|source| CreateError::Kept { path: format::PREFLIGHT, source })?
        } else {
            self.server.preflight(self.options, self.writer.run().started_at)
        };
        if !has(format::PREFLIGHT) {
            self.write(format::PREFLIGHT, json(&preflight)).await?;
        }
        if !has(format::ENV_DOTENV) {
            self.write(format::ENV_DOTENV, self.server.portable.dotenv.clone()).await?;
        }
        if !has(format::ENV_COMPOSE) {
            self.write(format::ENV_COMPOSE, self.server.portable.compose.clone()).await?;
        }
        if let Some(key) = self.options.recovery_key.as_ref().filter(|_| !has(format::RECOVERY_KEY)) {
            self.write(format::RECOVERY_KEY, key.as_bytes().to_vec()).await?;
        }
        if !has(&secrets) {
            let text = self.server.settings.identity.to_dotenv().map_err(|name| CreateError::Unwritable { name })?;
            self.write(&secrets, self.sealed(&text)?).await?;
        }
        if !has(format::CHECKS) {
            (self.told)(Event::Stage { stage: Stage::Checking, bytes: None, files: None });
            self.write(format::CHECKS, json(&self.server.origin.checks().await?)).await?;
        }
        Ok(preflight)
    }

    /// A resumed run has to seal what is left as what is there was sealed.
    async fn same_passphrase(&self, secrets: &str) -> Result<(), CreateError> {
        let SealWith::Recipients(Recipients::Passphrase { passphrase, .. }) = &self.options.seal else { return Ok(()) };
        let sealed = self.writer.read_back(&path(secrets)?, 1 << 20).await?;
        Identities::passphrase(passphrase.clone())
            .and_then(|it| seal::open(secrets, &sealed, &it))
            .map(drop)
            .map_err(CreateError::OtherPassphrase)
    }

    async fn guide(&self, preflight: &Preflight) -> Result<(), CreateError> {
        let seal = self.options.seal.facts();
        let mut files = self.writer.files();
        // Of a try that was killed here.
        files.remove(&path("restore.sh")?);
        let guide = Guide { preflight, seal: &seal, files: &files, blanked: &self.server.portable.blanked };
        self.write("proxy/nginx.conf", guide.nginx()?).await?;
        self.write("proxy/media-redirects.txt", guide.media_redirects()?).await?;
        self.write("RESTORE.md", guide.restore_md()?).await?;
        self.write("restore.sh", guide.restore_sh()?).await?;
        Ok(())
    }

    async fn lines(&self, name: &str, lines: &str) -> Result<(), CreateError> {
        if lines.is_empty() && !self.writer.files().contains_key(&path(name)?) {
            Ok(())
        } else {
            self.write(name, lines.to_owned()).await.map(drop)
        }
    }

    async fn sign(&self, manifest: &[u8]) -> Result<(), CreateError> {
        match &self.options.sign {
            Some(key) => self.write(format::SIGNATURE, key.sign(manifest)).await.map(drop),
            None => Ok(()),
        }
    }

    async fn write(&self, name: &str, content: impl Into<Bytes>) -> Result<FileFacts, CreateError> {
        Ok(self.writer.write_small(&path(name)?, content.into()).await?)
    }

    fn sealed_name(&self, name: &str) -> String {
        match self.options.seal {
            SealWith::Plain => name.to_owned(),
            SealWith::Recipients(_) => format!("{name}{}", format::SEALED),
        }
    }

    fn sealed(&self, text: &SecretString) -> Result<Vec<u8>, CreateError> {
        match &self.options.seal {
            SealWith::Plain => Ok(text.expose_secret().as_bytes().to_vec()),
            SealWith::Recipients(recipients) => Ok(Sealer::seal(text.expose_secret().as_bytes(), recipients)?),
        }
    }
}

/// Whoever takes the bundle in has to load the schema of its release.
fn unknown_version(installation: &Installation) -> Option<Finding> {
    installation.version.is_none().then(|| {
        let sentence = "which version of Mastodon it is was not found beside the .env.production: give --mastodon-version, or no Howdah takes the bundle in";
        notice("mastodon", "unknown_version", sentence)
    })
}

impl SealWith {
    fn facts(&self) -> Seal {
        match self {
            Self::Plain => Seal::Plain,
            Self::Recipients(recipients) => recipients.named(),
        }
    }
}

fn path(name: &str) -> Result<BundlePath, CreateError> {
    Ok(BundlePath::parse(name)?)
}

/// Our own types are always JSON.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).map(|it| it + "\n").unwrap_or_default()
}
