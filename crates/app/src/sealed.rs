//! What lies sealed in the record for a server's Secrets in the inbox: environment variables by name, as JSON.
//!
//! Born with the server, opened by the sync alone, destroyed with the server's data.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::identity::{IdentitySecret, SealedError};
use howdah_db::seal::KeyRing;
use secrecy::ExposeSecret;
use uuid::Uuid;

/// Environment variables by name.
pub type Variables = BTreeMap<String, String>;

/// Which Secret of the inbox it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The server's identity: version 1 and no other, for ever.
    Identity,
    /// Its login at the mail relay.
    Smtp,
    /// What opens the bundle that it is made of, until it is.
    BundleKey,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Smtp => "smtp",
            Self::BundleKey => "bundle_key",
        }
    }
}

/// Seals the first version; fails where there is one: nothing of this is ever made anew.
///
/// # Errors
/// [`SealedError`].
pub async fn seal(
    conn: &mut Conn,
    keys: &KeyRing,
    instance_id: Uuid,
    kind: Kind,
    variables: &Variables,
    now: DateTime<Utc>,
) -> Result<(), SealedError> {
    let plain = serde_json::to_vec(variables).expect("a map of texts is JSON");
    IdentitySecret::insert(conn, keys, instance_id, kind.as_str(), 1, &plain, now).await
}

/// What it was for is done.
///
/// # Errors
/// The query's.
pub async fn forget(conn: &mut Conn, instance_id: Uuid, kind: Kind) -> howdah_db::QueryResult<()> {
    IdentitySecret::forget(conn, instance_id, kind.as_str()).await.map(drop)
}

/// `None` where nothing of that kind was sealed, or what was sealed is no map of texts.
///
/// # Errors
/// [`SealedError`].
pub async fn open(conn: &mut Conn, keys: &KeyRing, instance_id: Uuid, kind: Kind) -> Result<Option<Variables>, SealedError> {
    let plain = IdentitySecret::open(conn, keys, instance_id, kind.as_str()).await?;
    Ok(plain.and_then(|it| serde_json::from_slice(it.expose_secret()).ok()))
}
