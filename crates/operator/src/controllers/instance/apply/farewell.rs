//! A server's farewell: the token that switches self-destruct on, kept in a Secret that every Rails process then has, and how
//! far it is, as `tootctl self-destruct` prints it.

use std::collections::BTreeMap;
use std::time::Duration;

use howdah_crd::{ConditionType, Farewell, FarewellStage, Reason};
use k8s_openapi::ByteString;

use super::{children, secrets, snapshot};
use crate::controllers::instance::build::{Desired, Jobs};
use crate::controllers::instance::conditions::{self, Progress};
use crate::controllers::instance::context::Context;
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;
use crate::error::Error;

const CONDITION: ConditionType = ConditionType::FarewellComplete;

pub async fn farewell(context: &Context, valid: &Valid<'_>, jobs: &Jobs, progress: &mut Progress) -> Result<(), Error> {
    let Jobs { farewell_token, farewell_progress, loading: _, db_prepare: _, owner: _, configure: _, owner_link: _ } = jobs;
    if !valid.farewell_wanted {
        progress.not(CONDITION, Reason::NotWanted, String::new());
        return Ok(());
    }
    if !progress.is_ready(ConditionType::Configured) {
        progress.not(CONDITION, Reason::Waiting, String::new());
        return Ok(());
    }
    if let Some(job) = farewell_token {
        return token(context, valid, job, progress).await;
    }
    if let Some(job) = farewell_progress {
        children::ensure(context, valid, job).await?;
        look(context, valid, job, progress);
    }
    let stage = progress.farewell.as_ref().map(|it| it.stage).or(valid.farewell_stage);
    if stage == Some(FarewellStage::Sent) {
        progress.ready(CONDITION);
    } else if let Some(until) = valid.farewell_until {
        // Nothing tells that it has passed: the next pass has to come by itself, and stops what runs.
        progress.wake(Duration::try_from(until.duration_since(valid.now)).unwrap_or_default());
        progress.not(CONDITION, Reason::Announcing, String::new());
    } else {
        progress.not(CONDITION, Reason::Paused, String::new());
    }
    Ok(())
}

async fn token(context: &Context, valid: &Valid<'_>, job: &Desired, progress: &mut Progress) -> Result<(), Error> {
    children::ensure(context, valid, job).await?;
    let children = snapshot(context, valid);
    let verdict = conditions::job(&children, job);
    if !verdict.is_true() {
        progress.set(CONDITION, verdict);
        return Ok(());
    }
    match conditions::last_words(&children, &job.key.name) {
        Some(token) => {
            let data = BTreeMap::from([("SELF_DESTRUCT".to_owned(), ByteString(token.trim().as_bytes().into()))]);
            secrets::create(context, valid, names::FAREWELL, data, None, true).await?;
            progress.again = true;
            progress.not(CONDITION, Reason::Announcing, String::new());
        }
        // Its pod's end may be seen after its own.
        None => progress.not(CONDITION, Reason::Progressing, String::new()),
    }
    Ok(())
}

fn look(context: &Context, valid: &Valid<'_>, job: &Desired, progress: &mut Progress) {
    let children = snapshot(context, valid);
    if !conditions::job(&children, job).is_true() {
        return;
    }
    if let Some(found) = conditions::last_words(&children, &job.key.name).and_then(|it| parse(&it)) {
        progress.farewell = Some(found);
    }
}

/// UP:lib/mastodon/cli/main.rb, `self_destruct`.
fn parse(output: &str) -> Option<Farewell> {
    if output.contains("Every deletion notice has been sent") {
        return Some(Farewell { stage: FarewellStage::Sent, pending_accounts: 0 });
    }
    if let Some(line) = output.lines().find(|it| it.contains("still pending deletion")) {
        let digits: String =
            line.chars().skip_while(|it| !it.is_ascii_digit()).take_while(|it| it.is_ascii_digit() || matches!(it, ',' | '_')).collect();
        let pending_accounts = digits.replace([',', '_'], "").parse().ok()?;
        return Some(Farewell { stage: FarewellStage::Accounts, pending_accounts });
    }
    let notices = ["still being processed", "scheduled for retry"];
    notices.iter().any(|it| output.contains(it)).then_some(Farewell { stage: FarewellStage::Notices, pending_accounts: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tootctl_prints() {
        for (output, wanted) in [
            ("12,345 accounts are still pending deletion.", Some((FarewellStage::Accounts, 12345))),
            (
                "\u{1b}[33mYour server has begun the self-destruct.\n7 accounts are still pending deletion.",
                Some((FarewellStage::Accounts, 7)),
            ),
            ("Deletion notices are still being processed", Some((FarewellStage::Notices, 0))),
            (
                "At least one delivery attempt for each deletion notice has been made, but some have failed and are scheduled for retry",
                Some((FarewellStage::Notices, 0)),
            ),
            ("Every deletion notice has been sent! You can safely delete all data", Some((FarewellStage::Sent, 0))),
            ("could not connect", None),
        ] {
            assert_eq!(parse(output).map(|it| (it.stage, it.pending_accounts)), wanted, "{output}");
        }
    }
}
