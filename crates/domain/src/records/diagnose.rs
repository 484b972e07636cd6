//! What is wrong with the records, named: the usual causes, told apart by what was seen.

use std::net::IpAddr;

use super::networks::proxy_at;
use super::{Host, Look, PassedOn, PathSeen, Proof, RecordKind, Seen, Target, forbidding, leads_here_by_name, strangers};

/// What old answers may still be said for so long is worth telling.
const LONG: u32 = 300;

/// One thing that was seen. The sentence and the way out are in `words`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Diagnosis {
    /// No TXT record proves the domain.
    ProofMissing {
        name: String,
    },
    /// There are TXT records, and none is the proof.
    ProofWrong {
        name: String,
    },
    /// The name servers gave no answer.
    DnsFailed {
        name: String,
    },
    /// Nothing leads anywhere from the name.
    NameMissing {
        name: String,
    },
    /// A name that is a zone of its own leads nowhere, or elsewhere by a copied address, where an alias is wanted.
    ApexWithoutAlias {
        name: String,
        target: String,
    },
    /// A CNAME where none can be.
    ApexCname {
        name: String,
        to: String,
    },
    PointsElsewhere {
        name: String,
        found: Vec<String>,
    },
    /// We have no IPv6, and the name still has an address of it.
    AaaaLeftOver {
        name: String,
        found: Vec<String>,
    },
    AaaaElsewhere {
        name: String,
        found: Vec<String>,
    },
    /// CAA records don't let our authority sign.
    CaaForbids {
        name: String,
        at: String,
        issuers: Vec<String>,
        authority: String,
    },
    /// A proxy stands before the server.
    ProxyOn {
        name: String,
        who: Option<&'static str>,
        shows_us: bool,
    },
    /// Name servers may go on saying this for a while, whatever was changed meanwhile.
    StillCached {
        name: String,
        seconds: u32,
    },
    /// The customer's own site doesn't lead on to the server.
    NotPassedOn {
        name: String,
        path: &'static str,
        answered: Option<u16>,
        is_required: bool,
        web_domain: String,
    },
    PassedOnElsewhere {
        name: String,
        path: &'static str,
        to: String,
        is_required: bool,
        web_domain: String,
    },
}

/// What was seen to be wrong, faults before notes, each in the order of the records.
#[must_use]
pub fn diagnose(look: &Look<'_>) -> Vec<Diagnosis> {
    let mut all: Vec<Diagnosis> = look.proofs.iter().filter_map(of_proof).collect();
    all.extend(look.looked.hosts.iter().flat_map(|host| of_host(host, &look.target)));
    all.extend(look.looked.passed_on.iter().filter_map(|it| of_path(it, look)));
    // Stable: within each half the order stays.
    all.sort_by_key(|it| !it.is_fault());
    all
}

impl Diagnosis {
    /// It keeps the server from its address; else it is worth knowing.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        match self {
            Self::ProxyOn { shows_us, .. } => !*shows_us,
            Self::NotPassedOn { is_required, .. } | Self::PassedOnElsewhere { is_required, .. } => *is_required,
            Self::StillCached { .. } => false,
            _ => true,
        }
    }

    /// Of the record that it is about, where it is about one kind alone.
    pub(super) const fn kind(&self) -> Option<RecordKind> {
        match self {
            Self::AaaaLeftOver { .. } | Self::AaaaElsewhere { .. } => Some(RecordKind::Aaaa),
            Self::CaaForbids { .. } => Some(RecordKind::Caa),
            _ => None,
        }
    }
}

pub(super) fn of_proof(proof: &Proof) -> Option<Diagnosis> {
    let is_there = proof.is_proven || proof.found.contains(&proof.wanted);
    let name = format!("_howdah.{}", proof.domain);
    match (is_there, proof.is_looked, proof.found.is_empty()) {
        (true, ..) | (_, false, _) => None,
        (false, true, true) => Some(Diagnosis::ProofMissing { name }),
        (false, true, false) => Some(Diagnosis::ProofWrong { name }),
    }
}

