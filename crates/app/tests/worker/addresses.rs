//! An own domain's records: what is told of them while they are wrong, and when they are right.

use std::net::IpAddr;

use chrono::TimeDelta;
use howdah_app::Error;
use howdah_app::instances::{self, AddressPage, Which};
use howdah_app::jobs::SendMails;
use howdah_domain::records::Diagnosis;
use howdah_domain::{Action, InstanceId, Phase};

use crate::ground::{Ground, INGRESS};

const DOMAIN: &str = "birds.test";
const MEDIA: &str = "media.birds.test";

impl Ground {
    async fn page(&self, id: InstanceId) -> AddressPage {
        instances::address(&self.worker.app, &self.operator, Which::Id(id)).await.unwrap()
    }

    /// The faults that the page names once it was looked again, each with its name.
    async fn faults(&self, id: InstanceId) -> Vec<(&'static str, String)> {
        self.clock.advance(TimeDelta::minutes(2));
        self.tick().await;
        let page = self.page(id).await;
        page.diagnoses.iter().filter(|it| it.is_fault()).map(|it| (it.reason(), Diagnosis::name(it).to_owned())).collect()
    }

    pub async fn prove(&self, id: InstanceId, domain: &str) {
        let token = self.page(id).await.records[0].wanted[0].clone();
        self.outside.txt.lock().unwrap().insert(format!("_howdah.{domain}"), vec![token]);
    }

    fn leads(&self, name: &str, to: &[&str]) {
        let to: Vec<IpAddr> = to.iter().map(|it| it.parse().unwrap()).collect();
        self.outside.addresses.lock().unwrap().insert(name.to_owned(), to);
    }

