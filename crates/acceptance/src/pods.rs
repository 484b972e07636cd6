//! A server's pods: which run, and a command inside one.

use anyhow::{Context as _, Result, ensure};
use howdah_crd::labels;
use howdah_domain::InstanceId;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::{Api, AttachParams, ListParams};

use crate::World;

fn api(world: &World, server: InstanceId) -> Api<Pod> {
    Api::namespaced(world.cluster.client.clone(), &server.resource_name())
}

/// The processes of which a pod runs, in the alphabet's order.
pub async fn processes(world: &World, server: InstanceId) -> Result<Vec<String>> {
    let running = api(world, server).list(&ListParams::default().fields("status.phase=Running")).await?;
    let is_staying = |it: &&Pod| it.metadata.deletion_timestamp.is_none();
    let mut found: Vec<String> =
        running.items.iter().filter(is_staying).filter_map(|it| it.labels().get(labels::PROCESS).cloned()).collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// Runs a command of the stand-in's in the server's web pod.
pub async fn in_web(world: &World, server: InstanceId, command: &[&str]) -> Result<()> {
    let pods = api(world, server);
    let web = pods.list(&ListParams::default().labels(&format!("{}=web", labels::PROCESS))).await?;
    let name = web.items.first().context("no pod of web")?.name_any();
    let mut attached = pods.exec(&name, command.iter().copied(), &AttachParams::default().stderr(false)).await?;
    let status = attached.take_status().context("a command's end is told")?;
    attached.join().await?;
    let status = status.await.context("a command's end was told to nobody")?;
    ensure!(status.status.as_deref() == Some("Success"), "{command:?}: {status:?}");
    Ok(())
}
