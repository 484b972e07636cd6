//! `GET /account/activity`: who did what in the account.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use howdah_app::App;
use howdah_app::activity::{self, ActivityView};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::page::PageQuery;
use crate::problem::Problem;

/// Something that somebody did.
#[derive(Debug, Serialize, ToSchema)]
pub struct Activity {
    at: DateTime<Utc>,
    /// A name, “An operator” or “Howdah”.
    #[schema(max_length = 200)]
    who: String,
    /// Read after it.
    #[schema(max_length = 1000, example = "removed Bob from the account")]
    sentence: String,
    #[schema(max_length = 64, example = "member.remove")]
    action: String,
}

/// A page of what was done, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActivityPage {
    #[schema(max_items = 100)]
    items: Vec<Activity>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

impl From<ActivityView> for Activity {
    fn from(it: ActivityView) -> Self {
        Self { at: it.at, who: it.who, sentence: it.sentence, action: it.action }
    }
}

/// Who came, went, signed in, and made or revoked tokens: what is of no server. It takes the scope `people`.
#[utoipa::path(
    get, path = "/api/v1/account/activity", tag = "people", operation_id = "listAccountActivity",
    responses((status = 200, description = "A page of what was done.", body = ActivityPage))
)]
pub async fn activity(caller: Caller, page: PageQuery<i64>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let entries = activity::of_account(&app, &caller, page.before, page.fetched()).await?;
    let (entries, next_cursor) = page.cut(entries, |it| it.seq);
    Ok(HttpResponse::Ok().json(ActivityPage { items: entries.into_iter().map(Into::into).collect(), next_cursor }))
}
