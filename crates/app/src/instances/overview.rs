//! All that a server's page shows, read in three queries.

use chrono::{DateTime, Utc};
use howdah_db::Conn;
use howdah_db::models::domain::Domain;
use howdah_db::models::instance::Instance;
use howdah_db::models::operation::{Operation as OperationRow, WithSteps};
use howdah_db::models::overview::Overview as Row;
use howdah_db::models::public_face::PublicFace;
use howdah_domain::instance::actions::{ActionFacts, actions};
use howdah_domain::listing::ToDoKind;
use howdah_domain::records::{Diagnosis, diagnose, is_well};
use howdah_domain::{Action, InstanceId, OperationState, Phase};

use super::address_page::{AddressPage, Page};
use super::handover;
use super::owner_link;
use super::view::{Around, InstanceView, view};
use crate::exports;
use crate::operations::{self, OperationView};
use crate::{Actor, App, Error};

/// By what a server is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    Id(InstanceId),
    /// As in the dashboard's addresses.
    Slug(&'a str),
}

#[derive(Debug, Clone)]
pub struct Overview {
    pub server: InstanceView,
    /// What the operator's search finds it by.
    pub reference: String,
    /// The newest of the exclusive lane, live or ended, with its steps.
    pub last_operation: Option<OperationView>,
    /// Since when it is in this phase.
    pub since: DateTime<Utc>,
    pub state: &'static str,
    /// What happens next by itself.
    pub next: &'static str,
    pub actions: Vec<Action>,
    /// There is something of it, and it is not being deleted.
    pub can_be_taken_along: bool,
    /// Whoever asks may say where the media is of a server that moves out.
    pub media_can_be_led: bool,
    pub owner_link: OwnerLinkState,
    /// Empty before the server was seen answering.
    pub to_do: Vec<ToDo>,
    /// How many faults the address page names.
    pub faults: usize,
    /// The last look at the records.
    pub looked_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerLinkState {
    /// The owner's account is not there yet.
    Waiting,
    /// A new one was asked for, and Mastodon doesn't take it yet.
    OnItsWay { since: DateTime<Utc> },
    Ready {
        made_at: DateTime<Utc>,
        valid_until: DateTime<Utc>,
        /// Somebody has looked at it.
        was_shown: bool,
    },
    /// Nothing came of a new one.
    Failed { sentence: &'static str },
    /// Mastodon takes it no more.
    Expired,
    /// Another account's server, or no owner who asks.
    NotYours,
}

impl OwnerLinkState {
    /// Nothing of it is under way.
    const fn is_at_rest(self) -> bool {
        matches!(self, Self::Ready { .. } | Self::Failed { .. } | Self::Expired)
    }
}

/// One of the first settings in Mastodon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToDo {
    pub what: ToDoKind,
    /// First seen done.
    pub done_at: Option<DateTime<Utc>>,
    /// `3 rules`.
    pub seen: String,
    /// On the server.
    pub path: &'static str,
}

/// A server's rows, as far as the actor may see it.
pub(crate) struct Known {
    pub row: Row,
    pub operation: Option<WithSteps>,
    pub domains: Vec<Domain>,
}

/// # Errors
/// [`Error::NotFound`] for a server that is not the account's.
pub(crate) async fn known(conn: &mut Conn, actor: &Actor, which: Which<'_>) -> Result<Known, Error> {
    actor.may_read()?;
    let row = match which {
        Which::Id(id) => Row::by_id(conn, id.as_uuid()).await?,
        Which::Slug(slug) => Row::by_slug(conn, slug).await?,
    };
    let row = row.filter(|it| actor.sees(&it.instance)).ok_or(Error::NotFound { what: "server" })?;
    let (conn, accounts): (&Conn, _) = (conn, [row.instance.account_id]);
    let domains = async { if row.instance.on_platform_domain { Ok(Vec::new()) } else { Domain::of_accounts(conn, &accounts).await } };
    let (operation, domains) = tokio::try_join!(OperationRow::latest(conn, row.instance.id), domains)?;
    Ok(Known { row, operation, domains })
}

/// # Errors
/// [`Error::NotFound`] for a server that is not the account's.
pub async fn overview(app: &App, actor: &Actor, which: Which<'_>) -> Result<Overview, Error> {
    let mut conn = app.conn().await?;
    known(&mut conn, actor, which).await?.overview(app, actor)
}

impl Known {
    pub(crate) fn server(&self, app: &App, actor: &Actor) -> Result<InstanceView, Error> {
        let live = self.operation.as_ref().filter(|(row, _)| OperationState::parse(&row.state).is_some_and(OperationState::is_live));
        let around = Around {
            glances: self.row.glance.iter().cloned().collect(),
            probes: self.row.probe.iter().cloned().collect(),
            domains: self.domains.clone(),
            operations: live.cloned().into_iter().collect(),
            clusters: if actor.operates() { vec![self.row.cluster.clone()] } else { Vec::new() },
            moves_out: self.row.move_out.iter().cloned().collect(),
        };
        view(app, &self.row.instance, &around, actor)
    }

    pub(crate) fn page(&self, app: &App) -> Page {
        Page::of(app, &self.row.instance, &self.domains, self.row.look.as_ref())
    }

