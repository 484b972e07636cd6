//! A server on its way to another host, from the question to the day on which its media host alone is left: planted, since most of it passes
//! within moments, or takes weeks.

use anyhow::Result;

use crate::album::Album;
use crate::browser::{Browser, SOON};
use crate::planted_server::{PlantedServer, Work};

const MOVING: &str =
    "desired_kind = 'deleted', desired_hold = null, desired_deletion = 'move_out', desired_after = now() - interval '1 hour'";
const KEPT: &str = "handed_over_at = now() - interval '2 days'";
const MOVED: &str = "handed_over_at = now() - interval '20 days'";
const AT_HOME: &str = "desired_kind = 'running', desired_hold = null, desired_deletion = null, desired_after = null, handed_over_at = null";

/// Name, state, details.
type Step = (&'static str, &'static str, &'static str);

/// Steps of a move, by their states in order.
const fn steps(states: [&'static str; 4]) -> [Step; 4] {
    let [drain, bundle, handover, teardown] = states;
    [("drain", drain, ""), ("final_bundle", bundle, ""), ("handover", handover, ""), ("teardown", teardown, "")]
}

const STOPPING: &[Step] = &steps(["running", "waiting", "waiting", "waiting"]);
const BUNDLING: &[Step] = &steps(["succeeded", "running", "waiting", "waiting"]);
const WAITING: &[Step] = &steps(["succeeded", "succeeded", "running", "waiting"]);
const LEFT: &[Step] = &steps(["succeeded", "succeeded", "succeeded", "waiting"]);

/// What there is to be seen, to its customer; then it runs again.
pub async fn pages(browser: &Browser, album: &mut Album, server: &PlantedServer<'_>) -> Result<()> {
    let page = format!("/servers/{}", server.slug);
    server.becomes(AT_HOME, None).await?;
    browser.go(&format!("{page}/move-out")).await?;
    browser.sees("Stop it and move").await?;
    album.keep(browser, "move-out").await?;
    let states: [(&str, Option<&'static [Step]>, &str, &str); 6] = [
        (MOVING, None, "Moving out", "asked"),
        (MOVING, Some(STOPPING), "Moving out", "stopping"),
        (MOVING, Some(BUNDLING), "Moving out", "final-bundle"),
        (MOVING, Some(WAITING), "Moving out", "waits-for-host"),
        (KEPT, Some(LEFT), "Moved", "kept"),
        (MOVED, Some(LEFT), "Moved", "moved-out"),
    ];
    for (columns, steps, title, name) in states {
        server.becomes(columns, steps.map(|steps| Work { kind: "move_out", state: "running", steps }).as_ref()).await?;
        match name {
            "kept" => server.leads_media("null, null, null, now() + interval '12 months'").await?,
            "moved-out" => server.leads_media("'https://files.example.net/birds', now(), now(), now() + interval '11 months'").await?,
            _ => {}
        }
        browser.go(&page).await?;
        browser.is_titled(SOON, title).await?;
        album.keep(browser, &format!("server-move-{name}")).await?;
        browser.go(&format!("{page}/move-out")).await?;
        browser.sees("How far it is").await?;
        album.keep(browser, &format!("move-out-{name}")).await?;
    }
    server.leads_nothing().await?;
    server.becomes(AT_HOME, None).await
}
