//! A person at a browser: finds fields by their labels and buttons by their words, and waits for what is to be seen.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use howdah_acceptance::wait::until;
use howdah_acceptance::{Stack, World};
use serde_json::json;

use crate::driver::Driver;
use crate::webdriver::{Element, Session};

/// What a page does at once is seen within.
pub const SOON: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub struct Browser {
    pub session: Session,
    /// The dashboard's address.
    pub origin: String,
    pub runs_scripts: bool,
    _driver: Driver,
}

impl Browser {
    pub async fn open(world: &World) -> Result<Self> {
        Self::start(&world.stack, true).await
    }

    pub async fn without_javascript(world: &World) -> Result<Self> {
        Self::start(&world.stack, false).await
    }

    async fn start(stack: &Stack, runs_scripts: bool) -> Result<Self> {
        let driver = Driver::start(stack).await?;
        let session = Session::open(&driver.url, driver.wanted(stack, runs_scripts)?).await?;
        Ok(Self { session, origin: stack.dashboard_url.clone(), runs_scripts, _driver: driver })
    }

    /// To a path of the dashboard's, or to a whole address.
    pub async fn go(&self, to: &str) -> Result<()> {
        let url = if to.starts_with('/') { format!("{}{to}", self.origin) } else { to.to_owned() };
        self.session.go(&url).await
    }

    /// Where it is, below the dashboard's address.
    pub async fn path(&self) -> Result<String> {
        let url = self.session.url().await?;
        Ok(url.strip_prefix(&self.origin).with_context(|| format!("{url} is not ours"))?.to_owned())
    }

    /// All that can be read on the page.
    pub async fn text(&self) -> Result<String> {
        let read = async || self.session.text(&self.one("//body").await?).await;
        match read().await {
            // A page that goes while it is read leaves its place to the next one.
            Err(error) if is_stale(&error) => read().await,
            read => read,
        }
    }

    pub async fn sees(&self, words: &str) -> Result<()> {
        self.sees_within(SOON, words).await
    }

    pub async fn sees_within(&self, within: Duration, words: &str) -> Result<()> {
        until(&format!("the page says “{words}”"), within, async || {
            let text = self.text().await?;
            // What chromium says where pods come and go in its network, and a person answers by loading the page again.
            if text.contains("ERR_NETWORK_CHANGED") {
                self.session.refresh().await?;
            }
            ensure!(contains(&text, words), "{}", self.told(&text).await);
            Ok(())
        })
        .await
    }

    /// Now, and not later.
    pub async fn does_not_see(&self, words: &str) -> Result<()> {
        let text = self.text().await?;
        ensure!(!contains(&text, words), "“{words}” is on the page: {}", self.told(&text).await);
        Ok(())
    }

    pub async fn no_longer_sees(&self, within: Duration, words: &str) -> Result<()> {
        until(&format!("“{words}” is gone from the page"), within, async || self.does_not_see(words).await).await
    }

    pub async fn is_titled(&self, within: Duration, words: &str) -> Result<()> {
        until(&format!("the title says “{words}”"), within, async || {
            let title = self.session.title().await?;
            ensure!(title.contains(words), "{}", self.told(&self.text().await?).await);
            Ok(())
        })
        .await
    }

    /// Until the address's path begins so.
    pub async fn is_at(&self, path: &str) -> Result<()> {
        until(&format!("the page is {path}"), SOON, async || {
            let here = self.path().await?;
            ensure!(here.starts_with(path), "{}", self.told(&self.text().await?).await);
            Ok(())
        })
        .await
    }

    /// What a failed test shows of the page.
    async fn told(&self, text: &str) -> String {
        let title = self.session.title().await.unwrap_or_default();
        let url = self.session.url().await.unwrap_or_default();
        format!("{url} “{title}”:\n{}", text.chars().take(3000).collect::<String>())
    }

    /// Empties the field of this label, and types.
    pub async fn fill(&self, label: &str, what: &str) -> Result<()> {
        until(&format!("“{label}” is filled in"), SOON, async || {
            let field = self.field(label).await?;
            self.session.clear(&field).await?;
            self.session.type_into(&field, what).await
        })
        .await
    }

