//! `POST /instances/{id}/exports`: take a server along.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::exports::{Begun, begin};
use howdah_app::idempotency::Idempotent;
use howdah_app::{App, Once};
use serde_json::json;

use super::wire::{BegunExport, NewExport};
use crate::body::Json;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again};
use crate::problem::Problem;
use crate::resource::id;

/// Take a server along, whole and sealed.
///
/// It is open in every state of the server, and changes nothing on it. The bundle is sealed to the age keys that you name, or to one that
/// is made for you: then `recovery_key` in this answer is the only copy there is, and a repeated request doesn't show it again.
#[utoipa::path(
    post, path = "/api/v1/instances/{id}/exports", tag = "exports", operation_id = "beginExport",
    request_body = NewExport,
    responses((status = 202, description = "It has begun.", body = BegunExport, headers(
        ("Location" = String, description = "The export's URL."),
        ("Idempotent-Replayed" = Option<String>, description = "`true` where this answer was given before: then without its key."),
    )))
)]
pub async fn begin_export(
    caller: Caller,
    key: KeyHeader,
    app: web::Data<App>,
    request: HttpRequest,
    body: Json<NewExport>,
) -> Result<HttpResponse, Problem> {
    let id = id(&request, "server")?;
    let key = key.bind(&caller, &request, &body.bytes)?;
    let render = |it: &Begun| (202, json!(BegunExport::without_key(it)));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    let (mut response, url) = match begin(&app, &caller, id, &body.value.into(), idempotent).await? {
        Once::Done(begun) => {
            let shown = BegunExport::with_key(&begun);
            (HttpResponse::Accepted().json(&shown), shown.url)
        }
        Once::Again { status, body } => (again(status, &body), body["url"].as_str().map(str::to_owned).unwrap_or_default()),
    };
    if let Ok(url) = HeaderValue::from_str(&url) {
        response.headers_mut().insert(LOCATION, url);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl From<NewExport> for howdah_app::exports::ExportRequest {
    fn from(NewExport { recipients, recovery_key }: NewExport) -> Self {
        Self { recipients, make_key: recovery_key }
    }
}

#[cfg(test)]
mod tests {
    use howdah_domain::{ExportId, InstanceId, OperationId};
    use secrecy::SecretString;

    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_kept_for_a_repeated_request_has_no_key() {
        let nil = uuid::Uuid::nil();
        let begun = Begun {
            export: ExportId::from_uuid(nil),
            instance: InstanceId::from_uuid(nil),
            operation: OperationId::from_uuid(nil),
            key: Some(SecretString::from("AGE-SECRET-KEY-1")),
        };
        let kept: Value = json!(BegunExport::without_key(&begun));
        assert!(!kept.to_string().contains("AGE-SECRET-KEY"), "{kept}");
        assert!(json!(BegunExport::with_key(&begun)).to_string().contains("AGE-SECRET-KEY"));
    }
}