    /// Subjects of what was sent about addresses.
    async fn mails(&self) -> Vec<String> {
        SendMails::default().work(&self.worker).await.unwrap();
        let sent = self.mailer.sent.lock().unwrap();
        sent.iter().map(|it| it.subject.clone()).filter(|it| it.contains("lead")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_named_one_after_the_other_until_all_is_well() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    assert!(ground.page(id).await.diagnoses.is_empty(), "nobody has looked yet");
    let both = |reason| vec![(reason, DOMAIN.to_owned()), (reason, MEDIA.to_owned())];
    let proof = ("proof_missing", format!("_howdah.{DOMAIN}"));
    assert_eq!(ground.faults(id).await, [vec![proof], both("name_missing")].concat());
    ground.prove(id, DOMAIN).await;
    ground.leads(DOMAIN, &["198.51.100.9"]);
    ground.leads(MEDIA, &[INGRESS]);
    assert_eq!(ground.faults(id).await, [("points_elsewhere", DOMAIN.to_owned())]);
    ground.leads(DOMAIN, &[INGRESS, "2001:db8::9"]);
    assert_eq!(ground.faults(id).await, [("aaaa_left_over", DOMAIN.to_owned())]);
    ground.leads(DOMAIN, &[INGRESS]);
    ground.outside.caa.lock().unwrap().insert(DOMAIN.to_owned(), vec!["pki.goog".to_owned()]);
    assert_eq!(ground.faults(id).await, both("caa_forbids"));
    ground.outside.caa.lock().unwrap().clear();
    ground.leads(DOMAIN, &["104.16.0.1"]);
    assert_eq!(ground.faults(id).await, [("proxy_on", DOMAIN.to_owned())]);
    ground.leads(DOMAIN, &[]);
    ground.outside.cname.lock().unwrap().insert(DOMAIN.to_owned(), "ingress.howdah.test".to_owned());
    assert_eq!(ground.faults(id).await, [("apex_cname", DOMAIN.to_owned())]);
    ground.outside.cname.lock().unwrap().clear();
    ground.leads(DOMAIN, &[INGRESS]);
    assert_eq!(ground.faults(id).await, []);
    let page = ground.page(id).await;
    assert!(page.is_well && page.well_since.is_some() && page.waiting_since.is_none());
    assert!(page.records.iter().all(|it| it.since.is_some() && it.first_seen_at.is_some()), "{:?}", page.records);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_is_told_twice_and_the_end_of_it_once() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    ground.settle(id).await;
    let missing = format!("{DOMAIN} doesn't lead to your server yet");
    assert_eq!(ground.mails().await, Vec::<String>::new());
    for (hours, expected) in [(23, 0), (2, 1), (46, 1), (3, 2), (240, 2)] {
        ground.clock.advance(TimeDelta::hours(hours));
        ground.tick().await;
        ground.tick().await;
        assert_eq!(ground.mails().await, vec![missing.clone(); expected], "{hours} hours later");
    }
    let text = ground.mailer.sent.lock().unwrap().last().unwrap().text_body.clone();
    assert!(text.contains("There is no TXT record _howdah.birds.test yet"), "{text}");
    ground.prove(id, DOMAIN).await;
    ground.leads(DOMAIN, &[INGRESS]);
    ground.leads(MEDIA, &[INGRESS]);
    *ground.outside.answers.lock().unwrap() = true;
    for _ in 0..4 {
        ground.clock.advance(TimeDelta::minutes(11));
        ground.round(id).await;
    }
    let works = format!("{DOMAIN} leads to your server");
    assert_eq!(ground.mails().await, [missing.clone(), missing, works]);
    let overview = instances::overview(&ground.worker.app, &ground.operator, Which::Slug("birds-test")).await.unwrap();
    assert_eq!((overview.server.phase, overview.faults), (Phase::Running, 0));
    assert!(!overview.actions.contains(&Action::SetRecords), "{:?}", overview.actions);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_can_be_asked_for_but_not_all_the_time() {
    let ground = Ground::new().await;
    let id = ground.launch(DOMAIN).await;
    ground.tick().await;
    let first = ground.page(id).await.looked_at;
    ground.clock.advance(TimeDelta::seconds(5));
    ground.tick().await;
    assert_eq!(ground.page(id).await.looked_at, first, "it is not its turn");
    let ask = async || instances::look_again(&ground.worker.app, &ground.operator, id, None).await;
    ask().await.unwrap();
    assert!(matches!(ask().await.unwrap_err(), Error::RateLimited { .. }));
    assert!(ground.page(id).await.may_look_again_at.is_some());
    ground.prove(id, DOMAIN).await;
    ground.clock.advance(TimeDelta::seconds(1));
    ground.tick().await;
    ground.tick().await;
    let page = ground.page(id).await;
    assert!(page.looked_at > first);
    ground.clock.advance(TimeDelta::seconds(30));
    ask().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_at_a_site_of_ones_own_have_to_be_passed_on() {
    let ground = Ground::new().await;
    let id = ground.launch_split(DOMAIN, "social.birds.test").await;
    ground.leads(DOMAIN, &["198.51.100.9"]);
    ground.leads("social.birds.test", &[INGRESS]);
    ground.leads("media.social.birds.test", &[INGRESS]);
    ground.prove(id, DOMAIN).await;
    let answer = |status, location: Option<&str>| {
        let path = format!("{DOMAIN}/.well-known/webfinger");
        ground.outside.sites.lock().unwrap().insert(path, (status, location.map(str::to_owned), String::new()));
    };
    answer(404, None);
    assert_eq!(ground.faults(id).await, [("not_passed_on", DOMAIN.to_owned())]);
    answer(301, Some("https://social.birds.test/"));
    assert_eq!(ground.faults(id).await, [("passed_on_elsewhere", DOMAIN.to_owned())]);
    answer(301, Some("https://social.birds.test/.well-known/webfinger?resource=acct:ada@birds.test"));
    assert_eq!(ground.faults(id).await, []);
    assert!(ground.page(id).await.is_well);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_owner_has_done_in_mastodon_is_ticked_off() {
    let ground = Ground::new().await;
    let domain = "birds.fedi.localhost";
    let id = ground.running(domain).await;
    let to_do = async || {
        let overview = instances::overview(&ground.worker.app, &ground.operator, Which::Id(id)).await.unwrap();
        overview.to_do.into_iter().map(|it| (it.what.as_str(), it.done_at.is_some(), it.seen)).collect::<Vec<_>>()
    };
    assert_eq!(to_do().await, []);
    let says = |rules: &str, enabled: bool, privacy: &str| {
        let about = format!(r#"{{"rules":[{rules}],"registrations":{{"enabled":{enabled},"approval_required":true}}}}"#);
        let privacy = format!(r#"{{"updated_at":"{privacy}","content":"x"}}"#);
        let mut sites = ground.outside.sites.lock().unwrap();
        sites.insert(format!("{domain}/api/v2/instance"), (200, None, about));
        sites.insert(format!("{domain}/api/v1/instance/privacy_policy"), (200, None, privacy));
    };
    says("", false, "2022-10-07T00:00:00+00:00");
    ground.tick().await;
    let undone = [
        ("rules", false, "No rules yet"),
        ("privacy", false, "Mastodon's general text"),
        ("registrations", false, "Closed, as at the launch"),
    ];
    assert_eq!(to_do().await, undone.map(|(what, done, seen)| (what, done, seen.to_owned())));
    says(r#"{"id":"1","text":"Be kind"}"#, true, "2026-11-22T12:00:00Z");
    ground.clock.advance(TimeDelta::minutes(11));
    ground.tick().await;
    let done = [("rules", true, "1 rule"), ("privacy", true, "Your own text"), ("registrations", true, "By approval")];
    assert_eq!(to_do().await, done.map(|(what, done, seen)| (what, done, seen.to_owned())));
}
