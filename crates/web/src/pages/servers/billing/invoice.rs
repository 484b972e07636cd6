//! Paid for by invoices that are sent: for those who can't pay by card.

use actix_web::HttpRequest;
use actix_web::web::Data;
use askama::Template;
use howdah_app::billing::{self, BillView, InvoiceOrder};
use howdah_app::instances::{self, Overview};
use howdah_app::{App, Error};
use howdah_domain::Money;
use serde::Deserialize;

use crate::pages::components::{ByApi, Crumbs, Field, Kind, Status, Summary, Tabs};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes};
use crate::pages::frame::{Answer, Frame, see_other, see_other_with};
use crate::pages::servers::{Named, crumbs, tabs, url, words};
use crate::pages::visitor::Person;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct OrderForm {
    order_number: String,
    line1: String,
    line2: String,
    postal_code: String,
    city: String,
    country: String,
}

impl OrderForm {
    fn request(&self) -> InvoiceOrder {
        InvoiceOrder {
            order_number: self.order_number.clone(),
            line1: self.line1.clone(),
            line2: self.line2.clone(),
            postal_code: self.postal_code.clone(),
            city: self.city.clone(),
            country: self.country.clone(),
            currency: None,
        }
    }

    fn fields(&self, mistakes: &Mistakes) -> [Field; 6] {
        let field = |name, label, value: &str| Field::new(name, label, Kind::Text).value(value).most(200);
        [
            field("line1", "Street and number", &self.line1).check(mistakes),
            field("line2", "Second line", &self.line2).optional().check(mistakes),
            field("postal_code", "Postal code", &self.postal_code).optional().check(mistakes),
            field("city", "City", &self.city).check(mistakes),
            field("country", "Country", &self.country).hint("Two letters: DE, FR, US.").most(2).check(mistakes),
            field("order_number", "Your order number", &self.order_number).hint("It stands on each invoice.").optional().check(mistakes),
        ]
    }
}

#[derive(Template)]
#[template(path = "servers/billing/invoice.html")]
struct InvoicePage<'a> {
    frame: &'a Frame,
    it: &'a Overview,
    url: String,
    crumbs: Crumbs,
    tabs: Tabs,
    status: Status,
    mistakes: &'a Mistakes,
    price: Money,
    days: u32,
    fields: [Field; 6],
    by_api: ByApi,
}

pub async fn ask(frame: Frame, person: Person, app: Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let bill = super::bill_of(&app, &person, &it).await?;
    page(&frame, &app, &it, &bill, &OrderForm::default(), &Mistakes::default())
}

fn page(frame: &Frame, app: &App, it: &Overview, bill: &BillView, typed: &OrderForm, mistakes: &Mistakes) -> Answer {
    let server_url = url(&it.server.slug);
    let here = format!("{server_url}/billing");
    // Paid for already, or not theirs to pay: the bill says how it is.
    let Some(offer) = &bill.offer else { return Ok(see_other(&here)) };
    let page = InvoicePage {
        frame,
        it,
        crumbs: crumbs(&it.server.domain).below(&server_url, "Pay by invoice"),
        tabs: tabs(app, &it.server.slug, "Billing"),
        status: words::status(&it.server),
        mistakes,
        price: offer.price,
        days: billing::DAYS_UNTIL_DUE,
        fields: typed.fields(mistakes),
        by_api: ByApi::new("POST", format!("{}/order-by-invoice", super::api(it))),
        url: here,
    };
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

pub async fn order(frame: Frame, person: Person, app: Data<App>, request: HttpRequest, form: Form<OrderForm>) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let bill = super::bill_of(&app, &person, &it).await?;
    let here = format!("{}/billing", url(&it.server.slug));
    match billing::order_by_invoice(&app, &person.actor, it.server.id, &form.value.request()).await {
        Ok(()) => Ok(see_other_with(&here, Flash::OrderedByInvoice)),
        // Sent twice, it is ordered once: the bill says how it is.
        Err(Error::Conflict { reason: "subscribed", .. }) => Ok(see_other(&here)),
        Err(error) => page(&frame, &app, &it, &bill, &form.value, &super::mistakes(error)?),
    }
}
