//! The customer's own limit of what usage beyond the plan may cost in a period.

use actix_web::HttpRequest;
use actix_web::web::Data;
use howdah_app::billing::{self, BillView};
use howdah_app::{App, instances};
use howdah_domain::{Currency, Money};
use serde::Deserialize;

use crate::pages::components::{Field, Kind};
use crate::pages::flash::Flash;
use crate::pages::form::{Form, Mistakes};
use crate::pages::frame::{Answer, Frame, see_other_with};
use crate::pages::servers::{Named, url};
use crate::pages::visitor::Person;
use crate::problem::invalid;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct CapForm {
    cap: String,
}

/// Of what is paid in.
fn currency(bill: &BillView) -> Option<Currency> {
    let paid = bill.subscription.as_ref().map(|it| it.monthly.currency);
    paid.or_else(|| bill.offer.as_ref().map(|it| it.price.currency))
}

pub fn field(bill: &BillView, typed: &CapForm, mistakes: &Mistakes) -> Field {
    let set = bill.cap.map(|it| it.to_string()).unwrap_or_default();
    let value = if typed.cap.is_empty() { set.split(' ').next().unwrap_or_default() } else { &typed.cap };
    Field::new("cap", "The most that usage may cost in a period", Kind::Number)
        .hint("Of what comes on top of the plan. 0: nothing ever does.")
        .suffix(currency(bill).map(|it| it.to_string()).unwrap_or_default())
        .value(value)
        .most(12)
        .check(mistakes)
}

/// `12`, `12.5` or `12,50`, in the currency's minor unit.
fn amount(text: &str, currency: Currency) -> Option<Money> {
    let text = text.trim().replace(',', ".");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let digits = usize::try_from(currency.minor_digits()).ok()?;
    let is_number = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    if whole.is_empty() || rest.len() > digits || !is_number(whole) || !is_number(rest) {
        return None;
    }
    let minor = format!("{whole}{rest:0<digits$}").parse().ok()?;
    Some(Money::new(minor, currency))
}

pub async fn set(frame: Frame, person: Person, app: Data<App>, request: HttpRequest, form: Form<CapForm>) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let bill = super::bill_of(&app, &person, &it).await?;
    let wanted = currency(&bill).and_then(|it| amount(&form.value.cap, it));
    let wanted = wanted.ok_or_else(|| invalid("cap", "malformed", "Write an amount of nothing or more, like 10 or 12.50."));
    let set = match wanted {
        Ok(cap) => billing::set_cap(&app, &person.actor, it.server.id, Some(cap)).await,
        Err(wrong) => Err(wrong),
    };
    match set {
        Ok(()) => Ok(see_other_with(&format!("{}/billing", url(&it.server.slug)), Flash::LimitSet)),
        Err(error) => super::page(&frame, &person, &app, &request, &form.value, &super::mistakes(error)?).await,
    }
}

pub async fn lift(person: Person, app: Data<App>, request: HttpRequest) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    super::bill_of(&app, &person, &it).await?;
    billing::set_cap(&app, &person.actor, it.server.id, None).await?;
    Ok(see_other_with(&format!("{}/billing", url(&it.server.slug)), Flash::LimitLifted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_as_people_write_it() {
        let of = |text: &str, code: &str| amount(text, code.parse().unwrap()).map(|it| it.minor);
        let table = [("12", "EUR", Some(1200)), ("12.5", "EUR", Some(1250)), (" 12,50 ", "EUR", Some(1250)), ("0", "EUR", Some(0))];
        let wrong =
            [("", "EUR", None), ("-1", "EUR", None), ("1.234", "EUR", None), ("1.5", "JPY", None), ("99999999999999999999", "EUR", None)];
        for (text, code, minor) in
            table.into_iter().chain(wrong).chain([("900", "JPY", Some(900)), (".5", "EUR", None), ("1e3", "EUR", None)])
        {
            assert_eq!(of(text, code), minor, "{text} {code}");
        }
    }
}
