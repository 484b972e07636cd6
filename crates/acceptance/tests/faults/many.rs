//! Many servers at once on the fake node, through the API: launched, synced anew, removed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt};
use howdah_acceptance::api::{Api, fake};
use howdah_acceptance::metrics::{Writes, operator_is_at_rest, writes};
use howdah_acceptance::processes::Part;
use howdah_acceptance::world::fresh_name;
use howdah_acceptance::{World, until};
use howdah_domain::InstanceId;
use serde_json::Value;

/// Requests at a time.
const AT_ONCE: usize = 8;

pub struct Many {
    api: Api,
    pub ids: Vec<InstanceId>,
}

impl Many {
    /// Returns when all are asked for.
    pub async fn launch(world: &World, count: usize) -> Result<Self> {
        let api = world.operator()?;
        let name = fresh_name("many");
        let wishes = (0..count).map(|number| fake(&format!("{name}-{number}.fedi.localhost")));
        let launches = futures::stream::iter(wishes).map(|wish| {
            let api = &api;
            async move { api.launch(&wish).await }
        });
        let ids = launches.buffer_unordered(AT_ONCE).map_ok(|it| it.id).try_collect().await?;
        Ok(Self { api, ids })
    }

    /// How many are in each phase. One that is gone is listed no more.
    pub async fn phases(&self) -> Result<BTreeMap<String, usize>> {
        let ours: BTreeSet<String> = self.ids.iter().map(ToString::to_string).collect();
        let mut phases = BTreeMap::new();
        let mut next = Some(String::new());
        while let Some(cursor) = next {
            let page = self.api.get(&format!("/api/v1/instances?limit=100{cursor}")).await?.expect(200)?.body;
            let items = page["items"].as_array().context("a page has items")?;
            for item in items.iter().filter(|it| it["id"].as_str().is_some_and(|id| ours.contains(id))) {
                *phases.entry(item["phase"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
            next = page["next_cursor"].as_str().map(|it| format!("&cursor={it}"));
        }
        Ok(phases)
    }

    /// At least this many run.
    pub async fn wait_until_run(&self, count: usize, within: Duration) -> Result<()> {
        until(&format!("{count} servers run"), within, async || {
            let phases = self.phases().await?;
            ensure!(phases.get("running").is_some_and(|it| *it >= count), "{phases:?}");
            Ok(())
        })
        .await
    }

    /// Asks for the removal of each, with its grace at its end. Returns when all is gone.
    pub async fn remove(&self, world: &World, within: Duration) -> Result<()> {
        for id in &self.ids {
            self.api.remove(*id).await?;
            world.record()?.end_grace(*id).await?;
        }
        until("all are gone", within, async || {
            let phases = self.phases().await?;
            ensure!(phases.is_empty(), "{phases:?}");
            Ok(())
        })
        .await
    }

    /// What the last operation of each came to.
    pub async fn last_operations(&self) -> Result<Vec<Value>> {
        let asked = futures::stream::iter(&self.ids).map(|id| self.api.last_operation(*id));
        asked.buffer_unordered(AT_ONCE).try_collect().await
    }
}

/// What a resync of everything writes: an operator that starts anew, which looks at each server, and the worker.
pub async fn writes_of_a_resync(world: &World) -> Result<Writes> {
    // How much a server holds is measured hourly, and later where the database was busy: what is due is written by a first one.
    resync(world).await?;
    let before = writes(world).await?;
    resync(world).await?;
    Ok(writes(world).await?.since(&before))
}

async fn resync(world: &World) -> Result<()> {
    Part::of(&world.stack, "operator")?.kill()?.start()?;
    world.record()?.resync().await?;
    operator_is_at_rest(world).await
}
