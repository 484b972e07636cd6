//! The books: append-only, by double entry. An entry balances by construction, and is of one thing that happened to one object of
//! the payment provider's: told twice, it is written once. A correction is a new entry.
//!
//! A debit is positive, a credit negative; so what customers owe is positive, and what was earned negative.

use chrono::{DateTime, Utc};

use super::facts::{Invoice, InvoiceLine};
use crate::lifecycle::words;
use crate::money::{Currency, Money, MoneyError};

words! {
    Account {
        /// Finalised and not paid.
        Receivable = "receivable",
        RevenuePlan = "revenue_plan",
        RevenueAddOn = "revenue_add_on",
        RevenueUsage = "revenue_usage",
        /// What lines, tax and total of an invoice don't explain of each other: discounts, and tax that prices include.
        Adjustments = "adjustments",
        Refunds = "refunds",
        /// Given up to collect.
        WrittenOff = "written_off",
        Tax = "tax",
        Cash = "cash",
        /// What customers have with us, for later invoices.
        Credit = "credit",
        /// Taken back by a bank, until that is decided.
        Disputed = "disputed",
    }
}

words! {
    /// What happened to the object.
    Event {
        Finalised = "finalised",
        Paid = "paid",
        Voided = "voided",
        WrittenOff = "written_off",
        Refunded = "refunded",
        Disputed = "disputed",
        DisputeWon = "dispute_won",
        DisputeLost = "dispute_lost",
        /// By an operator.
        Corrected = "corrected",
    }
}

/// What an entry is told by: there is one of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The provider's id, of an invoice, a refund or a dispute.
    pub object: String,
    pub event: Event,
}

impl Key {
    #[must_use]
    pub fn new(object: &str, event: Event) -> Self {
        Self { object: object.to_owned(), event }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    pub account: Account,
    pub amount: Money,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error("the entry `{}` of `{}` does not balance: {off} is left", key.event, key.object)]
    Unbalanced { key: Key, off: Money },
    #[error("the entry `{}` of `{}` was written with other amounts", .0.event, .0.object)]
    Differs(Key),
    #[error(transparent)]
    Money(#[from] MoneyError),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    key: Key,
    at: DateTime<Utc>,
    postings: Vec<Posting>,
}

impl Entry {
    /// Postings of nothing are left out.
    ///
    /// # Errors
    /// Where they don't come to zero, or are of several currencies.
    pub fn new(key: Key, at: DateTime<Utc>, currency: Currency, postings: &[(Account, Money)]) -> Result<Self, LedgerError> {
        let off = Money::sum(postings.iter().map(|(_, amount)| *amount), currency)?;
        if off.minor != 0 {
            return Err(LedgerError::Unbalanced { key, off });
        }
        let written = postings.iter().filter(|(_, amount)| amount.minor != 0);
        Ok(Self { key, at, postings: written.map(|(account, amount)| Posting { account: *account, amount: *amount }).collect() })
    }

    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    #[must_use]
    pub const fn at(&self) -> DateTime<Utc> {
        self.at
    }

    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }

    /// The same the other way round.
    ///
    /// # Errors
    /// Where an amount is too large to be turned round.
    pub fn reversed(&self, event: Event, at: DateTime<Utc>) -> Result<Self, LedgerError> {
        let turned = |it: &Posting| Ok::<_, MoneyError>(Posting { amount: it.amount.negated()?, ..*it });
        let postings = self.postings.iter().map(turned).collect::<Result<_, _>>()?;
        Ok(Self { key: Key::new(&self.key.object, event), at, postings })
    }
}

/// An invoice is owed: each line is revenue of its account, and the tax is nobody's but the state's.
///
/// # Errors
/// Where amounts are of several currencies or too large.
pub fn finalised(invoice: &Invoice, at: DateTime<Utc>, account: impl Fn(&InvoiceLine) -> Account) -> Result<Entry, LedgerError> {
    let currency = invoice.total.currency;
    let mut postings = vec![(Account::Receivable, invoice.total), (Account::Tax, invoice.tax.negated()?)];
    for line in &invoice.lines {
        postings.push((account(line), line.amount.negated()?));
    }
    let off = Money::sum(postings.iter().map(|(_, amount)| *amount), currency)?;
    postings.push((Account::Adjustments, off.negated()?));
    Entry::new(Key::new(&invoice.id, Event::Finalised), at, currency, &postings)
}

