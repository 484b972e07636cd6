//! The operator without the rest of Howdah: resources and Secrets as `kubectl apply` would make them.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod drift;
mod life;
mod pauses;
mod quota;
mod retained;
mod rights;
mod rules;
