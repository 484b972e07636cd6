//! The files that describe a bundle. Their JSON Schemas are generated from these types into `docs/bundle/`; a change of meaning is a new
//! [`VERSION`].

mod checks;
mod digest;
mod inventory;
mod manifest;
mod path;
mod preflight;
mod verify;

pub use checks::{AmcheckResult, Checks, DuplicateRows, IndexCheck};
pub use digest::{ContentDigest, Multiset, Sha256Hex};
pub use inventory::{MediaFile, MediaKey, MissingMedia, OrphanMedia};
pub use manifest::{DumpFacts, FileFacts, InventoryFacts, Manifest, Seal, TableFacts};
pub use path::{BundlePath, PathError};
pub use preflight::{
    Ciphertext, Collation, Consistency, Counts, Domains, Expected, Extension, Fork, Mastodon, MediaStore, MediaStoreKind, Postgresql,
    Preflight, Schema,
};
pub use verify::{Finding, Severity, Verify};

/// Of the format. A reader refuses a bundle whose version it doesn't know.
pub const VERSION: u32 = 1;

/// Read first; in a tar the first member.
pub const PREFLIGHT: &str = "PREFLIGHT.json";
pub const MANIFEST: &str = "MANIFEST.json";
pub const VERIFY: &str = "VERIFY.json";
pub const SIGNATURE: &str = "SIGNATURE";
pub const VERIFY_SIGNATURE: &str = "VERIFY.SIGNATURE";
pub const ENV_DOTENV: &str = "env/.env.production";
pub const ENV_COMPOSE: &str = "env/.env.docker";
pub const SECRETS: &str = "env/secrets.env";
/// An age identity file that a passphrase opens, in a bundle that is sealed to it.
pub const RECOVERY_KEY: &str = "env/recovery-key.age";
pub const CHECKS: &str = "postgres/checks.json";
pub const DUMP: &str = "postgres/mastodon_production.dump";
pub const MEDIA: &str = "media";
pub const INVENTORY: &str = "media/INVENTORY.ndjson";
pub const MISSING: &str = "media/MISSING.ndjson";
pub const ORPHANS: &str = "media/ORPHANS.ndjson";
/// Ends the name of a file that is sealed with age.
pub const SEALED: &str = ".age";
