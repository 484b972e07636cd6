//! Tokens as they go over the wire.

use chrono::{DateTime, Utc};
use howdah_app::tokens::{NewToken, TokenRequest, TokenView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::words;

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenToMake {
    /// Tells you later what it is for.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$", example = "deployment")]
    name: String,
    /// What it may be used for: no more than what you may do yourself.
    #[schema(min_items = 1, max_items = 16, schema_with = scopes)]
    scopes: Vec<String>,
    /// Within a year; in 90 days where it is left out.
    #[serde(default)]
    expires_at: Option<DateTime<Utc>>,
}

/// A token, without what it is made of.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    id: Uuid,
    #[schema(max_length = 100)]
    name: String,
    #[schema(schema_with = scopes)]
    scopes: Vec<&'static str>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    last_used_at: Option<DateTime<Utc>>,
}

/// A token that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeToken {
    #[serde(flatten)]
    view: Token,
    /// Shown now and never again: none where this answer is given a second time.
    #[schema(max_length = 200)]
    token: Option<String>,
}

fn scopes() -> utoipa::openapi::schema::Array {
    utoipa::openapi::schema::ArrayBuilder::new().items(words::scope()).min_items(Some(1)).max_items(Some(16)).build()
}

impl From<TokenToMake> for TokenRequest {
    fn from(new: TokenToMake) -> Self {
        Self { name: new.name, scopes: new.scopes, expires_at: new.expires_at }
    }
}

impl From<&TokenView> for Token {
    fn from(view: &TokenView) -> Self {
        Self {
            id: view.id.as_uuid(),
            name: view.name.clone(),
            scopes: view.scopes.iter().map(|it| it.as_str()).collect(),
            created_at: view.created_at,
            expires_at: view.expires_at,
            last_used_at: view.last_used_at,
        }
    }
}

impl MadeToken {
    /// As it may be kept and given again.
    pub fn without_secret(new: &NewToken) -> Self {
        Self { view: Token::from(&new.view), token: None }
    }

    pub fn with_secret(new: &NewToken, secret: &str) -> Self {
        Self { token: Some(secret.to_owned()), ..Self::without_secret(new) }
    }
}