    /// A choice, by its label: a box or a button of many is ticked.
    pub async fn choose(&self, label: &str) -> Result<()> {
        until(&format!("“{label}” is chosen"), SOON, async || {
            let field = self.field(label).await?;
            if !self.session.is_selected(&field).await? {
                self.session.click(&field).await?;
            }
            ensure!(self.session.is_selected(&field).await?, "“{label}” can't be chosen");
            Ok(())
        })
        .await
    }

    /// One of the choices under this heading.
    pub async fn choose_of(&self, group: &str, choice: &str) -> Result<()> {
        let inside = format!("//fieldset[legend[{}]]//label[{}]", says(group), begins(choice));
        self.click(&inside).await.with_context(|| format!("“{choice}” of “{group}”"))
    }

    /// The button whose words begin so.
    pub async fn press(&self, words: &str) -> Result<()> {
        self.click(&format!("//button[not(@aria-hidden) and {}]", begins(words))).await.with_context(|| format!("the button “{words}”"))
    }

    pub async fn follow(&self, words: &str) -> Result<()> {
        self.click(&format!("//a[{}]", says(words))).await.with_context(|| format!("the link “{words}”"))
    }

    pub async fn click(&self, xpath: &str) -> Result<()> {
        until("it is pressed", SOON, async || {
            let Ok(element) = self.one(xpath).await else { bail!("{}", self.told(&self.text().await?).await) };
            self.session.click(&element).await
        })
        .await
    }

    /// The value of the field of this label.
    pub async fn value(&self, label: &str) -> Result<String> {
        let field = self.field(label).await?;
        Ok(self.session.attribute(&field, "value").await?.unwrap_or_default())
    }

    async fn field(&self, label: &str) -> Result<Element> {
        self.one(&field(label)).await
    }

    /// The first that can be seen.
    pub async fn one(&self, xpath: &str) -> Result<Element> {
        let found = self.session.find_all(xpath).await?;
        for element in &found {
            if self.session.is_displayed(element).await? {
                return Ok(element.clone());
            }
        }
        bail!("nothing on the page is {xpath} ({} are hidden)", found.len())
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Result<()> {
        self.go("/sign-in").await?;
        self.fill("E-mail", email).await?;
        self.fill("Password", password).await?;
        self.press("Sign in").await?;
        self.is_at("/servers").await
    }

    /// As somebody sees it whose system is set so.
    pub async fn look(&self, width: u32, scheme: &str) -> Result<()> {
        let screen = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.session.devtools("Emulation.setDeviceMetricsOverride", screen).await?;
        self.session.devtools("Emulation.setScrollbarsHidden", json!({"hidden": true})).await?;
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.session.devtools("Emulation.setEmulatedMedia", media).await.map(drop)
    }
}

/// What the driver says of a part of a page that is no longer shown.
fn is_stale(error: &anyhow::Error) -> bool {
    ["stale element reference", "no such element"].iter().any(|it| format!("{error:#}").contains(it))
}

/// As people read: line ends and capitals tell nothing.
fn contains(text: &str, words: &str) -> bool {
    let plain = |it: &str| it.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    plain(text).contains(&plain(words))
}

/// That an element's words are these.
fn says(words: &str) -> String {
    format!("normalize-space(.) = {}", literal(words))
}

/// That they begin so: marks and hints may follow.
fn begins(words: &str) -> String {
    format!("starts-with(normalize-space(.), {})", literal(words))
}

/// What the label of these words belongs to.
fn field(label: &str) -> String {
    let label = format!("//label[{}]", begins(label));
    let inner = ["input", "select", "textarea"].map(|it| format!("{label}//{it}")).join(" | ");
    format!("//*[@id = {label}/@for] | {inner}")
}

/// XPath knows no escapes.
pub fn literal(words: &str) -> String {
    let parts: Vec<String> = words.split('\'').map(|it| format!("'{it}'")).collect();
    match parts.as_slice() {
        [one] => one.clone(),
        many => format!("concat({})", many.join(", \"'\", ")),
    }
}
