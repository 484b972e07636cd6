//! `howdah-standin reach-out --inbox URL`: all that a server does outward by itself, once: it asks for a newer release, opens a session with
//! its relay, delivers to another server. For tests of what may leave.
//!
//! It says of each attempt how it ended, and ends well only if somebody answered.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::config::{Config, Env};
use crate::database::Pool;
use crate::{delivery, net, people};

/// UP:app/services/software_update_check_service.rb
const UPDATE_CHECK: &str = "https://api.joinmastodon.org/update-check";
/// For a connection that is dropped on its way.
const PATIENCE: Duration = Duration::from_secs(5);

pub async fn run(config: Config, env: &Env, inbox: &str) -> anyhow::Result<()> {
    let attempts = [
        ("update check", check_for_updates(&config, env).await),
        ("mail", greet_relay(env).await),
        ("delivery", deliver(&config, inbox).await),
    ];
    let answered = attempts.iter().filter(|(_, ended)| ended.is_ok()).count();
    for (what, ended) in &attempts {
        match ended {
            Ok(()) => println!("{what}: answered"),
            Err(error) => println!("{what}: {error:#}"),
        }
    }
    if answered == 0 { bail!("nobody answered") } else { Ok(()) }
}

async fn check_for_updates(config: &Config, env: &Env) -> anyhow::Result<()> {
    let url = env.get("UPDATE_CHECK_URL").unwrap_or(UPDATE_CHECK);
    let http = net::client(config.version, &config.identity.web_domain)?;
    Ok(http.get(format!("{url}?version={}", config.version)).send().await.map(drop)?)
}

async fn greet_relay(env: &Env) -> anyhow::Result<()> {
    let (server, port) = (env.get("SMTP_SERVER").context("no SMTP_SERVER")?, env.get("SMTP_PORT").unwrap_or("25"));
    let greeting = async {
        let mut relay = TcpStream::connect((server, port.parse()?)).await?;
        let mut code = [0; 3];
        relay.read_exact(&mut code).await?;
        anyhow::ensure!(&code == b"220", "{server} does not greet");
        Ok(())
    };
    timeout(PATIENCE, greeting).await.with_context(|| format!("{server} does not answer"))?
}

async fn deliver(config: &Config, inbox: &str) -> anyhow::Result<()> {
    let pool = Pool::new(&config.database, 1);
    let client = pool.get().await?;
    let row = client.query_one("SELECT id, username FROM accounts WHERE domain IS NULL AND id > 0 ORDER BY id LIMIT 1", &[]).await?;
    let (account, username): (i64, String) = (row.get(0), row.get(1));
    let activity = json!({"type": "Update", "actor": people::uri_of(&username, &config.identity)});
    let http = net::client(config.version, &config.identity.web_domain)?;
    delivery::deliver(&http, &client, config, &[Value::from(activity.to_string()), Value::from(account), Value::from(inbox)]).await
}
