//! What the provider tells: verified, stored together with the job that handles it, and only then answered.
//!
//! Events that wait are stored in one transaction, as many as come within some milliseconds: a commit that notifies the queue takes a
//! lock of the whole database server, and one an event would be the slowest way to take many.

use std::time::Duration;

use howdah_billing::event::{Received, WANTED};
use howdah_billing::webhook::{self, Rejected};
use howdah_db::models::billing::BillingEvent;
use howdah_domain::{Clock as _, SystemClock};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::Billing;
use crate::jobs::HandleBillingEvents;
use crate::{App, Error};

/// Stored together at most.
const TOGETHER: usize = 64;
/// How long the first of them waits for others.
const WAIT: Duration = Duration::from_millis(5);
/// That may wait: more are refused, and the provider comes again.
const WAITING: usize = 1024;

/// Why an event is not taken.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Of another account, or of test where we are live.
    #[error("it is of another account or mode than this platform's")]
    Foreign,
    #[error(transparent)]
    App(#[from] Error),
}

impl IntakeError {
    /// All that whoever sent it is told: stable, and nothing of the details.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Rejected(Rejected::Oversized) => "event_oversized",
            Self::Rejected(Rejected::Malformed) => "signature_malformed",
            Self::Rejected(Rejected::Forged) => "signature_forged",
            Self::Rejected(Rejected::Stale { .. }) => "signature_stale",
            Self::Rejected(Rejected::Unreadable) => "event_unreadable",
            Self::Foreign => "event_foreign",
            Self::App(error) => error.reason(),
        }
    }
}

type Answer = oneshot::Sender<Result<(), String>>;

/// Takes what the provider tells. Its clones take together.
#[derive(Clone, Debug)]
pub struct Intake {
    app: App,
    waiting: mpsc::Sender<(Received, Answer)>,
}

impl Intake {
    /// Stores what comes for as long as one of its clones is there.
    #[must_use]
    pub fn start(app: &App) -> Self {
        let (waiting, mut taken) = mpsc::channel(WAITING);
        let storing = app.clone();
        tokio::spawn(async move {
            while let Some(first) = taken.recv().await {
                let together = gather(first, &mut taken).await;
                store(&storing, together).await;
            }
        });
        Self { app: app.clone(), waiting }
    }

    /// Whether it was signed by the provider, a moment ago; stored when this answers. What was told before is taken once.
    ///
    /// # Errors
    /// [`IntakeError`]; nothing is stored then.
    pub async fn take(&self, raw: &[u8], signature: &str) -> Result<(), IntakeError> {
        let billing = self.app.billing()?;
        // Signatures keep the machine's time, whatever the clock says.
        let received = webhook::verify(raw, signature, &billing.webhook_secrets, SystemClock.now())?;
        if !billing.stripe.is_ours(&received) {
            return Err(IntakeError::Foreign);
        }
        if !WANTED.contains(&received.kind.as_str()) {
            return Ok(());
        }
        let (answer, stored) = oneshot::channel();
        let away = |why: &str| Error::Unavailable { source: why.to_owned().into() };
        self.waiting.try_send((received, answer)).map_err(|_| away("more events wait to be stored than are let in"))?;
        let stored = stored.await.map_err(|_| away("the intake has ended"))?;
        Ok(stored.map_err(|why| away(&why))?)
    }
}

async fn gather(first: (Received, Answer), more: &mut mpsc::Receiver<(Received, Answer)>) -> Vec<(Received, Answer)> {
    let until = Instant::now() + WAIT;
    let mut together = vec![first];
    while together.len() < TOGETHER {
        match timeout_at(until, more.recv()).await {
            Ok(Some(next)) => together.push(next),
            Ok(None) | Err(_) => break,
        }
    }
    together
}

async fn store(app: &App, together: Vec<(Received, Answer)>) {
    let (events, answers): (Vec<_>, Vec<_>) = together.into_iter().unzip();
    let rows: Vec<BillingEvent> = events.iter().map(|it| row(app, it, "webhook")).collect();
    let stored = put(app, &rows).await.map_err(|error| error.internal_text());
    for answer in answers {
        // Whoever waited may have gone.
        let _ = answer.send(stored.clone());
    }
}

/// Stores events and the job that handles them, in one transaction.
pub(super) async fn put(app: &App, rows: &[BillingEvent]) -> Result<(), Error> {
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if BillingEvent::insert_all(conn, rows).await? > 0 {
            HandleBillingEvents::default().enqueue(conn).await?;
        }
        Ok(())
    })
    .await
}

pub(super) fn row(app: &App, it: &Received, source: &str) -> BillingEvent {
    BillingEvent {
        id: it.event_id.clone(),
        kind: it.kind.clone(),
        source: source.to_owned(),
        created_at: it.created,
        received_at: app.now(),
        payload: it.raw.clone(),
        handled_at: None,
        outcome: None,
    }
}

impl Billing {
    /// Whether events can be taken at all.
    #[must_use]
    pub fn takes_events(&self) -> bool {
        !self.webhook_secrets.is_empty()
    }
}
