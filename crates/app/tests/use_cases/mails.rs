//! Every mail of the platform, in both of its forms.

use std::collections::BTreeSet;

use howdah_app::mails::{self, Preview, previews};
use howdah_domain::MailId;

use crate::accounts::{ADA, operator, sign_up_request, somebody};
use crate::ground::{Ground, config, reason};

const SUPPORT: &str = "help@howdah.example";

fn all() -> Vec<Preview> {
    previews(&config(), SUPPORT)
}

/// What is read of HTML: the words without the tags, head and spaces.
fn words_of(html: &str) -> String {
    let body = html.split_once("<body").unwrap().1;
    let read: String = body.split('<').skip(1).filter_map(|it| it.split_once('>')).map(|(_, text)| format!("{text} ")).collect();
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let read = entities.iter().fold(read, |read, (entity, character)| read.replace(entity, character));
    read.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_mail_reads_as_it_should() {
    for Preview { kind, subject, text, html } in all() {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("mail_{kind}"), format!("{subject}\n\n{text}\n{html}"));
        });
    }
}

#[test]
fn both_forms_have_the_same_words() {
    for Preview { kind, text, html, .. } in all() {
        let text = text.split_whitespace().filter(|it| *it != "--").collect::<Vec<_>>().join(" ");
        assert_eq!(words_of(&html), text, "{kind}");
    }
}

#[test]
fn every_mail_says_whom_to_write_to_and_spells_its_links_out() {
    for Preview { kind, subject, text, html } in all() {
        assert!(text.contains(SUPPORT) && text.contains("\nReference: "), "{kind}");
        assert!(!subject.is_empty() && !text.contains("/api/") && !text.contains(|it: char| it.is_control() && it != '\n'), "{kind}");
        for part in html.split("<a href=\"").skip(1) {
            let (target, shown) = part.split_once("\">").unwrap();
            assert!(target.starts_with("https://") && shown.starts_with(&format!("{target}</a>")), "{kind}: {target}");
        }
        assert_eq!(html.matches("https://").count(), text.matches("https://").count() * 2, "{kind}: nothing else is fetched");
    }
}

/// An address is a server's; a person has an e-mail address.
#[test]
fn every_mail_tells_addresses_of_people_from_those_of_servers() {
    for Preview { kind, subject, text, .. } in all() {
        if ["records_missing", "address_works"].contains(&kind) {
            continue;
        }
        let words = format!("{subject} {text}");
        for (at, _) in words.match_indices("address") {
            assert!(words[..at].ends_with("e-mail "), "{kind}: {words}");
        }
    }
}

#[test]
fn there_is_a_preview_of_every_kind() {
    let kinds: BTreeSet<_> = all().into_iter().map(|it| it.kind).collect();
    let words = [
        include_str!("../../src/mails/words.rs"),
        include_str!("../../src/mails/addresses.rs"),
        include_str!("../../src/mails/people.rs"),
        include_str!("../../src/mails/second_factor.rs"),
        include_str!("../../src/mails/passkeys.rs"),
    ]
    .concat();
    assert_eq!(kinds.len(), words.matches("Mail::new(").count());
    assert_eq!(kinds.len(), all().len());
}

#[tokio::test]
async fn a_mail_is_found_by_its_reference() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    howdah_app::sign_up::ask(&ground.app, &sign_up_request(ADA), &crate::accounts::client()).await.unwrap();
    let conn = &mut ground.database.conn().await;
    let mail = howdah_db::models::mail::Mail::waiting(conn, 10).await.unwrap().pop().unwrap();
    let reference = MailId::from_uuid(mail.id);
    assert!(mail.text_body.contains(&format!("Reference: {reference}\n")));
    let operator = operator(&ground).await.actor;
    let found = mails::find(&ground.app, &operator, reference).await.unwrap();
    assert_eq!((found.kind.as_str(), found.recipient.as_str(), found.sent_at), ("account_exists", ADA, None));
    assert_eq!(reason(mails::find(&ground.app, &ada, reference).await), "operators_only");
}
