//! The operators' words.

use chrono::{DateTime, Utc};
use howdah_domain::listing::{OperationFilter, ServerSort};
use howdah_domain::{Deletion, Desired, Hold, NewServers, Standing};

use crate::pages::components::exact;

pub const fn sort(it: ServerSort) -> &'static str {
    match it {
        ServerSort::Newest => "Newest first",
        ServerSort::Oldest => "Oldest first",
        ServerSort::Domain => "Domain, A to Z",
        ServerSort::DomainDown => "Domain, Z to A",
    }
}

pub const fn operations(it: OperationFilter) -> &'static str {
    match it {
        OperationFilter::Live => "Under way",
        OperationFilter::HeldUp => "Held up",
        OperationFilter::Failed => "Failed",
        OperationFilter::Ended => "Ended",
        OperationFilter::All => "All",
    }
}

pub fn standing(it: &Standing) -> String {
    match it {
        Standing::Incomplete => "Never paid for, never granted".to_owned(),
        Standing::Trialing { until } => format!("On trial until {}", exact(*until)),
        Standing::Current { until } => format!("Paid until {}", exact(*until)),
        Standing::PastDue { since } => format!("A payment failed on {}", exact(*since)),
        Standing::Lapsed { since } => format!("Not paid since {}", exact(*since)),
        Standing::Cancelled { at } => format!("Cancelled on {}", exact(*at)),
        Standing::Granted { by, until } => format!("Granted by {by}{}", ends(*until)),
    }
}

fn ends(until: Option<DateTime<Utc>>) -> String {
    until.map(|it| format!(" until {}", exact(it))).unwrap_or_default()
}

pub fn desired(it: Desired) -> String {
    match it {
        Desired::Running => "Runs".to_owned(),
        Desired::ReadOnly { by } => format!("Is read-only, {}", held(by)),
        Desired::Suspended { by } => format!("Is suspended, {}", held(by)),
        Desired::Deleted { deletion: Deletion::MoveOut, after } => format!("Moves out since {}", exact(after)),
        Desired::Deleted { deletion: Deletion::Close, after } => format!("Is closed after {}", exact(after)),
        Desired::Deleted { deletion: Deletion::Remove, after } => format!("Is removed after {}", exact(after)),
    }
}

const fn held(by: Hold) -> &'static str {
    match by {
        Hold::Billing => "for billing",
        Hold::Approval => "for approval",
    }
}

/// What a setting of three words does: its title and what it means, of new servers.
pub const fn new_servers(it: NewServers) -> (&'static str, &'static str) {
    match it {
        NewServers::Open => ("Open", "A launch begins at once."),
        NewServers::ByApproval => ("By approval", "A launch waits until an operator approves it."),
        NewServers::Closed => ("Closed", "Only operators launch. Everybody else reads the sentence below."),
    }
}

/// The same of sign-ups.
pub const fn sign_ups(it: NewServers) -> (&'static str, &'static str) {
    match it {
        NewServers::Open => ("Open", "Whoever confirms their e-mail address has an account."),
        NewServers::ByApproval => ("By approval", "Whoever confirms their e-mail address waits until an operator approves them."),
        NewServers::Closed => ("Closed", "Nobody can sign up. Invitations to accounts go on working."),
    }
}
