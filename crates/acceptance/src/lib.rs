//! What the acceptance tests share: they run against a stack that is up, inside its network namespace.
//!
//! `cargo xtask test` starts the stack and sets `HOWDAH_STACK`; by hand it is `cargo xtask inside -- cargo test -p howdah-acceptance`.

pub mod admin;
pub mod api;
pub mod cluster;
pub mod dns;
pub mod fence;
pub mod leftovers;
pub mod mail;
pub mod metrics;
pub mod moving;
pub mod neighbour;
pub mod pods;
pub mod processes;
pub mod record;
pub mod s3;
pub mod server;
pub mod shelf;
pub mod site;
pub mod stack;
pub mod tenants;
pub mod turn;
pub mod visit;
pub mod visitor;
pub mod wait;
pub mod world;

pub use stack::Stack;
pub use wait::until;
pub use world::World;
