//! A server in states that pass within moments, or that nothing can bring about at will: written into the record by hand, on a
//! cluster that nobody has, while no worker runs, and taken out again.

use anyhow::{Context, Result};
use howdah_acceptance::World;
use howdah_acceptance::world::{fresh_id, fresh_name};
use howdah_domain::InstanceId;

use crate::people::Person;

pub struct PlantedServer<'a> {
    world: &'a World,
    pub id: InstanceId,
    /// Its name in the dashboard's addresses.
    pub slug: String,
    /// In people's handles; the server itself is at `social.` before it.
    pub domain: String,
    /// Of its operation.
    pub operation: InstanceId,
}

/// An operation: its kind and state, and its steps with their states and reasons.
pub struct Work {
    pub kind: &'static str,
    pub state: &'static str,
    pub steps: &'static [(&'static str, &'static str, &'static str)],
}

pub const LAUNCH: &[(&str, &str, &str)] = &[
    ("namespace", "succeeded", ""),
    ("secrets", "succeeded", ""),
    ("database", "succeeded", ""),
    ("bucket", "succeeded", ""),
    ("cache", "succeeded", ""),
    ("schema", "failed", "JobFailed"),
    ("owner", "waiting", ""),
    ("configuration", "waiting", ""),
    ("workloads", "waiting", ""),
];

impl<'a> PlantedServer<'a> {
    /// One of this customer's, which runs.
    pub async fn of(world: &'a World, customer: &Person) -> Result<Self> {
        let (id, slug) = (fresh_id(), fresh_name("planted"));
        let it = Self { world, id, domain: format!("{slug}.test"), slug, operation: fresh_id() };
        let (uuid, slug, domain, email) = (id.as_uuid(), &it.slug, &it.domain, &customer.email);
        it.write(&format!(
            "insert into clusters (id, name, placement, capacity, is_default, created_at) values ('{uuid}', '{slug}', 'nowhere', 0, false, now());
             insert into instances (id, account_id, slug, domain, web_domain, media_domain, on_platform_domain, plan, version, image_mastodon,
                 image_streaming, desired_kind, standing_kind, standing_by, revision, cluster_id, database_server_id, object_store_id,
                 created_at, updated_at, launched_at, first_answered_at)
             select '{uuid}', account_id, '{slug}', '{domain}', 'social.{domain}', 'media.social.{domain}', false, 'small', '4.5.11', 'mastodon',
                 'streaming', 'running', 'granted', 'test', 1, '{uuid}', database_servers.id, object_stores.id,
                 now() - interval '2 days', now(), now() - interval '2 days', now() - interval '2 days'
             from memberships join people on people.id = person_id, database_servers, object_stores
             where people.email = '{email}' and database_servers.is_default and object_stores.is_default;
             insert into domains (id, account_id, name, proof_token, last_records, created_at)
             select id, account_id, 'social.{domain}', 'howdah-proof=planted-and-never-set', '{{}}', now() from instances where id = '{uuid}'"
        ))
        .await?;
        Ok(it)
    }

