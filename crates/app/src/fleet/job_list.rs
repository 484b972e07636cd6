//! The queue, searched, in pages.

use chrono::DateTime;
use howdah_db::models::job_list::{JobList as Query, JobPlace, ListedJob as Row};
use howdah_domain::InstanceId;
use uuid::Uuid;

use super::jobs::{JobView, view};
use crate::{Actor, App, Error};

/// Of the queue, that one page shows.
const SHOWN: usize = 50;

#[derive(Debug, Clone, Default)]
pub struct JobQuery {
    /// A part of a job's name, of its error or of its server's domain; its number; a server's reference or namespace.
    pub search: String,
    /// [`JobList::next`] of the page before.
    pub after: Option<String>,
}

#[derive(Debug, Clone)]
pub struct JobList {
    pub jobs: Vec<ListedJob>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedJob {
    pub job: JobView,
    /// Of its server.
    pub domain: Option<String>,
}

/// Those that failed first.
///
/// # Errors
/// [`Error::Forbidden`] for all but operators; [`Error::Invalid`] for a cursor that is none.
pub async fn jobs(app: &App, actor: &Actor, query: &JobQuery) -> Result<JobList, Error> {
    actor.may_operate()?;
    let typed: String = query.search.trim().to_lowercase().chars().take(253).collect();
    let server = Uuid::try_parse(&typed).ok().or_else(|| InstanceId::from_resource_name(&typed).map(InstanceId::as_uuid));
    let after = query.after.as_deref().map(place).transpose()?;
    let limit = i64::try_from(SHOWN + 1).unwrap_or(i64::MAX);
    let list = Query { search: &typed, server, after, limit };
    let mut found = list.page(&mut *app.conn().await?).await?;
    let has_more = found.len() > SHOWN;
    found.truncate(SHOWN);
    let next = found.last().filter(|_| has_more).map(|it| cursor(it.place()));
    Ok(JobList { jobs: found.into_iter().map(|Row { job, domain }| ListedJob { job: view(job), domain }).collect(), next })
}

fn cursor(it: JobPlace) -> String {
    format!("{}~{}~{}", u8::from(it.has_error), it.run_at.timestamp_micros(), it.id)
}

fn place(text: &str) -> Result<JobPlace, Error> {
    let parts: Vec<&str> = text.split('~').collect();
    let parsed = match parts[..] {
        [has_error @ ("0" | "1"), run_at, id] => run_at
            .parse()
            .ok()
            .and_then(DateTime::from_timestamp_micros)
            .zip(id.parse().ok())
            .map(|(run_at, id)| JobPlace { has_error: has_error == "1", run_at, id }),
        _ => None,
    };
    parsed.ok_or_else(|| Error::invalid("after", "malformed", "This is no page of the list. Begin again at its first page."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let at = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        for it in [JobPlace { has_error: true, run_at: at, id: 7 }, JobPlace { has_error: false, run_at: at, id: i64::MAX }] {
            assert_eq!(place(&cursor(it)).unwrap(), it);
        }
        for text in ["", "1", "1~2", "2~1~1", "1~x~1", "1~1~x", "1~1~1~1", "1~9223372036854775807~1"] {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
