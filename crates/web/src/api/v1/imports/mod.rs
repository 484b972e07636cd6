//! Imports: a server is brought in.

pub mod begin;
pub mod bringing;
pub mod cut_over;
pub mod discard;
pub mod files;
pub mod launch;
pub mod list;
pub mod look;
pub mod pull;
pub mod run;
pub mod show;
pub mod stop_pull;
pub mod wire;
