//! The steps of an operation in the order in which they happen: what is done, in which time; what is under way, since when; what
//! failed, why, and what follows from it. Once all is over they stay readable in that order, with the time that each took.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use howdah_app::operations::{OperationView, StepView};
use howdah_domain::{OperationKind, OperationState, StepState};

use super::time::{machine, span};
use super::{Help, Icon, is_html};

#[derive(Clone, Debug, Template)]
#[template(path = "components/steps.html")]
pub struct Steps {
    steps: Vec<StepWords>,
    /// How long all of it took or usually takes; may be empty.
    total: String,
    help: Option<Help>,
}

#[derive(Clone, Debug)]
struct StepWords {
    class: &'static str,
    icon: Icon,
    /// For who can't see icon and colour.
    state: &'static str,
    name: &'static str,
    what: String,
    way_out: String,
    time: String,
    /// Under way since then: counted on by the script.
    since: Option<String>,
}

impl Steps {
    pub fn new(operation: &OperationView, now: DateTime<Utc>) -> Self {
        Self { steps: operation.steps.iter().map(|it| words(it, operation, now)).collect(), total: total(operation), help: None }
    }

    /// With whom to write to below them.
    pub fn with_help(self, help: Option<Help>) -> Self {
        Self { help, ..self }
    }
}

fn total(operation: &OperationView) -> String {
    let took = took(operation).map(span);
    match (operation.state, took) {
        (OperationState::Succeeded, Some(took)) => format!("In all {took}."),
        (OperationState::Failed | OperationState::Cancelled, Some(took)) => format!("It ended after {took}."),
        (OperationState::Queued | OperationState::Running, _) if operation.kind == OperationKind::Create && operation.failure.is_none() => {
            "Usually about a minute in all.".to_owned()
        }
        _ => String::new(),
    }
}

/// From its first step to its end.
pub fn took(operation: &OperationView) -> Option<TimeDelta> {
    operation.started_at.zip(operation.finished_at).map(|(from, to)| to - from)
}

/// How many of how many are done.
pub fn done(operation: &OperationView) -> (usize, usize) {
    let is_over = |it: &&StepView| matches!(it.state, StepState::Succeeded | StepState::Skipped);
    (operation.steps.iter().filter(is_over).count(), operation.steps.len())
}

/// What an operation is called: while it is under way, and once it is over.
pub const fn title(operation: &OperationView) -> &'static str {
    match (operation.kind, operation.state.is_live()) {
        (OperationKind::Create, true) => "Launching",
        (OperationKind::Create, false) => "Launch",
        (OperationKind::Import, true) => "Moving in",
        (OperationKind::Import, false) => "Move in",
        (OperationKind::MoveOut, true) => "Moving out",
        (OperationKind::MoveOut, false) => "Move out",
        (OperationKind::Close, _) => "Closing",
        (OperationKind::Remove, true) => "Removing",
        (OperationKind::Remove, false) => "Removal",
        (OperationKind::Export, true) => "Exporting",
        (OperationKind::Export, false) => "Export",
    }
}

const GIVEN_UP: &str = "It is not tried again by itself: an operator of the platform can have it tried again. What was done stays.";

fn words(step: &StepView, operation: &OperationView, now: DateTime<Utc>) -> StepWords {
    let (name, hint) = name_of(step.name);
    let took = step.started_at.zip(step.finished_at).map(|(from, to)| done_in(to - from)).unwrap_or_default();
    let over = operation.finished_at.filter(|_| !operation.state.is_live());
    let since = match (step.started_at, over) {
        (Some(from), Some(to)) => format!("after {}", span(to - from)),
        (Some(from), None) => format!("for {}", span(now - from)),
        (None, _) => String::new(),
    };
    let (class, icon, state, time) = match step.state {
        StepState::Waiting => ("todo", Icon::Dot, "To do", String::new()),
        StepState::Running => ("now", Icon::Turn, "Under way", since),
        StepState::Succeeded => ("done", Icon::Check, "Done", took),
        StepState::Failed => ("fail", Icon::Cross, if over.is_some() { "Failed" } else { "Held up" }, since),
        StepState::Skipped => ("done", Icon::Check, "Not needed", "not needed".to_owned()),
    };
    let failure = step.failure.as_ref();
    StepWords {
        class,
        icon,
        state,
        name,
        what: failure.map(|it| it.sentence.clone()).or_else(|| step.progress.clone()).unwrap_or_else(|| hint.to_owned()),
        way_out: match (failure, operation.state) {
            // An export is begun anew by whoever wants it.
            (Some(_), OperationState::Failed) if operation.kind != OperationKind::Export => GIVEN_UP.to_owned(),
            (Some(failure), _) => failure.way_out.clone(),
            (None, _) => String::new(),
        },
        time,
        since: step.started_at.filter(|_| over.is_none() && matches!(step.state, StepState::Running | StepState::Failed)).map(machine),
    }
}

/// Steps that are first seen when they are done, together with the one before, took no time of their own that anybody knows.
fn done_in(took: TimeDelta) -> String {
    if took < TimeDelta::seconds(1) { "at once".to_owned() } else { span(took) }
}

/// A step's name for people.
pub fn name(step: &'static str) -> &'static str {
    name_of(step).0
}

/// A step's name for people, and what it is about.
fn name_of(step: &'static str) -> (&'static str, &'static str) {
    match step {
        "namespace" => ("A room of its own", "Network rules and limits that keep neighbours apart"),
        "secrets" => ("Identity keys", "Made once, sealed, yours to take along"),
        "database" => ("Database", ""),
        "bucket" => ("Media store", ""),
        "cache" => ("Cache", ""),
        "data" => ("The bundle is loaded", "Rows and media; the longest step"),
        "rehearsal" => ("You look at it and decide", "Nobody outside meets it until then"),
        "cut_over" => ("It takes its old one’s place", "Loaded anew: what the rehearsal wrote is thrown away"),
        "schema" => ("Mastodon sets up its tables", "Usually the longest step"),
        "owner" => ("The owner’s account", "With a link to set the password"),
        "configuration" => ("Good defaults", "Sign-ups closed, cached media kept 7 days"),
        "workloads" => ("Web, streaming and background work start", ""),
        "farewell" => ("Other servers are told", "Each is asked to forget this server’s accounts"),
        "teardown" => ("Everything of it is deleted", "Database, media, keys"),
        "drain" => ("The server stops", "So that nothing is lost on the way: other servers deliver again later"),
        "handover" => ("Another host serves its address", "Looked at from outside every minute"),
        "final_bundle" => ("A final bundle is made", "Database, media, keys: kept for whom it was, 90 days after the end"),
        "bundle" => ("Everything of it is taken along", "Database, media, keys"),
        other => (other, ""),
    }
}

is_html!(Steps);
