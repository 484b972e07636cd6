//! `/operator/servers/{server}/diverged`: the cluster is ahead of the record, and an operator decides which of the two counts.

use actix_web::{HttpRequest, web};
use askama::Template;
use howdah_app::fleet::{self, DivergenceView};
use howdah_app::{App, Error, Once, sessions};
use howdah_domain::InstanceId;
use serde::Deserialize;

use super::head::Head;
use crate::pages::components::{ByApi, Icon};
use crate::pages::flash::Flash;
use crate::pages::form::Form;
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::loss::Loss;
use crate::pages::visitor::Operator;

#[derive(Template)]
#[template(path = "operator/diverged.html")]
struct DivergedPage<'a> {
    frame: &'a Frame,
    it: &'a DivergenceView,
    domain: &'a str,
    url: String,
    head: Head,
    refused: Option<String>,
    adopt_by_api: ByApi,
    overwrite_by_api: ByApi,
}

fn head(app: &App, domain: &str, url: &str) -> Head {
    super::head_of(app, domain).below(url, "Cluster and record differ")
}

/// `None` where there is nothing to decide.
async fn page(frame: &Frame, app: &App, operator: &Operator, named: &str, refused: Option<String>) -> Answer {
    let server = fleet::server(app, &operator.actor, super::which(named)).await?;
    let (id, domain) = (server.overview.server.id, &server.overview.server.domain);
    let url = super::url(id);
    let Some(it) = &server.divergence else { return Ok(see_other(&url)) };
    let call = |verb: &str| ByApi::new("POST", format!("/api/v1/instances/{id}/{verb}"));
    frame.page(&DivergedPage {
        frame,
        it,
        domain,
        head: head(app, domain, &url),
        url,
        refused,
        adopt_by_api: call("adopt"),
        overwrite_by_api: call("overwrite"),
    })
}

pub async fn show(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    sessions::require_recent(&app, &operator)?;
    page(&frame, &app, &operator, &super::named(&request), None).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct DecideForm {
    /// The server's revision when the page was made.
    revision: Option<i64>,
}

pub async fn adopt(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest, form: Form<DecideForm>) -> Answer {
    sessions::require_recent(&app, &operator)?;
    let id = id(&app, &operator, &request).await?;
    let decided = fleet::adopt(&app, &operator.actor, id, form.value.revision, None).await;
    after(&frame, &app, &operator, id, decided, Flash::Adopted).await
}

pub async fn ask_overwrite(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest) -> Answer {
    sessions::require_recent(&app, &operator)?;
    let server = fleet::server(&app, &operator.actor, super::which(&super::named(&request))).await?;
    let (id, domain) = (server.overview.server.id, &server.overview.server.domain);
    let url = super::url(id);
    let compare = format!("{url}/diverged");
    // That page says why not.
    let Some(it) = server.divergence.filter(|it| it.not_overwritable.is_none()) else { return Ok(see_other(&compare)) };
    let fields: Vec<&str> = it.differences.iter().map(|it| it.field.as_str()).collect();
    let goes = match fields.is_empty() {
        true => "Nothing but the cluster’s revision.".to_owned(),
        false => format!("What the cluster has of {}: the record’s values take their place.", fields.join(", ")),
    };
    let loss = Loss {
        question: format!("Overwrite what the cluster has of {domain}?"),
        goes: it.warning.iter().fold(goes, |goes, warning| format!("{goes} {warning}")),
        stays: "Database, media and keys, unless the record asks for their deletion.",
        way_back: "None: the cluster’s values are kept nowhere else. Go back and note those that you may need.",
        act: "Overwrite the cluster’s state",
        keep: "Keep it",
        revision: Some(it.record_revision),
        by_api: Some(ByApi::new("POST", format!("/api/v1/instances/{id}/overwrite"))),
    };
    loss.page(&frame, head(&app, domain, &url).back(&compare))
}

pub async fn overwrite(frame: Frame, operator: Operator, app: web::Data<App>, request: HttpRequest, form: Form<DecideForm>) -> Answer {
    sessions::require_recent(&app, &operator)?;
    let id = id(&app, &operator, &request).await?;
    let decided = fleet::overwrite(&app, &operator.actor, id, form.value.revision, None).await;
    after(&frame, &app, &operator, id, decided, Flash::Overwritten).await
}

async fn id(app: &App, operator: &Operator, request: &HttpRequest) -> Result<InstanceId, Error> {
    let named = super::named(request);
    Ok(howdah_app::instances::overview(app, &operator.actor, super::which(&named)).await?.server.id)
}

async fn after(frame: &Frame, app: &App, operator: &Operator, id: InstanceId, decided: Result<Once<()>, Error>, done: Flash) -> Answer {
    match decided {
        Ok(_) => Ok(see_other_with(&super::url(id), done)),
        // The same form sent twice, or what it showed is no longer so: the page tells how it is now.
        Err(error @ (Error::Conflict { .. } | Error::PreconditionFailed)) => {
            page(frame, app, operator, &id.to_string(), Some(error.to_string())).await
        }
        Err(other) => Err(other.into()),
    }
}