    pub(crate) fn address(&self, app: &App, actor: &Actor) -> Result<AddressPage, Error> {
        let leads_here = self.row.probe.as_ref().map(|it| it.leads_here);
        Ok(self.page(app).view(app, &self.row.instance, leads_here, self.server(app, actor)?.phase))
    }

    pub(crate) fn overview(&self, app: &App, actor: &Actor) -> Result<Overview, Error> {
        let server = self.server(app, actor)?;
        let last_operation = match &self.operation {
            Some((row, steps)) => Some(operations::view(row, steps, actor.operates())?),
            None => None,
        };
        let page = self.page(app);
        let look = page.look();
        let lacks_records = server.address.is_own && !(is_well(&look) && server.address.is_proven);
        let owner_link = self.owner_link(app, actor);
        let actions = actions(&ActionFacts {
            phase: server.phase,
            leaving: server.leaving.as_ref().map(|it| (it.deletion, it.can_be_undone)),
            has_grace: server.leaving.as_ref().is_some_and(|it| app.now() < it.after),
            lacks_records,
            has_answered: self.row.instance.first_answered_at.is_some(),
            owner_link_is_ready: matches!(owner_link, OwnerLinkState::Ready { .. }),
            owner_link_can_be_sent: self.row.owner.is_some() && owner_link::can_be_sent(&self.row.instance)? && owner_link.is_at_rest(),
            can_move_out: handover::can_move_out(&self.row.instance),
            is_in_trouble: last_operation.as_ref().is_some_and(is_in_trouble),
            is_owner: self.is_theirs(actor),
            is_operator: actor.operates(),
        });
        Ok(Overview {
            reference: server.id.to_string(),
            since: since(&self.row.instance, &server, last_operation.as_ref(), app),
            state: server.phase.sentence(),
            next: server.phase.next(server.says_farewell()),
            media_can_be_led: self.is_theirs(actor)
                && handover::moves_out(&self.row.instance)
                && self.row.instance.teardown_began_at.is_none(),
            can_be_taken_along: exports::closed(&self.row.instance).is_none(),
            actions,
            owner_link,
            to_do: self.row.face.as_ref().map(to_do).unwrap_or_default(),
            faults: if server.address.is_own { diagnose(&look).iter().filter(|it| Diagnosis::is_fault(it)).count() } else { 0 },
            looked_at: page.looked_at(),
            last_operation,
            server,
        })
    }

    /// An owner of the server's own account asks: operators see every server, and own none by that.
    fn is_theirs(&self, actor: &Actor) -> bool {
        self.row.instance.account_id == actor.account.as_uuid() && actor.may_close().is_ok()
    }

    fn owner_link(&self, app: &App, actor: &Actor) -> OwnerLinkState {
        match &self.row.owner {
            _ if !self.is_theirs(actor) => OwnerLinkState::NotYours,
            None => OwnerLinkState::Expired,
            Some(owner) => owner_link::state(owner, app.now()),
        }
    }
}

/// It failed, or is held up.
fn is_in_trouble(operation: &OperationView) -> bool {
    operation.failure.is_some() && matches!(operation.state, OperationState::Running | OperationState::Failed)
}

/// The best that the record tells.
fn since(row: &Instance, server: &InstanceView, operation: Option<&OperationView>, app: &App) -> DateTime<Utc> {
    let step = operation.and_then(|it| it.steps.iter().find(|it| it.finished_at.is_none() && it.started_at.is_some()));
    let of_step = step.and_then(|it| it.started_at);
    let of_operation = operation.map(|it| it.started_at.unwrap_or(it.created_at));
    let found = match server.phase {
        Phase::AwaitingPayment | Phase::AwaitingApproval => Some(row.created_at),
        Phase::Launching | Phase::CuttingOver => of_operation,
        Phase::LaunchHeldUp
        | Phase::Rehearsing
        | Phase::MakingFinalBundle
        | Phase::FinalBundleHeldUp
        | Phase::SayingFarewell
        | Phase::FarewellHeldUp
        | Phase::TearingDown => of_step.or(of_operation),
        Phase::WaitingForAddress => row.launched_at,
        Phase::Running => row.first_answered_at.or(row.launched_at),
        Phase::Closing | Phase::Removing => server.leaving.as_ref().map(|it| it.after - app.config.grace),
        Phase::MovingOut => server.leaving.as_ref().map(|it| it.after),
        Phase::MovedOut => row.handed_over_at,
        Phase::Gone => row.tombstoned_at,
        Phase::Unwell | Phase::ReadOnly | Phase::Suspended => None,
    };
    found.unwrap_or(row.updated_at)
}

fn to_do(face: &PublicFace) -> Vec<ToDo> {
    let rules = match face.rules {
        0 => "No rules yet".to_owned(),
        1 => "1 rule".to_owned(),
        many => format!("{many} rules"),
    };
    let privacy = if face.has_own_privacy { "Your own text" } else { "Mastodon's general text" };
    let registrations = match face.registrations.as_str() {
        "open" => "Open to everybody",
        "by_approval" => "By approval",
        _ => "Closed, as at the launch",
    };
    let seen = |what: ToDoKind, done_at, seen: String| ToDo { what, done_at, seen, path: what.path() };
    vec![
        seen(ToDoKind::Rules, face.rules_at, rules),
        seen(ToDoKind::Privacy, face.privacy_at, privacy.to_owned()),
        seen(ToDoKind::Registrations, face.registrations_at, registrations.to_owned()),
    ]
}
