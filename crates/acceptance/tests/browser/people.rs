//! Customers, each test its own, and what they are written.

use anyhow::{Context, Result};
use howdah_acceptance::World;
use howdah_acceptance::admin::{customer_with_password, operator_with_password};
use howdah_acceptance::wait::{seconds, until};
use howdah_acceptance::world::fresh_name;

use crate::browser::Browser;

pub const PASSWORD: &str = "forty-two grey elephants";

/// Somebody who has an account.
pub struct Person {
    pub email: String,
}

impl Person {
    /// Nobody knows them yet.
    pub fn unknown() -> Self {
        Self { email: format!("{}@people.test", fresh_name("ana")) }
    }

    /// With an account, made on the command line.
    pub async fn customer(world: &World) -> Result<Self> {
        let person = Self::unknown();
        customer_with_password(world, &person.email, PASSWORD).await?;
        Ok(person)
    }

    /// Who sees and may do everything.
    pub async fn operator(world: &World) -> Result<Self> {
        let person = Self::unknown();
        operator_with_password(world, &person.email, PASSWORD).await?;
        Ok(person)
    }

    /// Asks for an account, and uses the link of the mail: signed in from then on.
    pub async fn sign_up(&self, world: &World, browser: &Browser) -> Result<()> {
        self.ask_for_an_account(world, browser).await?;
        browser.sees("Your e-mail address is confirmed, and you are signed in").await
    }

    /// What comes then is the platform's to decide.
    pub async fn ask_for_an_account(&self, world: &World, browser: &Browser) -> Result<()> {
        browser.go("/sign-up").await?;
        browser.fill("Your name", "Ana Example").await?;
        browser.fill("E-mail", &self.email).await?;
        browser.press("Send the link").await?;
        browser.sees("Check your mail").await?;
        browser.go(&self.link(world, "Confirm your e-mail address", "/confirm?token=").await?).await?;
        browser.fill("Password", PASSWORD).await?;
        browser.press("Yes, this is my e-mail address").await
    }

    pub async fn sign_in(&self, browser: &Browser) -> Result<()> {
        browser.sign_in(&self.email, PASSWORD).await
    }

    /// The link to this path in the last mail of this subject.
    pub async fn link(&self, world: &World, subject: &str, path: &str) -> Result<String> {
        until(&format!("“{subject}” has come to {}", self.email), seconds(30), async || {
            let mails = world.mail.to(&self.email).await?;
            let subjects: Vec<&str> = mails.iter().map(|it| it.subject.as_str()).collect();
            let mail = mails.iter().rev().find(|it| it.subject.contains(subject)).with_context(|| format!("only {subjects:?}"))?;
            let start = format!("{}{path}", world.stack.dashboard_url);
            let at = mail.text.find(&start).with_context(|| format!("no link to {start} in\n{}", mail.text))?;
            Ok(mail.text[at..].split_whitespace().next().unwrap_or_default().to_owned())
        })
        .await
    }
}
