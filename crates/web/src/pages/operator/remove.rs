//! `/operator/servers/{server}/remove`: our copy is deleted after a grace period, and nobody is told.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::instances::{self, Overview};
use howdah_app::{App, Error, FieldError, sessions};
use howdah_domain::Action;
use serde::Deserialize;

use super::head::Head;
use crate::pages::components::{ByApi, Field, Icon, Kind, Status, Summary, exact};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::servers::words::{changed_meanwhile, status};
use crate::pages::visitor::Operator;

#[derive(Template)]
#[template(path = "operator/remove.html")]
struct RemovePage<'a> {
    frame: &'a Frame,
    it: &'a Overview,
    url: String,
    head: Head,
    status: Status,
    mistakes: &'a Mistakes,
    confirm: Field,
    /// When the grace period would end.
    until: String,
    by_api: ByApi,
}

fn page(frame: &Frame, app: &App, it: &Overview, typed: &str, mistakes: &Mistakes) -> Answer {
    let url = super::url(it.server.id);
    let page = RemovePage {
        frame,
        it,
        head: super::head_of(app, &it.server.domain).below(&url, "Remove"),
        url,
        status: status(&it.server),
        mistakes,
        confirm: Field::new("confirm", "Type the domain to go on", Kind::Domain)
            .hint(format!("{}, letter by letter.", it.server.domain))
            .value(typed)
            .most(253)
            .check(mistakes),
        until: exact(frame.now + app.config.grace),
        by_api: ByApi::new("DELETE", format!("/api/v1/instances/{}", it.server.id)),
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &operator.actor, super::which(&super::named(&request))).await?;
    if !it.actions.contains(&Action::Remove) {
        return Ok(see_other(&super::url(it.server.id)));
    }
    sessions::require_recent(&app, &operator)?;
    page(&frame, &app, &it, "", &Mistakes::default())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct RemoveForm {
    /// The server's revision when the page was made.
    revision: Option<i64>,
    confirm: String,
}

pub async fn remove(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest, form: Form<RemoveForm>) -> Answer {
    sessions::require_recent(&app, &operator)?;
    let it = instances::overview(&app, &operator.actor, super::which(&super::named(&request))).await?;
    let url = super::url(it.server.id);
    // The same form sent twice: it is being removed.
    if !it.actions.contains(&Action::Remove) {
        return Ok(see_other(&url));
    }
    let typed = &form.value.confirm;
    if !typed.trim().eq_ignore_ascii_case(&it.server.domain) {
        let sentence = format!("To remove this server, type its domain: {}.", it.server.domain);
        let fields = vec![FieldError { field: "confirm", reason: "mismatch", sentence }];
        return page(&frame, &app, &it, typed, &Mistakes::of(Error::Invalid { fields })?);
    }
    match instances::remove(&app, &operator.actor, it.server.id, form.value.revision).await {
        Ok(()) => Ok(see_other_with(&url, Flash::Removing)),
        Err(Error::PreconditionFailed) => page(&frame, &app, &it, "", &Mistakes::said(changed_meanwhile(&it.server))),
        Err(error) => page(&frame, &app, &it, typed, &Mistakes::of(error)?),
    }
}
