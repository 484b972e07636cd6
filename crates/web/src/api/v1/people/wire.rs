//! People of an account as they go over the wire.

use chrono::{DateTime, Utc};
use howdah_app::members::MemberView;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::words::{self, RoleWord};

/// Somebody who belongs to the account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    id: Uuid,
    #[schema(max_length = 200)]
    name: String,
    #[schema(max_length = 254)]
    email: String,
    #[schema(schema_with = words::role)]
    role: &'static str,
    since: DateTime<Utc>,
    /// Whose token this is.
    is_you: bool,
}

/// Another role in the account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    #[schema(schema_with = words::role)]
    pub role: RoleWord,
}

impl From<MemberView> for Member {
    fn from(it: MemberView) -> Self {
        Self { id: it.person.as_uuid(), name: it.name, email: it.email, role: it.role.as_str(), since: it.since, is_you: it.is_you }
    }
}
