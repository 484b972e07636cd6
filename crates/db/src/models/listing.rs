//! Lists of servers and operations, searched, filtered, sorted and paged. A page begins after the last row of the one before
//! (a cursor), so that each costs the same however far it is.

use diesel::dsl::{IntoBoxed, LeftJoin, LeftJoinQuerySource, count, count_star, exists, not};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::RunQueryDsl;
use howdah_domain::listing::{OperationFilter, ServerFilter, ServerSort};
use uuid::Uuid;

use super::instance::{Instance, Page};
use super::operation::Operation;
use crate::Conn;
use crate::schema::{
    accounts, clusters, incidents, instances, mail_outbox, memberships, operation_steps, operations, owner_bootstrap, people, probes,
};

/// What a list of servers is to hold.
#[derive(Clone, Debug)]
pub struct ServerList<'a> {
    /// Everybody's where it is absent.
    pub account_id: Option<Uuid>,
    pub search: Search<'a>,
    pub filter: Option<ServerFilter>,
    pub plan: Option<&'a str>,
    pub version: Option<&'a str>,
    pub cluster: Option<&'a str>,
    pub sort: ServerSort,
    /// Domain and id of the last row of the page before.
    pub after: Option<(&'a str, Uuid)>,
    pub limit: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search<'a> {
    Everything,
    /// A part of the domain, for handles or for the server.
    Domain(&'a str),
    /// The beginning of somebody's e-mail address: of the account's people or of the server's first owner.
    Mail(&'a str),
    /// A server, or the account that has it.
    Id(Uuid),
}

/// What a search finds, looked up before the servers: PostgreSQL plans a prepared query for any words, and would walk through all
/// servers, in their order, for the few that some words are of.
enum Hits {
    All,
    Of {
        accounts: Vec<Uuid>,
        servers: Vec<Uuid>,
    },
    /// So many that a page of them is soon found on the way.
    Like(String),
}

/// Of people whose e-mail address begins so: who finds more types more of it.
const MOST_MAILED: i64 = 1000;

/// Of servers with this in their names: with more, one in ten servers or so has it.
const MOST_NAMED: usize = 1000;

/// Left joins, each to one row at most: what a query asks nothing of, PostgreSQL leaves out.
type WithAccount = LeftJoin<instances::table, accounts::table>;
type Filtered<'a> = IntoBoxed<'a, LeftJoin<WithAccount, probes::table>, Pg>;
type Source = LeftJoinQuerySource<LeftJoinQuerySource<instances::table, accounts::table>, probes::table>;
type Condition = Box<dyn BoxableExpression<Source, Pg, SqlType = Bool>>;

/// How many there are, in each state and in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCounts {
    /// Those that are gone among them.
    pub all: i64,
    /// One server may be in several.
    pub by_state: Vec<(ServerFilter, i64)>,
}

impl ServerCounts {
    #[must_use]
    pub fn in_state(&self, state: ServerFilter) -> i64 {
        self.by_state.iter().find(|(it, _)| *it == state).map_or(0, |(_, count)| *count)
    }
}

/// The one place that says which servers a state has: lists and counts ask it.
fn is_in(state: ServerFilter) -> Condition {
    use instances::{desired_kind, launched_at, on_platform_domain, tombstoned_at};
    let leads_here = || probes::leads_here.nullable().is_not_distinct_from(true);
    let is_there = tombstoned_at.is_null();
    let is_launched = is_there.and(desired_kind.eq("running")).and(launched_at.is_not_null());
    match state {
        ServerFilter::Waiting => Box::new(is_there.and(desired_kind.eq("suspended"))),
        ServerFilter::Launching => Box::new(is_there.and(desired_kind.eq("running")).and(launched_at.is_null())),
        ServerFilter::HeldUp => {
            let failing = operations::table.inner_join(operation_steps::table).filter(operations::state.eq("running"));
            let failing = failing.filter(operation_steps::state.eq("failed")).select(operations::instance_id);
            Box::new(is_there.and(instances::id.eq_any(failing)))
        }
        ServerFilter::AwaitingAddress => Box::new(is_launched.and(on_platform_domain.eq(false)).and(not(leads_here()))),
        ServerFilter::Running => Box::new(is_launched.and(on_platform_domain.or(leads_here()))),
        ServerFilter::Leaving => Box::new(is_there.and(desired_kind.eq("deleted"))),
        ServerFilter::Gone => Box::new(tombstoned_at.is_not_null()),
    }
}

impl ServerList<'_> {
    /// Its rows with the names of their accounts.
    pub async fn page(&self, conn: &mut Conn) -> QueryResult<Vec<(Instance, String)>> {
        let hits = self.hits(conn).await?;
        let query = self.paged(self.in_state(self.narrowed(&hits)));
        query.limit(self.limit).select((Instance::as_select(), accounts::name.assume_not_null())).load(conn).await
    }

    /// Of all that it would hold with one state or another chosen.
    pub async fn counts(&self, conn: &mut Conn) -> QueryResult<ServerCounts> {
        use ServerFilter::{AwaitingAddress, Gone, HeldUp, Launching, Leaving, Running, Waiting};
        let hits = self.hits(conn).await?;
        let of = |state| count(instances::id).aggregate_filter(is_in(state));
        let columns = (count_star(), of(Waiting), of(Launching), of(HeldUp), of(AwaitingAddress), of(Running), of(Leaving), of(Gone));
        type Counted = (i64, i64, i64, i64, i64, i64, i64, i64);
        let (all, waiting, launching, held_up, awaiting_address, running, leaving, gone): Counted =
            self.narrowed(&hits).select(columns).get_result(conn).await?;
        let by_state = vec![
            (Waiting, waiting),
            (Launching, launching),
            (HeldUp, held_up),
            (AwaitingAddress, awaiting_address),
            (Running, running),
            (Leaving, leaving),
            (Gone, gone),
        ];
        Ok(ServerCounts { all, by_state })
    }

    fn in_state<'q>(&self, query: Filtered<'q>) -> Filtered<'q> {
        match self.filter {
            Some(state) => query.filter(is_in(state)),
            // By its reference also one that is gone is found.
            None if matches!(self.search, Search::Id(_)) => query,
            None => query.filter(instances::tombstoned_at.is_null()),
        }
    }

    /// By everything but the state.
    fn narrowed<'q>(&'q self, hits: &'q Hits) -> Filtered<'q> {
        let mut query: Filtered<'q> = instances::table.left_join(accounts::table).left_join(probes::table).into_boxed();
        if let Some(account_id) = self.account_id {
            query = query.filter(instances::account_id.eq(account_id));
        }
        if let Some(plan) = self.plan {
            query = query.filter(instances::plan.eq(plan));
        }
        if let Some(version) = self.version {
            query = query.filter(instances::version.eq(version));
        }
        if let Some(cluster) = self.cluster {
            query = query.filter(instances::cluster_id.eq_any(clusters::table.filter(clusters::name.eq(cluster)).select(clusters::id)));
        }
        searched(query, hits)
    }

    async fn hits(&self, conn: &mut Conn) -> QueryResult<Hits> {
        match self.search {
            Search::Everything => Ok(Hits::All),
            Search::Id(id) => Ok(Hits::Of { accounts: vec![id], servers: vec![id] }),
            Search::Domain(part) => named(conn, part).await,
            Search::Mail(start) => mailed(conn, start).await,
        }
    }

    fn paged<'q>(&'q self, query: Filtered<'q>) -> Filtered<'q> {
        use instances::{domain, id};
        match (self.sort, self.after) {
            (ServerSort::Newest, None) => query.order(id.desc()),
            (ServerSort::Newest, Some((_, last))) => query.filter(id.lt(last)).order(id.desc()),
            (ServerSort::Oldest, None) => query.order(id.asc()),
            (ServerSort::Oldest, Some((_, last))) => query.filter(id.gt(last)).order(id.asc()),
            (ServerSort::Domain, None) => query.order((domain.asc(), id.asc())),
            (ServerSort::Domain, Some((name, last))) => {
                query.filter(domain.ge(name)).filter(domain.gt(name).or(id.gt(last))).order((domain.asc(), id.asc()))
            }
            (ServerSort::DomainDown, None) => query.order((domain.desc(), id.desc())),
            (ServerSort::DomainDown, Some((name, last))) => {
                query.filter(domain.le(name)).filter(domain.lt(name).or(id.lt(last))).order((domain.desc(), id.desc()))
            }
        }
    }
}

