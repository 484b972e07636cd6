//! Lists of servers: an account's own, or everybody's for operators.

use howdah_db::models::listing::{Search, ServerCounts, ServerList as Query};
use howdah_domain::InstanceId;
use howdah_domain::listing::{ServerFilter, ServerSort};
use uuid::Uuid;

use super::view::{InstanceView, views};
use crate::{Actor, App, Error};

#[derive(Debug, Clone)]
pub struct ServerQuery {
    /// Everybody's: for operators.
    pub fleet: bool,
    /// A part of a domain; for operators also the beginning of an e-mail address, a reference, or a namespace.
    pub search: String,
    pub state: Option<ServerFilter>,
    pub plan: Option<String>,
    pub cluster: Option<String>,
    pub version: Option<String>,
    pub sort: ServerSort,
    /// [`ServerList::next`] of the page before.
    pub after: Option<String>,
    /// 1 to 100.
    pub limit: i64,
}

impl ServerQuery {
    /// By more than a state.
    #[must_use]
    pub fn is_narrowed(&self) -> bool {
        !self.search.trim().is_empty() || self.plan.is_some() || self.cluster.is_some() || self.version.is_some()
    }

    /// A reference is looked for: of one server, or of an account.
    #[must_use]
    pub fn names_one(&self) -> bool {
        matches!(search(&self.typed(), self.fleet), Search::Id(_))
    }

    /// What was typed into it, as it is looked for.
    fn typed(&self) -> String {
        self.search.trim().to_lowercase().chars().take(253).collect()
    }

    /// One row more than is shown tells whether there is a next page.
    fn of_record<'q>(&'q self, actor: &Actor, typed: &'q str) -> Result<Query<'q>, Error> {
        Ok(Query {
            account_id: (!self.fleet).then(|| actor.account.as_uuid()),
            search: search(typed, self.fleet),
            filter: self.state,
            plan: self.plan.as_deref(),
            version: self.version.as_deref(),
            cluster: self.cluster.as_deref().filter(|_| self.fleet),
            sort: self.sort,
            after: self.after.as_deref().map(cursor).transpose()?,
            limit: self.shown() + 1,
        })
    }

    fn shown(&self) -> i64 {
        self.limit.clamp(1, 100)
    }
}

impl Default for ServerQuery {
    fn default() -> Self {
        Self {
            fleet: false,
            search: String::new(),
            state: None,
            plan: None,
            cluster: None,
            version: None,
            sort: ServerSort::Newest,
            after: None,
            limit: 25,
        }
    }
}

#[derive(Debug, Clone)]
pub struct ServerList {
    pub rows: Vec<ServerRow>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

#[derive(Debug, Clone)]
pub struct ServerRow {
    pub server: InstanceView,
    pub account_name: String,
}

/// # Errors
/// [`Error::Forbidden`] for the fleet without being an operator; [`Error::Invalid`] for a cursor that is none.
pub async fn servers(app: &App, actor: &Actor, query: &ServerQuery) -> Result<ServerList, Error> {
    actor.may_read()?;
    if query.fleet {
        actor.may_operate()?;
    }
    let typed = query.typed();
    let list = query.of_record(actor, &typed)?;
    let mut conn = app.conn().await?;
    let mut found = list.page(&mut conn).await?;
    let has_more = found.len() > usize::try_from(query.shown()).unwrap_or(usize::MAX);
    if has_more {
        found.pop();
    }
    let next = found.last().filter(|_| has_more).map(|(it, _)| format!("{}~{}", it.domain, it.id));
    let (rows, names): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    let views = views(app, &conn, actor, &rows).await?;
    let rows = views.into_iter().zip(names).map(|(server, account_name)| ServerRow { server, account_name }).collect();
    Ok(ServerList { rows, next })
}

/// How many servers the list would hold in each state.
pub(crate) async fn counted(app: &App, actor: &Actor, query: &ServerQuery) -> Result<ServerCounts, Error> {
    let typed = query.typed();
    Ok(query.of_record(actor, &typed)?.counts(&mut *app.conn().await?).await?)
}

/// What somebody means by what they typed.
pub(crate) fn search(typed: &str, fleet: bool) -> Search<'_> {
    if typed.is_empty() {
        return Search::Everything;
    }
    let id = Uuid::try_parse(typed).ok().or_else(|| InstanceId::from_resource_name(typed).map(InstanceId::as_uuid));
    match id {
        Some(id) => Search::Id(id),
        None if fleet && typed.contains('@') && !typed.starts_with('@') => Search::Mail(typed),
        None => Search::Domain(typed.rsplit('@').next().unwrap_or(typed).trim_start_matches("https://").trim_end_matches('/')),
    }
}

fn cursor(text: &str) -> Result<(&str, Uuid), Error> {
    let parts = text.rsplit_once('~').and_then(|(domain, id)| Some((domain, Uuid::try_parse(id).ok()?)));
    parts.ok_or_else(|| Error::invalid("after", "malformed", "This is no page of the list. Begin again at its first page."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_by_what_was_typed() {
        let id = Uuid::from_u128(0x0192_f0c1_2d3e_7a4b_8c5d_6e7f_8a9b_0c1d);
        let namespace = InstanceId::from_uuid(id).resource_name();
        let table = [
            ("", Search::Everything),
            ("birds", Search::Domain("birds")),
            ("https://birds.org/", Search::Domain("birds.org")),
            ("@ana@birds.org", Search::Domain("birds.org")),
            ("ana@birds.org", Search::Mail("ana@birds.org")),
            ("0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d", Search::Id(id)),
            (namespace.as_str(), Search::Id(id)),
        ];
        for (typed, expected) in table {
            assert_eq!(search(typed, true), expected, "{typed}");
        }
        assert_eq!(search("ana@birds.org", false), Search::Domain("birds.org"));
        assert!(cursor("birds.org~0192f0c1-2d3e-7a4b-8c5d-6e7f8a9b0c1d").is_ok());
        assert!(cursor("birds.org").is_err() && cursor("~x").is_err());
    }
}
