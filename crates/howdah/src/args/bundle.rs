//! `howdah bundle …`: the portable bundle of a Mastodon server, hosted here or anywhere else.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use howdah_bundle::load::Mark;
use howdah_bundle::outside::Network;
use howdah_bundle::place::Location;
use howdah_bundle::seal::RecoveryKey;

#[derive(Subcommand)]
pub enum BundleCommand {
    /// Make a bundle of a Mastodon server, from its .env.production.
    ///
    /// Run it on the server's machine, as the user that Mastodon runs as. It reads the database (as Mastodon's own role, in one snapshot) and the media, writes
    /// nothing but the bundle, and can be stopped and started again: finished files are not moved again.
    ///
    /// Examples:
    ///   howdah bundle create --env-file /home/mastodon/live/.env.production --to /backup/birds --recipient age1…
    ///   howdah bundle create --env-file .env.production --to s3://backups/birds --passphrase-file phrase.txt
    ///   howdah bundle create --from-dump backup.dump --env-file .env.production --mastodon-version 4.5.11 --to birds --recipient age1…
    #[command(verbatim_doc_comment)]
    Create(Box<CreateArgs>),
    /// Say what a bundle is, on one screen.
    Inspect(InspectArgs),
    /// Check that a bundle is whole: every digest, the dump row by row, the secrets on a stored value.
    ///
    /// Exit 0 only if all holds; 1 if something is not what the bundle says; 3 if all that could be read holds, and what is sealed was not opened;
    /// 2 if it could not be looked at.
    Verify(VerifyArgs),
    /// Bring a bundle's data (or a raw pg_dump file) into a database and a media store, running no SQL of the dump's.
    ///
    /// The database has to hold the empty schema of the bundle's Mastodon release: `RAILS_ENV=production bin/rails db:schema:load`.
    #[command(verbatim_doc_comment)]
    Restore(Box<RestoreArgs>),
    /// Bring a bundle to a Howdah that takes the server in: begin the import there, and give its address.
    ///
    /// It can be stopped and started again: what has arrived is not sent twice.
    Push(PushArgs),
    /// Bring a bundle from somebody's URL or bucket to the Howdah that pulls it: what the Job of a pull runs.
    ///
    /// It connects to nothing but the public internet, the networks that are excepted, and the Howdah itself. What leads to the source is in
    /// the environment: `HOWDAH_PULL_FROM` (https://…/FILE.tar, or s3://bucket/prefix with `AWS_…`), and `HOWDAH_PULL_KEY`.
    #[command(verbatim_doc_comment)]
    Pull(PullArgs),
}

impl BundleCommand {
    /// Whether what is told is for a program.
    pub fn json(&self) -> bool {
        let output = match self {
            Self::Create(args) => &args.output,
            Self::Inspect(args) => &args.output,
            Self::Verify(args) => &args.output,
            Self::Restore(args) => &args.output,
            Self::Push(args) => &args.output,
            Self::Pull(args) => &args.output,
        };
        output.json
    }
}