/// An invoice is settled: by so much money, and the rest from credit. One below nothing becomes credit.
///
/// # Errors
/// Where amounts are of several currencies or too large.
pub fn paid(invoice: &Invoice, at: DateTime<Utc>, cash: Money) -> Result<Entry, LedgerError> {
    let owed = invoice.total.negated()?;
    let from_credit = invoice.total.plus(cash.negated()?)?;
    let postings = [(Account::Cash, cash), (Account::Credit, from_credit), (Account::Receivable, owed)];
    Entry::new(Key::new(&invoice.id, Event::Paid), at, invoice.total.currency, &postings)
}

/// An invoice will not be paid, by our own judgement.
///
/// # Errors
/// Where an amount is too large to be turned round.
pub fn written_off(invoice: &Invoice, at: DateTime<Utc>) -> Result<Entry, LedgerError> {
    let postings = [(Account::WrittenOff, invoice.remaining), (Account::Receivable, invoice.remaining.negated()?)];
    Entry::new(Key::new(&invoice.id, Event::WrittenOff), at, invoice.total.currency, &postings)
}

/// Money went back, and its part of the tax with it.
///
/// # Errors
/// Where amounts are of several currencies or too large.
pub fn refunded(refund: &str, invoice: &Invoice, amount: Money, at: DateTime<Utc>) -> Result<Entry, LedgerError> {
    given_back(Key::new(refund, Event::Refunded), Account::Cash, invoice, amount, at)
}

/// A bank took money back, and it is not decided yet who keeps it.
///
/// # Errors
/// Where an amount is too large to be turned round.
pub fn disputed(dispute: &str, amount: Money, at: DateTime<Utc>) -> Result<Entry, LedgerError> {
    let postings = [(Account::Disputed, amount), (Account::Cash, amount.negated()?)];
    Entry::new(Key::new(dispute, Event::Disputed), at, amount.currency, &postings)
}

/// It came again.
///
/// # Errors
/// As [`disputed`].
pub fn dispute_won(dispute: &str, amount: Money, at: DateTime<Utc>) -> Result<Entry, LedgerError> {
    disputed(dispute, amount, at)?.reversed(Event::DisputeWon, at)
}

/// The customer keeps it.
///
/// # Errors
/// As [`refunded`].
pub fn dispute_lost(dispute: &str, invoice: &Invoice, amount: Money, at: DateTime<Utc>) -> Result<Entry, LedgerError> {
    given_back(Key::new(dispute, Event::DisputeLost), Account::Disputed, invoice, amount, at)
}

fn given_back(key: Key, from: Account, invoice: &Invoice, amount: Money, at: DateTime<Utc>) -> Result<Entry, LedgerError> {
    let currency = invoice.total.currency;
    let tax = match invoice.total.minor {
        0 => Money::zero(currency),
        total => invoice.tax.part(amount.minor, total)?,
    };
    let net = amount.plus(tax.negated()?)?;
    Entry::new(key, at, currency, &[(Account::Refunds, net), (Account::Tax, tax), (from, amount.negated()?)])
}

/// All entries, in the order in which they were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger(Vec<Entry>);

impl Ledger {
    /// Whether it is new. What was written stays as it is.
    ///
    /// # Errors
    /// [`LedgerError::Differs`], where the same was written with other amounts.
    pub fn append(&mut self, entry: Entry) -> Result<bool, LedgerError> {
        match self.0.iter().find(|it| it.key == entry.key) {
            Some(written) if written.postings == entry.postings => Ok(false),
            Some(_) => Err(LedgerError::Differs(entry.key)),
            None => {
                self.0.push(entry);
                Ok(true)
            }
        }
    }

    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }

    /// # Errors
    /// Where the sum is too large.
    pub fn balance(&self, account: Account, currency: Currency) -> Result<Money, LedgerError> {
        let postings = self.0.iter().flat_map(|it| &it.postings);
        let own = postings.filter(|it| it.account == account && it.amount.currency == currency);
        Ok(Money::sum(own.map(|it| it.amount), currency)?)
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
