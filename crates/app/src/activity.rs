//! What was done, by whom and when, in words: read from the audit of an account.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::audit::{self, About, Entry};
use howdah_db::models::person::Person;
use howdah_domain::InstanceId;
use serde_json::Value;
use uuid::Uuid;

use crate::instances::seen_by;
use crate::{Actor, App, Error};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityView {
    /// Rises: the next page is of those before the last one's.
    pub seq: i64,
    pub at: DateTime<Utc>,
    /// A name, “An operator” or “Howdah”.
    pub who: String,
    /// Read after it.
    pub sentence: String,
    /// `instance.close`.
    pub action: String,
}

/// One server's, the newest first.
///
/// # Errors
/// [`Error::NotFound`] for a server that is not the account's.
pub async fn of_server(app: &App, actor: &Actor, server: InstanceId, before: Option<i64>, limit: i64) -> Result<Vec<ActivityView>, Error> {
    actor.may_read()?;
    let mut conn = app.conn().await?;
    let chain = seen_by(&mut conn, actor, server).await?.account_id;
    entries(&mut conn, actor, chain, About::Subject(server.as_uuid()), before, limit).await
}

/// The account's own, the newest first: what is of no server. It tells who belongs to the account.
///
/// # Errors
/// [`Error::Forbidden`].
pub async fn of_account(app: &App, actor: &Actor, before: Option<i64>, limit: i64) -> Result<Vec<ActivityView>, Error> {
    actor.may_see_people()?;
    entries(&mut *app.conn().await?, actor, actor.account.as_uuid(), About::AllBut("instance"), before, limit).await
}

