use howdah_crd::{Reason, secrets};
use serde_json::json;

use super::super::dereference::{Dereferenced, Rivalry};
use super::super::fixture::{IMPORT, PREVIEW, config, dereferenced, import, resource, secret, with_true};
use super::super::names;
use super::validate;

fn verdict(found: &Dereferenced) -> Result<(), (Reason, String)> {
    validate(found, &config()).map(|_| ()).map_err(|it| (it.reason, it.message))
}

#[test]
fn what_is_refused_and_why() {
    type Change = fn(&mut Dereferenced);
    type Outcome = Result<(), (Reason, &'static str)>;
    let table: [(Change, Outcome); 9] = [
        (|_| {}, Ok(())),
        (|it| it.database = None, Err((Reason::UnknownDatabaseServer, "main"))),
        (|it| it.store = None, Err((Reason::UnknownObjectStore, "main"))),
        (|it| it.identity = None, Err((Reason::SecretNotFound, "example-identity"))),
        (|it| it.smtp = None, Err((Reason::SecretNotFound, "example-smtp"))),
        (
            |it| it.identity = Some(secret(&secrets::identity::REQUIRED[1..])),
            Err((Reason::SecretIncomplete, "example-identity: SECRET_KEY_BASE")),
        ),
        (
            |it| it.owner = Some(secret(&["OWNER_USERNAME"])),
            Err((Reason::SecretIncomplete, "example-owner: OWNER_EMAIL, OWNER_RESET_PASSWORD_TOKEN")),
        ),
        (
            |it| it.rivalry = Some(Rivalry { reason: Reason::IdConflict, other: "older".to_owned() }),
            Err((Reason::IdConflict, "older has it already")),
        ),
        // Whether there is an owner already is asked of the database, later.
        (|it| it.owner = None, Ok(())),
    ];
    for (number, (change, wanted)) in table.into_iter().enumerate() {
        let mut found = dereferenced(resource());
        change(&mut found);
        assert_eq!(verdict(&found), wanted.map_err(|(reason, message)| (reason, message.to_owned())), "case {number}");
    }
}

#[test]
fn an_unknown_placement_is_refused() {
    let mut resource = resource();
    resource["spec"]["placement"] = json!("moon");
    assert_eq!(verdict(&dereferenced(resource)), Err((Reason::UnknownPlacement, "moon".to_owned())));
}

/// What runs must not stop because the inbox was emptied.
#[test]
fn copies_stand_in_for_what_the_inbox_has_lost() {
    let mut found = dereferenced(with_true(resource(), &["SchemaReady", "OwnerReady", "Configured"]));
    let smtp = names::smtp(found.smtp.as_ref().unwrap().digest);
    (found.identity, found.smtp, found.owner) = (None, None, None);
    found.secrets.insert(names::IDENTITY.to_owned(), secret(&secrets::identity::REQUIRED));
    found.secrets.insert(smtp.clone(), secret(&secrets::smtp::REQUIRED));
    assert_eq!(validate(&found, &config()).map(|it| it.smtp_secret).ok(), Some(smtp));
}

#[test]
fn a_rehearsal_is_looked_at_where_the_wildcard_covers_it() {
    let table = [
        (PREVIEW, Ok(())),
        (
            "birds.preview.fedi.example.net",
            Err((Reason::NotConfigured, "previewHost: no wildcard covers `birds.preview.fedi.example.net`")),
        ),
        ("preview.example.org", Err((Reason::NotConfigured, "previewHost: no wildcard covers `preview.example.org`"))),
        ("birds.fedi.example.net", Err((Reason::DomainConflict, "previewHost: birds.fedi.example.net is the server's own"))),
    ];
    for (host, wanted) in table {
        let mut resource = import();
        resource["spec"]["webDomain"] = json!("birds.fedi.example.net");
        resource["spec"]["routing"]["previewHost"] = json!(host);
        assert_eq!(verdict(&dereferenced(resource)), wanted.map_err(|(reason, message)| (reason, message.to_owned())), "{host}");
    }
    let mut without = config();
    without.certificates.platform_secret = None;
    assert!(validate(&dereferenced(import()), &without).is_err_and(|it| it.reason == Reason::NotConfigured));
}

/// `pass` is asked for in this power state; `loaded` was, for this reason, and may have run.
fn passes(pass: u32, power: &str, loaded: Option<(u32, &str)>, ran: bool) -> Result<(), (Reason, String)> {
    let mut resource = with_true(import(), &["DataLoaded"]);
    resource["spec"]["bootstrap"]["import"]["pass"] = json!(pass);
    resource["spec"]["powerState"] = json!(power);
    let status = &mut resource["status"];
    match loaded {
        Some((pass, reason)) => {
            status["loaded"] = json!(format!("{IMPORT}/{pass}"));
            status["conditions"][0]["reason"] = json!(reason);
        }
        None => status["conditions"] = json!([]),
    }
    if ran {
        status["version"] = json!("4.5.11");
    }
    verdict(&dereferenced(resource))
}

#[test]
fn what_was_rehearsed_is_not_served_and_what_is_served_is_not_loaded_over() {
    let refused =
        |result: Result<(), (Reason, String)>| result.err().map(|(reason, words)| (reason, words.split(':').next().unwrap().to_owned()));
    let rehearsed = Some((Reason::Rehearsed, "pass 1 was rehearsed".to_owned()));
    let served = Some((Reason::Rehearsed, format!("{IMPORT}/1 is served")));
    let table = [
        (passes(1, "Rehearsal", None, false), None),
        (passes(1, "Rehearsal", Some((1, "Rehearsed")), true), None),
        (passes(2, "Rehearsal", Some((1, "Rehearsed")), true), None),
        (passes(2, "Running", Some((1, "Rehearsed")), true), None),
        (passes(1, "Running", Some((1, "Rehearsed")), true), rehearsed.clone()),
        // Nobody looked at it, as far as is known: but web may have run for a moment.
        (passes(1, "Running", Some((1, "Rehearsed")), false), rehearsed.clone()),
        // Other servers would be told to delete what lives on elsewhere.
        (passes(1, "SelfDestruct", Some((1, "Rehearsed")), true), rehearsed),
        (passes(1, "Running", None, false), None),
        (passes(1, "Running", Some((1, "Ready")), true), None),
        (passes(2, "Running", Some((1, "Ready")), false), None),
        (passes(2, "Running", Some((1, "Ready")), true), served),
    ];
    for (number, (found, wanted)) in table.into_iter().enumerate() {
        assert_eq!(refused(found), wanted, "case {number}");
    }
}
