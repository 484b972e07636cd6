//! `POST /webhooks/stripe`: what the payment provider tells. No session, no token and no origin: its signature is all that counts.

use actix_web::{HttpRequest, HttpResponse, web};
use howdah_app::App;
use howdah_app::billing::{Intake, IntakeError};

use crate::body;
use crate::problem::Problem;

/// The provider's largest events are far below.
const LIMIT: usize = 1024 * 1024;
const SIGNATURE: &str = "Stripe-Signature";

/// Absent where nobody tells anything.
pub struct Events(Option<Intake>);

impl Events {
    pub fn start(app: &App) -> Self {
        let is_told = app.billing.as_ref().is_some_and(|it| it.takes_events());
        Self(is_told.then(|| Intake::start(app)))
    }
}

/// Answers once it is stored: what follows from it is the worker's.
pub async fn take(request: HttpRequest, payload: web::Payload, events: web::Data<Events>) -> Result<HttpResponse, Problem> {
    let intake = events.0.as_ref().ok_or_else(Problem::no_such_page)?;
    let body = body::read_up_to(LIMIT, &request, payload.into_inner()).await?;
    match intake.take(&body, &signature(&request)).await {
        Ok(()) => Ok(HttpResponse::Ok().finish()),
        Err(IntakeError::App(error)) => Err(error.into()),
        Err(refused) => {
            tracing::warn!(reason = refused.reason(), why = %refused, "an event is not taken");
            Err(Problem::event_refused(refused.reason()))
        }
    }
}

/// Two of them are none.
fn signature(request: &HttpRequest) -> String {
    let mut all = request.headers().get_all(SIGNATURE);
    match (all.next().and_then(|it| it.to_str().ok()), all.next()) {
        (Some(only), None) => only.to_owned(),
        _ => String::new(),
    }
}
