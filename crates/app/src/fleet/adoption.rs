//! What a row takes over of a custom resource that is ahead of it; or why it can't.
//!
//! A power state is more than a word: who wants it is the row's to say. Read-only is policy's hold, and so is what is suspended, unless
//! another host can have its name: then it is a move to that host, which can be taken back. None of what can't be is taken back by it.

use howdah_crd::PowerState;
use howdah_db::Conn;
use howdah_db::models::instance::{Adopted, DesiredColumns, Instance};
use howdah_db::models::move_out::MoveOut;
use howdah_domain::{Deletion, Desired, Hold, InstanceId, MastodonVersion, MediaRedirect, Plans};

use super::diverged::{Divergence, root};
use crate::instances::{can_move_out, set_desired};
use crate::jobs::manifest;
use crate::{App, Error, operations, settings};

/// The row's own: [`Adoption::of`] says whether their values fit it.
const OF_ROW: [&str; 5] = ["version", "image", "resources", "powerState", "teardown"];

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Adoption {
    adopted: Adopted,
    power: Option<Power>,
}

/// A power state that the record doesn't know of.
#[derive(Debug, PartialEq, Eq)]
enum Power {
    /// It runs, or policy holds it back.
    Stays(Desired),
    MovesOut,
    /// Its data is destroyed.
    HasMovedOut {
        media_redirect: Option<String>,
    },
    /// It was closed, and its grace period is over.
    SaysFarewell,
}

impl Adoption {
    /// Or why not, naming everything.
    pub(super) fn of(divergence: &Divergence, plans: &Plans, row: &Instance) -> Result<Self, String> {
        let Divergence { record, cluster, .. } = divergence;
        let has_moved = cluster.power_state == PowerState::MovedOut;
        let is_of_row = |field: &str| OF_ROW.contains(&field) || (has_moved && field == "mediaRedirect");
        let mut lacks: Vec<String> = divergence.differences().into_iter().map(|it| it.field).filter(|it| !is_of_row(root(it))).collect();
        let fits = |id: &str| plans.get(id).is_some_and(|it| manifest::resources(&it.resources) == cluster.resources);
        let plan = if fits(&row.plan) { Some(row.plan.clone()) } else { plans.iter().map(|it| it.id.clone()).find(|it| fits(it)) };
        if plan.is_none() {
            lacks.push("resources (the numbers are no plan's)".to_owned());
        }
        if cluster.version.parse::<MastodonVersion>().is_err() {
            lacks.push("version".to_owned());
        }
        let power = Power::of(divergence, row).unwrap_or_else(|lack| {
            lacks.push(lack.to_owned());
            None
        });
        // After a farewell or a move the teardown follows by itself. Any other destroys data: it is asked for anew, or not at all.
        let is_followed = matches!(cluster.power_state, PowerState::SelfDestruct | PowerState::MovedOut);
        if cluster.teardown != record.teardown && !is_followed {
            lacks.push("teardown (overwrite, and have the server closed or removed again)".to_owned());
        }
        match plan {
            Some(plan) if lacks.is_empty() => Ok(Self {
                adopted: Adopted {
                    version: cluster.version.clone(),
                    image_mastodon: cluster.image.mastodon.clone(),
                    image_streaming: cluster.image.streaming.clone(),
                    plan,
                },
                power,
            }),
            _ => Err(format!("The record can't adopt the cluster's state: it has no place for {}.", lacks.join(", "))),
        }
    }

    /// Under the lock of the row, whose revision is above the cluster's.
    pub(super) async fn take_over(&self, app: &App, conn: &mut Conn, row: Instance) -> Result<Instance, Error> {
        Instance::adopt(conn, row.id, &self.adopted).await?;
        match &self.power {
            None => Ok(row),
            Some(Power::Stays(desired)) => leave_as(app, conn, &row, *desired).await,
            Some(Power::MovesOut) => {
                Instance::decline_final_bundle(conn, row.id, None).await?;
                MoveOut::lead_to(conn, row.id, None).await?;
                leave_as(app, conn, &row, moving_out(app)).await
            }
            Some(Power::HasMovedOut { media_redirect }) => has_moved_out(app, conn, row, media_redirect.as_deref()).await,
            Some(Power::SaysFarewell) => farewell(app, conn, &row).await,
        }
    }
}

