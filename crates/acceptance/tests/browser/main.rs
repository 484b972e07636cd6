//! The pages as people use them: in Debian's chromium, inside the stack's network, by labels, words and keys.
//!
//! Every test has customers of its own. Each page that is passed goes into the test's album, which holds it to what every page of
//! ours is held to. Pictures lie in `target/screenshots` afterwards, for whoever changes a page to look at.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod account;
mod album;
mod bad_days;
mod bad_launches;
mod browser;
mod customer;
mod driver;
mod keyboard;
mod move_in;
mod moving;
mod operator;
mod paid;
mod passkeys;
mod people;
mod planted;
mod planted_server;
mod public;
mod second_factor;
mod server_pages;
mod states;
mod take_along;
mod webdriver;
