//! The operators' list of every server: how many there are, and by what it is narrowed.

use crate::support::Server;
use crate::support::browser::{Browser, somebody};

const OPERATOR: &str = "op@howdah.example";

/// What stands between the filters and the table.
fn counted(page: &str) -> &str {
    let after = page.split("</form>").find_map(|it| it.trim_start().strip_prefix("<p class=\"muted\">")).unwrap();
    after.split("</p>").next().unwrap()
}

/// The options of a choice, as they are read.
fn options<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let select = page.split(&format!("<select id=\"{name}\"")).nth(1).unwrap().split("</select>").next().unwrap();
    select.split("</option>").filter_map(|it| it.rsplit_once('>')).map(|(_, words)| words).filter(|it| !it.trim().is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_fleet_says_how_many_of_how_many() {
    let (test, server) = Server::new().await;
    let eve = test.customer("eve@birds.example").await;
    for domain in ["birds.example", "fish.example", "frogs.fedi.localhost"] {
        server.launch(&eve, domain).await;
    }
    test.database.execute("UPDATE instances SET launched_at = created_at WHERE domain IN ('frogs.fedi.localhost', 'fish.example')").await;
    somebody(&test, OPERATOR, true).await;
    let operator = Browser::new(&server);
    operator.sign_in(OPERATOR).await;
    let look = async |query: &str| operator.get(&format!("/operator?{query}")).await.is(200).text.clone();

    let all = look("").await;
    assert_eq!(counted(&all), "3 servers");
    let states = options(&all, "state");
    for state in ["All states", "Launching (1)", "Waiting for its address (1)", "Running (1)", "Held up (0)", "Gone (0)"] {
        assert!(states.contains(&state), "{state}: {states:?}");
    }
    let table = [
        ("state=launching", "1 of 3 servers"),
        ("state=held_up", "0 of 3 servers"),
        ("q=fish", "1 of 3 servers"),
        ("q=f&state=running", "1 of 3 servers"),
        ("plan=large", "0 of 3 servers"),
        ("cluster=real", "3 servers"),
        ("state=gone", "0 servers that are gone"),
        ("state=no-such-state", "3 servers"),
    ];
    for (query, words) in table {
        assert_eq!(counted(&look(query).await), words, "{query}");
    }
    assert!(!all.contains("Look at these first"), "nothing waits for anybody: {all}");
    test.database
        .execute("UPDATE instances SET desired_kind = 'suspended', desired_hold = 'approval' WHERE domain = 'birds.example'")
        .await;
    let waits = look("q=birds").await;
    assert!(waits.contains(r#"<a href="/operator?q=birds&#38;state=waiting">1 waiting for payment or approval</a>"#), "{waits}");
    assert!(!look("q=birds&state=waiting").await.contains("Look at these first"));
    let narrowed = look("q=f").await;
    let states = options(&narrowed, "state");
    assert!(states.contains(&"Running (1)") && states.contains(&"Launching (0)"), "of what is searched for: {states:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_chosen_of_those_that_there_are() {
    let (test, server) = Server::new().await;
    let eve = test.customer("eve@birds.example").await;
    server.launch(&eve, "birds.example").await;
    test.database.execute("UPDATE clusters SET retired_at = created_at WHERE name = 'fake'").await;
    somebody(&test, OPERATOR, true).await;
    let operator = Browser::new(&server);
    operator.sign_in(OPERATOR).await;
    let look = async |query: &str| operator.get(&format!("/operator?{query}")).await.is(200).text.clone();

    let chosen = look("cluster=real").await;
    assert_eq!(options(&chosen, "cluster"), ["Any cluster", "fake (retired)", "real"]);
    assert!(chosen.contains(r#"<option value="real" selected>"#) && chosen.contains(">birds.example<"), "{chosen}");

    let unknown = look("cluster=%3Cb%3Eelsewhere&state=launching").await;
    assert!(unknown.contains("There is no cluster “&#60;b&#62;elsewhere”") && !unknown.contains(">birds.example<"), "{unknown}");
    assert_eq!(options(&unknown, "cluster").last(), Some(&"&#60;b&#62;elsewhere (unknown)"), "the filter shows what it filters by");
    assert_eq!(counted(&unknown), "0 of 1 server");
    let empty = look("cluster=fake").await;
    assert!(empty.contains("No server like that"), "{empty}");
}
