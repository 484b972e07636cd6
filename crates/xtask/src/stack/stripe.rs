//! The simulated Stripe, where a stack's servers are paid for. The account is in the memory of its process, so that a stack that is brought
//! up to date keeps it, as it keeps its databases.

use std::{fs, net::TcpStream, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use super::{Scope, Stack, forward, howdah::write_secret, images::Images, ingress};
use crate::{places::Places, shell};

const PART: &str = "stripe";
const FORWARD: &str = "stripe-forward";
const PORT: u16 = 12111;
const SECRET_KEY: &str = "sk_test_stack";

/// Whether servers are paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Billing {
    /// At the simulated Stripe.
    On,
    /// Every launch is granted, as tests need it.
    Off,
    /// As the stack that is up has it, else off.
    Unchanged,
}

/// Whether the stack that is in the folder has it.
pub fn is_there(places: &Places) -> bool {
    address_file(places).exists()
}

fn address_file(places: &Places) -> PathBuf {
    places.stack.join("run/stripe")
}

impl Stack {
    /// Where it listens in the stack, and its pages on the machine: one address, since links to them are made in the one and opened on the
    /// other. `None` where nothing is paid for.
    fn stripe_address(&self) -> Option<String> {
        fs::read_to_string(address_file(&self.places)).ok()
    }

    pub fn stripe_url(&self) -> Option<String> {
        self.stripe_address().map(|address| format!("http://{address}"))
    }

    /// From now on servers are paid for. Called outside the namespace, where the port has to be free too.
    pub fn turn_billing_on(&self) -> Result<()> {
        match is_there(&self.places) {
            true => Ok(()),
            false => Ok(fs::write(address_file(&self.places), forward::free(&[PORT])?.to_string())?),
        }
    }

    /// What server, worker and admin commands are told of it.
    pub fn stripe_settings(&self) -> Vec<(&'static str, String)> {
        let Some(url) = self.stripe_url() else { return Vec::new() };
        let file = |name: &str| self.dir("howdah").join(name).display().to_string();
        vec![
            ("BILLING_PROVIDER", "stripe".to_owned()),
            ("STRIPE_URL", url),
            ("STRIPE_SECRET_KEY_FILE", file("stripe-secret-key")),
            ("STRIPE_WEBHOOK_SECRET_FILE", file("stripe-webhook-secret")),
        ]
    }

    /// Needs the stack's clock, by which it goes, too.
    pub fn start_stripe(&self) -> Result<()> {
        let Some(address) = self.stripe_address() else { return Ok(()) };
        if self.is_started(PART)? {
            return Ok(());
        }
        write_secret(&self.dir("howdah/stripe-secret-key"), SECRET_KEY)?;
        // There is none before the first synchronization.
        write_secret(&self.webhook_secret(), "")?;
        let mut simulator = Command::new(self.places.binary("howdah-stripe-simulator"));
        simulator.args(["--listen", &address, "--secret-key", SECRET_KEY, "--clock-offset-file"]).arg(self.clock());
        // The endpoint's name is known, and its certificate trusted, in browsers alone.
        simulator.args(["--forward-to", &format!("http://{}", ingress::SERVER)]);
        self.start(PART, &simulator)?;
        self.wait(PART, || TcpStream::connect(&address).is_ok())
    }

    fn webhook_secret(&self) -> PathBuf {
        self.dir("howdah/stripe-webhook-secret")
    }

    /// Brings the catalogue there, and the endpoint; does nothing where both are there.
    pub fn sync_catalogue(&self, images: &Images) -> Result<()> {
        if self.stripe_address().is_none() {
            return Ok(());
        }
        let mut sync = self.howdah(images, "admin");
        sync.args(["billing", "sync", "--webhook-secret-file"]).arg(self.webhook_secret());
        shell::output(&mut sync).context("the catalogue was not brought to the simulated Stripe").map(drop)
    }

    /// Lets a person's browser get to its pages. Called outside the namespace.
    pub fn forward_stripe(&self) -> Result<()> {
        let Some(address) = self.stripe_address().filter(|_| self.scope == Scope::Whole) else { return Ok(()) };
        if self.is_started(FORWARD)? {
            return Ok(());
        }
        self.start(FORWARD, &self.forward(&[format!("{address}={address}")]))?;
        self.wait(FORWARD, || TcpStream::connect(&address).is_ok())
    }

    fn is_started(&self, part: &str) -> Result<bool> {
        Ok(self.records()?.iter().any(|record| record.name == part && record.is_alive()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;

    #[test]
    fn billing_is_on_at_one_address_once_it_was_turned_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = || folder.path().to_owned();
        let places = Places { checkout: path(), stack: path(), cache: path(), target: path() };
        let stack = Stack { name: places.name(), places, scope: Scope::Whole, ip: String::new(), progress: Progress::start() };
        fs::create_dir(stack.dir("run")).expect("a folder");
        assert_eq!((stack.stripe_url(), stack.stripe_settings()), (None, Vec::new()));
        stack.turn_billing_on().expect("a free port");
        let url = stack.stripe_url().expect("an address");
        assert!(stack.stripe_settings().contains(&("STRIPE_URL", url.clone())));
        let _taken = std::net::TcpListener::bind(url.trim_start_matches("http://")).expect("the port is free");
        stack.turn_billing_on().expect("it is on");
        assert_eq!(stack.stripe_url(), Some(url), "links that were made lead on");
    }
}
