//! What happened to invoices, in the ledger: each once, whatever was told twice.

use howdah_db::models::billing::LedgerEntry;
use howdah_domain::billing::facts::{Invoice, InvoiceLine, InvoiceStatus};
use howdah_domain::billing::ledger::{self, Account, Entry, Event, LedgerError};
use uuid::Uuid;

use super::usage;
use crate::{App, Error};

/// What the invoice's state says that has happened; posted before, it is not posted again.
pub(super) fn entries_of(app: &App, invoice: &Invoice, instance: Option<Uuid>) -> Result<Vec<LedgerEntry>, Error> {
    let entries = entries(app, invoice).map_err(Error::internal)?;
    Ok(entries.iter().flat_map(|it| rows(it, invoice, instance)).collect())
}

fn entries(app: &App, invoice: &Invoice) -> Result<Vec<Entry>, LedgerError> {
    let now = app.now();
    let finalised = || ledger::finalised(invoice, invoice.created, account);
    Ok(match invoice.status {
        InvoiceStatus::Draft => Vec::new(),
        InvoiceStatus::Open => vec![finalised()?],
        InvoiceStatus::Paid => vec![finalised()?, ledger::paid(invoice, now, invoice.total)?],
        InvoiceStatus::Uncollectible => vec![finalised()?, ledger::written_off(invoice, now)?],
        InvoiceStatus::Void => {
            let finalised = finalised()?;
            let voided = finalised.reversed(Event::Voided, now)?;
            vec![finalised, voided]
        }
    })
}

fn account(line: &InvoiceLine) -> Account {
    if usage::is_of_usage(&line.description) { Account::RevenueUsage } else { Account::RevenuePlan }
}

fn rows(entry: &Entry, invoice: &Invoice, instance: Option<Uuid>) -> Vec<LedgerEntry> {
    let mut rows: Vec<LedgerEntry> = Vec::new();
    for posting in entry.postings() {
        // One row an account: what several lines post to it is added up.
        if let Some(row) = rows.iter_mut().find(|it| it.account == posting.account.as_str()) {
            row.amount += posting.amount.minor;
            continue;
        }
        rows.push(LedgerEntry {
            object: entry.key().object.clone(),
            happened: entry.key().event.as_str().to_owned(),
            account: posting.account.as_str().to_owned(),
            currency: posting.amount.currency.to_string(),
            amount: posting.amount.minor,
            customer_id: invoice.customer.clone(),
            instance_id: instance,
            at: entry.at(),
        });
    }
    rows
}