pub(super) fn of_host(host: &Host, target: &Target<'_>) -> Vec<Diagnosis> {
    let Some(seen) = &host.seen else { return Vec::new() };
    let name = || host.name.clone();
    if seen.error.is_some() {
        return vec![Diagnosis::DnsFailed { name: name() }];
    }
    let mut found = where_it_leads(host, seen, target);
    if let (Some(caa), Some(authority)) = (forbidding(seen, target), target.authority) {
        let authority = authority.to_owned();
        found.push(Diagnosis::CaaForbids { name: name(), at: caa.at.clone(), issuers: caa.issuers.clone(), authority });
    }
    if let Some(seconds) = seen.ttl.filter(|it| *it >= LONG && found.iter().any(Diagnosis::is_fault)) {
        found.push(Diagnosis::StillCached { name: name(), seconds });
    }
    found
}

fn where_it_leads(host: &Host, seen: &Seen, target: &Target<'_>) -> Vec<Diagnosis> {
    let name = || host.name.clone();
    if host.is_apex()
        && let Some(to) = seen.cname.first()
    {
        return vec![Diagnosis::ApexCname { name: name(), to: to.clone() }];
    }
    if seen.v4.is_empty() && seen.v6.is_empty() {
        return match (&seen.cname[..], target.name) {
            _ if leads_here_by_name(seen, target) => Vec::new(),
            ([], Some(target)) if host.is_apex() => vec![Diagnosis::ApexWithoutAlias { name: name(), target: target.to_owned() }],
            ([], _) => vec![Diagnosis::NameMissing { name: name() }],
            (aliases, _) => vec![Diagnosis::PointsElsewhere { name: name(), found: aliases.to_vec() }],
        };
    }
    let strangers: Vec<IpAddr> = strangers(seen, target).collect();
    let (proxies, others): (Vec<IpAddr>, Vec<IpAddr>) = strangers.into_iter().partition(|it| proxy_at(*it).is_some());
    let mut found = Vec::new();
    if let Some(proxy) = proxies.first().or(seen.shows_us.first()) {
        found.push(Diagnosis::ProxyOn { name: name(), who: proxy_at(*proxy), shows_us: proxies.is_empty() });
    }
    let text = |is_v4: bool| others.iter().filter(|it| it.is_ipv4() == is_v4).map(ToString::to_string).collect::<Vec<_>>();
    let (v4, v6) = (text(true), text(false));
    if !v4.is_empty() {
        found.push(match target.name {
            Some(target) if host.is_apex() => Diagnosis::ApexWithoutAlias { name: name(), target: target.to_owned() },
            _ => Diagnosis::PointsElsewhere { name: name(), found: v4 },
        });
    }
    if !v6.is_empty() {
        found.push(match target.addresses.iter().any(IpAddr::is_ipv6) {
            true => Diagnosis::AaaaElsewhere { name: name(), found: v6 },
            false => Diagnosis::AaaaLeftOver { name: name(), found: v6 },
        });
    }
    found
}

pub(super) fn of_path(passed_on: &PassedOn, look: &Look<'_>) -> Option<Diagnosis> {
    let (path, is_required) = (passed_on.path.path(), passed_on.path.is_required());
    let (name, web_domain) = (look.domain.to_owned(), look.web_domain.to_owned());
    let not = |answered| Some(Diagnosis::NotPassedOn { name: name.clone(), path, answered, is_required, web_domain: web_domain.clone() });
    match passed_on.seen.as_ref()? {
        PathSeen::PassedOn => None,
        PathSeen::Elsewhere { to } => {
            Some(Diagnosis::PassedOnElsewhere { name: name.clone(), path, to: to.clone(), is_required, web_domain: web_domain.clone() })
        }
        PathSeen::Answered { status } => not(Some(*status)),
        PathSeen::Unreachable { .. } => not(None),
    }
}
