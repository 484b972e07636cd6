//! `POST /instances/{id}/exports`: take a server along.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::exports::{Begun, ExportRequest, Words, begin};
use howdah_app::idempotency::Idempotent;
use howdah_app::{App, Error, FieldError, Once};
use serde_json::json;

use super::wire::{BegunExport, NewExport};
use crate::body::Json;
use crate::caller::Caller;
use crate::idempotency::{KeyHeader, again, told};
use crate::problem::Problem;
use crate::resource::id;

/// Take a server along, whole and sealed.
///
/// It is open in every state of the server, and changes nothing on it. What opens the bundle is a recovery phrase that is made for you, age keys that you name
/// or that are made, or a passphrase of yours. `recovery_phrase` and `recovery_key` in this answer are the only copies there are, and a repeated
/// request doesn't show them again.
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
    let key = key.bind(&caller, &request, &told(&body.bytes))?;
    let render = |it: &Begun| (202, json!(BegunExport::without_key(it)));
    let idempotent = key.as_ref().map(|key| Idempotent { key, render: &render });
    let asked = body.value.try_into()?;
    let (mut response, url) = match begin(&app, &caller, id, &asked, idempotent).await? {
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

impl TryFrom<NewExport> for ExportRequest {
    type Error = Error;

    fn try_from(NewExport { recipients, recovery_key, recovery_phrase, passphrase, bucket }: NewExport) -> Result<Self, Error> {
        let words = match (recovery_phrase, passphrase) {
            (false, None) => Words::None,
            (true, None) => Words::NewPhrase,
            (false, Some(text)) => Words::Passphrase(text.into()),
            (true, Some(_)) => {
                let sentence = "A bundle is opened by a recovery phrase or by a passphrase of yours: leave one of them out.".to_owned();
                return Err(Error::Invalid { fields: vec![FieldError { field: "passphrase", reason: "one_of_two", sentence }] });
            }
        };
        Ok(Self { recipients, make_key: recovery_key, words, bucket: bucket.map(Into::into) })
    }
}

#[cfg(test)]
mod tests {
    use howdah_domain::{ExportId, InstanceId, OperationId};
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn what_is_kept_for_a_repeated_request_has_no_key() {
        let nil = uuid::Uuid::nil();
        let begun = Begun {
            export: ExportId::from_uuid(nil),
            instance: InstanceId::from_uuid(nil),
            operation: OperationId::from_uuid(nil),
            key: Some(SecretString::from("AGE-SECRET-KEY-1")),
            phrase: Some(SecretString::from("one-two")),
        };
        let kept = json!(BegunExport::without_key(&begun));
        assert!(!kept.to_string().contains("AGE-SECRET-KEY") && !kept.to_string().contains("one-two"), "{kept}");
        let shown = json!(BegunExport::with_key(&begun)).to_string();
        assert!(shown.contains("AGE-SECRET-KEY") && shown.contains("one-two"), "{shown}");
    }
}
