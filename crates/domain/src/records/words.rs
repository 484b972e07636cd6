//! What people read about records: labels, sentences and ways out, once for pages, mails and the API.

use super::{Diagnosis, Purpose, RecordStanding};

impl Purpose {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Proof => "Proof that the domain is yours",
            Self::Server => "Your server",
            Self::Media => "Pictures, videos and sound",
            Self::PassOn => "What your own site passes on",
        }
    }
}

impl RecordStanding {
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::NotLooked => "Not looked at yet",
            Self::Missing => "Not found",
            Self::Differs => "Something else was found",
            Self::Well => "Found",
        }
    }
}

impl Diagnosis {
    /// The machine reason.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::ProofMissing { .. } => "proof_missing",
            Self::ProofWrong { .. } => "proof_wrong",
            Self::DnsFailed { .. } => "dns_failed",
            Self::NameMissing { .. } => "name_missing",
            Self::ApexWithoutAlias { .. } => "apex_without_alias",
            Self::ApexCname { .. } => "apex_cname",
            Self::PointsElsewhere { .. } => "points_elsewhere",
            Self::AaaaLeftOver { .. } => "aaaa_left_over",
            Self::AaaaElsewhere { .. } => "aaaa_elsewhere",
            Self::CaaForbids { .. } => "caa_forbids",
            Self::ProxyOn { .. } => "proxy_on",
            Self::StillCached { .. } => "still_cached",
            Self::NotPassedOn { .. } => "not_passed_on",
            Self::PassedOnElsewhere { .. } => "passed_on_elsewhere",
        }
    }

    /// The name that it is about.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ProofMissing { name }
            | Self::ProofWrong { name }
            | Self::DnsFailed { name }
            | Self::NameMissing { name }
            | Self::ApexWithoutAlias { name, .. }
            | Self::ApexCname { name, .. }
            | Self::PointsElsewhere { name, .. }
            | Self::AaaaLeftOver { name, .. }
            | Self::AaaaElsewhere { name, .. }
            | Self::CaaForbids { name, .. }
            | Self::ProxyOn { name, .. }
            | Self::StillCached { name, .. }
            | Self::NotPassedOn { name, .. }
            | Self::PassedOnElsewhere { name, .. } => name,
        }
    }

    /// What was seen.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::ProofMissing { name } => format!("There is no TXT record {name} yet, so the domain is not proven to be yours."),
            Self::ProofWrong { name } => format!("There is a TXT record {name}, but it has another value than the one wanted."),
            Self::DnsFailed { name } => format!("The name servers of {name} gave no answer."),
            Self::NameMissing { name } => format!("{name} has no address: there is no record for it."),
            Self::ApexWithoutAlias { name, target } => {
                format!("{name} is your domain itself, where no CNAME can be, and it doesn't lead to {target} in another way.")
            }
            Self::ApexCname { name, to } => {
                format!("{name} has a CNAME to {to}. Your domain itself can't have one: it hides the domain's mail and other records.")
            }
            Self::PointsElsewhere { name, found } => format!("{name} leads to {}, which is not here.", listed(found)),
            Self::AaaaLeftOver { name, found } => {
                format!("{name} has an AAAA record ({}) that leads elsewhere: whoever has IPv6 gets there instead of here.", listed(found))
            }
            Self::AaaaElsewhere { name, found } => format!("The AAAA record of {name} leads to {}, which is not here.", listed(found)),
            Self::CaaForbids { name, at, issuers, authority } => {
                let whom = if issuers.is_empty() { "nobody".to_owned() } else { format!("only {}", listed(issuers)) };
                format!("The CAA records of {at} allow {whom} to issue certificates, so {authority} refuses one for {name}.")
            }
            Self::ProxyOn { name, who, shows_us } => {
                let proxy = who.map_or_else(|| "A proxy".to_owned(), |it| format!("{it}'s proxy"));
                match shows_us {
                    true => format!("{proxy} stands before {name}. Your server answers behind it."),
                    false => format!("{proxy} stands before {name}, and your server was not seen behind it."),
                }
            }
            Self::StillCached { name, seconds } => format!(
                "If you have changed the records of {name} already: name servers may remember the old ones for {} more.",
                span(*seconds)
            ),
            Self::NotPassedOn { name, path, answered, .. } => match answered {
                Some(status) => format!("https://{name}{path} answers {status} and doesn't lead on to your server."),
                None => format!("https://{name}{path} doesn't answer, so it doesn't lead on to your server."),
            },
            Self::PassedOnElsewhere { name, path, to, .. } => format!("https://{name}{path} leads to {to}, which is not your server."),
        }
    }

    /// What can be done.
    #[must_use]
    pub fn way_out(&self) -> String {
        match self {
            Self::ProofMissing { .. } => {
                "Add the record as shown. Some providers add your domain to the name by themselves: then enter only the part before it.".to_owned()
            }
            Self::ProofWrong { .. } => "Copy the value anew, whole and without quotes, and add it as a record of its own.".to_owned(),
            Self::DnsFailed { name } => {
                format!("Look with your provider whether {name} is set up there and its name servers are entered where you registered it. It is tried again.")
            }
            Self::NameMissing { .. } => "Add the record as shown.".to_owned(),
            Self::ApexWithoutAlias { target, .. } => format!(
                "Use your provider's ALIAS, ANAME or “CNAME flattening” to {target}. If it has none of these, \
                 a server at a name below, such as social.…, needs only a CNAME: but the address can't change after the launch."
            ),
            Self::ApexCname { .. } => "Delete the CNAME, and use your provider's ALIAS or ANAME, or the records as shown.".to_owned(),
            Self::PointsElsewhere { .. } => "Change the record to the value shown, and delete others of the same name.".to_owned(),
            Self::AaaaLeftOver { name, .. } => format!("Delete the AAAA record of {name}: this platform needs none."),
            Self::AaaaElsewhere { .. } => "Change the AAAA record to the value shown, or delete it.".to_owned(),
            Self::CaaForbids { at, authority, .. } => format!("Add a CAA record 0 issue \"{authority}\" to {at}, or delete those that are there."),
            Self::ProxyOn { shows_us: true, .. } => {
                "You need to do nothing. Have it cache nothing but what your server says may be cached, and pass on streaming.".to_owned()
            }
            Self::ProxyOn { shows_us: false, .. } => {
                "Switch the proxy off for this name (“DNS only”) until this page is green. After that it can be switched on again, with encryption up to the server."
                    .to_owned()
            }
            Self::StillCached { .. } => "You need to do nothing: it is looked at again and again.".to_owned(),
            Self::NotPassedOn { path, web_domain, .. } | Self::PassedOnElsewhere { path, web_domain, .. } => format!(
                "Have your site redirect {path} to https://{web_domain}{path} with everything after the question mark (status 301)."
            ),
        }
    }
}

fn listed(texts: &[String]) -> String {
    texts.join(", ")
}

/// Rounded up: nobody looks too early because of it.
fn span(seconds: u32) -> String {
    match seconds.div_ceil(60) {
        1 => "a minute".to_owned(),
        minutes @ ..120 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes.div_ceil(60)),
    }
}
