//! Pages that a customer's and an operator's way do not come by: states that pass within moments, mails as they are sent, a request
//! that failed, searches that find nothing. What can't be had live is planted in the record.

use anyhow::Result;
use howdah_acceptance::World;
use howdah_acceptance::processes::Part;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::Watch;
use howdah_acceptance::world::{fresh_id, fresh_name};

use crate::album::Album;
use crate::browser::{Browser, SOON};
use crate::moving;
use crate::people::Person;
use crate::planted_server::{LAUNCH, PlantedServer, Work};
use crate::server_pages::{Wish, fill_in};

const CLOSED: &str = "desired_kind = 'deleted', desired_hold = null, desired_deletion = 'close', desired_after = now() - interval '1 hour', \
                      farewell_began_at = now() - interval '1 hour'";

#[tokio::test]
async fn a_servers_states_that_pass() {
    let world = World::open().await.unwrap();
    let _turn = Turn::alone(&world.stack).unwrap();
    let _watch = Watch::start("pages of states that pass");
    let (browser, operator) = (Browser::open(&world).await.unwrap(), Browser::open(&world).await.unwrap());
    let customer = Person::customer(&world).await.unwrap();
    customer.sign_in(&browser).await.unwrap();
    Person::operator(&world).await.unwrap().sign_in(&operator).await.unwrap();
    let mut album = Album::open("states").unwrap();
    // It would go on with what is planted.
    let worker = Part::of(&world.stack, "worker").unwrap().kill().unwrap();
    let said = async {
        let server = PlantedServer::of(&world, &customer).await?;
        let said = async {
            moving::pages(&browser, &mut album, &server).await?;
            customers(&browser, &mut album, &server).await?;
            operators(&operator, &mut album, &server).await
        }
        .await;
        server.take_out().await?;
        said
    }
    .await;
    worker.start().unwrap();
    said.unwrap();
    album.close().unwrap();
}

async fn customers(browser: &Browser, album: &mut Album, server: &PlantedServer<'_>) -> Result<()> {
    let page = format!("/servers/{}", server.slug);
    let waiting = "desired_kind = 'suspended', desired_hold = 'approval', desired_deletion = null, desired_after = null, launched_at = null, \
                   first_answered_at = null";
    let removing = "desired_kind = 'deleted', desired_hold = null, desired_deletion = 'remove', desired_after = now() + interval '13 days'";
    let states: [(&str, Option<Work>, &str, &str); 8] = [
        // It runs, and nothing was observed of it.
        ("desired_kind = 'running'", None, "Not all is well", "server-unwell"),
        ("desired_kind = 'read_only', desired_hold = 'billing'", None, "Read-only", "server-read-only"),
        ("desired_kind = 'suspended', desired_hold = 'billing'", None, "Suspended", "server-suspended"),
        (removing, None, "Being removed", "server-removing"),
        (waiting, None, "Waiting for approval", "server-awaiting-approval"),
        (CLOSED, Some(close(&[("farewell", "running", ""), ("teardown", "waiting", "")])), "Saying farewell", "server-saying-farewell"),
        (
            CLOSED,
            Some(close(&[("farewell", "failed", "ServedElsewhere"), ("teardown", "waiting", "")])),
            "Farewell held up",
            "server-farewell-held-up",
        ),
        (
            "teardown_began_at = now()",
            Some(close(&[("farewell", "succeeded", ""), ("teardown", "running", "")])),
            "Being deleted",
            "server-tearing-down",
        ),
    ];
    for (columns, work, title, name) in states {
        server.becomes(columns, work.as_ref()).await?;
        browser.go(&page).await?;
        browser.is_titled(SOON, title).await?;
        album.keep(browser, name).await?;
    }
    let closing = "desired_after = now() + interval '13 days', farewell_began_at = null, teardown_began_at = null";
    server.becomes(closing, None).await?;
    browser.go(&format!("{page}/close")).await?;
    browser.sees("Keep the server").await?;
    album.keep(browser, "close-in-its-grace").await?;
    browser.follow("End the grace period now …").await?;
    browser.sees("From here on there is no way back").await?;
    album.keep(browser, "close-now").await?;
    browser.go(&format!("{page}/address")).await?;
    browser.sees(&format!("social.{}", server.domain)).await?;
    album.keep(browser, "address-split-domain").await?;
    server.becomes("on_platform_domain = true", None).await?;
    browser.session.refresh().await?;
    browser.sees("Nothing to set").await?;
    album.keep(browser, "address-platform").await?;
    let running = "on_platform_domain = false, desired_kind = 'running', desired_deletion = null, desired_after = null";
    server.becomes(running, Some(&Work { kind: "create", state: "failed", steps: LAUNCH })).await?;
    browser.go(&format!("/operations/{}", server.operation)).await?;
    browser.sees("Write to").await?;
    album.keep(browser, "operation-failed").await
}

