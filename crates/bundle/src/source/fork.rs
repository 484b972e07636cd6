//! Forks, by the columns that their `statuses` has and Mastodon's has not.

use super::notice;
use crate::format::{Finding, Fork};

/// `has`: whether `statuses` has a column of this name.
pub(super) fn of(has: impl Fn(&str) -> bool) -> Option<Fork> {
    // glitch-soc has both, Hometown the first; the others are Fedibird's and kmyblue's.
    if has("local_only") || has("content_type") {
        Some(Fork::GlitchSoc)
    } else if ["searchability", "limited_scope", "expires_at", "activity_pub_type"].into_iter().any(has) {
        Some(Fork::Unknown)
    } else {
        None
    }
}

pub(super) fn local_only(posts: u64) -> Finding {
    notice(
        "statuses.local_only",
        "local_only",
        format!("{posts} posts are meant for this server alone; Mastodon itself doesn't know that, and would show them to everybody"),
    )
}
