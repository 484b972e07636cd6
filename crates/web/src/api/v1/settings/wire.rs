//! Settings as they go over the wire.

use chrono::{DateTime, Utc};
use howdah_app::settings::{PlatformSettings, SettingsChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words;

/// What applies to the whole platform.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings {
    #[schema(schema_with = words::openness)]
    new_servers: &'static str,
    /// What the public reads where new servers are not open.
    #[schema(max_length = 500)]
    new_servers_sentence: String,
    /// Whether accounts are made for whoever asks.
    #[schema(schema_with = words::openness)]
    sign_ups: &'static str,
    /// For accounts without a number of their own.
    #[schema(minimum = 0)]
    servers_per_account: i32,
    #[schema(max_length = 254)]
    support_address: Option<String>,
    /// Free of charge: without it a launch waits until it is paid for or granted.
    grant_every_launch: bool,
    /// Rises with every change.
    #[schema(minimum = 1)]
    revision: i64,
    updated_at: DateTime<Utc>,
}

/// All that is to be set, so that nothing is changed by leaving it out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSettings {
    #[schema(schema_with = words::openness)]
    new_servers: String,
    /// What the public reads where new servers are not open. May be empty.
    #[schema(max_length = 500, example = "New servers are open again in May.")]
    new_servers_sentence: String,
    /// Whether accounts are made for whoever asks.
    #[schema(schema_with = words::openness)]
    sign_ups: String,
    /// For accounts without a number of their own.
    #[schema(minimum = 0, example = 1)]
    servers_per_account: i32,
    #[schema(min_length = 1, max_length = 254, example = "help@howdah.example")]
    support_address: String,
    /// Free of charge: without it a launch waits until it is paid for or granted.
    grant_every_launch: bool,
}

impl From<PlatformSettings> for Settings {
    fn from(it: PlatformSettings) -> Self {
        Self {
            new_servers: it.new_servers.as_str(),
            new_servers_sentence: it.new_servers_sentence,
            sign_ups: it.sign_ups.as_str(),
            servers_per_account: it.servers_per_account,
            support_address: it.support_address,
            grant_every_launch: it.grant_every_launch,
            revision: it.revision,
            updated_at: it.updated_at,
        }
    }
}

impl From<NewSettings> for SettingsChange {
    fn from(new: NewSettings) -> Self {
        Self {
            new_servers: new.new_servers,
            new_servers_sentence: new.new_servers_sentence.trim().to_owned(),
            sign_ups: new.sign_ups,
            servers_per_account: new.servers_per_account,
            support_address: new.support_address.trim().to_owned(),
            grant_every_launch: new.grant_every_launch,
        }
    }
}
