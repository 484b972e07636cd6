//! The layers of `docs/ARCHITECTURE.md`, held: a crate that depends on one that it must not know fails here.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Every edge between our crates that may exist. `howdah`, the composition root, may know all of them.
const ALLOWED: &[(&str, &[&str])] = &[
    ("howdah-domain", &[]),
    ("howdah-crd", &["howdah-domain"]),
    ("howdah-db", &["howdah-domain"]),
    ("howdah-bundle", &[]),
    ("howdah-billing", &["howdah-domain"]),
    ("howdah-operator", &["howdah-crd", "howdah-domain"]),
    ("howdah-gateway", &["howdah-crd", "howdah-domain"]),
    ("howdah-app", &["howdah-db", "howdah-crd", "howdah-bundle", "howdah-billing", "howdah-domain"]),
    ("howdah-web", &["howdah-app", "howdah-domain"]),
    // The stand-in imitates somebody else's program: it knows nothing of ours.
    ("howdah-standin", &[]),
    // So does the simulator of Stripe.
    ("howdah-stripe-simulator", &[]),
    ("xtask", &[]),
];

/// Crates that only tests and tools use; their own edges are free, but nothing that ships may depend on them.
const DEV_ONLY: &[&str] =
    &["howdah-testkit", "howdah-acceptance", "howdah-bench", "howdah-histories", "howdah-standin", "howdah-stripe-simulator", "xtask"];

/// What a crate must not reach, directly, among other people's crates.
const FORBIDDEN_OUTSIDE: &[(&str, &[&str])] = &[
    ("howdah-domain", &["diesel", "diesel-async", "kube", "actix-web", "tokio", "reqwest"]),
    ("howdah-db", &["kube", "actix-web", "reqwest"]),
    ("howdah-bundle", &["diesel", "diesel-async", "kube", "actix-web"]),
    ("howdah-billing", &["diesel", "diesel-async", "kube", "actix-web"]),
    ("howdah-crd", &["diesel", "diesel-async", "actix-web"]),
    ("howdah-operator", &["diesel", "diesel-async", "actix-web"]),
    ("howdah-gateway", &["diesel", "diesel-async"]),
    ("howdah-app", &["actix-web", "diesel", "diesel-async"]),
    ("howdah-web", &["kube", "diesel", "diesel-async"]),
];

fn direct_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata runs in this workspace");
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let names = package.dependencies.iter().filter(|it| it.kind != DependencyKind::Development).map(|it| it.name.clone()).collect();
            (package.name.to_string(), names)
        })
        .collect()
}

#[test]
fn our_crates_depend_only_downwards() {
    let dependencies = direct_dependencies();
    let ours: BTreeSet<&String> = dependencies.keys().collect();
    let mut wrong = Vec::new();
    for (name, needs) in &dependencies {
        for need in needs.iter().filter(|it| ours.contains(it)) {
            let ships = !DEV_ONLY.contains(&name.as_str());
            let allowed = ALLOWED.iter().find(|(it, _)| it == name).map(|(_, it)| *it);
            let is_wrong = (ships && DEV_ONLY.contains(&need.as_str())) || allowed.is_some_and(|it| !it.contains(&need.as_str()));
            if is_wrong {
                wrong.push(format!("{name} -> {need}"));
            }
        }
    }
    assert!(wrong.is_empty(), "edges that docs/ARCHITECTURE.md forbids: {wrong:?}");
}

#[test]
fn every_crate_is_in_the_picture() {
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(it, _)| *it).chain(DEV_ONLY.iter().copied()).chain(["howdah"]).collect();
    let unknown: Vec<String> = direct_dependencies().into_keys().filter(|it| !known.contains(it.as_str())).collect();
    assert!(unknown.is_empty(), "crates without a place in the picture: {unknown:?}");
}

#[test]
fn a_layer_does_not_know_what_it_must_not() {
    let dependencies = direct_dependencies();
    let mut wrong = Vec::new();
    for (name, forbidden) in FORBIDDEN_OUTSIDE {
        let needs = dependencies.get(*name).unwrap_or_else(|| panic!("no crate {name}"));
        wrong.extend(forbidden.iter().filter(|it| needs.contains(**it)).map(|it| format!("{name} -> {it}")));
    }
    assert!(wrong.is_empty(), "crates that must not be known there: {wrong:?}");
}

#[test]
fn one_crate_names_stripe() {
    let dependencies = direct_dependencies().into_iter().filter(|(name, _)| name != "howdah-billing");
    let wrong: Vec<String> =
        dependencies.filter(|(_, needs)| needs.iter().any(|it| it.starts_with("async-stripe"))).map(|it| it.0).collect();
    assert!(wrong.is_empty(), "howdah-billing alone speaks with Stripe: {wrong:?}");
}
