//! A server by the operator alone: the documented example of `deploy/operator/example.yaml`, applied as `kubectl apply` would, with
//! its names adapted.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use howdah_crd::{ConditionType, INBOX_NAMESPACE, MastodonInstance};
use howdah_domain::InstanceId;
use kube::api::{Patch, PatchParams};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::World;
use crate::cluster::{conditions, is_met};
use crate::leftovers::assert_nothing_left;
use crate::wait::{seconds, until};
use crate::world::{fresh_id, fresh_name};

const EXAMPLE: &str = include_str!("../../../deploy/operator/example.yaml");
const EXAMPLE_ID: &str = "0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d";
const EXAMPLE_DOMAIN: &str = "social.example.org";

pub struct Server {
    pub id: InstanceId,
    /// Of the resource.
    pub name: String,
    pub domain: String,
    /// Of everything outside, and of the namespace.
    pub resource_name: String,
    /// The Secrets, then the resource.
    pub documents: Vec<Value>,
}

impl Server {
    /// The example under new names, on nodes of this kind: `real` or `fake`.
    pub fn example(world: &World, placement: &str) -> Result<Self> {
        let (id, name) = (fresh_id(), fresh_name("example"));
        let domain = format!("{name}.test");
        let image = world.stack.stand_in_image.clone().context("stack.json has no stand_in_image")?;
        let text = EXAMPLE
            .replace(EXAMPLE_ID, &id.to_string())
            .replace(EXAMPLE_DOMAIN, &domain)
            .replace("name: example-", &format!("name: {name}-"))
            .replace("name: example\n", &format!("name: {name}\n"));
        let documents: Vec<Value> =
            serde_yaml_ng::Deserializer::from_str(&text).map(Value::deserialize).collect::<Result<_, _>>().context("the example")?;
        let mut server = Self { resource_name: id.resource_name(), id, name, domain, documents };
        server.spec()["image"] = json!({"mastodon": image, "streaming": image});
        server.spec()["placement"] = json!(placement);
        let relay = server.secret("smtp");
        relay["SMTP_SERVER"] = json!(world.stack.ip()?);
        relay["SMTP_PORT"] = json!("1025");
        Ok(server)
    }

    /// The resource's spec, before it is applied.
    pub fn spec(&mut self) -> &mut Value {
        let resource = self.documents.last_mut().expect("the example ends with the resource");
        &mut resource["spec"]
    }

    /// The content of one of its Secrets: `identity`, `owner`, `smtp`.
    pub fn secret(&mut self, kind: &str) -> &mut Value {
        let name = format!("{}-{kind}", self.name);
        let found = self.documents.iter_mut().find(|it| it["metadata"]["name"] == name.as_str());
        &mut found.expect("the example has three Secrets")["stringData"]
    }

    pub async fn apply(&self, world: &World) -> Result<()> {
        for document in &self.documents {
            world.cluster.apply(document).await.with_context(|| format!("apply {}", document["kind"]))?;
        }
        Ok(())
    }

    /// The resource alone: what it names is there.
    pub async fn apply_resource(&self, world: &World) -> Result<()> {
        world.cluster.apply(self.documents.last().context("no resource")?).await.map(drop)
    }

    pub async fn get(&self, world: &World) -> Result<MastodonInstance> {
        world.cluster.instances().get(&self.name).await.with_context(|| self.name.clone())
    }

    /// Changes the spec as `kubectl patch --type merge` does.
    pub async fn patch(&self, world: &World, spec: Value) -> Result<MastodonInstance, kube::Error> {
        world.cluster.instances().patch(&self.name, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await
    }

    pub async fn wait_for(&self, world: &World, condition: ConditionType, within: Duration) -> Result<MastodonInstance> {
        until(&format!("{} is {condition}", self.name), within, async || {
            let seen = self.get(world).await?;
            ensure!(is_met(&seen, condition), "{}", conditions(&seen));
            Ok(seen)
        })
        .await
    }

    /// Deletes the resource and nothing else, and waits until the operator let it go.
    pub async fn delete(&self, world: &World) -> Result<()> {
        world.cluster.delete_instance(&self.name).await?;
        until(&format!("{} is gone", self.name), seconds(90), async || world.cluster.is_gone(&self.name).await).await
    }

    /// Takes it down with all its data, in the documented order.
    pub async fn destroy(&self, world: &World) -> Result<()> {
        self.patch(world, json!({"teardown": {"kind": "Remove", "confirm": self.id.to_string()}})).await?;
        self.wait_for(world, ConditionType::TeardownConfirmed, seconds(30)).await?;
        self.delete(world).await?;
        self.forget_secrets(world).await?;
        assert_nothing_left(world, &[self.id]).await
    }

    /// Who made the Secrets of the inbox takes them away.
    pub async fn forget_secrets(&self, world: &World) -> Result<()> {
        use k8s_openapi::api::core::v1::Secret;
        let api: kube::Api<Secret> = kube::Api::namespaced(world.cluster.client.clone(), INBOX_NAMESPACE);
        for kind in ["identity", "owner", "smtp"] {
            match api.delete(&format!("{}-{kind}", self.name), &kube::api::DeleteParams::default()).await {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What the environment of its processes is made of: a Secret of its namespace.
    pub async fn run_time_secret(&self, world: &World, name: &str) -> Result<std::collections::BTreeMap<String, String>> {
        world.cluster.secret(&self.resource_name, name).await
    }
}
