//! What owners are told of a server that is not paid for any more: what happens when, how to stop it, and how to take it along.

use howdah_domain::Standing;
use howdah_domain::billing::notices::Notice;
use howdah_domain::billing::timeline::{Timeline, way_out};

use super::letter::Mail;
use super::words::page;
use crate::Config;

/// One at each step on the way down, and 30, 14, 3 and 1 days before its end.
pub(crate) fn ending(config: &Config, (domain, slug): (&str, &str), notice: Notice, standing: &Standing, timeline: &Timeline) -> Mail {
    let mail = Mail::new(kind(notice), subject(notice, domain, standing)).text(first(notice, domain, standing));
    let next = timeline.steps().into_iter().filter(|(_, at, _)| *at > happened_at(notice, timeline));
    next.fold(mail, |mail, (_, _, sentence)| mail.text(sentence))
        .text(way_out(standing))
        .link("The bill, and how to pay", page(config, &format!("/servers/{slug}/billing")))
        .link("Take everything along, at any time and whatever is paid", page(config, &format!("/servers/{slug}/take-along")))
}

const fn kind(notice: Notice) -> &'static str {
    match notice {
        Notice::Ending => "billing_ending",
        Notice::ReadOnly => "billing_read_only",
        Notice::Suspended => "billing_suspended",
        Notice::Removal30 | Notice::Removal14 | Notice::Removal3 | Notice::Removal1 => "billing_removal",
    }
}

fn subject(notice: Notice, domain: &str, standing: &Standing) -> String {
    match notice {
        Notice::Ending => match standing {
            Standing::PastDue { .. } | Standing::Lapsed { .. } => format!("A payment for {domain} is missing"),
            _ => format!("What is paid for {domain} ends soon"),
        },
        Notice::ReadOnly => format!("{domain} can only be read from now on"),
        Notice::Suspended => format!("{domain} stands still"),
        Notice::Removal30 => format!("{domain} is deleted here in 30 days"),
        Notice::Removal14 => format!("{domain} is deleted here in 14 days"),
        Notice::Removal3 => format!("{domain} is deleted here in 3 days"),
        Notice::Removal1 => format!("{domain} is deleted here tomorrow"),
    }
}

fn first(notice: Notice, domain: &str, standing: &Standing) -> String {
    match notice {
        Notice::Ending => match standing {
            Standing::PastDue { .. } | Standing::Lapsed { .. } => format!(
                "the last payment for your server {domain} did not go through. It runs on for now, and nothing is lost. This is what comes if nobody pays:"
            ),
            _ => format!("what is paid for your server {domain} ends soon. This is what comes then:"),
        },
        Notice::ReadOnly => {
            format!("your server {domain} is not paid for. It can be read, and nobody can post until it is. This is what comes:")
        }
        Notice::Suspended => {
            format!(
                "your server {domain} is not paid for, and stands still. All that is in it is kept, and you can take it along. This is what comes:"
            )
        }
        Notice::Removal30 | Notice::Removal14 | Notice::Removal3 | Notice::Removal1 => {
            format!("your server {domain} has not been paid for, and the time in which we keep it comes to its end.")
        }
    }
}

fn happened_at(notice: Notice, timeline: &Timeline) -> chrono::DateTime<chrono::Utc> {
    match notice {
        Notice::Ending => timeline.banner_from,
        Notice::ReadOnly => timeline.read_only_at,
        Notice::Suspended | Notice::Removal30 | Notice::Removal14 | Notice::Removal3 | Notice::Removal1 => timeline.suspended_at,
    }
}

/// To the owners, as its removal begins.
pub(crate) fn removed(config: &Config, domain: &str) -> Mail {
    Mail::new("billing_removed", format!("{domain} is deleted here"))
        .text(format!("the time in which we kept your server {domain}, which was not paid for, is over: our copy of it is deleted now."))
        .text("No other server is told anything, so that it can live on elsewhere, at the same address, from what was taken along. Its final bundle can be taken along for another 90 days.")
        .link("Your final bundle", page(config, "/servers"))
}
