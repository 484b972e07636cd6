//! Somebody is erased, and what goes with them.

use chrono::TimeDelta;
use howdah_app::admin::{self, Erased};
use howdah_app::members::{self, Acceptance};
use howdah_app::{Role, Scope, sessions as app_sessions, tokens, upkeep};
use howdah_db::models::instance::{Instance, Page};
use secrecy::ExposeSecret;

use super::{ADA, actions, mailed_token, session, somebody};
use crate::ground::{Ground, reason};

const BOB: &str = "bob@cats.example.org";

/// In no table, but for mails to others, which are forgotten 30 days after they were sent.
async fn is_nowhere(ground: &Ground, text: &str) {
    let look = format!(
        "DO $$ DECLARE name text; found integer; BEGIN
           FOR name IN SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name <> 'mail_outbox' LOOP
             EXECUTE format('SELECT count(*) FROM %I it WHERE it::text LIKE %L', name, '%{text}%') INTO found;
             IF found > 0 THEN RAISE EXCEPTION '% rows of % have it', found, name; END IF;
           END LOOP;
         END $$"
    );
    ground.database.execute(&look).await;
}

#[tokio::test]
async fn who_is_erased_leaves_nothing_behind() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await.actor;
    let bob = somebody(&ground, BOB).await;
    members::invite(&ground.app, &ada, BOB, Role::Technical, None).await.unwrap();
    let invitation = mailed_token(&ground, BOB).await;
    members::accept(&ground.app, &invitation, Acceptance::Known(&bob)).await.unwrap();
    let open = session(&ground, BOB).await;
    let token = admin::add_token(&ground.app, BOB, "his", &[Scope::Read], TimeDelta::days(1)).await.unwrap().token;

    assert_eq!(admin::erase_person(&ground.app, BOB).await.unwrap(), Erased { left: 1, closed: 1 });
    is_nowhere(&ground, BOB).await;
    assert_eq!(reason(app_sessions::authenticate(&ground.app, open.token.expose_secret()).await.map(drop)), "unauthenticated");
    assert_eq!(reason(tokens::authenticate(&ground.app, token.expose_secret()).await), "unauthenticated");
    assert_eq!(actions(&ground, bob.actor.person.as_uuid()).await.last().map(String::as_str), Some("person.erase"));
    let (_, _, broken) = upkeep::verify_audit(&ground.app).await.unwrap();
    assert!(broken.is_empty(), "{broken:?}");
    assert_eq!(reason(admin::erase_person(&ground.app, BOB).await), "not_found");

    let again = somebody(&ground, BOB).await;
    assert_ne!(again.actor.person, bob.actor.person, "the e-mail address is free for somebody new");
}

#[tokio::test]
async fn the_last_owner_of_servers_is_not_erased() {
    let ground = Ground::new().await;
    let ada = somebody(&ground, ADA).await;
    let id = ground.launch(&ada.actor, "birds.fedi.localhost").await.unwrap().instance;
    let refused = admin::erase_person(&ground.app, ADA).await.unwrap_err();
    assert_eq!(refused.reason(), "last_owner");
    let said = refused.to_string();
    assert!(said.contains(ADA) && said.contains("“Ada Lovelace”, which has birds.fedi.localhost") && said.contains("an owner"), "{said}");
    assert!(app_sessions::list(&ground.app, &ada).await.unwrap().iter().any(|it| it.is_this), "nothing was erased");

    let conn = &mut ground.database.conn().await;
    let row = Instance::by_id(conn, id.as_uuid()).await.unwrap().unwrap();
    Instance::bury(conn, row.id, row.revision, ground.now()).await.unwrap().unwrap();
    assert!(Instance::page_of_account(conn, row.account_id, Page { before: None, limit: 1 }).await.unwrap().is_empty());
    assert_eq!(admin::erase_person(&ground.app, ADA).await.unwrap(), Erased { left: 0, closed: 1 });
}
