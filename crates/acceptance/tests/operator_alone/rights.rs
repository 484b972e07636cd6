//! The rights of operator and worker, as `kubectl auth can-i --list` tells them, and what the admission policy refuses besides.

use std::collections::BTreeSet;

use howdah_acceptance::World;
use howdah_acceptance::server::Server;
use howdah_acceptance::turn::Turn;
use howdah_acceptance::wait::{Watch, seconds};
use howdah_crd::{CERTIFICATES_NAMESPACE, ConditionType, INBOX_NAMESPACE, MEDIA_NAMESPACE, SYSTEM_NAMESPACE};
use k8s_openapi::api::authorization::v1::{SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;

/// The administrator as this ServiceAccount.
async fn client_as(world: &World, account: &str) -> Client {
    let config = Kubeconfig::read_from(&world.stack.kubeconfig).unwrap();
    let mut config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    config.auth_info.impersonate = Some(format!("system:serviceaccount:{SYSTEM_NAMESPACE}:{account}"));
    Client::try_from(config).unwrap()
}

/// A line a rule: resources, names, verbs. What every account may ask about itself is left out.
async fn rights(client: &Client, namespace: &str) -> Vec<String> {
    let review = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) },
        ..SelfSubjectRulesReview::default()
    };
    let review = Api::<SelfSubjectRulesReview>::all(client.clone()).create(&PostParams::default(), &review).await.unwrap();
    let mut lines = BTreeSet::new();
    for rule in review.status.unwrap().resource_rules {
        let groups = rule.api_groups.unwrap_or_default();
        for resource in rule.resources.unwrap_or_default() {
            for group in &groups {
                if group.starts_with("authorization.k8s.io") || group.starts_with("authentication.k8s.io") {
                    continue;
                }
                let group = if group.is_empty() { "core" } else { group };
                let names = rule.resource_names.clone().unwrap_or_default().join(" ");
                lines.insert(format!("{group}/{resource} [{names}] {}", rule.verbs.join(" ")));
            }
        }
    }
    lines.into_iter().collect()
}

#[tokio::test]
async fn rights_are_exactly_these() {
    let world = World::without_control_plane().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("rights");
    let server = Server::example(&world, "fake").unwrap();
    server.apply(&world).await.unwrap();
    server.wait_for(&world, ConditionType::NamespaceReady, seconds(60)).await.unwrap();
    for account in ["howdah-operator", "howdah-worker"] {
        let client = client_as(&world, account).await;
        let mut all = Vec::new();
        let platforms =
            ["kube-system", "default", SYSTEM_NAMESPACE, INBOX_NAMESPACE, CERTIFICATES_NAMESPACE, MEDIA_NAMESPACE, "howdah-bundles"];
        for namespace in platforms.into_iter().chain([server.resource_name.as_str()]) {
            let shown = if namespace == server.resource_name { "a server's" } else { namespace };
            let lines = rights(&client, namespace).await;
            for line in &lines {
                assert!(!line.contains('*'), "{account} in {shown}: {line}");
                let verbs = line.rsplit(']').next().unwrap();
                assert!(!verbs.contains("escalate") && !verbs.contains("impersonate"), "{account} in {shown}: {line}");
            }
            all.push((shown.to_owned(), lines));
        }
        insta::assert_yaml_snapshot!(account, all);
    }
    server.destroy(&world).await.unwrap();
}

#[tokio::test]
async fn the_operator_is_kept_out_of_foreign_namespaces() {
    let world = World::without_control_plane().await.unwrap();
    let _turn = Turn::shared(&world.stack).unwrap();
    let _watch = Watch::start("admission");
    let client = client_as(&world, "howdah-operator").await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let parameters = PatchParams::apply("acceptance").force();
    let label =
        |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"howdah.dev/instance": "x"}}});
    let bare = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mi-bare"}});
    let server = Server::example(&world, "fake").unwrap();
    server.apply(&world).await.unwrap();
    server.wait_for(&world, ConditionType::NamespaceReady, seconds(60)).await.unwrap();
    let home = server.resource_name.as_str();

    refused("take a foreign namespace", namespaces.patch("kube-system", &parameters, &Patch::Apply(label("kube-system"))).await);
    refused("make a namespace of another name", namespaces.patch("other", &parameters, &Patch::Apply(label("other"))).await);
    refused("make one without the label", namespaces.patch("mi-bare", &parameters, &Patch::Apply(bare)).await);
    refused("delete a foreign namespace", namespaces.delete("default", &DeleteParams::default()).await);
    for (what, namespace, role, account) in [
        ("bind itself in a foreign namespace", "kube-system", "howdah-tenant", "howdah-operator"),
        ("bind somebody else", home, "howdah-tenant", "default"),
        ("bind another role", home, "cluster-admin", "howdah-operator"),
    ] {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "more", "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": SYSTEM_NAMESPACE}],
        });
        let api: Api<RoleBinding> = Api::namespaced(client.clone(), namespace);
        refused(what, api.create(&PostParams::default(), &serde_json::from_value(binding).unwrap()).await);
    }
    let inbox: Api<Secret> = Api::namespaced(client.clone(), INBOX_NAMESPACE);
    refused("delete an identity", inbox.delete(&format!("{}-identity", server.name), &DeleteParams::default()).await);
    let elsewhere: Api<Secret> = Api::namespaced(client.clone(), "kube-system");
    refused("read Secrets elsewhere", elsewhere.list(&kube::api::ListParams::default()).await);
    server.destroy(&world).await.unwrap();
}

fn refused<T: std::fmt::Debug>(what: &str, answer: Result<T, kube::Error>) {
    match answer {
        Err(kube::Error::Api(status)) if status.code == 403 || (status.code == 422 && status.message.contains("howdah-operator")) => {}
        Err(kube::Error::Api(status)) => panic!("{what}: {} {}", status.code, status.message),
        other => panic!("the operator may {what}: {other:?}"),
    }
}
