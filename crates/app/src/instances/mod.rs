//! Servers: launch, look at, approve, close, undo, remove.

mod address_page;
mod approve;
mod check;
mod handover;
mod launch;
mod leave;
mod list;
mod openness;
mod overview;
mod owner_link;
mod view;

pub use address_page::{AddressPage, address, look_again};
pub use approve::approve;
pub use check::{AddressCheck, AddressNote, NormalisedAddress, check_address, check_owner_name};
pub use handover::Lead;
pub use howdah_db::models::listing::ServerCounts;
pub use launch::{LaunchRequest, Launched, launch};
pub(crate) use launch::{NewServer, Origin, Redacted, record, trademark, unknown_plan};
pub use leave::{Close, close, end_grace, lead_media, move_out, remove, say_handed_over, undo};
pub(crate) use leave::{discard, set_desired, tell_owners};
pub use list::{ServerList, ServerQuery, ServerRow, servers};
pub(crate) use list::{counted, search};
pub use openness::{Openness, has_room, openness};
pub use overview::{Overview, OwnerLinkState, ToDo, Which, overview};
pub use owner_link::{OwnerLink, owner_link, send_owner_link};
pub use view::{AddressView, InstanceView, LeavingView, ProofView, RecordView, get, list};

pub(crate) use address_page::Page as AddressLookPage;
pub(crate) use handover::{can_move_out, hand_over};
pub(crate) use overview::known;
pub(crate) use owner_link::{
    ACCOUNT_NOT_FOUND, TIMED_OUT, VALID as LINK_VALID, reader as owner_link_reader, state as owner_link_state, url as owner_link_url,
};

use howdah_db::Conn;
use howdah_db::models::audit::{Actor as AuditActor, Record};
use howdah_db::models::instance::Instance;
use howdah_domain::InstanceId;
use serde_json::Value;

use crate::{Actor, App, Error};

/// The server, where the actor may see it.
pub(crate) async fn seen_by(conn: &mut Conn, actor: &Actor, id: InstanceId) -> Result<Instance, Error> {
    let row = Instance::by_id(conn, id.as_uuid()).await?;
    row.filter(|it| actor.sees(it)).ok_or(Error::NotFound { what: "server" })
}

/// The server, locked until the transaction ends, where the actor may see it and knows its present revision.
pub(crate) async fn locked_by(conn: &mut Conn, actor: &Actor, id: InstanceId, if_match: Option<i64>) -> Result<Instance, Error> {
    let row = Instance::lock(conn, id.as_uuid()).await?;
    let row = row.filter(|it| actor.sees(it)).ok_or(Error::NotFound { what: "server" })?;
    if row.tombstoned_at.is_some() {
        return Err(Error::Conflict { reason: "gone", sentence: "This server is gone.".to_owned() });
    }
    if if_match.is_some_and(|it| it != row.revision) {
        return Err(Error::PreconditionFailed);
    }
    Ok(row)
}

/// Who did it, as the audit records it.
pub(crate) fn audit_actor(actor: &Actor) -> AuditActor {
    let person = actor.person.as_uuid();
    if actor.operates() { AuditActor::Operator(person) } else { AuditActor::Person(person) }
}

/// Records what was done to a server, in the account's chain. To come last in its transaction.
pub(crate) async fn audit(
    app: &App,
    conn: &mut Conn,
    actor: AuditActor,
    action: &str,
    instance: &Instance,
    details: Value,
) -> Result<(), Error> {
    let record = Record {
        chain_id: instance.account_id,
        at: app.now(),
        actor,
        action,
        subject_kind: "instance",
        subject_id: Some(instance.id),
        details,
    };
    record.insert(conn).await?;
    Ok(())
}
