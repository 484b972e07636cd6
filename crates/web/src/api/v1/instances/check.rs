//! `GET /address-check`: what a launch would say of an address.

use actix_web::{HttpResponse, web};
use howdah_app::App;
use howdah_app::instances::{self, AddressCheck as Check, AddressNote};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::caller::Caller;
use crate::problem::{FieldProblem, Problem};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AddressQuery {
    /// The domain in people's handles, as in a launch.
    #[serde(default)]
    #[param(required = true, min_length = 1, max_length = 1000, example = "birds.example")]
    domain: String,
    /// Where the server would answer, if not at `domain`.
    #[param(max_length = 1000)]
    web_domain: Option<String>,
}

/// What a launch would say of an address.
#[derive(Debug, Serialize, ToSchema)]
pub struct AddressCheck {
    /// None where it can't be an address.
    address: Option<CheckedAddress>,
    /// Why a launch would refuse it.
    #[schema(max_items = 16)]
    problems: Vec<FieldProblem>,
    /// What is worth knowing before it can't be changed any more.
    #[schema(max_items = 16)]
    notes: Vec<Note>,
}

/// An address as it would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckedAddress {
    #[schema(max_length = 253)]
    domain: String,
    #[schema(max_length = 253)]
    web_domain: String,
    #[schema(max_length = 253)]
    media_domain: String,
    /// `domain` as people read it, where that is another spelling.
    #[schema(max_length = 253)]
    in_unicode: Option<String>,
    /// It belongs to the platform, and can't be taken along.
    is_platform: bool,
    /// As a handle would look.
    #[schema(max_length = 300)]
    handle: String,
    #[schema(format = "uri", max_length = 300)]
    url: String,
}

/// What is worth knowing of an address.
#[derive(Debug, Serialize, ToSchema)]
pub struct Note {
    /// For machines.
    #[schema(max_length = 63)]
    kind: &'static str,
    #[schema(max_length = 2000)]
    sentence: String,
}

impl From<Check> for AddressCheck {
    fn from(check: Check) -> Self {
        let Check { normalised, problems, notes, handle, url } = check;
        Self {
            address: normalised.map(|it| CheckedAddress {
                domain: it.domain,
                web_domain: it.web_domain,
                media_domain: it.media_domain,
                in_unicode: it.in_unicode,
                is_platform: it.is_platform,
                handle,
                url,
            }),
            problems: problems.into_iter().map(Into::into).collect(),
            notes: notes.iter().map(Into::into).collect(),
        }
    }
}

impl From<&AddressNote> for Note {
    fn from(note: &AddressNote) -> Self {
        Self { kind: note.as_str(), sentence: note.sentence() }
    }
}

/// Look at an address before a launch.
///
/// Nothing is kept. Of a name that is taken no more is told than that.
#[utoipa::path(
    get, path = "/api/v1/address-check", tag = "instances", operation_id = "checkAddress",
    params(AddressQuery), responses((status = 200, description = "What a launch would say of it.", body = AddressCheck))
)]
pub async fn check(caller: Caller, query: web::Query<AddressQuery>, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let check = instances::check_address(&app, &caller, &query.domain, query.web_domain.as_deref()).await?;
    Ok(HttpResponse::Ok().json(AddressCheck::from(check)))
}
