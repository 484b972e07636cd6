//! What a customer does with a server, step by step, by the words on its pages.

use std::time::Duration;

use anyhow::{Context, Result};
use howdah_acceptance::World;
use howdah_acceptance::wait::seconds;
use howdah_domain::InstanceId;

use crate::browser::Browser;

pub const LAUNCHED_WITHIN: Duration = seconds(180);
pub const GONE_WITHIN: Duration = seconds(300);

pub const LAUNCHING: &str = "The server is being set up.";
pub const WAITING: &str = "The server runs and is waiting for its address to lead to it.";
pub const RUNNING: &str = "The server is running.";
pub const CLOSING: &str = "The server will be closed. Until then it runs, and this can be undone.";
pub const GONE: &str = "The server is gone.";

/// What the form asks.
pub struct Wish<'a> {
    pub domain: &'a str,
    /// Before the platform's own domain, where it is to be one of its names.
    pub name: Option<&'a str>,
    pub owner: &'a str,
}

pub async fn fill_in(browser: &Browser, wish: &Wish<'_>) -> Result<()> {
    browser.go("/servers/new").await?;
    match wish.name {
        Some(name) => {
            browser.choose("A name under").await?;
            browser.fill("Name", name).await?;
        }
        None => {
            browser.choose("A domain of mine").await?;
            browser.fill("Your domain", wish.domain).await?;
        }
    }
    browser.choose("Small").await?;
    browser.fill("Owner’s username", wish.owner).await
}

/// Returns the server's page.
pub async fn launch(browser: &Browser, wish: &Wish<'_>) -> Result<String> {
    fill_in(browser, wish).await?;
    browser.press("Launch the server").await?;
    browser.sees(LAUNCHING).await?;
    let path = browser.path().await?;
    Ok(path.split('?').next().unwrap_or_default().to_owned())
}

/// At the end of its page: closes it for good.
pub async fn close(browser: &Browser, page: &str, domain: &str) -> Result<()> {
    browser.go(&format!("{page}/close")).await?;
    browser.fill("Type the domain", domain).await?;
    browser.press("Close for good").await?;
    browser.sees(CLOSING).await
}

/// On its page, while it is closing.
pub async fn undo(browser: &Browser) -> Result<()> {
    browser.press("Keep the server").await?;
    browser.sees(RUNNING).await
}

pub async fn id(world: &World, domain: &str) -> Result<InstanceId> {
    world.record()?.find(domain).await?.with_context(|| format!("no server has {domain}"))
}
