//! What a server says of itself to anybody (DOC:methods/instance.md): whether its owner has written rules and a privacy policy
//! and decided who may join. Asked at a modest pace, and less often once all is done.

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use howdah_db::models::instance::Instance;
use howdah_db::models::public_face::PublicFace;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{AT_ONCE, MOST};
use crate::worker::{WorkError, Worker, in_groups};

/// Once everything is done.
const SELDOM: TimeDelta = TimeDelta::days(1);

pub async fn look(worker: &Worker) -> Result<(), WorkError> {
    let now = worker.now();
    let mut conn = worker.app.database.conn().await?;
    let due = PublicFace::due(&mut conn, now - worker.settings.look, now - SELDOM, MOST).await?;
    drop(conn);
    in_groups(due, AT_ONCE, |(instance, before): (Instance, Option<PublicFace>)| async move {
        if let Err(error) = look_at(worker, &instance, before).await {
            tracing::warn!(instance.id = %instance.id, %error, "what a server says of itself could not be recorded");
        }
    })
    .await;
    Ok(())
}

#[derive(Deserialize)]
struct About {
    #[serde(default)]
    rules: Vec<IgnoredAny>,
    registrations: Registrations,
}

#[derive(Deserialize)]
struct Registrations {
    enabled: bool,
    #[serde(default)]
    approval_required: bool,
}

#[derive(Deserialize)]
struct Privacy {
    updated_at: DateTime<Utc>,
}

/// A server that doesn't answer now is asked again: what was seen before stays.
async fn look_at(worker: &Worker, instance: &Instance, before: Option<PublicFace>) -> Result<(), WorkError> {
    let Some(about) = ask::<About>(worker, instance, "/api/v2/instance").await else { return Ok(()) };
    let Some(privacy) = ask::<Privacy>(worker, instance, "/api/v1/instance/privacy_policy").await else { return Ok(()) };
    let now = worker.now();
    let registrations = match about.registrations {
        Registrations { enabled: false, .. } => "closed",
        Registrations { approval_required: true, .. } => "by_approval",
        Registrations { .. } => "open",
    };
    let rules = i32::try_from(about.rules.len()).unwrap_or(i32::MAX);
    let has_own_privacy = is_own(privacy.updated_at);
    let first = |is_done: bool, before: Option<DateTime<Utc>>| is_done.then(|| before.unwrap_or(now));
    let face = PublicFace {
        instance_id: instance.id,
        rules,
        has_own_privacy,
        registrations: registrations.to_owned(),
        rules_at: first(rules > 0, before.as_ref().and_then(|it| it.rules_at)),
        privacy_at: first(has_own_privacy, before.as_ref().and_then(|it| it.privacy_at)),
        registrations_at: first(registrations != "closed", before.as_ref().and_then(|it| it.registrations_at)),
        looked_at: now,
    };
    let mut conn = worker.app.database.conn().await?;
    face.put(&mut conn).await?;
    Ok(())
}

/// Mastodon's general text has this date until there is another (UP:app/models/privacy_policy.rb, `DEFAULT_UPDATED_AT`).
fn is_own(updated_at: DateTime<Utc>) -> bool {
    Utc.with_ymd_and_hms(2022, 10, 7, 0, 0, 0).single() != Some(updated_at)
}

async fn ask<T: DeserializeOwned>(worker: &Worker, instance: &Instance, path: &str) -> Option<T> {
    let found = worker.outside.addresses(&instance.web_domain).await.ok()?.addresses;
    let address = found.iter().find(|it| it.is_ipv4()).or(found.first())?;
    let answer = worker.outside.get(*address, &instance.web_domain, path).await.ok()?;
    (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mastodon_says_of_itself_is_read() {
        let about: About = serde_json::from_str(
            r#"{"domain":"birds.org","rules":[{"id":"1","text":"Be kind","hint":""}],"registrations":{"enabled":true,"approval_required":true,"message":null}}"#,
        )
        .unwrap();
        assert_eq!(about.rules.len(), 1);
        assert!(about.registrations.enabled && about.registrations.approval_required);
        let privacy = |text: &str| is_own(serde_json::from_str::<Privacy>(text).unwrap().updated_at);
        assert!(!privacy(r#"{"updated_at":"2022-10-07T00:00:00+00:00","content":""}"#));
        assert!(privacy(r#"{"updated_at":"2026-11-22T10:00:00Z","content":""}"#));
    }
}
