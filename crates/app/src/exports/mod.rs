//! Exports: a server is taken along as a portable bundle, sealed to keys of the customer's, in whatever state it is. This crate never holds
//! what is sealed; of a key that is made for somebody who asks it keeps nothing either. Only the final bundle of a server that leaves may
//! have a key that is kept, sealed, until the bundle goes.

mod begin;
mod cancel;
mod final_bundle;
mod links;
pub(crate) mod manifest;
mod own_bucket;
mod phrase;
mod schedule;
mod sealing;
mod view;

pub(crate) use begin::closed;
pub use begin::{Begun, begin};
pub use cancel::cancel;
pub use final_bundle::{KEPT as FINAL_KEPT, key};
pub(crate) use final_bundle::{begin_final, begin_unpaid, cancel_final, discard_final, is_there, keep_final_from, keeps_final};
pub(crate) use links::prefix;
pub use links::{Link, Links, PlainPath, links};
pub(crate) use own_bucket::variables as bucket_variables;
pub use phrase::{KeptPhrase, NewPhrase, asked_back, kept_phrase, make_phrase};
pub use schedule::{Every, KEPT as SCHEDULED_KEPT, ScheduleRequest, ScheduleView, schedule, set_schedule};
pub(crate) use schedule::{VALID as SCHEDULED_VALID, begin_due, ended_badly, whole as scheduled_whole};
pub use sealing::{ExportRequest, Words};
pub use view::{BucketView, ExportView, Progress, get, list};

use howdah_db::Conn;
use howdah_db::models::export::{Export, WithOperation};
use howdah_domain::{ExportId, InstanceId};

use crate::{Actor, Error, instances};

/// The export, where the actor may see its server.
pub(crate) async fn seen_by(conn: &mut Conn, actor: &Actor, id: ExportId) -> Result<WithOperation, Error> {
    let missing = Error::NotFound { what: "export" };
    let Some(found) = Export::by_id(conn, id.as_uuid()).await? else { return Err(missing) };
    match instances::seen_by(conn, actor, InstanceId::from_uuid(found.0.instance_id)).await {
        Ok(_) => Ok(found),
        Err(Error::NotFound { .. }) => Err(missing),
        Err(error) => Err(error),
    }
}
