//! `GET` and `PUT /instances/{id}/exports/schedule`: whether the platform takes a server along by itself.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use howdah_app::App;
use howdah_app::exports::{self, Every, SCHEDULED_KEPT, ScheduleRequest, ScheduleView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::body::Json;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::resource::id;

/// How often.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    Day,
    Week,
}

/// When a server is to be taken along by itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSchedule {
    /// Without it, or null: never.
    #[serde(default)]
    every: Option<Interval>,
    /// How many whole ones are kept, the newest: 1 to 10.
    #[serde(default = "kept")]
    #[schema(minimum = 1, maximum = 10)]
    keep: i16,
}

const fn kept() -> i16 {
    SCHEDULED_KEPT
}

/// When a server is taken along by itself, at a time of its own that the platform has chosen.
#[derive(Debug, Serialize, ToSchema)]
pub struct Schedule {
    /// None: never.
    every: Option<Interval>,
    keep: i16,
    next_at: Option<DateTime<Utc>>,
    /// An owner has taken the server along before, and something can be sealed with what opens that.
    can_be_set: bool,
}

impl From<ScheduleView> for Schedule {
    fn from(ScheduleView { every, keep, next_at, can_be_set }: ScheduleView) -> Self {
        let every = every.map(|it| match it {
            Every::Day => Interval::Day,
            Every::Week => Interval::Week,
        });
        Self { every, keep, next_at, can_be_set }
    }
}

/// Whether, and when, a server is taken along by itself.
#[utoipa::path(
    get, path = "/api/v1/instances/{id}/exports/schedule", tag = "exports", operation_id = "showExportSchedule",
    responses((status = 200, description = "The schedule.", body = Schedule))
)]
pub async fn show(caller: Caller, app: web::Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let view = exports::schedule(&app, &caller, id(&request, "server")?).await?;
    Ok(HttpResponse::Ok().json(Schedule::from(view)))
}

/// Have a server taken along by itself, once a day or a week, or never.
///
/// What is made so lies in the platform's bucket, and opens by the recovery phrase or the keys of the last export that an owner began. An older one goes
/// once there are as many newer ones as are kept. If one fails, all owners get a mail.
#[utoipa::path(
    put, path = "/api/v1/instances/{id}/exports/schedule", tag = "exports", operation_id = "setExportSchedule",
    request_body = NewSchedule,
    responses((status = 200, description = "The schedule, as it is now.", body = Schedule))
)]
pub async fn set(caller: Caller, app: web::Data<App>, request: HttpRequest, body: Json<NewSchedule>) -> Result<HttpResponse, Problem> {
    let NewSchedule { every, keep } = body.value;
    let every = every.map(|it| match it {
        Interval::Day => Every::Day,
        Interval::Week => Every::Week,
    });
    let view = exports::set_schedule(&app, &caller, id(&request, "server")?, ScheduleRequest { every, keep }).await?;
    Ok(HttpResponse::Ok().json(Schedule::from(view)))
}
