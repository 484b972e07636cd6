//! What was done, by whom and when, in words: read from the audit of an account.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::audit::{self, Entry};
use howdah_db::models::person::Person;
use howdah_domain::InstanceId;
use serde_json::Value;
use uuid::Uuid;

use super::seen_by;
use crate::{Actor, App, Error};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityView {
    /// Rises: the next page is of those before the last one's.
    pub seq: i64,
    pub at: DateTime<Utc>,
    /// A name, “An operator” or “Howdah”.
    pub who: String,
    pub sentence: String,
    /// `instance.close`.
    pub action: String,
    /// Where it is about one.
    pub server: Option<InstanceId>,
}

/// The account's, or one server's, the newest first.
///
/// # Errors
/// [`Error::NotFound`] for a server that is not the account's.
pub async fn activity(
    app: &App,
    actor: &Actor,
    server: Option<InstanceId>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<ActivityView>, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let chain = match server {
        Some(id) => seen_by(&mut conn, actor, id).await?.account_id,
        None => actor.account.as_uuid(),
    };
    entries(&mut conn, actor, chain, server, before, limit).await
}

pub(crate) async fn entries(
    conn: &mut Conn,
    actor: &Actor,
    chain: Uuid,
    server: Option<InstanceId>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<ActivityView>, Error> {
    let found = audit::page(conn, chain, server.map(InstanceId::as_uuid), before, limit.clamp(1, 200)).await?;
    let people: BTreeSet<Uuid> = found.iter().filter_map(|(it, _)| it.actor_id).collect();
    let people = Person::by_ids(conn, &people.into_iter().collect::<Vec<_>>()).await?;
    Ok(found.iter().map(|(entry, details)| entry_view(entry, details.as_deref(), &people, actor)).collect())
}

fn entry_view(entry: &Entry, details: Option<&str>, people: &[Person], reader: &Actor) -> ActivityView {
    let details: Value = details.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    let name = || people.iter().find(|it| Some(it.id) == entry.actor_id).map(|it| it.name.clone());
    let who = match entry.actor_kind.as_str() {
        "platform" => "Howdah".to_owned(),
        // Who it was is the platform's own matter.
        "operator" if !reader.operates() => "An operator".to_owned(),
        "operator" => name().unwrap_or_else(|| "An operator".to_owned()),
        _ => name().unwrap_or_else(|| "Somebody who has left".to_owned()),
    };
    ActivityView {
        seq: entry.seq,
        at: entry.at,
        who,
        sentence: sentence(&entry.action, &details),
        action: entry.action.clone(),
        server: entry.subject_id.filter(|_| entry.subject_kind == "instance").map(InstanceId::from_uuid),
    }
}

/// What was done, after whose name it is read.
fn sentence(action: &str, details: &Value) -> String {
    let detail = |key: &str| details.get(key).and_then(Value::as_str).map(str::to_owned);
    let of = |what: &str, key: &str| detail(key).map_or_else(|| what.to_owned(), |it| format!("{what} {it}"));
    match action {
        "instance.launch" => of("launched the server", "domain"),
        "instance.approve" => "approved the server".to_owned(),
        "instance.close" => "asked for the server to be closed".to_owned(),
        "instance.move_out" => "asked for the server to move to another host".to_owned(),
        "instance.handover" => "handed the server over to another host".to_owned(),
        "instance.remove" => "asked for the server to be removed".to_owned(),
        "instance.end_grace" => "ended the grace period early".to_owned(),
        "instance.undo" => "undid the closing".to_owned(),
        "instance.retry" => "had what failed tried again".to_owned(),
        "instance.owner_link" => "had a new link made for the server's owner".to_owned(),
        "instance.show_owner_link" => "looked at the link of the server's owner".to_owned(),
        "instance.export" => "began to take the server along".to_owned(),
        "instance.export_cancel" => "cancelled taking the server along".to_owned(),
        "instance.export_links" => "had links made to fetch an export".to_owned(),
        "instance.final_bundle_key" => "looked at the key of the final bundle".to_owned(),
        "instance.adopt" => "had the record adopt what the cluster has of the server".to_owned(),
        "instance.overwrite" => "had the record overwrite what the cluster has of the server".to_owned(),
        "instance.farewell" => "began to tell other servers that this one closes".to_owned(),
        "instance.teardown" => "began to delete the server's data".to_owned(),
        "instance.gone" => "finished: nothing of the server is left".to_owned(),
        "domain.proven" => of("found the proof of the domain", "name"),
        "token.create" => of("made the API token", "name"),
        "token.revoke" => of("revoked the API token", "name"),
        "account.open" | "account.create" => "opened the account".to_owned(),
        "person.add" => "was added".to_owned(),
        other => {
            let (what, done) = other.split_once('.').unwrap_or(("", other));
            format!("{} {}", done.replace('_', " "), what.replace('_', " ")).trim().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_done_reads_after_a_name() {
        assert_eq!(sentence("instance.launch", &json!({"domain": "birds.org"})), "launched the server birds.org");
        assert_eq!(sentence("instance.launch", &Value::Null), "launched the server");
        assert_eq!(sentence("member.change_role", &Value::Null), "change role member");
    }
}
