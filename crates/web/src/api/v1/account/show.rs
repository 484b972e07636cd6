//! `GET /account`: for whom this token speaks.

use actix_web::{HttpResponse, web};
use howdah_app::App;
use howdah_app::account::{self, AccountView};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::words;
use crate::caller::Caller;
use crate::problem::Problem;

/// An account and who asks for it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Account {
    id: Uuid,
    /// `person` or `organisation`.
    #[schema(max_length = 32)]
    kind: String,
    #[schema(max_length = 200)]
    name: String,
    person: Person,
    /// The person's, in this account.
    #[schema(schema_with = words::role)]
    role: &'static str,
    servers: Servers,
}

/// Who the token is of.
#[derive(Debug, Serialize, ToSchema)]
pub struct Person {
    id: Uuid,
    #[schema(max_length = 200)]
    name: String,
    #[schema(max_length = 254)]
    email: String,
    /// Of the platform.
    is_operator: bool,
}

/// How many servers an account has, and may have.
#[derive(Debug, Serialize, ToSchema)]
pub struct Servers {
    #[schema(minimum = 0)]
    count: i64,
    #[schema(minimum = 0)]
    allowed: i32,
}

impl From<AccountView> for Account {
    fn from(view: AccountView) -> Self {
        Self {
            id: view.id.as_uuid(),
            kind: view.kind,
            name: view.name,
            person: Person { id: view.person.as_uuid(), name: view.person_name, email: view.email, is_operator: view.is_operator },
            role: view.role.as_str(),
            servers: Servers { count: view.servers, allowed: view.servers_allowed },
        }
    }
}

/// For whom this token speaks.
#[utoipa::path(
    get, path = "/api/v1/account", tag = "account", operation_id = "getAccount",
    responses((status = 200, description = "The account.", body = Account))
)]
pub async fn show(caller: Caller, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(Account::from(account::get(&app, &caller).await?)))
}