async fn named(conn: &mut Conn, part: &str) -> QueryResult<Hits> {
    let pattern = format!("%{}%", literal(part));
    let servers: Vec<Uuid> = instances::table
        .filter(instances::domain.like(&pattern).or(instances::web_domain.like(&pattern)))
        .limit(MOST_NAMED as i64 + 1)
        .select(instances::id)
        .load(conn)
        .await?;
    Ok(if servers.len() > MOST_NAMED { Hits::Like(pattern) } else { Hits::Of { accounts: Vec::new(), servers } })
}

async fn mailed(conn: &mut Conn, start: &str) -> QueryResult<Hits> {
    let pattern = format!("{}%", literal(start));
    let accounts = memberships::table
        .inner_join(people::table)
        .filter(people::email.like(&pattern))
        .select(memberships::account_id)
        .limit(MOST_MAILED)
        .load(conn)
        .await?;
    let servers = owner_bootstrap::table
        .filter(owner_bootstrap::email.like(&pattern))
        .select(owner_bootstrap::instance_id)
        .limit(MOST_MAILED)
        .load(conn)
        .await?;
    Ok(Hits::Of { accounts, servers })
}

fn searched<'q>(query: Filtered<'q>, hits: &'q Hits) -> Filtered<'q> {
    match hits {
        Hits::All => query,
        Hits::Of { accounts, servers } if accounts.is_empty() => query.filter(instances::id.eq_any(servers)),
        Hits::Of { accounts, servers } => query.filter(instances::account_id.eq_any(accounts).or(instances::id.eq_any(servers))),
        Hits::Like(pattern) => query.filter(instances::domain.like(pattern).or(instances::web_domain.like(pattern))),
    }
}

