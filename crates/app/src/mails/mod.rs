//! Mails of the platform: one purpose each, the words once, from which plain text and HTML are made.
//!
//! A mail is put into the outbox in the transaction that it tells of. What opens something to whoever has it never stands in a
//! body there: it is a column of its own, put in where the bodies have a mark when the mail is sent, and forgotten then. What is no longer
//! so, or no longer its recipient's, when the mail is to be sent is not sent: the mail is dropped, with a reason.

mod addresses;
mod billing;
mod dropped;
mod letter;
mod outbox;
mod owner_link;
mod passkeys;
mod people;
mod previews;
mod second_factor;
mod words;

pub(crate) use addresses::{address_works, records_missing};
pub(crate) use billing::{ending, removed};
pub use dropped::Dropped;
pub use letter::{Mail, Rendered};
pub use outbox::{SentMail, find};
pub(crate) use outbox::{To, as_sent, never_proven, put, put_for_owners};
pub(crate) use passkeys::{passkey_added, passkey_removed};
pub(crate) use people::{member_invited, member_joined, member_removed, member_role_changed};
pub use previews::{Preview, previews};
pub(crate) use second_factor::*;
pub(crate) use words::*;
