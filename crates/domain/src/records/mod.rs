//! The records that a customer's own domain needs: what is wanted, what was found from outside, and how the two compare.
//!
//! [`records`] lists them, [`diagnose`] names what is wrong and the way out. Both are pure and work from the same [`Look`],
//! so that a page never calls a record right that a diagnosis calls wrong. Nothing here asks a name server.

mod diagnose;
mod networks;
mod times;
mod words;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::lifecycle::words;

pub use diagnose::{Diagnosis, diagnose};
pub use times::{Kept, keep, with_times};

words! {
    /// What a record is for.
    Purpose {
        /// The domain is the account's.
        Proof = "proof",
        /// People and other servers get to the server.
        Server = "server",
        Media = "media",
        /// Handles at a domain whose site is the customer's own are found at the server.
        PassOn = "pass_on",
    }
}

words! {
    RecordKind {
        Txt = "TXT",
        Cname = "CNAME",
        /// What a provider does instead of a CNAME for a name that is a zone of its own: ALIAS, ANAME, flattening.
        Alias = "ALIAS",
        A = "A",
        Aaaa = "AAAA",
        Caa = "CAA",
        /// No record of DNS: what a web server answers.
        Redirect = "redirect",
    }
}

words! {
    RecordStanding {
        /// Nobody has looked yet, or name servers did not answer.
        NotLooked = "not_looked",
        Missing = "missing",
        Differs = "differs",
        Well = "well",
    }
}

words! {
    /// What another server asks the handles' domain for, in the order of need (DOC:admin/config.md, WEB_DOMAIN).
    PassOnPath {
        Webfinger = "webfinger",
        HostMeta = "host-meta",
        NodeInfo = "nodeinfo",
    }
}

impl PassOnPath {
    /// Without it nobody finds the handles; the others are asked by old or curious software only.
    #[must_use]
    pub const fn is_required(self) -> bool {
        matches!(self, Self::Webfinger)
    }

    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Webfinger => "/.well-known/webfinger",
            Self::HostMeta => "/.well-known/host-meta",
            Self::NodeInfo => "/.well-known/nodeinfo",
        }
    }
}

/// Where an own domain's records have to lead.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'a> {
    /// For CNAME records; absent where there is none.
    pub name: Option<&'a str>,
    pub addresses: &'a [IpAddr],
    /// As CAA records name the authority that our certificates are from.
    pub authority: Option<&'a str>,
}

/// The proof of a domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    pub domain: String,
    pub wanted: String,
    pub found: Vec<String>,
    /// It was found once; it stays proven.
    pub is_proven: bool,
    pub is_looked: bool,
}

/// A name that has to lead to us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    pub purpose: Purpose,
    pub name: String,
    /// `None` before the first look.
    pub seen: Option<Seen>,
}

impl Host {
    /// A zone of its own, where no CNAME can be.
    #[must_use]
    pub fn is_apex(&self) -> bool {
        is_apex(&self.name)
    }
}

/// Whether a name is what people register: a CNAME can't stand there beside the zone's own records.
#[must_use]
pub fn is_apex(name: &str) -> bool {
    psl::domain_str(name) == Some(name)
}

/// What name servers and hosts said of one name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// False: the name servers say that there is no such name.
    pub exists: bool,
    /// The chain of aliases, in its order.
    pub cname: Vec<String>,
    pub v4: Vec<Ipv4Addr>,
    pub v6: Vec<Ipv6Addr>,
    /// For how many seconds name servers may go on saying so.
    pub ttl: Option<u32>,
    /// The CAA records that count for the name, its own or those above it.
    pub caa: Option<Caa>,
    /// Addresses other than ours at which this very server was seen answering.
    pub shows_us: Vec<IpAddr>,
    /// The name servers gave no answer.
    pub error: Option<String>,
}

/// A set of CAA records with at least one `issue` (RFC 8659).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caa {
    /// The name that has them.
    pub at: String,
    /// Whom they allow; nobody where it is empty.
    pub issuers: Vec<String>,
}

/// What the customer's own site answered at one of the paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassedOn {
    pub path: PassOnPath,
    /// `None` before the first look.
    pub seen: Option<PathSeen>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PathSeen {
    /// It redirects to the server with the whole question, or answers in its name.
    PassedOn,
    Elsewhere {
        to: String,
    },
    Answered {
        status: u16,
    },
    Unreachable {
        why: String,
    },
}

/// What was looked at of one server, as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    pub hosts: Vec<Host>,
    pub passed_on: Vec<PassedOn>,
}

