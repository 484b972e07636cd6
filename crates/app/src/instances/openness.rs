//! Whether a launch would be taken now: asked before somebody fills a form, and by the same rules as the launch itself.

use howdah_db::Conn;
use howdah_db::models::account::Account;
use howdah_db::models::instance::Instance;
use howdah_db::models::place::{Cluster, DatabaseServer, ObjectStore};
use howdah_domain::instance::launch::{LaunchFacts, LaunchVerdict, launch_verdict};
use howdah_domain::{AccountId, billing};

use crate::billing::TERMS;
use crate::{Actor, App, Error, settings};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Openness {
    Open,
    /// Taken, and then it waits for somebody.
    Held {
        reason: &'static str,
        sentence: String,
    },
    /// A launch would be refused with this sentence.
    Closed {
        reason: &'static str,
        sentence: String,
    },
}

impl Openness {
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    /// In a word or two.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Held { reason: "awaiting_approval", .. } => "By approval",
            Self::Held { .. } => "Once paid for",
            Self::Closed { .. } => "Closed",
        }
    }

    #[must_use]
    pub fn sentence(&self) -> Option<&str> {
        match self {
            Self::Open => None,
            Self::Held { sentence, .. } | Self::Closed { sentence, .. } => Some(sentence),
        }
    }
}

/// For somebody, or for the public where nobody is signed in; with what [`has_room`] said, now or a moment ago.
///
/// # Errors
/// The record's.
pub async fn openness(app: &App, actor: Option<&Actor>, has_room: bool) -> Result<Openness, Error> {
    let conn = app.conn().await?;
    let verdict = verdict(app, &conn, actor).await?;
    if let LaunchVerdict::Refuse { reason, sentence } = verdict {
        return Ok(Openness::Closed { reason, sentence });
    }
    if !has_room {
        return Ok(Openness::Closed { reason: Error::NoRoom.reason(), sentence: Error::NoRoom.to_string() });
    }
    Ok(match verdict {
        LaunchVerdict::Hold { reason, sentence, .. } => Openness::Held { reason, sentence },
        LaunchVerdict::Run | LaunchVerdict::Refuse { .. } => Openness::Open,
    })
}

async fn verdict(app: &App, conn: &Conn, actor: Option<&Actor>) -> Result<LaunchVerdict, Error> {
    let (platform, has) = tokio::try_join!(settings::read(conn), async {
        match actor {
            Some(actor) => servers_of(conn, actor.account).await.map(Some),
            None => Ok(None),
        }
    })?;
    let (servers, servers_allowed) = match has {
        Some((servers, allowed)) => (servers, allowed.unwrap_or(platform.servers_per_account)),
        // Of somebody who has none yet, and will be allowed one.
        None => (0, platform.servers_per_account.max(1)),
    };
    let facts = TERMS.facts(platform.standing_at_launch(app), None, app.now());
    Ok(launch_verdict(&LaunchFacts {
        by_operator: actor.is_some_and(Actor::operates),
        new_servers: platform.new_servers,
        public_sentence: &platform.new_servers_sentence,
        servers,
        servers_allowed: servers_allowed.into(),
        access: billing::access(&facts).access,
    }))
}

/// How many an account has, and may have where that was said of it.
async fn servers_of(conn: &Conn, account: AccountId) -> Result<(i64, Option<i32>), Error> {
    let id = account.as_uuid();
    let (account, servers) = tokio::try_join!(Account::by_id(conn, id), Instance::count_of_account(conn, id))?;
    Ok((servers, account.ok_or(Error::NotFound { what: "account" })?.servers_allowed))
}

/// Each default place takes one more. Every server is counted for it: who asks often remembers the answer.
///
/// # Errors
/// The record's.
pub async fn has_room(app: &App) -> Result<bool, Error> {
    let conn = &mut app.conn().await?;
    let cluster = Cluster::default_with_servers(conn).await?.is_some_and(|(it, servers)| servers < it.capacity.into());
    let database = DatabaseServer::default_with_servers(conn).await?.is_some_and(|(it, servers)| servers < it.capacity.into());
    let store = ObjectStore::default_with_servers(conn).await?.is_some_and(|(it, servers)| servers < it.capacity.into());
    Ok(cluster && database && store)
}
