//! An export is begun: the run, its operation and the job that sends it down, in one transaction.

use age::secrecy::ExposeSecret as _;
use howdah_db::Conn;
use howdah_db::models::export::Export;
use howdah_db::models::instance::Instance;
use howdah_db::models::operation::Operation;
use howdah_domain::{ExportId, InstanceId, Lane, OperationId, OperationKind, PersonId};
use secrecy::SecretString;
use serde_json::json;

use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::instances::{audit, audit_actor, locked_by};
use crate::jobs::SyncExport;
use crate::{Actor, App, Error, limits, operations};

/// A manifest names each.
const MOST_KEYS: usize = 8;

/// Who is to open the bundle.
#[derive(Debug, Clone, Default)]
pub struct ExportRequest {
    /// age public keys, `age1…`.
    pub recipients: Vec<String>,
    /// Make a key, too, and show it once.
    pub make_key: bool,
}

#[derive(Debug)]
pub struct Begun {
    pub export: ExportId,
    pub instance: InstanceId,
    pub operation: OperationId,
    /// The key that was made: nobody else has it, and it is shown nowhere else.
    pub key: Option<SecretString>,
}

/// Takes a server along, whatever its state.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Invalid`] for keys that are none; [`Error::Conflict`] for a server that was never set up or is being
/// deleted, or while another export runs; [`Error::RateLimited`].
pub async fn begin(
    app: &App,
    actor: &Actor,
    id: InstanceId,
    request: &ExportRequest,
    idempotent: Option<Idempotent<'_, Begun>>,
) -> Result<Once<Begun>, Error> {
    actor.may_change()?;
    let (recipients, key) = recipients(request)?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let row = locked_by(conn, actor, id, None).await?;
        may_begin(conn, &row).await?;
        limits::EXPORTS_OF.take(app, conn, &row.id.to_string()).await?;
        let (export, operation) = put(app, conn, id, "live", recipients.join(" "), Some(actor.person)).await?;
        let begun = Begun { export, instance: id, operation, key: key.clone() };
        let details = json!({"export": export, "recipients": recipients, "key_was_made": request.make_key});
        audit(app, conn, audit_actor(actor), "instance.export", &row, details).await?;
        keep(conn, idempotent, begun).await
    })
    .await
}

/// The run, its operation, and the job that sends it down. `recipients` with a space between two.
pub(super) async fn put(
    app: &App,
    conn: &mut Conn,
    server: InstanceId,
    mode: &str,
    recipients: String,
    requested_by: Option<PersonId>,
) -> Result<(ExportId, OperationId), Error> {
    let operation = operations::begin(app, conn, server, OperationKind::Export, requested_by).await?;
    let export = ExportId::generate(app.now(), &*app.randomness);
    let new = Export {
        id: export.as_uuid(),
        instance_id: server.as_uuid(),
        operation_id: operation.as_uuid(),
        mode: mode.to_owned(),
        destination: "kept".to_owned(),
        recipients,
        progress: None,
        size: None,
        content_digest: None,
        kept_until: None,
        deleted_at: None,
        created_at: app.now(),
    };
    new.insert(conn).await?;
    SyncExport::of(new.id).enqueue(conn).await?;
    Ok((export, operation))
}

/// Open in every state in which there is something to take along.
async fn may_begin(conn: &mut Conn, row: &Instance) -> Result<(), Error> {
    let refuse = |(reason, sentence): (_, &str)| Err(Error::Conflict { reason, sentence: sentence.to_owned() });
    if let Some(why) = closed(row) {
        return refuse(why);
    }
    if Operation::live(conn, row.id, Lane::Export.as_str()).await?.is_some() {
        return refuse(("export_under_way", "This server is being exported already. Wait for that, or cancel it."));
    }
    Ok(())
}

/// Why there is nothing of it that could be taken along.
pub(crate) fn closed(row: &Instance) -> Option<(&'static str, &'static str)> {
    if row.launched_at.is_none() {
        return Some(("not_set_up", "This server has not come up yet: there is nothing to take along."));
    }
    if row.handed_over_at.is_some() {
        return Some(("handed_over", "Another host serves this server: its final bundle has everything of it."));
    }
    let is_too_late = row.teardown_began_at.is_some();
    is_too_late.then_some(("teardown_began", "This server's data is being deleted: it is too late to take it along."))
}

/// The public keys, checked, and the secret one that was made for one of them.
fn recipients(request: &ExportRequest) -> Result<(Vec<String>, Option<SecretString>), Error> {
    let wrong = |reason, sentence: String| Err(Error::invalid("recipients", reason, sentence));
    let mut all = Vec::new();
    for text in &request.recipients {
        let Ok(recipient) = text.trim().parse::<age::x25519::Recipient>() else {
            let shown: String = text.chars().take(70).collect();
            return wrong("malformed", format!("“{shown}” is no age public key: one begins with age1 and has 62 characters."));
        };
        let text = recipient.to_string();
        if !all.contains(&text) {
            all.push(text);
        }
    }
    let made = request.make_key.then(age::x25519::Identity::generate);
    all.extend(made.as_ref().map(|it| it.to_public().to_string()));
    match all.len() {
        0 => wrong("missing", "Name at least one age public key, or have a key made.".to_owned()),
        1..=MOST_KEYS => Ok((all, made.map(|it| it.to_string().expose_secret().to_owned().into()))),
        _ => wrong("too_many", format!("A bundle is sealed to {MOST_KEYS} keys at most.")),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const KEY: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    fn asked(recipients: &[&str], make_key: bool) -> ExportRequest {
        ExportRequest { recipients: recipients.iter().map(|it| (*it).to_owned()).collect(), make_key }
    }

    #[test]
    fn keys_are_checked_and_named_once() {
        assert_eq!(recipients(&asked(&[KEY, &format!(" {KEY} ")], false)).unwrap().0, [KEY]);
        let one_letter_off = KEY.replace("aqmcac8p", "aqmcac8q");
        for (wrong, reason) in [(vec![], "missing"), (vec!["age1"], "malformed"), (vec![one_letter_off.as_str()], "malformed")] {
            let Err(Error::Invalid { fields }) = recipients(&asked(&wrong, false)) else { panic!("{wrong:?}") };
            assert_eq!((fields[0].field, fields[0].reason), ("recipients", reason));
        }
    }

    #[test]
    fn a_key_that_is_made_opens_what_is_sealed_to_it() {
        let (public, key) = recipients(&asked(&[KEY], true)).unwrap();
        let key: age::x25519::Identity = key.unwrap().expose_secret().parse().unwrap();
        assert_eq!(public, [KEY.to_owned(), key.to_public().to_string()]);
    }
}
