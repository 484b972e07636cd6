//! Mails about an own domain's records: while something is missing, and when the address leads to the server.

use chrono::TimeDelta;
use howdah_db::models::account::Membership;
use howdah_db::models::instance::Instance;
use howdah_db::{Conn, QueryResult};
use howdah_domain::records::Diagnosis;

use super::letter::Mail;
use super::outbox::{To, put};
use crate::worker::Worker;
use crate::{Config, Role};

/// What is still wrong, by name. Of many things the first are told; the page has all.
const MOST: usize = 5;

/// To everybody of the account who can set records.
pub(crate) async fn records_missing(
    worker: &Worker,
    conn: &mut Conn,
    instance: &Instance,
    waited: TimeDelta,
    diagnoses: &[Diagnosis],
) -> QueryResult<()> {
    tell(worker, conn, instance, &missing(&worker.app.config, (&instance.domain, &instance.slug), waited, diagnoses)).await
}

pub(crate) async fn address_works(worker: &Worker, conn: &mut Conn, instance: &Instance) -> QueryResult<()> {
    tell(worker, conn, instance, &works(&worker.app.config, (&instance.domain, &instance.slug), &instance.web_domain)).await
}

async fn tell(worker: &Worker, conn: &mut Conn, instance: &Instance, mail: &Mail) -> QueryResult<()> {
    for (membership, person) in Membership::of_account(conn, instance.account_id).await? {
        if membership.role != Role::Billing.as_str() {
            let to = To { email: &person.email, person: Some(person.id), server: Some(instance.id), ..To::default() };
            put(&worker.app, conn, mail, &to).await?;
        }
    }
    Ok(())
}

fn page(config: &Config, slug: &str) -> String {
    format!("{}/servers/{slug}/address", config.dashboard_url.trim_end_matches('/'))
}

pub(super) fn missing(config: &Config, server: (&str, &str), waited: TimeDelta, diagnoses: &[Diagnosis]) -> Mail {
    let (domain, slug) = server;
    let faults: Vec<&Diagnosis> = diagnoses.iter().filter(|it| it.is_fault()).collect();
    let days = waited.num_days();
    let since = if days <= 1 { "a day".to_owned() } else { format!("{days} days") };
    let mut mail = Mail::new("records_missing", format!("{domain} doesn't lead to your server yet"))
        .text(format!("Your server {domain} has been waiting for its domain's records for {since}. What is still missing:"));
    for fault in faults.iter().take(MOST) {
        mail = mail.text(format!("{} {}", fault.sentence(), fault.way_out()));
    }
    if faults.is_empty() {
        mail = mail.text("The records are right by now; the server has not answered at its address yet. It is tried again and again.");
    }
    mail.link("All records, as they were found", page(config, slug))
        .text("The records are looked at again and again. You need to do nothing here once they are right; a mail tells you when the address works.")
}

pub(super) fn works(config: &Config, server: (&str, &str), web_domain: &str) -> Mail {
    let (domain, slug) = server;
    Mail::new("address_works", format!("{domain} leads to your server"))
        .text(format!("The records of {domain} are right, and your server answers at its address."))
        .link("Open the server", format!("https://{web_domain}/"))
        .link("Its address, as it was found", page(config, slug))
}
