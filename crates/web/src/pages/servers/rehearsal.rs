//! `/servers/{server}/rehearsal`: to the import that the server is of, where it is decided.

use actix_web::{HttpRequest, web};
use howdah_app::{App, imports, instances};

use super::Named;
use crate::pages::frame::{Answer, see_other};
use crate::pages::visitor::Person;

pub async fn show(person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let import = imports::of_server(&app, &person.actor, it.server.id).await?;
    Ok(see_other(&format!("/imports/{import}")))
}
