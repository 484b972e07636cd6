//! One file an aggregate: its row, its insertable twin, and its queries, each named for the question it answers.
//!
//! Times are arguments, never the database's. A change of what others may be changing too says which revision it is a change
//! of, and answers `None` where that is no longer the row's: a conflict, not a success.

pub mod account;
pub mod address_look;
pub mod api_token;
pub mod attempt;
pub mod audit;
pub mod audit_anchor;
pub mod billing;
pub mod domain;
pub mod export;
pub mod export_bucket;
pub mod export_schedule;
pub mod final_bundle;
pub mod idempotency;
pub mod identity;
pub mod import;
pub mod import_pull;
pub mod incident;
pub mod instance;
pub mod invitation;
pub mod job;
pub mod job_list;
mod lifecycle;
pub mod listing;
pub mod mail;
pub mod move_out;
pub mod name_claim;
pub mod observation;
pub mod operation;
pub mod orphan;
pub mod overview;
pub mod owner_bootstrap;
pub mod passkey;
pub mod passkey_ceremony;
pub mod person;
pub mod person_link;
pub mod place;
pub mod probe;
pub mod public_face;
pub mod second_factor;
mod secret;
pub mod session;
pub mod settings;
pub mod sign_in_challenge;
pub mod sign_up;
pub mod sync;
pub mod tally;
