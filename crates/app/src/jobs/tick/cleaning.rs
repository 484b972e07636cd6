//! What has had its time.

use chrono::TimeDelta;
use howdah_db::models::attempt::Attempts;
use howdah_db::models::idempotency::IdempotencyKey;
use howdah_db::models::incident::Incident;
use howdah_db::models::invitation::Invitation;
use howdah_db::models::mail::Mail;
use howdah_db::models::passkey_ceremony::PasskeyCeremony;
use howdah_db::models::person_link::PersonLink;
use howdah_db::models::second_factor::SecondFactor;
use howdah_db::models::session::Session;
use howdah_db::models::sign_in_challenge::SignInChallenge;
use howdah_db::models::sign_up::SignUp;

use crate::worker::{WorkError, Worker};
use crate::{limits, second_factor};

/// How long the same key gets the same answer.
const KEYS: TimeDelta = TimeDelta::hours(24);
/// How long an ended session is kept, for its owner to see.
const SESSIONS: TimeDelta = TimeDelta::days(7);
/// How long sign-ups, links and invitations that have ended are remembered, so that a late click is told what happened.
const LINKS: TimeDelta = TimeDelta::days(30);
/// How long somebody may take to write to the support.
const INCIDENTS: TimeDelta = TimeDelta::days(30);
/// How long somebody may ask what became of a mail, from when it was sent or dropped.
const MAILS: TimeDelta = TimeDelta::days(30);

pub async fn clean(worker: &Worker) -> Result<(), WorkError> {
    let now = worker.now();
    let mut conn = worker.app.database.conn().await?;
    IdempotencyKey::forget(&mut conn, now - KEYS).await?;
    Session::forget(&mut conn, now - SESSIONS).await?;
    Attempts::forget(&mut conn, now - limits::LONGEST).await?;
    SignUp::forget(&mut conn, now - LINKS).await?;
    PersonLink::forget(&mut conn, now - LINKS).await?;
    Invitation::forget(&mut conn, now - LINKS).await?;
    Incident::forget(&mut conn, now - INCIDENTS).await?;
    Mail::forget(&mut conn, now - MAILS).await?;
    SignInChallenge::forget(&mut conn, now).await?;
    PasskeyCeremony::forget(&mut conn, now).await?;
    SecondFactor::forget(&mut conn, now - second_factor::SETTING_UP).await?;
    Ok(())
}
