//! The lines of the next bill, each with what causes it; and the invoices that there were.

use chrono::{DateTime, Utc};
use howdah_app::billing::{BillView, InvoiceView};
use howdah_domain::Money;
use howdah_domain::billing::estimate::{Cause, Line};

use crate::pages::components::{Status, Tone, When};

pub struct BillLine {
    /// Of what causes it, where that is seen and changed.
    pub cause: Option<String>,
    pub description: String,
    pub amount: Money,
    pub so_far: Option<Money>,
}

/// Of the next bill, where there will be one.
pub fn next(bill: &BillView, url: &str) -> Vec<BillLine> {
    bill.next.iter().flat_map(|it| &it.lines).map(|it| line(it, bill.can_change, url)).collect()
}

fn line(it: &Line, can_change: bool, url: &str) -> BillLine {
    let cause = match it.cause {
        Cause::Plan(_) | Cause::UnusedTime(_) | Cause::RemainingTime(_) => can_change.then(|| format!("{url}/plan")),
        Cause::Usage(_) => Some("#used".to_owned()),
        Cause::AddOn(_) | Cause::Other(_) => None,
        Cause::Credit => Some("#invoices".to_owned()),
    };
    let description = if it.quantity > 1 { format!("{} × {}", it.quantity, it.description) } else { it.description.clone() };
    BillLine { cause, description, amount: it.amount, so_far: it.so_far }
}

pub struct InvoiceRow {
    pub number: String,
    pub made: When,
    pub status: Status,
    pub total: Money,
    pub remaining: Money,
    pub tax: Money,
    /// Only of one that is open.
    pub due: Option<When>,
    pub page: Option<String>,
    pub pdf: Option<String>,
    is_open: bool,
}

impl InvoiceRow {
    pub fn new(it: &InvoiceView, now: DateTime<Utc>) -> Self {
        let is_open = it.status == "open";
        let status = match it.status.as_str() {
            "paid" => Status::new(Tone::Well, "Paid"),
            "open" if it.due_at.is_some_and(|due| due < now) => Status::new(Tone::Wrong, "Overdue"),
            "open" => Status::new(Tone::Warn, "To be paid"),
            "draft" => Status::new(Tone::Wait, "Being made"),
            "void" => Status::new(Tone::Wait, "Void"),
            "uncollectible" => Status::new(Tone::Wrong, "Given up"),
            other => Status::new(Tone::Wait, other),
        };
        Self {
            number: it.number.clone().unwrap_or_else(|| "No number yet".to_owned()),
            made: When::new(it.created_at, now),
            status,
            total: it.total,
            remaining: it.remaining,
            tax: it.tax,
            due: it.due_at.filter(|_| is_open).map(|at| When::new(at, now)),
            page: https(it.page.as_ref()),
            pdf: https(it.pdf.as_ref()),
            is_open,
        }
    }

    pub const fn is_open(&self) -> bool {
        self.is_open
    }
}

/// Theirs to say, and a link on a page of ours: nothing but a web address.
fn https(address: Option<&String>) -> Option<String> {
    address.filter(|it| it.starts_with("https://") || it.starts_with("http://")).cloned()
}
