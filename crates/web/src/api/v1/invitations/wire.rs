//! Invitations as they go over the wire.

use chrono::{DateTime, Utc};
use howdah_app::members::InvitationView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::words::{self, RoleWord};

/// Somebody was asked to join the account, and has not yet.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invitation {
    id: Uuid,
    #[schema(max_length = 254)]
    email: String,
    #[schema(schema_with = words::role)]
    role: &'static str,
    #[schema(max_length = 200)]
    invited_by: String,
    created_at: DateTime<Utc>,
    /// Of the link that was mailed. It may have passed: invite anew.
    expires_at: DateTime<Utc>,
}

/// Somebody to ask.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// Whoever reads its mails can join.
    #[schema(min_length = 1, max_length = 1000, example = "eve@birds.example")]
    pub email: String,
    #[schema(schema_with = words::role)]
    pub role: RoleWord,
}

impl From<InvitationView> for Invitation {
    fn from(it: InvitationView) -> Self {
        Self {
            id: it.id.as_uuid(),
            email: it.email,
            role: it.role.as_str(),
            invited_by: it.invited_by,
            created_at: it.created_at,
            expires_at: it.expires_at,
        }
    }
}