impl Power {
    /// `None`: the record says the same.
    fn of(divergence: &Divergence, row: &Instance) -> Result<Option<Self>, &'static str> {
        use PowerState::{MovedOut, ReadOnly, Rehearsal, Running, SelfDestruct, Suspended};
        let Divergence { record, cluster, .. } = divergence;
        match (record.power_state, cluster.power_state) {
            (MovedOut | Running | ReadOnly | Suspended, MovedOut) => {
                match cluster.media_redirect.as_deref().map(str::parse::<MediaRedirect>) {
                    Some(Err(_)) => Err("mediaRedirect"),
                    _ => Ok(Some(Self::HasMovedOut { media_redirect: cluster.media_redirect.clone() })),
                }
            }
            (before, now) if before == now => Ok(None),
            (SelfDestruct, _) => Err("powerState (a farewell of the record's can't be taken back)"),
            (MovedOut, _) => Err("powerState (by the record its data is destroyed)"),
            (Rehearsal, _) | (_, Rehearsal) => Err("powerState (of a rehearsal its owner decides)"),
            (_, SelfDestruct) => Ok(Some(Self::SaysFarewell)),
            _ if row.begun().is_some() => Err("powerState (what the record has begun can't be taken back)"),
            (_, Running) => Ok(Some(Self::Stays(Desired::Running))),
            (_, ReadOnly) => Ok(Some(Self::Stays(Desired::ReadOnly { by: Hold::Billing }))),
            (Running, Suspended) if can_move_out(row) => Ok(Some(Self::MovesOut)),
            (_, Suspended) => Ok(Some(Self::Stays(Desired::Suspended { by: Hold::Billing }))),
        }
    }
}

fn moving_out(app: &App) -> Desired {
    Desired::Deleted { deletion: Deletion::MoveOut, after: app.now() }
}

/// What the record had begun in order to have it go is not what is wanted any more.
async fn leave_as(app: &App, conn: &mut Conn, row: &Instance, desired: Desired) -> Result<Instance, Error> {
    if matches!(row.desired()?, Desired::Deleted { .. }) {
        operations::cancel_live(app, conn, InstanceId::from_uuid(row.id)).await?;
        if matches!(desired, Desired::Running | Desired::ReadOnly { .. } | Desired::Suspended { .. }) {
            MoveOut::take_back(conn, row.id).await?;
        }
    }
    set_desired(app, conn, row, desired).await
}

/// Owners were told when it was handed over.
async fn has_moved_out(app: &App, conn: &mut Conn, mut row: Instance, media_redirect: Option<&str>) -> Result<Instance, Error> {
    let now = app.now();
    if !matches!(row.desired()?, Desired::Deleted { deletion: Deletion::MoveOut, .. }) {
        row = leave_as(app, conn, &row, moving_out(app)).await?;
    }
    if row.handed_over_at.is_none() {
        row = Instance::hand_over(conn, row.id, row.revision, now).await?.ok_or(Error::PreconditionFailed)?;
    }
    MoveOut::found(conn, row.id, media_redirect, now, now + settings::MOVED_OUT).await?;
    Ok(row)
}

async fn farewell(app: &App, conn: &mut Conn, row: &Instance) -> Result<Instance, Error> {
    let now = app.now();
    let desired = Desired::Deleted { deletion: Deletion::Close, after: now };
    let row = Instance::set_desired(conn, row.id, row.revision, &DesiredColumns::from(desired), now).await?;
    let row = row.ok_or(Error::PreconditionFailed)?;
    operations::cancel_live(app, conn, InstanceId::from_uuid(row.id)).await?;
    Instance::begin_farewell(conn, row.id, row.revision, now).await?.ok_or(Error::PreconditionFailed)
}