#[derive(Args)]
pub struct CreateArgs {
    /// The server's .env.production; without it this process' own environment is read.
    #[arg(long, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
    /// A dump instead of the database, where that is not at hand: one file in custom format (`pg_dump -Fc`). No database is connected to, and
    /// nothing that the dump says is run.
    #[arg(long, value_name = "FILE")]
    pub from_dump: Option<PathBuf>,
    /// Where media lies on disk, if not in public/system beside the .env.production.
    #[arg(long, value_name = "DIR")]
    pub public_system: Option<PathBuf>,
    /// Take no media along: all of it is listed as missing.
    #[arg(long, conflicts_with = "public_system")]
    pub no_media: bool,
    /// A folder, FILE.tar, `-` (a tar to standard output), or s3://bucket/prefix (by `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`; or by the same with `HOWDAH_BUNDLE_` before each, where those are the server's own).
    #[arg(long, value_name = "WHERE")]
    pub to: Location,
    /// The bucket is somebody's who must not reach what only this machine does: nothing but the public internet is connected to there, and the
    /// networks that are excepted.
    #[arg(long)]
    pub outside: bool,
    #[command(flatten)]
    pub reach: OutsideArgs,
    #[command(flatten)]
    pub seal: SealArgs,
    /// A key that a passphrase opens, of one of the recipients: an age identity file, sealed itself, in base64. It goes into the bundle.
    #[arg(long, env = "HOWDAH_BUNDLE_RECOVERY_KEY", value_name = "BASE64", requires = "recipients")]
    pub recovery_key: Option<RecoveryKey>,
    /// Sign it: an Ed25519 key in PEM, as `openssl genpkey -algorithm ed25519` makes one.
    #[arg(long, value_name = "FILE")]
    pub sign_key: Option<PathBuf>,
    /// What the server does meanwhile: it serves; nobody can write and its queues are empty; nothing of it runs.
    #[arg(long, value_enum, default_value = "live")]
    pub mode: Mode,
    /// An earlier bundle of this server: media that has not changed since is not read again.
    #[arg(long, value_name = "WHERE")]
    pub incremental_from: Option<Location>,
    /// For a tar to a pipe: where the dump is kept until its size is known.
    #[arg(long, value_name = "DIR")]
    pub spool: Option<PathBuf>,
    /// The pg_dump of the server's own major version, if it is not where Debian puts it.
    #[arg(long, env = "PG_DUMP", value_name = "FILE")]
    pub pg_dump: Option<PathBuf>,
    /// Mastodon's version, where its folder is not beside the .env.production to say it.
    #[arg(long, value_name = "VERSION")]
    pub mastodon_version: Option<String>,
    #[command(flatten)]
    pub job: JobArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// For a Job in a cluster: whom it tells how far it is, and how it ended.
#[derive(Args)]
pub struct JobArgs {
    /// Answer at http://ADDRESS:PORT/progress how far it is, as JSON.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub progress_listen: Option<SocketAddr>,
    /// Where the end is told, as JSON: Kubernetes' termination message.
    #[arg(long, value_name = "FILE")]
    pub termination_log: Option<PathBuf>,
}

/// With what the dump and the secrets are sealed.
#[derive(Args)]
#[group(required = true, multiple = false, id = "seal")]
pub struct SealArgs {
    /// An age recipient, `age1…` (made by `age-keygen`); may be given more than once.
    #[arg(long = "recipient", value_name = "age1…", group = "seal")]
    pub recipients: Vec<String>,
    /// A file whose first line is the passphrase.
    #[arg(long, value_name = "FILE", group = "seal")]
    pub passphrase_file: Option<PathBuf>,
    /// Seal nothing: whoever gets the bundle reads private posts, addresses and keys.
    #[arg(long, group = "seal")]
    pub plain: bool,
}

/// With what a sealed bundle is opened.
#[derive(Args)]
pub struct OpenArgs {
    /// An age identity file (`AGE-SECRET-KEY-1…`).
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    pub identity: Option<PathBuf>,
    /// A file whose first line is the passphrase.
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

#[derive(Args)]
pub struct InspectArgs {
    /// A folder, FILE.tar, `-` or s3://bucket/prefix.
    pub from: Location,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args)]
pub struct VerifyArgs {
    /// A folder, FILE.tar, `-` or s3://bucket/prefix.
    pub from: Location,
    #[command(flatten)]
    pub open: OpenArgs,
    /// Who has to have signed it: a public Ed25519 key in PEM (`openssl pkey -in KEY -pubout`). Of more than one, any.
    #[arg(long = "signer", value_name = "FILE")]
    pub signers: Vec<PathBuf>,
    /// Also load it into this scratch database, which holds the release's empty schema and is left as it is then; what was found is written into the
    /// bundle, as VERIFY.json.
    #[arg(long, env = "HOWDAH_BUNDLE_SCRATCH_DATABASE_URL", hide_env_values = true, value_name = "postgres://…")]
    pub restore: Option<String>,
    /// Sign VERIFY.json: an Ed25519 key in PEM.
    #[arg(long, value_name = "FILE", requires = "restore")]
    pub sign_key: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args)]