impl Looked {
    /// Of a server that nobody has looked at.
    #[must_use]
    pub fn nothing(domain: &str, web_domain: &str, media_domain: &str) -> Self {
        let host = |purpose, name: &str| Host { purpose, name: name.to_owned(), seen: None };
        let passed_on = match domain == web_domain {
            true => Vec::new(),
            false => PassOnPath::ALL.iter().map(|path| PassedOn { path: *path, seen: None }).collect(),
        };
        Self { hosts: vec![host(Purpose::Server, web_domain), host(Purpose::Media, media_domain)], passed_on }
    }
}

/// Everything that records and diagnoses are made of.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// In people's handles.
    pub domain: &'a str,
    pub web_domain: &'a str,
    pub proofs: &'a [Proof],
    pub looked: &'a Looked,
    pub target: Target<'a>,
}

/// One record: what it has to be, and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub purpose: Purpose,
    pub kind: RecordKind,
    /// Of DNS; of a redirect its address.
    pub name: String,
    /// Empty: there must be none.
    pub wanted: Vec<String>,
    pub found: Vec<String>,
    pub standing: RecordStanding,
    /// The server works without it.
    pub is_required: bool,
    /// In this standing; `None` before the first look.
    pub since: Option<DateTime<Utc>>,
    /// Right for the first time.
    pub first_seen_at: Option<DateTime<Utc>>,
    /// Why it is not as it has to be, and what else is worth knowing of it.
    pub causes: Vec<Diagnosis>,
}

/// The proofs first, then the server and its media host, then what the customer's own site passes on.
#[must_use]
pub fn records(look: &Look<'_>) -> Vec<Record> {
    let proofs = look.proofs.iter().flat_map(|it| explained(vec![of_proof(it)], diagnose::of_proof(it)));
    let hosts = look.looked.hosts.iter().flat_map(|it| explained(of_host(it, &look.target), diagnose::of_host(it, &look.target)));
    let paths = look.looked.passed_on.iter().flat_map(|it| explained(vec![of_path(it, look)], diagnose::of_path(it, look)));
    proofs.chain(hosts).chain(paths).collect()
}

/// The records of one proof, host or path with what was seen of it: each cause at the record of its kind, or at the first that is not
/// right.
fn explained(mut records: Vec<Record>, causes: impl IntoIterator<Item = Diagnosis>) -> Vec<Record> {
    for cause in causes {
        let of_its_kind = records.iter().position(|it| Some(it.kind) == cause.kind());
        let wrong = records.iter().position(|it| it.standing != RecordStanding::Well);
        if let Some(record) = records.get_mut(of_its_kind.or(wrong).unwrap_or_default()) {
            record.causes.push(cause);
        }
    }
    records
}

/// Every record that is needed is right, and nothing else is in the way.
#[must_use]
pub fn is_well(look: &Look<'_>) -> bool {
    let are_right = records(look).iter().all(|it| !it.is_required || it.standing == RecordStanding::Well);
    are_right && !diagnose(look).iter().any(Diagnosis::is_fault)
}

fn record(purpose: Purpose, kind: RecordKind, name: &str, wanted: Vec<String>) -> Record {
    Record {
        purpose,
        kind,
        name: name.to_owned(),
        wanted,
        found: Vec::new(),
        standing: RecordStanding::NotLooked,
        is_required: true,
        since: None,
        first_seen_at: None,
        causes: Vec::new(),
    }
}

fn of_proof(proof: &Proof) -> Record {
    let standing = match (proof.is_proven || proof.found.contains(&proof.wanted), proof.is_looked, proof.found.is_empty()) {
        (true, ..) => RecordStanding::Well,
        (false, false, _) => RecordStanding::NotLooked,
        (false, true, true) => RecordStanding::Missing,
        (false, true, false) => RecordStanding::Differs,
    };
    let name = format!("_howdah.{}", proof.domain);
    Record { found: proof.found.clone(), standing, ..record(Purpose::Proof, RecordKind::Txt, &name, vec![proof.wanted.clone()]) }
}

