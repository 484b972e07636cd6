//! A running server by its host names: pointed here as its customer does it, visited as a browser and another server do.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::World;
use crate::visitor::Seen;
use crate::wait::{seconds, until};

/// `/health`, a page, webfinger, the owner's actor document and picture. Returns the actor's address.
pub async fn visit(world: &World, domain: &str, web_domain: &str, username: &str) -> Result<String> {
    let page = |path: &str| format!("https://{web_domain}{path}");
    until("/health answers", seconds(30), async || {
        let seen = world.visitor.get(&page("/health")).await?;
        ensure!(seen.status == 200 && seen.text().contains("OK"), "{} {}", seen.status, seen.text());
        Ok(())
    })
    .await?;
    let about = world.visitor.get_as(&page("/about"), "text/html").await?;
    ensure!(about.status == 200 && about.kind.starts_with("text/html"), "/about: {} {}", about.status, about.kind);

    let finger = finger(world, domain, username).await?;
    let finger: Value = serde_json::from_str(&finger.text()).with_context(|| format!("webfinger: {} {}", finger.status, finger.text()))?;
    let links = finger["links"].as_array().context("webfinger has no links")?;
    let actor = links.iter().find(|it| it["rel"] == "self").and_then(|it| it["href"].as_str()).context("webfinger names no actor")?;
    ensure!(actor.starts_with(&page("/")), "the actor {actor} is not at {web_domain}");

    let picture = until("the owner has a picture", seconds(60), async || {
        let document: Value = serde_json::from_str(&world.visitor.get_as(actor, "application/activity+json").await?.text())?;
        ensure!(document["id"] == actor, "the actor says it is {}", document["id"]);
        document["icon"]["url"].as_str().map(str::to_owned).with_context(|| format!("no icon in {document}"))
    })
    .await?;
    ensure!(picture.starts_with(&format!("https://media.{web_domain}/")), "media is at its own host: {picture}");
    until("the picture is served", seconds(30), async || {
        let media = world.visitor.get(&picture).await?;
        ensure!(
            media.status == 200 && media.kind == "image/png" && media.body.starts_with(b"\x89PNG"),
            "{} {} {picture}",
            media.status,
            media.kind
        );
        Ok(())
    })
    .await?;
    Ok(actor.to_owned())
}

/// Where others begin: at the domain of the handle, which may pass the question on, once.
async fn finger(world: &World, domain: &str, username: &str) -> Result<Seen> {
    let asked = format!("https://{domain}/.well-known/webfinger?resource=acct:{username}@{domain}");
    let answer = world.visitor.get(&asked).await?;
    match &answer.location {
        None => Ok(answer),
        Some(location) => world.visitor.get(location).await,
    }
}

/// What the server's page asks the customer for, set at the customer's DNS provider.
pub async fn point_here(world: &World, instance: &Value) -> Result<()> {
    let list = |name: &str| instance["addresses"][name].as_array().with_context(|| format!("no {name} in {}", instance["addresses"]));
    let text = |it: &Value, key: &str| it[key].as_str().map(str::to_owned).with_context(|| format!("no {key} in {it}"));
    for proof in list("proofs")? {
        let name = text(proof, "name")?;
        ensure!(name.starts_with("_howdah."), "{name}");
        world.dns.set_txt(&name, &text(proof, "value")?).await?;
    }
    let records = list("records")?;
    ensure!(records.len() == 2, "web and media: {records:?}");
    for record in records {
        ensure!(record["type"] == "A", "{record}");
        world.dns.set_a(&text(record, "name")?, &[&text(record, "value")?]).await?;
    }
    Ok(())
}
