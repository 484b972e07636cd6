//! Whether an account may launch a server now: an ordered chain of policies over facts.

use crate::billing::Access;
use crate::lifecycle::{Hold, words};

words! {
    /// Whether the platform takes new servers.
    NewServers {
        Open = "open",
        /// A launch waits until an operator approves it.
        ByApproval = "by_approval",
        Closed = "closed",
    }
}

#[derive(Debug, Clone)]
pub struct LaunchFacts<'a> {
    /// Operators may launch whatever the settings say.
    pub by_operator: bool,
    pub new_servers: NewServers,
    /// What the public reads where new servers are not open.
    pub public_sentence: &'a str,
    /// Servers that the account has, those being closed included.
    pub servers: i64,
    pub servers_allowed: i64,
    /// What policy says of the standing that the launch begins with.
    pub access: Access,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchVerdict {
    /// Starts at once.
    Run,
    /// Is recorded, and waits for somebody.
    Hold {
        by: Hold,
        reason: &'static str,
        sentence: String,
    },
    Refuse {
        reason: &'static str,
        sentence: String,
    },
}

type Policy = fn(&LaunchFacts<'_>) -> Option<LaunchVerdict>;

/// The first that has something to say decides: what refuses comes before what holds.
const CHAIN: [Policy; 4] = [closed, limit_reached, by_approval, not_paid];

#[must_use]
pub fn launch_verdict(facts: &LaunchFacts<'_>) -> LaunchVerdict {
    CHAIN.iter().find_map(|policy| policy(facts)).unwrap_or(LaunchVerdict::Run)
}

fn or_else(sentence: &str, default: &str) -> String {
    if sentence.trim().is_empty() { default.to_owned() } else { sentence.to_owned() }
}

fn closed(facts: &LaunchFacts<'_>) -> Option<LaunchVerdict> {
    (facts.new_servers == NewServers::Closed && !facts.by_operator).then(|| LaunchVerdict::Refuse {
        reason: "new_servers_closed",
        sentence: or_else(facts.public_sentence, "New servers can't be launched at the moment."),
    })
}

fn limit_reached(facts: &LaunchFacts<'_>) -> Option<LaunchVerdict> {
    (facts.servers >= facts.servers_allowed && !facts.by_operator).then(|| LaunchVerdict::Refuse {
        reason: "limit_reached",
        sentence: format!(
            "This account has {} server{} and may have {}. To be allowed more, write to the support.",
            facts.servers,
            if facts.servers == 1 { "" } else { "s" },
            facts.servers_allowed
        ),
    })
}

fn by_approval(facts: &LaunchFacts<'_>) -> Option<LaunchVerdict> {
    (facts.new_servers == NewServers::ByApproval && !facts.by_operator).then(|| LaunchVerdict::Hold {
        by: Hold::Approval,
        reason: "awaiting_approval",
        sentence: or_else(facts.public_sentence, "An operator looks at each new server before it starts."),
    })
}

fn not_paid(facts: &LaunchFacts<'_>) -> Option<LaunchVerdict> {
    match facts.access {
        Access::Run => None,
        Access::ReadOnly | Access::Suspend(_) => Some(LaunchVerdict::Hold {
            by: Hold::Billing,
            reason: "awaiting_payment",
            sentence: "The server starts as soon as it is paid for or granted.".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> LaunchFacts<'static> {
        LaunchFacts {
            by_operator: false,
            new_servers: NewServers::Open,
            public_sentence: "We are full until May.",
            servers: 0,
            servers_allowed: 1,
            access: Access::Run,
        }
    }

    fn reason(facts: &LaunchFacts<'_>) -> &'static str {
        match launch_verdict(facts) {
            LaunchVerdict::Run => "run",
            LaunchVerdict::Hold { reason, .. } | LaunchVerdict::Refuse { reason, .. } => reason,
        }
    }

    #[test]
    fn each_policy_in_its_order() {
        let unpaid = Access::Suspend(Hold::Billing);
        assert_eq!(reason(&facts()), "run");
        assert_eq!(reason(&LaunchFacts { access: unpaid, ..facts() }), "awaiting_payment");
        assert_eq!(reason(&LaunchFacts { new_servers: NewServers::ByApproval, access: unpaid, ..facts() }), "awaiting_approval");
        assert_eq!(reason(&LaunchFacts { new_servers: NewServers::ByApproval, servers: 1, ..facts() }), "limit_reached");
        assert_eq!(reason(&LaunchFacts { new_servers: NewServers::Closed, servers: 1, ..facts() }), "new_servers_closed");
        assert_eq!(reason(&LaunchFacts { servers_allowed: 0, ..facts() }), "limit_reached");
        let operator = LaunchFacts { by_operator: true, new_servers: NewServers::Closed, servers: 9, ..facts() };
        assert_eq!(reason(&operator), "run");
    }

    #[test]
    fn the_public_reads_the_operators_sentence() {
        let closed = LaunchFacts { new_servers: NewServers::Closed, ..facts() };
        let sentence = "We are full until May.".to_owned();
        assert_eq!(launch_verdict(&closed), LaunchVerdict::Refuse { reason: "new_servers_closed", sentence });
        let silent = LaunchFacts { public_sentence: " ", ..closed };
        let sentence = "New servers can't be launched at the moment.".to_owned();
        assert_eq!(launch_verdict(&silent), LaunchVerdict::Refuse { reason: "new_servers_closed", sentence });
    }
}