fn of_host(host: &Host, target: &Target<'_>) -> Vec<Record> {
    let ours = |is_v4: bool| target.addresses.iter().filter(move |it| it.is_ipv4() == is_v4).map(ToString::to_string).collect();
    let mut records = match target.name {
        Some(name) => {
            let kind = if host.is_apex() { RecordKind::Alias } else { RecordKind::Cname };
            vec![by_name(host, name, record(host.purpose, kind, &host.name, vec![name.to_owned()]), target)]
        }
        None => vec![by_address(host, record(host.purpose, RecordKind::A, &host.name, ours(true)), target)],
    };
    let has_v6 = host.seen.as_ref().is_some_and(|it| !it.v6.is_empty() && !leads_here_by_name(it, target));
    let wanted_v6: Vec<String> = if target.name.is_none() { ours(false) } else { Vec::new() };
    if !wanted_v6.is_empty() || (has_v6 && !is_led(host, target, false)) {
        let is_alone = wanted_v6.is_empty() || target.addresses.iter().all(IpAddr::is_ipv6);
        let mut record = by_address(host, record(host.purpose, RecordKind::Aaaa, &host.name, wanted_v6), target);
        // One that leads elsewhere is in the way whether it was wanted or not.
        record.is_required = is_alone || record.standing == RecordStanding::Differs;
        records.push(record);
    }
    if let Some(caa) = host.seen.as_ref().and_then(|it| forbidding(it, target)) {
        let wanted = target.authority.iter().map(|it| format!("0 issue \"{it}\"")).collect();
        let found = caa.issuers.iter().map(|it| format!("0 issue \"{it}\"")).collect();
        records.push(Record { found, standing: RecordStanding::Differs, ..record(host.purpose, RecordKind::Caa, &caa.at, wanted) });
    }
    records
}

fn by_name(host: &Host, name: &str, record: Record, target: &Target<'_>) -> Record {
    let Some(seen) = host.seen.as_ref().filter(|it| it.error.is_none()) else { return record };
    let is_led = seen.cname.iter().any(|it| it == name) || (!seen.v4.is_empty() && is_led(host, target, true));
    let found = match seen.cname.is_empty() {
        true => seen.v4.iter().map(ToString::to_string).collect(),
        false => seen.cname.clone(),
    };
    Record { standing: standing(is_led, &found), found, ..record }
}

fn by_address(host: &Host, record: Record, target: &Target<'_>) -> Record {
    let Some(seen) = host.seen.as_ref().filter(|it| it.error.is_none()) else { return record };
    let is_v4 = record.kind == RecordKind::A;
    let found: Vec<String> = match is_v4 {
        true => seen.v4.iter().map(ToString::to_string).collect(),
        false => seen.v6.iter().map(ToString::to_string).collect(),
    };
    Record { standing: standing(is_led(host, target, is_v4), &found), found, ..record }
}

fn standing(is_led: bool, found: &[String]) -> RecordStanding {
    match (found.is_empty(), is_led) {
        (true, _) => RecordStanding::Missing,
        (false, true) => RecordStanding::Well,
        (false, false) => RecordStanding::Differs,
    }
}

/// Each address of that kind is ours, or shows this very server.
fn is_led(host: &Host, target: &Target<'_>, is_v4: bool) -> bool {
    host.seen.as_ref().is_some_and(|it| leads_here_by_name(it, target) || strangers(it, target).all(|address| address.is_ipv4() != is_v4))
}

/// The alias is ours: its addresses are our name servers' to say.
fn leads_here_by_name(seen: &Seen, target: &Target<'_>) -> bool {
    target.name.is_some_and(|name| seen.cname.iter().any(|it| it == name))
}

/// Addresses that are neither ours nor show this server.
fn strangers<'a>(seen: &'a Seen, target: &'a Target<'_>) -> impl Iterator<Item = IpAddr> + 'a {
    let all = seen.v4.iter().copied().map(IpAddr::V4).chain(seen.v6.iter().copied().map(IpAddr::V6));
    let by_name = leads_here_by_name(seen, target);
    all.filter(move |it| !by_name && !target.addresses.contains(it) && !seen.shows_us.contains(it))
}

/// The set that doesn't let our authority sign for the name.
fn forbidding<'a>(seen: &'a Seen, target: &Target<'_>) -> Option<&'a Caa> {
    let authority = target.authority?;
    seen.caa.as_ref().filter(|it| !it.issuers.iter().any(|issuer| issuer.eq_ignore_ascii_case(authority)))
}

fn of_path(passed_on: &PassedOn, look: &Look<'_>) -> Record {
    let path = passed_on.path.path();
    let (standing, found) = match &passed_on.seen {
        None => (RecordStanding::NotLooked, Vec::new()),
        Some(PathSeen::PassedOn) => (RecordStanding::Well, vec![format!("https://{}{path}", look.web_domain)]),
        Some(PathSeen::Elsewhere { to }) => (RecordStanding::Differs, vec![to.clone()]),
        Some(PathSeen::Answered { status }) => (RecordStanding::Missing, vec![status.to_string()]),
        Some(PathSeen::Unreachable { .. }) => (RecordStanding::Missing, Vec::new()),
    };
    let (name, wanted) = (format!("https://{}{path}", look.domain), format!("https://{}{path}", look.web_domain));
    Record {
        found,
        standing,
        is_required: passed_on.path.is_required(),
        ..record(Purpose::PassOn, RecordKind::Redirect, &name, vec![wanted])
    }
}

#[cfg(test)]
mod tests;
