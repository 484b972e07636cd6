//! `/servers/{server}/take-along/phrase`: a recovery phrase is shown, kept, and asked back by two of its words, before anything begins.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use howdah_app::exports::{self, NewPhrase};
use howdah_app::instances::{self, Overview};
use howdah_app::{App, sessions};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use super::Named;
use crate::pages::components::{Copyable, Crumbs, Field, Kind, Summary};
use crate::pages::form::{Form, Mistakes, Secret, new_key};
use crate::pages::frame::{Answer, Frame, see_other};
use crate::pages::own_bucket::{BucketFields, BucketForm, Purpose};
use crate::pages::visitor::Person;

const FIELDS: [&str; 2] = ["first_word", "second_word"];

#[derive(Template)]
#[template(path = "servers/recovery_phrase.html")]
struct PhrasePage<'a> {
    frame: &'a Frame,
    domain: &'a str,
    url: String,
    crumbs: Crumbs,
    mistakes: &'a Mistakes,
    ticket: &'a str,
    step: Step,
}

enum Step {
    Shown { words: Vec<&'static str>, phrase: Copyable },
    AskedBack { words: Vec<Field>, elsewhere: Box<BucketFields>, key: Uuid },
}

/// Of a reload, and of who had to give their password first.
pub async fn back(request: HttpRequest) -> Answer {
    Ok(see_other(&format!("{}/take-along", super::url(&Named::of(&request).0))))
}

pub async fn show(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest) -> Answer {
    sessions::require_recent(&app, &person)?;
    let named = Named::of(&request);
    let it = instances::overview(&app, &person.actor, named.which()).await?;
    let NewPhrase { words, passphrase, ticket } = exports::make_phrase(&app, &person, it.server.id).await?;
    let step = Step::Shown { words, phrase: Copyable::new("the recovery phrase", passphrase.expose_secret()) };
    frame.page(&page(&frame, &it, &named, &Mistakes::default(), &ticket, step))
}

#[derive(Deserialize)]
pub struct TicketForm {
    ticket: String,
}

pub async fn check(frame: Frame, person: Person, app: web::Data<App>, request: HttpRequest, form: Form<TicketForm>) -> Answer {
    sessions::require_recent(&app, &person)?;
    ask(&frame, &person, &app, &Named::of(&request), (&form.value.ticket, &BucketForm::default()), &Mistakes::default()).await
}

/// For the words. Here, too, the phrase is not shown again.
pub async fn ask(
    frame: &Frame,
    person: &Person,
    app: &App,
    named: &Named,
    (ticket, elsewhere): (&str, &BucketForm),
    mistakes: &Mistakes,
) -> Answer {
    let it = instances::overview(app, &person.actor, named.which()).await?;
    let Ok(positions) = exports::asked_back(app, person, it.server.id, ticket) else {
        return Ok(see_other(&format!("{}/take-along", super::url(&named.0))));
    };
    let labels = positions.map(|at| LABELS[at - 1]);
    let field = |at: usize| Field::new(FIELDS[at], labels[at], Kind::Username).most(20).check(mistakes);
    let elsewhere = Box::new(BucketFields::new(Purpose::Export, elsewhere, mistakes));
    let step = Step::AskedBack { words: vec![field(0), field(1)], elsewhere, key: new_key(app) };
    let page = page(frame, &it, named, mistakes, ticket, step);
    if mistakes.is_empty() { frame.page(&page) } else { frame.again(&page) }
}

const LABELS: [&str; 12] =
    ["Word 1", "Word 2", "Word 3", "Word 4", "Word 5", "Word 6", "Word 7", "Word 8", "Word 9", "Word 10", "Word 11", "Word 12"];

fn page<'a>(frame: &'a Frame, it: &'a Overview, named: &Named, mistakes: &'a Mistakes, ticket: &'a str, step: Step) -> PhrasePage<'a> {
    let server = super::url(&named.0);
    PhrasePage {
        frame,
        domain: &it.server.domain,
        crumbs: Crumbs::new([("Servers", "/servers"), (&it.server.domain, &server)], "Recovery phrase"),
        url: format!("{server}/take-along"),
        mistakes,
        ticket,
        step,
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct FileForm {
    phrase: Secret,
}

/// What the page before shows, as a file. It comes from there and goes back there: nothing is kept.
pub async fn file(person: Person, app: web::Data<App>, request: HttpRequest, form: Form<FileForm>) -> Answer {
    let it = instances::overview(&app, &person.actor, Named::of(&request).which()).await?;
    let Form { value: FileForm { phrase: Secret(phrase) }, .. } = form;
    let domain = &it.server.domain;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{domain}-recovery-phrase.txt\"")))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(text(domain, &phrase)))
}

/// One line of what was sent, whoever sent it.
fn text(domain: &str, phrase: &SecretString) -> String {
    let phrase: String = phrase.expose_secret().chars().filter(|it| it.is_ascii_lowercase() || *it == '-').take(200).collect();
    format!(
        "The recovery phrase of what is taken along of {domain}:\n\n    {phrase}\n\n\
         Whoever has it opens every bundle that is sealed with it; without it nobody does, and neither can we.\n\
         Keep it elsewhere than the bundle. RESTORE.md in the bundle tells what to do. By age alone, which asks for it:\n\n    \
         age -d -i env/recovery-key.age -o secrets.env env/secrets.env.age\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_one_line_of_what_was_sent() {
        let of = |phrase: &str| text("birds.example", &phrase.to_owned().into());
        assert!(of("one-two").contains("\n    one-two\n\n"), "{}", of("one-two"));
        assert!(of("one\n<script>\u{202e}").contains("\n    onescript\n\n"));
    }
}