const fn close(steps: &'static [(&'static str, &'static str, &'static str)]) -> Work {
    Work { kind: "close", state: "running", steps }
}

async fn operators(browser: &Browser, album: &mut Album, server: &PlantedServer<'_>) -> Result<()> {
    let page = format!("/operator/servers/{}", server.id);
    server.becomes("launched_at = null, first_answered_at = null", Some(&Work { kind: "create", state: "failed", steps: LAUNCH })).await?;
    browser.go(&page).await?;
    browser.sees("What the failing part said").await?;
    album.keep(browser, "operator-server-failed").await?;
    server.diverges().await?;
    browser.go(&page).await?;
    browser.follow("Compare and decide").await?;
    browser.sees("What differs").await?;
    album.keep(browser, "operator-diverged").await?;
    browser.follow("Overwrite the cluster’s state …").await?;
    browser.sees("What goes").await?;
    album.keep(browser, "operator-overwrite").await
}

/// What is said of an address before a server is launched at it.
#[tokio::test]
async fn what_a_launch_is_told() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("what a launch is told");
    let browser = Browser::open(&world).await.unwrap();
    Person::customer(&world).await.unwrap().sign_in(&browser).await.unwrap();
    let mut album = Album::open("launch-checks").unwrap();
    let (free, mark) = (format!("{}.test", fresh_name("wrens")), format!("{}.test", fresh_name("mastodon")));
    let refused = fresh_name("mastodon");
    let answers = [
        (Wish { domain: &free, name: None, owner: "ada" }, "is free.", "launch-check-free"),
        (Wish { domain: &mark, name: None, owner: "ada" }, "contains a trademark of Mastodon gGmbH", "launch-check-trademark"),
        (Wish { domain: "not a domain", name: None, owner: "ada" }, "not a domain", "launch-check-no-domain"),
        (Wish { domain: "", name: Some(&refused), owner: "ada" }, "can't carry", "launch-check-refused"),
    ];
    for (wish, says, name) in answers {
        fill_in(&browser, &wish).await.unwrap();
        browser.press("Check the address").await.unwrap();
        browser.is_at("/servers/new/check").await.unwrap();
        browser.sees(says).await.unwrap();
        album.keep(&browser, name).await.unwrap();
    }
    album.close().unwrap();
}

#[tokio::test]
async fn what_an_operator_looks_up() {
    let world = World::open().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("what an operator looks up");
    let (browser, person) = (Browser::open(&world).await.unwrap(), Person::operator(&world).await.unwrap());
    let mut album = Album::open("looked-up").unwrap();
    person.sign_in(&browser).await.unwrap();

    let reference = fresh_id();
    let failed = format!(
        "insert into incidents (id, happened_at, method, path, cause)
         values ('{reference}', now(), 'GET', '/account/tokens', 'the record did not answer: relation \"api_tokens\" does not exist')"
    );
    world.record().unwrap().write(&failed).await.unwrap();
    browser.go(&format!("/operator?q={reference}")).await.unwrap();
    browser.is_at("/operator/incidents/").await.unwrap();
    album.keep(&browser, "operator-incident").await.unwrap();

    browser.go("/operator/mails/confirm_sign_up").await.unwrap();
    browser.sees("Ada Lovelace").await.unwrap();
    album.keep(&browser, "operator-mail-preview").await.unwrap();
    let unknown = Person::unknown();
    browser.go("/account/people").await.unwrap();
    browser.fill("E-mail", &unknown.email).await.unwrap();
    browser.press("Send the invitation").await.unwrap();
    browser.sees("The invitation is on its way").await.unwrap();
    let mail = world.record().unwrap().mail_to(&unknown.email).await.unwrap();
    browser.go(&format!("/operator?q={mail}")).await.unwrap();
    browser.is_at("/operator/mails/sent/").await.unwrap();
    album.keep(&browser, "operator-sent-mail").await.unwrap();

    for (list, says, name) in [
        ("/operator", "No server like that", "operator-fleet-nothing-found"),
        ("/operator/operations", "No operation like that", "operator-operations-nothing-found"),
        ("/operator/jobs", "No job like that", "operator-jobs-nothing-found"),
    ] {
        browser.go(&format!("{list}?q=nothing-has-this-name")).await.unwrap();
        browser.sees(says).await.unwrap();
        album.keep(&browser, name).await.unwrap();
    }
    browser.go("/servers?q=nothing-has-this-name").await.unwrap();
    browser.sees("None like that").await.unwrap();
    album.keep(&browser, "servers-nothing-found").await.unwrap();
    browser.go("/confirm-password?next=/account/people").await.unwrap();
    browser.sees("Password").await.unwrap();
    album.keep(&browser, "confirm-password").await.unwrap();
    album.close().unwrap();
}