pub(crate) async fn entries(
    conn: &mut Conn,
    reader: &Actor,
    chain: Uuid,
    about: About,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<ActivityView>, Error> {
    let found = audit::page(conn, chain, about, before, limit.clamp(1, 200)).await?;
    let people: BTreeSet<Uuid> = found.iter().flat_map(|(it, _)| [it.actor_id, subject(it)]).flatten().collect();
    let people = Person::by_ids(conn, &people.into_iter().collect::<Vec<_>>()).await?;
    let names = people.into_iter().map(|it| (it.id, it.name)).collect();
    Ok(found.iter().map(|(entry, details)| view(entry, details.as_deref(), &names, reader)).collect())
}

/// Whom it was done to.
fn subject(entry: &Entry) -> Option<Uuid> {
    entry.subject_id.filter(|_| entry.subject_kind == "person")
}

fn view(entry: &Entry, details: Option<&str>, names: &BTreeMap<Uuid, String>, reader: &Actor) -> ActivityView {
    let name = |id: Option<Uuid>| id.and_then(|it| names.get(&it)).cloned();
    let who = match entry.actor_kind.as_str() {
        "platform" => "Howdah".to_owned(),
        // Who it was is the platform's own matter.
        "operator" if !reader.operates() => "An operator".to_owned(),
        "operator" => name(entry.actor_id).unwrap_or_else(|| "An operator".to_owned()),
        _ => name(entry.actor_id).unwrap_or_else(|| "Somebody who has left".to_owned()),
    };
    let other = subject(entry).filter(|it| Some(*it) != entry.actor_id);
    let whom = other.map(|it| name(Some(it)).unwrap_or_else(|| "somebody who has left".to_owned()));
    let details = details.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    ActivityView {
        seq: entry.seq,
        at: entry.at,
        who,
        sentence: sentence(&entry.action, whom.as_deref(), &details),
        action: entry.action.clone(),
    }
}

/// What was done, and to whom where it was somebody else: after a name.
fn sentence(action: &str, whom: Option<&str>, details: &Value) -> String {
    let detail = |key: &str| details.get(key).and_then(Value::as_str);
    let of = |what: &str, key: &str| detail(key).map_or_else(|| what.to_owned(), |it| format!("{what} {it}"));
    let whose = whom.map_or_else(|| "their".to_owned(), |it| format!("{it}'s"));
    match (action, whom) {
        ("instance.launch", _) => of("launched the server", "domain"),
        ("instance.approve", _) => "approved the server".to_owned(),
        ("instance.close", _) => "asked for the server to be closed".to_owned(),
        ("instance.move_out", _) => "asked for the server to move to another host".to_owned(),
        ("instance.handover", _) => "handed the server over to another host".to_owned(),
        ("instance.moved_out", _) => "began to delete the data of the server, which has moved".to_owned(),
        ("instance.media_redirect", _) => "said where the server's media is at the other host".to_owned(),
        ("instance.cut_over", _) => "had the imported server take its old one's place".to_owned(),
        ("instance.discard", _) => "threw the imported server away".to_owned(),
        ("instance.remove", _) => "asked for the server to be removed".to_owned(),
        ("instance.end_grace", _) => "ended the grace period early".to_owned(),
        ("instance.undo", _) => "undid the closing".to_owned(),
        ("instance.retry", _) => "had what failed tried again".to_owned(),
        ("instance.owner_link", _) => "had a new link made for the server's owner".to_owned(),
        ("instance.show_owner_link", _) => "looked at the link of the server's owner".to_owned(),
        ("instance.export", _) => "began to take the server along".to_owned(),
        ("instance.export_schedule", _) => "set when the server is taken along by itself".to_owned(),
        ("instance.export_scheduled", _) => "began to take the server along by schedule".to_owned(),
        ("instance.export_cancel", _) => "cancelled taking the server along".to_owned(),
        ("instance.export_links", _) => "had links made to fetch an export".to_owned(),
        ("instance.final_bundle_key", _) => "looked at the key of the final bundle".to_owned(),
        ("import.begin", _) => "began to bring a server in".to_owned(),
        ("import.discard", _) => "threw an import away".to_owned(),
        ("instance.adopt", _) => "had the record adopt what the cluster has of the server".to_owned(),
        ("instance.overwrite", _) => "had the record overwrite what the cluster has of the server".to_owned(),
        ("instance.farewell", _) => "began to tell other servers that this one closes".to_owned(),
        ("instance.teardown", _) => "began to delete the server's data".to_owned(),
        ("instance.gone", _) => "finished: nothing of the server is left".to_owned(),
        ("domain.proven", _) => of("found the proof of the domain", "name"),
        ("account.open", _) => "opened the account".to_owned(),
        ("account.servers_allowed", _) => "changed how many servers the account may have".to_owned(),
        ("sign_up.approve", _) => "approved the account".to_owned(),
        ("member.invite", _) => format!("asked {} to join", detail("email").unwrap_or("somebody")),
        ("invitation.withdraw", _) => of("withdrew the invitation of", "email"),
        ("member.join", _) => "joined the account".to_owned(),
        ("member.change_role", Some(whom)) => of(&format!("changed {whom}'s role to"), "role"),
        ("member.remove", Some(whom)) => format!("removed {whom} from the account"),
        ("member.remove", None) => "left the account".to_owned(),
        ("token.create", _) => of("made the API token", "name"),
        ("token.revoke", _) => of("revoked the API token", "name"),
        ("session.begin", _) => "signed in".to_owned(),
        ("session.end", _) => "signed out".to_owned(),
        ("session.revoke", _) => "ended one of their sessions".to_owned(),
        ("session.revoke_others", _) => "ended all of their other sessions".to_owned(),
        ("sign_in.code_refused", _) => format!("refused wrong codes of {whose} second factor"),
        ("second_factor.turn_on", _) => "turned on a second factor".to_owned(),
        ("second_factor.turn_off", _) => "turned off their second factor".to_owned(),
        ("second_factor.new_codes", _) => "made new recovery codes".to_owned(),
        ("second_factor.use_recovery_code", _) => "used a recovery code".to_owned(),
        ("second_factor.remove", _) => format!("removed {whose} second factor"),
        ("passkey.add", _) => of("added the passkey", "name"),
        ("passkey.rename", _) => of("renamed a passkey:", "name"),
        ("passkey.remove", _) => of("removed the passkey", "name"),
        ("password.change" | "password.reset" | "password.set", _) => format!("set {whose} password"),
        ("email.ask_change", _) => "asked for another e-mail address".to_owned(),
        ("email.change", _) => "changed their e-mail address".to_owned(),
        ("person.rename", _) => "changed their name".to_owned(),
        (other, _) => {
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
        let table = [
            ("instance.launch", None, json!({"domain": "birds.org"}), "launched the server birds.org"),
            // The details were erased.
            ("instance.launch", None, Value::Null, "launched the server"),
            ("member.invite", None, json!({"email": "bob@cats.org"}), "asked bob@cats.org to join"),
            ("member.change_role", Some("Bob"), json!({"before": "billing", "role": "owner"}), "changed Bob's role to owner"),
            ("member.remove", Some("Bob"), json!({"role": "owner"}), "removed Bob from the account"),
            ("member.remove", None, json!({"role": "owner"}), "left the account"),
            ("second_factor.remove", Some("Bob"), Value::Null, "removed Bob's second factor"),
            ("password.change", None, Value::Null, "set their password"),
            ("what_ever.comes_next", None, Value::Null, "comes next what ever"),
        ];
        for (action, whom, details, expected) in table {
            assert_eq!(sentence(action, whom, &details), expected);
        }
    }
}
