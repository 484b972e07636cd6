//! Servers.

pub mod adopt;
pub mod approve;
mod changed;
pub mod check;
pub mod close;
pub mod close_now;
pub mod create;
pub mod list;
pub mod look;
pub mod move_out;
pub mod move_out_done;
pub mod move_out_media;
pub mod operations;
pub mod overwrite;
pub mod owner_link;
pub mod owner_link_new;
pub mod remove;
pub mod show;
pub mod undo;
pub mod wire;
