//! Accounts, their users and keys: the rows that `tootctl`, the pages and federation share.

use anyhow::Context;
use tokio_postgres::{Client, GenericClient};

use crate::config::{Config, Identity};
use crate::crypto::record_encryption::RecordCipher;
use crate::crypto::signing::ActorKey;

/// The account that the server itself signs as.
pub const INSTANCE_ACTOR: i64 = -99;
const INSTANCE_ACTOR_NAME: &str = "mastodon.internal";
const MAIN_KEY: &str = "#main-key";

/// A local account, as its actor document shows it.
pub struct LocalAccount {
    pub id: i64,
    pub username: String,
    pub display_name: String,
    pub avatar_file_name: Option<String>,
    pub suspended: bool,
}

impl LocalAccount {
    pub async fn find(client: &Client, username: &str) -> Result<Option<Self>, tokio_postgres::Error> {
        let row = client
            .query_opt(
                "SELECT id, username, display_name, avatar_file_name, suspended_at IS NOT NULL FROM accounts
                 WHERE domain IS NULL AND lower(username) = lower($1)",
                &[&username],
            )
            .await?;
        Ok(row.map(|row| Self {
            id: row.get(0),
            username: row.get(1),
            display_name: row.get(2),
            avatar_file_name: row.get(3),
            suspended: row.get(4),
        }))
    }

    pub fn uri(&self, identity: &Identity) -> String {
        uri_of(&self.username, identity)
    }
}

pub fn uri_of(username: &str, identity: &Identity) -> String {
    format!("https://{}/users/{username}", identity.web_domain)
}

/// A name that Mastodon lets a local account have (UP:app/models/account.rb, USERNAME_RE and its length).
pub fn is_username(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.len() <= 30
        && name.bytes().next().is_some_and(word)
        && name.bytes().last().is_some_and(word)
        && name.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

/// Whether the key pairs live in a table of their own yet: between the two migrations of 4.7 both places are read.
async fn keys_have_a_table(client: &impl GenericClient) -> Result<bool, tokio_postgres::Error> {
    Ok(client.query_one("SELECT to_regclass('keypairs') IS NOT NULL", &[]).await?.get(0))
}

/// Makes a local account with a new key pair.
pub async fn create_account(client: &impl GenericClient, config: &Config, username: &str) -> anyhow::Result<i64> {
    let key = ActorKey::generate()?;
    let row = client
        .query_one(
            "INSERT INTO accounts (username, created_at, updated_at) VALUES ($1, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc') RETURNING id",
            &[&username],
        )
        .await?;
    let id = row.get(0);
    give_key(client, config, id, &key).await?;
    client
        .execute(
            "INSERT INTO account_stats (account_id, created_at, updated_at) VALUES ($1, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc')",
            &[&id],
        )
        .await?;
    Ok(id)
}

async fn give_key(client: &impl GenericClient, config: &Config, account: i64, key: &ActorKey) -> anyhow::Result<()> {
    if keys_have_a_table(client).await? {
        let sealed = RecordCipher::new(&config.identity).encrypt(&key.private_pem);
        store_keypair(client, account, &key.public_pem, &sealed).await?;
    } else {
        client
            .execute("UPDATE accounts SET public_key = $2, private_key = $3 WHERE id = $1", &[&account, &key.public_pem, &key.private_pem])
            .await?;
    }
    Ok(())
}

pub async fn store_keypair(
    client: &impl GenericClient,
    account: i64,
    public_key: &str,
    sealed_private_key: &str,
) -> Result<(), tokio_postgres::Error> {
    client
        .execute(
            "INSERT INTO keypairs (account_id, type, local_fragment, public_key, private_key) VALUES ($1, 0, $2, $3, $4)
             ON CONFLICT (account_id, local_fragment) DO UPDATE SET public_key = EXCLUDED.public_key, private_key = EXCLUDED.private_key",
            &[&account, &MAIN_KEY, &public_key, &sealed_private_key],
        )
        .await?;
    Ok(())
}

pub async fn public_key(client: &impl GenericClient, account: i64) -> anyhow::Result<String> {
    if keys_have_a_table(client).await?
        && let Some(row) = client.query_opt("SELECT public_key FROM keypairs WHERE account_id = $1 AND NOT revoked", &[&account]).await?
    {
        return Ok(row.get(0));
    }
    Ok(client.query_one("SELECT public_key FROM accounts WHERE id = $1", &[&account]).await?.get(0))
}

/// The private key of a local account. From 4.7 on it opens with the server's encryption keys only: without them nobody here can sign.
pub async fn private_key(client: &impl GenericClient, config: &Config, account: i64) -> anyhow::Result<String> {
    if keys_have_a_table(client).await?
        && let Some(row) = client.query_opt("SELECT private_key FROM keypairs WHERE account_id = $1 AND NOT revoked", &[&account]).await?
    {
        let sealed: Option<String> = row.get(0);
        return Ok(RecordCipher::new(&config.identity).decrypt(&sealed.context("the key pair has no private half")?)?);
    }
    let key: Option<String> = client.query_one("SELECT private_key FROM accounts WHERE id = $1", &[&account]).await?.get(0);
    key.with_context(|| format!("account {account} has no key"))
}

pub async fn ensure_instance_actor(client: &Client, config: &Config) -> anyhow::Result<()> {
    let made = client
        .execute(
            "INSERT INTO accounts (id, username, actor_type, locked, created_at, updated_at)
             VALUES ($1, $2, 'Application', true, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc') ON CONFLICT DO NOTHING",
            &[&INSTANCE_ACTOR, &INSTANCE_ACTOR_NAME],
        )
        .await?;
    if made == 1 {
        give_key(client, config, INSTANCE_ACTOR, &ActorKey::generate()?).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_mastodons() {
        for good in ["a", "alice", "alice_b", "a.b-c", "A1"] {
            assert!(is_username(good), "{good}");
        }
        for bad in ["", "a b", ".a", "a-", "ä", "a@b", "abcdefghijklmnopqrstuvwxyzabcdef"] {
            assert!(!is_username(bad), "{bad}");
        }
    }
}
