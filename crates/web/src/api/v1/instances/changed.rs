//! A change of a server, once for each `Idempotency-Key`: 202, and where to follow it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use howdah_app::idempotency::Idempotent;
use howdah_app::{Error, IdempotencyKey, Once};
use howdah_domain::InstanceId;

use super::wire::ChangedInstance;
use crate::idempotency::once;
use crate::problem::Problem;

pub async fn changed<F>(id: InstanceId, key: Option<IdempotencyKey>, change: F) -> Result<HttpResponse, Problem>
where
    F: AsyncFnOnce(Option<Idempotent<'_, ()>>) -> Result<Once<()>, Error>,
{
    once(key, StatusCode::ACCEPTED, |(): &()| ChangedInstance::from(id), change).await
}
