//! Schemas of the words that `domain` has for things: read from its own lists, so that the description can't lag behind.

use howdah_app::{Role, Scope};
use howdah_domain::{Deletion, Hold, NewServers, OperationKind, OperationState, Phase, StepState};
use serde::Deserialize;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> Object {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(words)).build()
}

pub fn phase() -> Object {
    one_of(Phase::ALL.iter().map(|it| it.as_str()))
}

pub fn desired() -> Object {
    one_of(["running", "read_only", "suspended", "deleted"].into_iter())
}

pub fn standing() -> Object {
    one_of(["incomplete", "trialing", "current", "past_due", "lapsed", "cancelled", "granted"].into_iter())
}

pub fn access() -> Object {
    one_of(["run", "read_only", "suspend"].into_iter())
}

/// A step on the way down.
pub fn stage() -> Object {
    one_of(["read_only", "suspended", "removed"].into_iter())
}

/// Of a bill's line.
pub fn cause() -> Object {
    one_of(["plan", "add_on", "other", "usage", "unused_time", "remaining_time", "credit"].into_iter())
}

pub fn hold() -> Object {
    one_of(Hold::ALL.iter().map(|it| it.as_str()))
}

pub fn deletion() -> Object {
    one_of(Deletion::ALL.iter().map(|it| it.as_str()))
}

pub fn operation_kind() -> Object {
    one_of(OperationKind::ALL.iter().map(|it| it.as_str()))
}

pub fn operation_state() -> Object {
    one_of(OperationState::ALL.iter().map(|it| it.as_str()))
}

pub fn step_state() -> Object {
    one_of(StepState::ALL.iter().map(|it| it.as_str()))
}

pub fn scope() -> Object {
    one_of(Scope::ALL.iter().map(|it| it.as_str()))
}

pub fn role() -> Object {
    one_of([Role::Owner, Role::Technical, Role::Billing].iter().map(|it| it.as_str()))
}

/// A role as it is asked for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleWord {
    Owner,
    Technical,
    Billing,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Self {
        match word {
            RoleWord::Owner => Self::Owner,
            RoleWord::Technical => Self::Technical,
            RoleWord::Billing => Self::Billing,
        }
    }
}

/// Of new servers, and of sign-ups.
pub fn openness() -> Object {
    one_of(NewServers::ALL.iter().map(|it| it.as_str()))
}

pub fn decision() -> Object {
    one_of(["approved", "refused"].into_iter())
}

pub fn record_kind() -> Object {
    one_of(["A", "AAAA", "CNAME"].into_iter())
}
