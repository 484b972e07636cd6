//! The portable bundle: everything that a Mastodon server is, in an open format (`docs/bundle/`), to take along to any host or a bare
//! machine, to verify, and to bring back.
//!
//! Nothing here knows Kubernetes or Howdah's own record: the same code runs in a Job beside a tenant and on any Mastodon server outside.
//! What is read (a bundle, a dump, a server's database) is hostile until it is parsed; no SQL of a dump's is ever executed.
//!
//! [`create`] makes one of a [`source`] and its [`media`], [`verify`] checks one, [`restore`] brings one back by the safe loader ([`load`]).

pub mod archive;
pub mod create;
pub mod format;
pub mod guide;
pub mod load;
pub mod media;
pub mod outside;
pub mod place;
pub mod progress;
pub mod push;
pub mod receive;
pub mod restore;
mod rows;
pub mod s3;
pub mod seal;
pub mod sign;
pub mod source;
pub mod verify;

/// Whether it is worth to ask again.
fn may_pass(status: reqwest::StatusCode) -> bool {
    status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS
}
