//! To the payment provider's pages, and back from them.

use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, TimeDelta, Utc};
use howdah_app::billing::{self, Offer};
use howdah_app::instances::{self, Which};
use howdah_app::{App, Error};
use howdah_domain::Standing;
use serde::Deserialize;

use super::cap::CapForm;
use crate::pages::components::exact;
use crate::pages::flash::Flash;
use crate::pages::form::Mistakes;
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::servers::{Named, url};
use crate::pages::visitor::Person;

/// What the button says that binds: the first charge, the renewal, and the duty to pay.
pub struct Order {
    pub button: String,
    pub sentence: String,
}

impl Order {
    pub fn new(offer: &Offer, now: DateTime<Utc>) -> Self {
        let price = offer.price;
        match offer.trial {
            None => Self {
                button: format!("Order with obligation to pay: {price} now, then {price} a month"),
                sentence: "It renews each month until you cancel, which takes effect at the end of the month that is paid.".to_owned(),
            },
            Some(trial) => {
                let ends = exact(now + TimeDelta::days(trial.days.into()));
                let days = trial.days;
                let button = if trial.card {
                    format!("Order with obligation to pay: nothing for {days} days, then {price} a month")
                } else {
                    format!("Try it for {days} days, for nothing")
                };
                let after = if trial.card {
                    format!("Unless you cancel before, {price} is charged on {ends}, and each month after.")
                } else {
                    format!("No card is asked for. Without one the trial ends on {ends}, and nothing is charged.")
                };
                Self { button, sentence: after }
            }
        }
    }
}

/// Asked for in two tabs, it is the same page.
pub async fn pay(frame: Frame, person: Person, app: Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    match billing::pay(&app, &person.actor, it.server.id, None).await {
        Ok(payable) => Ok(see_other(&payable.url)),
        Err(error) => again(&frame, &person, &app, &request, error).await,
    }
}

pub async fn portal(frame: Frame, person: Person, app: Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let back = format!("{}/billing", url(&it.server.slug));
    match billing::portal(&app, &person.actor, &back).await {
        Ok(page) => Ok(see_other(&page)),
        Err(error) => again(&frame, &person, &app, &request, error).await,
    }
}

async fn again(
    frame: &Frame,
    person: &Person,
    app: &App,
    request: &HttpRequest,
    error: Error,
) -> Result<HttpResponse, crate::problem::Problem> {
    let mistakes: Mistakes = super::mistakes(error)?;
    super::page(frame, person, app, request, &CapForm::default(), &mistakes).await
}

#[derive(Deserialize)]
pub struct Done {
    session: String,
}

/// The provider leads back here: what came of it is read at once, as an event would have it read.
pub async fn done(person: Person, app: Data<App>, request: HttpRequest, query: Query<Done>) -> Answer {
    let named = Named::of(&request);
    let server = match billing::finish(&app, &person.actor, &query.session).await {
        Ok(server) => server,
        // The event will tell, or the clock.
        Err(Error::Unavailable { .. }) => return Ok(see_other_with(&format!("{}/billing", url(&named.0)), Flash::PaymentUnderWay)),
        Err(other) => return Err(other.into()),
    };
    let slug = instances::overview(&app, &person.actor, Which::Id(server)).await?.server.slug;
    let bill = billing::bill(&app, &person.actor, server).await?;
    Ok(match bill.standing {
        Standing::Trialing { .. } | Standing::Current { .. } => see_other_with(&url(&slug), Flash::PaidFor),
        _ => see_other_with(&format!("{}/billing", url(&slug)), Flash::PaymentUnderWay),
    })
}
