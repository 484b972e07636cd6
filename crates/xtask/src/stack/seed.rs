//! What a new installation is given: its schema, settings and places, an operator, a demo customer and their tokens; where servers are paid
//! for, a Stripe with the catalogue.

use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Stack, howdah::write_secret, images::Images, ingress};
use crate::shell;

/// Room for all that tests launch, on 2 nodes of which one is fake.
const CAPACITY: &str = "10000";

pub struct Person {
    role: &'static str,
    email: &'static str,
    password: &'static str,
    token: &'static str,
    scopes: &'static str,
}

pub const OPERATOR: Person = Person {
    role: "operator",
    email: "operator@howdah.localhost",
    password: "demo operator of the stack",
    token: "operator-token",
    scopes: "read,write,people,operate",
};
pub const CUSTOMER: Person = Person {
    role: "customer",
    email: "customer@howdah.localhost",
    password: "demo customer of the stack",
    token: "customer-token",
    scopes: "read,write,people",
};

pub struct Cluster {
    pub name: &'static str,
    placement: &'static str,
}

/// The rows for the stack's one API server, the first the default; each names a pod profile of the operator's configuration.
pub fn clusters(has_real_nodes: bool) -> &'static [Cluster] {
    match has_real_nodes {
        true => &[Cluster { name: "real", placement: "real" }, Cluster { name: "fake", placement: "fake" }],
        false => &[Cluster { name: "default", placement: "default" }],
    }
}

impl Stack {
    /// Leaves what is there already, so that it also brings a running stack up to date.
    pub fn seed(&self, images: &Images, has_real_nodes: bool) -> Result<()> {
        self.progress.quiet("Howdah's record: schema, settings, people", || {
            self.start_clock()?;
            self.start_stripe()?;
            shell::output(&mut self.howdah(images, "migrate"))?;
            let admin = |arguments: &[&str]| shell::output(self.howdah(images, "admin").args(arguments));
            let keys = self.dir("howdah/keys");
            if !keys.exists() {
                write_secret(&keys, &admin(&["new-key"])?)?;
            }
            let support = format!("support@{}", ingress::DASHBOARD);
            admin(&["setup", "--support-address", &support, "--grant-every-launch"])?;
            seed_places(admin, has_real_nodes)?;
            self.seed_people(admin)?;
            self.sync_catalogue(images)
        })
    }

    fn seed_people(&self, admin: impl Fn(&[&str]) -> Result<String>) -> Result<()> {
        for person in [OPERATOR, CUSTOMER] {
            let token = self.dir("howdah").join(person.token);
            // To set a password ends tokens, the one in `stack.json` too.
            if token.exists() {
                continue;
            }
            let password = self.dir("howdah").join(format!("{}-password", person.role));
            write_secret(&password, person.password)?;
            let add = format!("add-{}", person.role);
            admin(&[&add, person.email, "--password-file", &password.to_string_lossy(), "--servers-allowed", CAPACITY])?;
            let made = admin(&["add-token", person.email, "--name", "development stack", "--scope", person.scopes])?;
            write_secret(&token, made.trim())?;
        }
        Ok(())
    }

    pub fn token(&self, person: &Person) -> Result<String> {
        fs::read_to_string(self.dir("howdah").join(person.token)).with_context(|| format!("the {}'s token", person.role))
    }

    /// Their part of `stack.json`.
    pub fn people(&self) -> Result<Value> {
        let login = |person: &Person| json!({"email": person.email, "password": person.password});
        Ok(json!({
            "api_token": self.token(&CUSTOMER)?,
            "operator_api_token": self.token(&OPERATOR)?,
            "demo": {"customer": login(&CUSTOMER), "operator": login(&OPERATOR)},
        }))
    }

    pub fn print_people(&self) {
        for person in [OPERATOR, CUSTOMER] {
            println!("  {:<12} {}   password: {}", person.role, person.email, person.password);
        }
    }
}

fn seed_places(admin: impl Fn(&[&str]) -> Result<String>, has_real_nodes: bool) -> Result<()> {
    for (at, cluster) in clusters(has_real_nodes).iter().enumerate() {
        let place = ["add-place", "cluster", cluster.name, "--capacity", CAPACITY, "--placement", cluster.placement];
        admin(&[&place[..], if at == 0 { &["--default"] } else { &[] }].concat())?;
    }
    for kind in ["database-server", "object-store"] {
        admin(&["add-place", kind, "main", "--capacity", CAPACITY, "--default"])?;
    }
    Ok(())
}