pub struct RestoreArgs {
    /// A folder, FILE.tar or s3://bucket/prefix.
    #[arg(required_unless_present = "dump")]
    pub from: Option<Location>,
    /// A raw dump instead (`pg_dump -Fc`, `-Fd` or plain SQL).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "media_to", "env_to", "identity", "passphrase_file", "signers"])]
    pub dump: Option<PathBuf>,
    #[command(flatten)]
    pub open: OpenArgs,
    /// Who has to have signed it: a public Ed25519 key in PEM. Of more than one, any.
    #[arg(long = "signer", value_name = "FILE")]
    pub signers: Vec<PathBuf>,
    /// The database to load, with the release's empty schema.
    #[arg(long, env = "HOWDAH_BUNDLE_DATABASE_URL", hide_env_values = true, value_name = "postgres://…")]
    pub database_url: String,
    /// Load rows, too, that a corrupt index let in twice, and leave the unique indexes off that they don't fit: each is named, to be repaired by
    /// `tootctl maintenance fix-duplicates` before Mastodon starts.
    #[arg(long)]
    pub allow_duplicates: bool,
    /// Leave this in the database with the rows, as the comment on the table `accounts`; where it is there already, nothing is done.
    #[arg(long, value_name = "MARK", conflicts_with = "dump")]
    pub mark: Option<Mark>,
    /// SHA-256 of the bundle's MANIFEST.json: another bundle is refused.
    #[arg(long, value_name = "HEX", requires = "from")]
    pub manifest_sha256: Option<String>,
    /// Where media goes: a folder (public/system) or s3://bucket/prefix (by `AWS_…` as they are; what the bundle is read with may have
    /// `HOWDAH_BUNDLE_` before each). What an earlier run has put into a bucket, and is the same, is left there.
    #[arg(long, value_name = "DIR|s3://…")]
    pub media_to: Option<Location>,
    /// Where the environment goes, the secrets with it: a new file, readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    pub env_to: Option<PathBuf>,
    /// For a Job in a cluster: where a failure is told, Kubernetes' termination message. What no further try can mend ends it with exit code 4 then.
    #[arg(long, value_name = "FILE")]
    pub termination_log: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args)]
pub struct PushArgs {
    /// A folder, FILE.tar, `-` (a tar from standard input) or s3://bucket/prefix.
    pub from: Location,
    /// The import's address: https://…/api/v1/imports/…
    #[arg(long, value_name = "URL")]
    pub to: url::Url,
    /// A file with the API token, of the scope `write`; without it `HOWDAH_TOKEN` counts.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args)]
pub struct PullArgs {
    /// The pull's address: https://…/api/v1/pulls/…
    #[arg(long, env = "HOWDAH_PULL_TO", value_name = "URL")]
    pub to: url::Url,
    #[command(flatten)]
    pub reach: OutsideArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How far what somebody names may lead.
#[derive(Args)]
pub struct OutsideArgs {
    /// Networks that may be connected to besides the public internet, or single addresses.
    #[arg(long = "outside-allowed-cidr", env = "HOWDAH_OUTSIDE_ALLOWED_CIDRS", value_delimiter = ',', value_name = "CIDR")]
    pub allowed: Vec<Network>,
    /// Certificates in PEM that are trusted besides the public ones.
    #[arg(long, env = "HOWDAH_EXTRA_CA_FILE", value_name = "FILE")]
    pub extra_ca: Option<PathBuf>,
}

#[derive(Args)]
pub struct OutputArgs {
    /// Events and results as JSON, a line each.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub enum Mode {
    Live,
    Drained,
    Stopped,
}
