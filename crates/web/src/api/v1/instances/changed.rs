//! A change of a server, once for each `Idempotency-Key`: 202, and where to follow it.

use actix_web::HttpResponse;
use howdah_app::idempotency::Idempotent;
use howdah_app::{Error, IdempotencyKey, Once};
use howdah_domain::InstanceId;
use serde_json::json;

use super::wire::ChangedInstance;
use crate::idempotency::again;
use crate::problem::Problem;

pub async fn changed<F>(id: InstanceId, key: Option<IdempotencyKey>, change: F) -> Result<HttpResponse, Problem>
where
    F: AsyncFnOnce(Option<Idempotent<'_, ()>>) -> Result<Once<()>, Error>,
{
    let render = |(): &()| (202, json!(ChangedInstance::from(id)));
    match change(key.as_ref().map(|key| Idempotent { key, render: &render })).await? {
        Once::Done(()) => Ok(HttpResponse::Accepted().json(ChangedInstance::from(id))),
        Once::Again { status, body } => Ok(again(status, &body)),
    }
}
