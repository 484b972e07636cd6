//! `/pulls/{id}`: what the run of a pull asks for and tells, by the key that it was given and no other.

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, web};
use futures::future::LocalBoxFuture;
use howdah_app::imports::{self, PullReport, PullRun};
use howdah_app::{App, Error};
use howdah_domain::ImportId;

use super::bringing::{Heard, NewFiles, NewPullReport, OfferedFiles};
use super::files;
use crate::body::Json;
use crate::caller::bearer;
use crate::limits::Limits;
use crate::problem::Problem;
use crate::resource::id;

/// Who asks: the run, within its limit.
pub struct Run(PullRun);

impl FromRequest for Run {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = request.app_data::<web::Data<App>>().ok_or_else(|| Problem::internal("the server has no use cases"))?;
            let limits = request.app_data::<web::Data<Limits>>().ok_or_else(|| Problem::internal("the server has no limits"))?;
            let key = bearer(&request).ok_or(Error::Unauthenticated)?;
            let id: ImportId = id(&request, "pull")?;
            let run = imports::pull_run(app, id, key).await?;
            limits.check_token(id.as_uuid())?;
            Ok(Self(run))
        })
    }
}

/// Links for the run of a pull, as `/imports/{id}/files` gives them to people.
#[utoipa::path(
    post, path = "/api/v1/pulls/{id}/files", tag = "imports", operation_id = "offerPullFiles",
    request_body = NewFiles,
    responses((status = 200, description = "Links.", body = OfferedFiles))
)]
pub async fn offer(run: Run, app: web::Data<App>, body: Json<NewFiles>) -> Result<HttpResponse, Problem> {
    let (of, announced) = body.value.announced();
    Ok(files::answer(imports::offer_to_pull(&app, &run.0, of.as_deref(), &announced).await?))
}

/// The run of a pull tells how far it is.
#[utoipa::path(
    post, path = "/api/v1/pulls/{id}/report", tag = "imports", operation_id = "reportPull",
    request_body = NewPullReport,
    responses((status = 200, description = "Heard.", body = Heard))
)]
pub async fn report(run: Run, app: web::Data<App>, body: Json<NewPullReport>) -> Result<HttpResponse, Problem> {
    let told = PullReport::from(body.value);
    imports::report_pull(&app, &run.0, &told).await?;
    Ok(HttpResponse::Ok().json(Heard { goes_on: !told.is_done }))
}