    /// As this part of an UPDATE says, with this as its only operation.
    pub async fn becomes(&self, columns: &str, work: Option<&Work>) -> Result<()> {
        let id = self.id.as_uuid();
        self.write(&format!("update instances set {columns}, revision = revision + 1 where id = '{id}'; {}", self.without_work())).await?;
        let Some(work) = work else { return Ok(()) };
        let Work { kind, state, steps } = work;
        let operation = self.operation.as_uuid();
        let failed = match *state {
            "failed" => "'schema', 'JobFailed', 'rails aborted! PG::ConnectionBad', now()",
            _ => "null, null, null, null",
        };
        self.write(&format!(
            "insert into operations (id, instance_id, kind, lane, state, revision, created_at, started_at, failed_step, failed_reason,
                 failed_detail, finished_at)
             values ('{operation}', '{id}', '{kind}', 'exclusive', '{state}', 1, now() - interval '1 hour', now() - interval '1 hour', {failed})"
        ))
        .await?;
        for (position, (name, state, reason)) in steps.iter().enumerate() {
            let since = if *state == "waiting" { "null" } else { "now() - interval '20 minutes'" };
            let until = if *state == "succeeded" { "now() - interval '19 minutes'" } else { "null" };
            self.write(&format!(
                "insert into operation_steps (operation_id, position, name, state, reason, started_at, finished_at)
                 values ('{operation}', {position}, '{name}', '{state}', nullif('{reason}', ''), {since}, {until})"
            ))
            .await?;
        }
        Ok(())
    }

    /// What is left of it when it moves: where its media is, when its bundle was verified, when its data went, how long its media host leads on.
    pub async fn leads_media(&self, values: &str) -> Result<()> {
        self.leads_nothing().await?;
        let id = self.id.as_uuid();
        self.write(&format!(
            "insert into moves_out (instance_id, media_redirect, bundle_verified_at, moved_out_at, moved_out_until) values ('{id}', {values})"
        ))
        .await
    }

    pub async fn leads_nothing(&self) -> Result<()> {
        self.write(&format!("delete from moves_out where instance_id = '{}'", self.id.as_uuid())).await
    }

    /// The last sync found that the cluster has a newer version of it.
    pub async fn diverges(&self) -> Result<()> {
        let (record, cluster) = (self.spec("4.5.11"), self.spec("4.9.1"));
        let divergence = serde_json::json!({"revision": 99, "record": record, "cluster": cluster});
        let id = self.id.as_uuid();
        self.write(&format!(
            "insert into instance_syncs (instance_id, revision, reason, tried_at, divergence)
             values ('{id}', 1, 'Diverged', now(), '{divergence}')"
        ))
        .await
    }

    fn spec(&self, version: &str) -> serde_json::Value {
        let process = serde_json::json!({"cpu": "30m", "memory": "512Mi"});
        let with = |more: serde_json::Value| {
            let mut all = process.clone();
            if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
                all.extend(more.clone());
            }
            all
        };
        serde_json::json!({
            "id": self.id.to_string(), "domain": self.domain, "webDomain": format!("social.{}", self.domain), "revision": 1,
            "version": version, "image": {"mastodon": format!("mastodon:v{version}"), "streaming": "streaming"},
            "placement": "nowhere", "bootstrap": {"new": {"ownerSecretRef": {"name": "owner"}}},
            "resources": {
                "web": with(serde_json::json!({"replicas": 1, "concurrency": 1, "threads": 5})),
                "streaming": with(serde_json::json!({"replicas": 1, "dbPool": 5})),
                "sidekiq": with(serde_json::json!({"replicas": 1, "threads": 5})),
                "scheduler": with(serde_json::json!({"threads": 5})),
                "redis": with(serde_json::json!({"storage": "1Gi"})),
            },
            "identitySecretRef": {"name": "identity"}, "smtpRef": {"name": "smtp"},
            "database": {"server": "main"}, "objectStorage": {"store": "main"}, "routing": {"enabled": true},
        })
    }

    fn without_work(&self) -> String {
        let id = self.id.as_uuid();
        format!(
            "delete from operation_steps where operation_id in (select id from operations where instance_id = '{id}');
             delete from operations where instance_id = '{id}'"
        )
    }

    /// Nothing of it is left.
    pub async fn take_out(self) -> Result<()> {
        let id = self.id.as_uuid();
        let without_work = self.without_work();
        self.write(&format!(
            "{without_work};
             delete from instance_syncs where instance_id = '{id}';
             delete from moves_out where instance_id = '{id}';
             delete from domains where id = '{id}';
             delete from instances where id = '{id}';
             delete from clusters where id = '{id}'"
        ))
        .await
    }

    async fn write(&self, statements: &str) -> Result<()> {
        self.world.record()?.write(statements).await.with_context(|| statements.to_owned())
    }
}
