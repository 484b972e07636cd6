//! What seals, opens and signs: recipients, identity files, passphrase files, signing keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use howdah_bundle::create::SealWith;
use howdah_bundle::seal::{Identities, Phrase, Recipients, WorkFactor};
use howdah_bundle::sign::{PublicKey, SigningKey};
use secrecy::SecretString;

use crate::args::bundle::{OpenArgs, SealArgs};
use crate::args::read_secret;

pub fn seal(args: &SealArgs) -> anyhow::Result<SealWith> {
    match &args.passphrase_file {
        Some(file) => Ok(SealWith::Recipients(Recipients::passphrase(passphrase(file)?, WorkFactor::PERSON)?)),
        None if args.plain => Ok(SealWith::Plain),
        None => Ok(SealWith::Recipients(Recipients::keys(&args.recipients)?)),
    }
}

pub fn open(args: &OpenArgs) -> anyhow::Result<Option<Arc<Identities>>> {
    let identities = match (&args.identity, &args.passphrase_file) {
        (Some(file), _) => Identities::file(&SecretString::from(read_secret(file)?))?,
        (None, Some(file)) => Identities::passphrase(passphrase(file)?)?,
        (None, None) => return Ok(None),
    };
    Ok(Some(Arc::new(identities)))
}

pub fn sign(file: Option<&Path>) -> anyhow::Result<Option<SigningKey>> {
    let key = |file: &Path| SigningKey::from_pem(&read_secret(file)?.into()).with_context(|| file.display().to_string());
    file.map(key).transpose()
}

pub fn signers(files: &[PathBuf]) -> anyhow::Result<Vec<PublicKey>> {
    files.iter().map(|file| PublicKey::from_pem(&read_secret(file)?).with_context(|| file.display().to_string())).collect()
}

/// Its first line; of a recovery phrase the words may stand apart in any way.
fn passphrase(file: &Path) -> anyhow::Result<SecretString> {
    let text = read_secret(file)?;
    Ok(Phrase::as_typed(text.lines().next().unwrap_or_default()))
}
