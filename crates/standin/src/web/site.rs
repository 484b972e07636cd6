//! What every request of the web process shares.

use std::sync::OnceLock;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use tokio::sync::Notify;

use crate::clock;
use crate::config::Config;
use crate::crypto::keys::ResetPasswordTokens;
use crate::crypto::verifier::MessageVerifier;
use crate::database::Pool;
use crate::jobs::Jobs;
use crate::objects::{Census, Rule};
use crate::settings_store;

pub struct Site {
    pub config: Config,
    pub database: Pool,
    /// Whether `SELF_DESTRUCT` holds this server's own word. A forged one counts as none.
    pub self_destructing: bool,
    pub answered_health: Notify,
    tokens: OnceLock<ResetPasswordTokens>,
}

impl Site {
    pub fn new(config: Config) -> anyhow::Result<Self> {
        Ok(Self {
            database: Pool::new(&config.database, config.web_threads),
            self_destructing: self_destructing(&config),
            answered_health: Notify::new(),
            tokens: OnceLock::new(),
            config,
        })
    }

    /// Made at first use: the key takes a tenth of a second.
    pub fn tokens(&self) -> &ResetPasswordTokens {
        self.tokens.get_or_init(|| ResetPasswordTokens::new(&self.config.identity.secret_key_base))
    }

    pub async fn jobs(&self) -> anyhow::Result<Jobs> {
        Ok(Jobs::connect(&self.config.redis).await?)
    }

    pub async fn census(&self) -> anyhow::Result<Census> {
        let client = self.database.get().await?;
        let row = client
            .query_one(
                "SELECT (SELECT count(*) FROM users WHERE confirmed_at IS NOT NULL AND approved),
                        (SELECT count(*) FROM statuses WHERE local AND deleted_at IS NULL)",
                &[],
            )
            .await?;
        let rules = client.query("SELECT id, text, hint FROM rules WHERE deleted_at IS NULL ORDER BY priority, id", &[]).await?;
        let setting = async |name, default: &str| -> anyhow::Result<String> {
            Ok(settings_store::word(&*client, name).await?.unwrap_or_else(|| default.to_owned()))
        };
        Ok(Census {
            users: row.get(0),
            posts: row.get(1),
            registrations: setting("registrations_mode", "none").await?,
            contact_email: setting("site_contact_email", "").await?,
            contact_username: setting("site_contact_username", "").await?,
            rules: rules.iter().map(|row| Rule { id: row.get(0), text: row.get(1), hint: row.get(2) }).collect(),
            title: setting("site_title", "Mastodon").await?,
        })
    }
}

/// `SelfDestructHelper.self_destruct?` (UP:app/helpers/self_destruct_helper.rb).
pub fn self_destructing(config: &Config) -> bool {
    config.self_destruct.as_deref().is_some_and(|token| {
        let verifier = MessageVerifier::new(&config.identity.secret_key_base, "self-destruct");
        verifier.verified(token, clock::now()).as_deref() == Some(config.identity.local_domain.as_str())
    })
}

/// Anything that went wrong in a request: a 500 page, as Rails shows one, with the reason in the log only.
#[derive(Debug)]
pub struct Failure(anyhow::Error);

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "We're sorry, but something went wrong on our end.")
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        StatusCode::INTERNAL_SERVER_ERROR
    }

    fn error_response(&self) -> HttpResponse {
        tracing::error!("{:#}", self.0);
        HttpResponse::InternalServerError().content_type("text/html; charset=utf-8").body(format!("<h1>500</h1><p>{self}</p>"))
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}