/// With nothing in it that a pattern takes for more than itself.
pub(super) fn literal(text: &str) -> String {
    text.chars().flat_map(|it| matches!(it, '%' | '_' | '\\').then_some('\\').into_iter().chain([it])).collect()
}

/// Everybody's operations, the newest first, each with its server. An id is one's own, its server's or its account's.
pub async fn operations(
    conn: &mut Conn,
    search: Search<'_>,
    filter: OperationFilter,
    page: Page,
) -> QueryResult<Vec<(Operation, Instance)>> {
    let mut query = operations::table.inner_join(instances::table).into_boxed();
    let failing =
        operation_steps::table.filter(operation_steps::operation_id.eq(operations::id)).filter(operation_steps::state.eq("failed"));
    query = match filter {
        OperationFilter::All => query,
        OperationFilter::Live => query.filter(operations::state.eq_any(["queued", "running"])),
        OperationFilter::HeldUp => query.filter(operations::state.eq("running")).filter(exists(failing)),
        OperationFilter::Failed => query.filter(operations::state.eq("failed")),
        OperationFilter::Ended => query.filter(operations::state.eq_any(["succeeded", "failed", "cancelled"])),
    };
    query = match search {
        Search::Everything => query,
        Search::Id(id) => query.filter(operations::id.eq(id).or(instances::id.eq(id)).or(instances::account_id.eq(id))),
        Search::Domain(part) | Search::Mail(part) => {
            let pattern = format!("%{}%", literal(part));
            query.filter(instances::domain.like(pattern.clone()).or(instances::web_domain.like(pattern)))
        }
    };
    if let Some(before) = page.before {
        query = query.filter(operations::id.lt(before));
    }
    query.order(operations::id.desc()).limit(page.limit).select((Operation::as_select(), Instance::as_select())).load(conn).await
}

/// What an id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    Server(Uuid),
    Operation { server: Uuid },
    Mail,
    Account,
    Incident,
}

/// Whatever has this id, of what people are given to refer to.
pub async fn reference(conn: &mut Conn, id: Uuid) -> QueryResult<Option<Reference>> {
    let server: Option<Uuid> = instances::table.find(id).select(instances::id).first(conn).await.optional()?;
    if let Some(server) = server {
        return Ok(Some(Reference::Server(server)));
    }
    let server: Option<Uuid> = operations::table.find(id).select(operations::instance_id).first(conn).await.optional()?;
    if let Some(server) = server {
        return Ok(Some(Reference::Operation { server }));
    }
    let mail: Option<Uuid> = mail_outbox::table.find(id).select(mail_outbox::id).first(conn).await.optional()?;
    if mail.is_some() {
        return Ok(Some(Reference::Mail));
    }
    let account: Option<Uuid> = accounts::table.find(id).select(accounts::id).first(conn).await.optional()?;
    if account.is_some() {
        return Ok(Some(Reference::Account));
    }
    let incident: Option<Uuid> = incidents::table.find(id).select(incidents::id).first(conn).await.optional()?;
    Ok(incident.map(|_| Reference::Incident))
}
