//! Why a bundle can't be brought back, and what to do.

use std::io;
use std::path::PathBuf;

use crate::format::{BundlePath, PathError, VERSION};
use crate::load::LoadError;
use crate::media::MediaError;
use crate::place::PlaceError;
use crate::seal::SealError;
use crate::source::{DatabaseError, Proof};

#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error("a pipe is read once, and a bundle is proved before it is loaded: save it to a FILE.tar first, and give that")]
    Pipe,
    #[error("{name} of the bundle is not as the format has it: run `howdah bundle verify` on it")]
    Unreadable { name: &'static str, source: serde_json::Error },
    #[error("the bundle is of version {version} of the format, and this program knows {VERSION}: take a newer howdah")]
    Version { version: u32 },
    #[error("MANIFEST.json is not the one that --manifest-sha256 names: the bundle was replaced since it was looked at. Nothing was begun")]
    Replaced,
    #[error("the bundle is sealed: give --identity with the key file, or --passphrase-file")]
    NoKey,
    #[error("the bundle is not signed, and --signer says by whom it has to be: get it from them. Nothing was begun")]
    NotSigned,
    #[error(
        "SIGNATURE is no signature of MANIFEST.json by the --signer given: it was changed, or somebody else signed it. Nothing was begun"
    )]
    SignatureDiffers,
    #[error("{path} of the bundle is not what it was when the bundle was made: fetch the bundle again. Nothing was begun")]
    Differs { path: BundlePath },
    #[error("the inventory of the bundle is not what MANIFEST.json says: fetch the bundle again. Nothing was loaded")]
    InventoryDiffers,
    #[error("the bundle's secrets lack {}: without them the server can't be brought back", names.join(", "))]
    Secrets { names: Vec<&'static str> },
    #[error("{name} has a value that can't be written to a file of settings")]
    Unwritable { name: &'static str },
    #[error("env/.env.production of the bundle is not text: run `howdah bundle verify` on it")]
    EnvironmentNotText,
    #[error("the bundle's secrets are not text: run `howdah bundle verify` on it")]
    SecretsNotText,
    #[error("the bundle's secrets don't open what its database holds: {}. Nothing was begun", proofs.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    WrongSecrets { proofs: Vec<Proof> },
    #[error("{} is there already: move it away, or name another file by --env-to. Nothing was begun", file.display())]
    EnvironmentThere { file: PathBuf },
    #[error("{} can't be written", file.display())]
    Environment { file: PathBuf, source: io::Error },
    #[error("media file {key} can't be put; nothing was loaded, and what was put stays: run it again")]
    Media { key: String, source: MediaError },
    #[error("media file {key} of the bundle is not what the inventory says: fetch the bundle again. Nothing was loaded")]
    MediaDiffers { key: String },
    #[error(
        "media file {key} does not lie in the tar where the inventory has it: somebody packed it anew in another order, or added to it. Unpack it (`tar -xf`), and \
         give the folder. Nothing was loaded, and what was put stays"
    )]
    Reordered { key: String },
    #[error("line {number} of the inventory is not as the format has it: run `howdah bundle verify` on the bundle")]
    Inventory { number: u64, source: serde_json::Error },
}
