//! The queue as a list: searched, and paged from the last row of the page before on.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::job::{Job, LIVE};
use super::listing::literal;
use crate::Conn;

/// What the list is to hold.
#[derive(Clone, Debug)]
pub struct JobList<'a> {
    /// A part of a job's name, of its error or of its server's domain, in lower case; or the job's number. Empty: everything.
    pub search: &'a str,
    /// A server, where a reference is searched for.
    pub server: Option<Uuid>,
    pub after: Option<JobPlace>,
    pub limit: i64,
}

/// Where a job stands in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobPlace {
    pub has_error: bool,
    pub run_at: DateTime<Utc>,
    pub id: i64,
}

#[derive(QueryableByName, Clone, Debug, PartialEq, Eq)]
pub struct ListedJob {
    #[diesel(embed)]
    pub job: Job,
    /// Of the server that it is about.
    #[diesel(sql_type = Nullable<Text>)]
    pub domain: Option<String>,
}

impl ListedJob {
    #[must_use]
    pub const fn place(&self) -> JobPlace {
        JobPlace { has_error: self.job.last_error.is_some(), run_at: self.job.run_at, id: self.job.id }
    }
}

impl JobList<'_> {
    /// Those that failed first, then the next to run; without those that a later one has taken the place of.
    pub async fn page(&self, conn: &mut Conn) -> QueryResult<Vec<ListedJob>> {
        diesel::sql_query(format!(
            "{LIVE}
               AND ($1 = '' OR tasks.identifier LIKE $2 OR lower(jobs.last_error) LIKE $2 OR instances.domain LIKE $2
                    OR jobs.id::text = $1 OR instances.id = $3)
               AND ($4 IS NULL OR (jobs.last_error IS NULL, jobs.run_at, jobs.id) > ($5, $4, $6))
             ORDER BY jobs.last_error IS NULL, jobs.run_at, jobs.id
             LIMIT $7"
        ))
        .bind::<Text, _>(self.search)
        .bind::<Text, _>(format!("%{}%", literal(self.search)))
        .bind::<Nullable<diesel::sql_types::Uuid>, _>(self.server)
        .bind::<Nullable<Timestamptz>, _>(self.after.map(|it| it.run_at))
        .bind::<Bool, _>(self.after.is_some_and(|it| !it.has_error))
        .bind::<BigInt, _>(self.after.map_or(0, |it| it.id))
        .bind::<BigInt, _>(self.limit)
        .load(conn)
        .await
    }
}
