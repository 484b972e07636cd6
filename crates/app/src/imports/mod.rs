//! Imports: a server is brought in as a bundle. It arrives in the platform's bucket of bundles, is looked into, becomes a server that nobody
//! outside meets (the rehearsal), and takes its old one's place once the customer says so; until then nothing is lost by throwing it away.
//!
//! This crate never reads what is sealed but the secrets, for the moment in which they are proved; the bundle's key lies sealed with the server
//! until its rows are loaded for good.

mod begin;
mod decide;
mod launch;
mod look;
mod pull;
mod quota;
mod seen;
mod upload;
mod view;

pub use begin::{ImportSource, begin};
pub use decide::{CutOver, cut_over, discard};
pub use launch::{ImportLaunch, launch};
pub use look::look;
pub(crate) use look::read as brought;
pub use pull::{PullFrom, PullReport, PullRun, offer_to_pull, pull, pull_run, report_pull, stop as stop_pull};
pub use seen::{Seen, SeenFinding, SeenServer};
pub use upload::{Announced, Offered, PartLink, Put, offer};
pub use view::{ImportState, ImportView, PullView, get, list, of_server};

pub(crate) use decide::{arrived, rehearses};
pub(crate) use look::look_unasked;
pub(crate) use quota::valid as links_valid;

use howdah_db::Conn;
use howdah_db::models::import::Import;
use howdah_domain::ImportId;

use crate::{Actor, App, Error};

/// The import, where it is of the actor's account. What somebody brings is nobody else's business: not an operator's, either.
async fn seen_by(conn: &mut Conn, actor: &Actor, id: ImportId) -> Result<Import, Error> {
    of_account(Import::by_id(conn, id.as_uuid()).await?, actor)
}

/// The same, locked until the transaction ends.
async fn locked_by(conn: &mut Conn, actor: &Actor, id: ImportId) -> Result<Import, Error> {
    of_account(Import::lock(conn, id.as_uuid()).await?, actor)
}

fn of_account(found: Option<Import>, actor: &Actor) -> Result<Import, Error> {
    found.filter(|it| it.account_id == actor.account.as_uuid()).ok_or(Error::NotFound { what: "import" })
}

/// It is still to become a server.
fn is_open(app: &App, import: &Import) -> Result<(), Error> {
    let refuse = |reason, sentence: &str| Err(Error::Conflict { reason, sentence: sentence.to_owned() });
    if import.deleted_at.is_some() || import.instance_id.is_none() && app.now() >= import.kept_until {
        return refuse("not_kept", "This import was thrown away, or was kept for its time. Begin another one.");
    }
    if import.instance_id.is_some() {
        return refuse("launched", "This import has become a server already.");
    }
    Ok(())
}
