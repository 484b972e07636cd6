use chrono::{DateTime, TimeDelta, Utc};

use super::*;

const HERE: &str = "192.0.2.1";
const HERE_V6: &str = "2001:db8::1";
const INGRESS: &str = "ingress.howdah.org";

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|it| it.parse().unwrap()).collect()
}

/// Names lead to these addresses, by these aliases.
fn seen(found: &[&str], cname: &[&str]) -> Seen {
    let mut seen = Seen { exists: !(found.is_empty() && cname.is_empty()), ..Seen::default() };
    for address in addresses(found) {
        match address {
            IpAddr::V4(it) => seen.v4.push(it),
            IpAddr::V6(it) => seen.v6.push(it),
        }
    }
    seen.cname = cname.iter().map(|it| (*it).to_owned()).collect();
    seen
}

fn host(name: &str, seen: Seen) -> Looked {
    Looked { hosts: vec![Host { purpose: Purpose::Server, name: name.to_owned(), seen: Some(seen) }], passed_on: vec![] }
}

fn look<'a>(looked: &'a Looked, target: Target<'a>) -> Look<'a> {
    Look { domain: "birds.org", web_domain: "social.birds.org", proofs: &[], looked, target }
}

/// Each of them stands with one record, too.
fn reasons(look: &Look<'_>) -> Vec<&'static str> {
    let reasons: Vec<&str> = diagnose(look).iter().map(Diagnosis::reason).collect();
    let mut beside: Vec<&str> = records(look).iter().flat_map(|it| &it.causes).map(Diagnosis::reason).collect();
    let mut all = reasons.clone();
    all.sort_unstable();
    beside.sort_unstable();
    assert_eq!(all, beside);
    reasons
}

fn standings(look: &Look<'_>) -> Vec<(&'static str, &'static str)> {
    records(look).iter().map(|it| (it.kind.as_str(), it.standing.as_str())).collect()
}

#[test]
fn where_a_name_leads_when_addresses_are_wanted() {
    const WWW: &str = "social.birds.org";
    let both = addresses(&[HERE, HERE_V6]);
    let v4 = addresses(&[HERE]);
    let target = |addresses| Target { name: None, addresses, authority: None };
    let table: [(&[IpAddr], Seen, &[&str], bool); 15] = [
        (&v4, seen(&[HERE], &[]), &[], true),
        (&both, seen(&[HERE, HERE_V6], &[]), &[], true),
        (&both, seen(&[HERE], &[]), &[], true),
        (&v4, seen(&[HERE], &["www.birds.org"]), &[], true),
        (&v4, seen(&[], &[]), &["name_missing"], false),
        (&v4, seen(&[], &["gone.birds.org"]), &["points_elsewhere"], false),
        (&v4, seen(&["198.51.100.9"], &[]), &["points_elsewhere"], false),
        (&v4, seen(&[HERE, "198.51.100.9"], &[]), &["points_elsewhere"], false),
        (&v4, seen(&[HERE, "2001:db8::9"], &[]), &["aaaa_left_over"], false),
        (&both, seen(&[HERE, "2001:db8::9"], &[]), &["aaaa_elsewhere"], false),
        (&v4, seen(&["198.51.100.9", "2001:db8::9"], &[]), &["points_elsewhere", "aaaa_left_over"], false),
        (&v4, seen(&["104.16.0.1"], &[]), &["proxy_on"], false),
        (&v4, Seen { shows_us: addresses(&["104.16.0.1"]), ..seen(&["104.16.0.1"], &[]) }, &["proxy_on"], true),
        (&v4, Seen { ttl: Some(3600), ..seen(&["198.51.100.9"], &[]) }, &["points_elsewhere", "still_cached"], false),
        (&v4, Seen { error: Some("SERVFAIL".to_owned()), ..Seen::default() }, &["dns_failed"], false),
    ];
    for (ours, seen, expected, well) in table {
        let looked = host(WWW, seen);
        let look = look(&looked, target(ours));
        assert_eq!((reasons(&look).as_slice(), is_well(&look)), (expected, well), "{looked:?}");
    }
}

#[test]
fn where_a_name_leads_when_an_alias_is_wanted() {
    let v4 = addresses(&[HERE]);
    let target = Target { name: Some(INGRESS), addresses: &v4, authority: None };
    let table: [(&str, Seen, &[&str], bool); 9] = [
        ("social.birds.org", seen(&[HERE], &[INGRESS]), &[], true),
        // Our name servers say what is behind our name.
        ("social.birds.org", seen(&["198.51.100.9", HERE_V6], &[INGRESS]), &[], true),
        ("social.birds.org", seen(&[HERE], &[]), &[], true),
        ("social.birds.org", seen(&[], &[]), &["name_missing"], false),
        ("social.birds.org", seen(&["198.51.100.9"], &["old.host.org"]), &["points_elsewhere"], false),
        ("birds.org", seen(&[HERE], &[]), &[], true),
        ("birds.org", seen(&[], &[]), &["apex_without_alias"], false),
        ("birds.org", seen(&["198.51.100.9"], &[]), &["apex_without_alias"], false),
        ("birds.org", seen(&[HERE], &[INGRESS]), &["apex_cname"], false),
    ];
    for (name, seen, expected, well) in table {
        let looked = host(name, seen);
        let look = look(&looked, target);
        assert_eq!((reasons(&look).as_slice(), is_well(&look)), (expected, well), "{looked:?}");
    }
}

#[test]
fn who_may_issue_certificates() {
    let v4 = addresses(&[HERE]);
    let caa = |issuers: &[&str]| {
        let issuers = issuers.iter().map(|it| (*it).to_owned()).collect();
        Seen { caa: Some(Caa { at: "birds.org".to_owned(), issuers }), ..seen(&[HERE], &[]) }
    };
    let ours = Some("letsencrypt.org");
    let table: [(Seen, Option<&str>, bool); 6] = [
        (seen(&[HERE], &[]), ours, true),
        (caa(&["letsencrypt.org"]), ours, true),
        (caa(&["pki.goog", "LetsEncrypt.org"]), ours, true),
        (caa(&["pki.goog"]), ours, false),
        (caa(&[]), ours, false),
        (caa(&["pki.goog"]), None, true),
    ];
    for (seen, authority, well) in table {
        let looked = host("social.birds.org", seen);
        let look = look(&looked, Target { name: None, addresses: &v4, authority });
        assert_eq!(is_well(&look), well, "{looked:?}");
        assert_eq!(reasons(&look), if well { vec![] } else { vec!["caa_forbids"] });
    }
}

#[test]
fn the_proof_comes_first() {
    let proof = |found: &[&str], is_looked, is_proven| Proof {
        domain: "birds.org".to_owned(),
        wanted: "howdah-proof=x".to_owned(),
        found: found.iter().map(|it| (*it).to_owned()).collect(),
        is_proven,
        is_looked,
    };
    let table = [
        (proof(&[], false, false), "not_looked", None),
        (proof(&[], true, false), "missing", Some("proof_missing")),
        (proof(&["v=spf1 -all"], true, false), "differs", Some("proof_wrong")),
        (proof(&["v=spf1 -all", "howdah-proof=x"], true, false), "well", None),
        (proof(&[], true, true), "well", None),
    ];
    for (proof, standing, reason) in table {
        let looked = Looked::nothing("birds.org", "birds.org", "media.birds.org");
        let proofs = [proof];
        let look = Look { web_domain: "birds.org", proofs: &proofs, ..look(&looked, Target::default()) };
        assert_eq!(records(&look)[0].standing.as_str(), standing, "{proofs:?}");
        assert_eq!((records(&look)[0].kind, records(&look)[0].name.as_str()), (RecordKind::Txt, "_howdah.birds.org"));
        assert_eq!(reasons(&look).first().copied(), reason, "{proofs:?}");
    }
}

#[test]
fn a_site_of_the_customers_own_passes_on() {
    let path = |path, seen| PassedOn { path, seen: Some(seen) };
    let table: [(PathSeen, Option<&str>); 4] = [
        (PathSeen::PassedOn, None),
        (PathSeen::Elsewhere { to: "https://www.birds.org/".to_owned() }, Some("passed_on_elsewhere")),
        (PathSeen::Answered { status: 404 }, Some("not_passed_on")),
        (PathSeen::Unreachable { why: "refused".to_owned() }, Some("not_passed_on")),
    ];
    for (seen, expected) in table {
        for (which, is_fault) in [(PassOnPath::Webfinger, true), (PassOnPath::NodeInfo, false)] {
            let looked = Looked { hosts: vec![], passed_on: vec![path(which, seen.clone())] };
            let look = look(&looked, Target::default());
            let found = diagnose(&look);
            assert_eq!(found.first().map(Diagnosis::reason), expected);
            assert!(found.iter().all(|it| it.is_fault() == is_fault && it.way_out().contains("https://social.birds.org/.well-known/")));
            assert_eq!(is_well(&look), expected.is_none() || !is_fault);
        }
    }
}

#[test]
fn what_is_wanted_before_anybody_has_looked() {
    let both = addresses(&[HERE, HERE_V6]);
    let looked = Looked::nothing("birds.org", "social.birds.org", "media.social.birds.org");
    let by_address = look(&looked, Target { name: None, addresses: &both, authority: Some("letsencrypt.org") });
    let waits = "not_looked";
    let redirects = [("redirect", waits); 3];
    let expected = [&[("A", waits), ("AAAA", waits), ("A", waits), ("AAAA", waits)][..], &redirects[..]].concat();
    assert_eq!(standings(&by_address), expected);
    assert_eq!(records(&by_address)[0].wanted, [HERE]);
    let by_name = look(&looked, Target { name: Some(INGRESS), ..by_address.target });
    assert_eq!(standings(&by_name), [&[("CNAME", waits), ("CNAME", waits)][..], &redirects[..]].concat());
    assert!(reasons(&by_name).is_empty() && !is_well(&by_name));
}

#[test]
fn a_record_to_be_deleted_wants_nothing() {
    let v4 = addresses(&[HERE]);
    let looked = host("social.birds.org", seen(&[HERE, "2001:db8::9"], &[]));
    let found = records(&look(&looked, Target { name: None, addresses: &v4, authority: None }));
    assert_eq!(found.len(), 2);
    assert_eq!((found[1].kind, found[1].wanted.len(), found[1].found.join(" ").as_str()), (RecordKind::Aaaa, 0, "2001:db8::9"));
    assert!(found[1].is_required);
}

#[test]
fn a_cause_stands_with_its_record() {
    let v4 = addresses(&[HERE]);
    let caa = Some(Caa { at: "birds.org".to_owned(), issuers: vec!["pki.goog".to_owned()] });
    let target = Target { name: None, addresses: &v4, authority: Some("letsencrypt.org") };
    type Causes<'a> = &'a [(&'a str, &'a [&'a str])];
    let table: [(Seen, Causes<'_>); 3] = [
        (
            Seen { caa, ttl: Some(3600), ..seen(&["198.51.100.9", "2001:db8::9"], &[]) },
            &[("A", &["points_elsewhere", "still_cached"]), ("AAAA", &["aaaa_left_over"]), ("CAA", &["caa_forbids"])],
        ),
        (seen(&[HERE, "2606:4700::1"], &[]), &[("A", &[]), ("AAAA", &["proxy_on"])]),
        (Seen { shows_us: addresses(&["104.16.0.1"]), ..seen(&["104.16.0.1"], &[]) }, &[("A", &["proxy_on"])]),
    ];
    for (seen, expected) in table {
        let looked = host("social.birds.org", seen);
        let records = records(&look(&looked, target));
        let found: Vec<(&str, Vec<&str>)> =
            records.iter().map(|it| (it.kind.as_str(), it.causes.iter().map(Diagnosis::reason).collect())).collect();
        let expected: Vec<(&str, Vec<&str>)> = expected.iter().map(|(kind, causes)| (*kind, causes.to_vec())).collect();
        assert_eq!(found, expected, "{looked:?}");
    }
}

#[test]
fn since_when_is_kept() {
    let v4 = addresses(&[HERE]);
    let at = |minutes| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minutes);
    let target = Target { name: None, addresses: &v4, authority: None };
    let mut kept = Vec::new();
    let mut after = |minute, found: &[&str]| {
        let looked = host("social.birds.org", seen(found, &[]));
        let records = records(&look(&looked, target));
        kept = keep(&kept, &records, at(minute));
        let record = with_times(records, &kept).remove(0);
        (record.since, record.first_seen_at)
    };
    assert_eq!(after(0, &[]), (Some(at(0)), None));
    assert_eq!(after(1, &[]), (Some(at(0)), None));
    assert_eq!(after(2, &[HERE]), (Some(at(2)), Some(at(2))));
    assert_eq!(after(3, &[]), (Some(at(3)), Some(at(2))));
    assert_eq!(after(4, &[HERE]), (Some(at(4)), Some(at(2))));
}

#[test]
fn every_diagnosis_names_its_record_and_a_way_out() {
    let name = || "social.birds.org".to_owned();
    let texts = || vec!["198.51.100.9".to_owned()];
    let (path, web_domain) = ("/.well-known/webfinger", "social.birds.org".to_owned());
    let all = [
        Diagnosis::ProofMissing { name: name() },
        Diagnosis::ProofWrong { name: name() },
        Diagnosis::DnsFailed { name: name() },
        Diagnosis::NameMissing { name: name() },
        Diagnosis::ApexWithoutAlias { name: name(), target: INGRESS.to_owned() },
        Diagnosis::ApexCname { name: name(), to: INGRESS.to_owned() },
        Diagnosis::PointsElsewhere { name: name(), found: texts() },
        Diagnosis::AaaaLeftOver { name: name(), found: texts() },
        Diagnosis::AaaaElsewhere { name: name(), found: texts() },
        Diagnosis::CaaForbids { name: name(), at: name(), issuers: vec![], authority: "letsencrypt.org".to_owned() },
        Diagnosis::ProxyOn { name: name(), who: Some("Cloudflare"), shows_us: false },
        Diagnosis::ProxyOn { name: name(), who: None, shows_us: true },
        Diagnosis::StillCached { name: name(), seconds: 3600 },
        Diagnosis::NotPassedOn { name: name(), path, answered: Some(404), is_required: true, web_domain: web_domain.clone() },
        Diagnosis::PassedOnElsewhere { name: name(), path, to: "x".to_owned(), is_required: true, web_domain },
    ];
    for diagnosis in all {
        let (sentence, way_out) = (diagnosis.sentence(), diagnosis.way_out());
        assert!(sentence.contains("social.birds.org") && !way_out.is_empty(), "{diagnosis:?}");
        for text in [sentence, way_out] {
            assert!((text.ends_with('.') || text.ends_with(").")) && !text.contains('!'), "{text}");
        }
    }
}
