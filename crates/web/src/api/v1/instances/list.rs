//! `GET /instances`: the account's servers.

use actix_web::{HttpResponse, web};
use howdah_app::{App, instances};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::wire::Instance;
use crate::caller::Caller;
use crate::page::PageQuery;
use crate::problem::Problem;

/// A page of servers, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstancePage {
    #[schema(max_items = 100)]
    items: Vec<Instance>,
    /// Of the next page; none on the last.
    #[schema(max_length = 100)]
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FleetQuery {
    /// For operators: everybody's servers.
    #[serde(default)]
    fleet: bool,
}

/// The account's servers.
#[utoipa::path(
    get, path = "/api/v1/instances", tag = "instances", operation_id = "listInstances",
    params(FleetQuery), responses((status = 200, description = "A page of servers.", body = InstancePage))
)]
pub async fn list(caller: Caller, page: PageQuery, query: web::Query<FleetQuery>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let views = instances::list(&app, &caller, query.fleet, page.to_fetch()).await?;
    let (views, next_cursor) = page.cut(views, |it| it.id.as_uuid());
    Ok(HttpResponse::Ok().json(InstancePage { items: views.into_iter().map(Into::into).collect(), next_cursor }))
}
