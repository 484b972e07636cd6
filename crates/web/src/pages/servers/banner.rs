//! What is said on top of all pages of a server that is not paid for: what comes next, when, and the way out.

use askama::Template;
use chrono::{DateTime, Utc};
use howdah_app::billing;
use howdah_app::{Actor, App};
use howdah_domain::InstanceId;
use howdah_domain::billing::timeline;

use crate::pages::components::{Icon, When};
use crate::problem::Problem;

/// Empty where there is nothing to say.
#[derive(Default, Template)]
#[template(path = "servers/banner.html")]
pub struct Banner(Option<Said>);

struct Said {
    days: String,
    at: When,
    sentence: String,
    way_out: &'static str,
    /// Of the server's bill; absent on that page itself.
    bill: Option<String>,
}

impl Banner {
    /// Of any page but the bill's.
    pub async fn of(app: &App, actor: &Actor, server: InstanceId, slug: &str) -> Result<Self, Problem> {
        let found = billing::banner(app, actor, server).await?;
        Ok(Self(found.map(|it| said(it, app.clock.now(), Some(format!("{}/billing", super::url(slug)))))))
    }

    /// Of the bill's own.
    pub fn on_bill(found: Option<timeline::Banner>, now: DateTime<Utc>) -> Self {
        Self(found.map(|it| said(it, now, None)))
    }
}

fn said(it: timeline::Banner, now: DateTime<Utc>, bill: Option<String>) -> Said {
    let days = match it.days_left {
        1 => "1 day left.".to_owned(),
        days => format!("{days} days left."),
    };
    Said { days, at: When::new(it.at, now), sentence: it.sentence, way_out: it.way_out, bill }
}

crate::pages::components::is_html!(Banner);
