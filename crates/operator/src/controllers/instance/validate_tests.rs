use howdah_crd::{Reason, secrets};
use serde_json::json;

use super::super::dereference::{Dereferenced, Rivalry};
use super::super::fixture::{config, dereferenced, resource, secret, with_true};
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
