//! Sign-ups as they go over the wire.

use chrono::{DateTime, Utc};
use howdah_app::sign_up::WaitingSignUp;
use howdah_domain::{AccountId, SignUpId};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::words;

/// Somebody who confirmed their e-mail address and waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignUp {
    id: Uuid,
    #[schema(max_length = 200)]
    name: String,
    #[schema(max_length = 254)]
    email: String,
    #[schema(max_length = 200)]
    account_name: String,
    asked_at: DateTime<Utc>,
    confirmed_at: DateTime<Utc>,
}

/// A sign-up that an operator decided.
#[derive(Debug, Serialize, ToSchema)]
pub struct DecidedSignUp {
    id: Uuid,
    #[schema(schema_with = words::decision)]
    decision: &'static str,
    /// The account that was opened: none where it was refused.
    account_id: Option<Uuid>,
}

impl From<WaitingSignUp> for SignUp {
    fn from(it: WaitingSignUp) -> Self {
        Self {
            id: it.id.as_uuid(),
            name: it.name,
            email: it.email,
            account_name: it.account_name,
            asked_at: it.asked_at,
            confirmed_at: it.confirmed_at,
        }
    }
}

impl DecidedSignUp {
    pub fn approved(id: SignUpId, account: AccountId) -> Self {
        Self { id: id.as_uuid(), decision: "approved", account_id: Some(account.as_uuid()) }
    }

    pub fn refused(id: SignUpId) -> Self {
        Self { id: id.as_uuid(), decision: "refused", account_id: None }
    }
}
