//! The data of an import, once for each pass: three Jobs, one after the other. What is there says how far it is: the Jobs, and in the end the
//! database's own mark, so that rows which are loaded are never loaded over, whatever was forgotten.

use howdah_crd::labels::process;
use howdah_crd::{ConditionType, PowerState, Reason};

use super::s3_user::{self, User};
use super::{children, outside, secrets, snapshot};
use crate::cache::{ChildKind, Facts, Snapshot};
use crate::controllers::instance::build::Loading;
use crate::controllers::instance::conditions::{self, Progress};
use crate::controllers::instance::context::Context;
use crate::controllers::instance::import::{self, Import};
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Valid;
use crate::error::Error;

const CONDITION: ConditionType = ConditionType::DataLoaded;
const STILL_RUNS: &str = "what ran before has not ended yet";

/// `open`: all that it is loaded into is there.
pub async fn load(context: &Context, valid: &Valid<'_>, jobs: Option<&Loading>, open: bool, progress: &mut Progress) -> Result<(), Error> {
    let Some(import) = &valid.import else { return Ok(()) };
    if import.is_loaded {
        progress.set(CONDITION, import::loaded(valid.spec));
        return Ok(());
    }
    if !open {
        progress.not(CONDITION, Reason::Waiting, String::new());
        return Ok(());
    }
    if run(context, valid, import, jobs, progress).await? {
        progress.set(CONDITION, import::loaded(valid.spec));
    }
    Ok(())
}

/// True once it is loaded; else the condition says what for.
async fn run(
    context: &Context,
    valid: &Valid<'_>,
    import: &Import<'_>,
    jobs: Option<&Loading>,
    progress: &mut Progress,
) -> Result<bool, Error> {
    let (Some(jobs), Some(source)) = (jobs, &import.source) else {
        let marked = outside::is_marked(context, valid, &import.mark, progress).await?;
        if marked == Some(false) {
            progress.set(CONDITION, import.lacks());
        }
        return Ok(marked == Some(true));
    };
    for job in jobs.in_order() {
        let children = snapshot(context, valid);
        if !children.contains_key(&job.key) {
            match outside::is_marked(context, valid, &import.mark, progress).await? {
                Some(false) => {}
                is_marked => return Ok(is_marked == Some(true)),
            }
            if something_runs(&children) {
                progress.not(CONDITION, Reason::Progressing, STILL_RUNS);
                return Ok(false);
            }
            if !s3_user::ensure(context, valid, &User::Reader(source), CONDITION, progress).await? {
                return Ok(false);
            }
        }
        children::ensure(context, valid, job).await?;
        let verdict = conditions::job(&snapshot(context, valid), job);
        if !verdict.is_true() {
            progress.set(CONDITION, verdict);
            return Ok(false);
        }
    }
    Ok(true)
}

/// A process of the pass before, or another try of what loads: neither may see, or write, while tables are made anew.
fn something_runs(children: &Snapshot) -> bool {
    children.iter().any(|(key, child)| match &child.facts {
        Facts::Pod(pod) => pod.process != process::REDIS && pod.holds.is_some(),
        _ => key.kind == ChildKind::Deployment,
    })
}

/// What was there for the load alone, once it is done: who read the bundle, with its keys, and what opened it. In a rehearsal the inbox keeps the
/// latter for the next pass.
pub async fn put_away(context: &Context, valid: &Valid<'_>, progress: &mut Progress) -> Result<(), Error> {
    let Some(Import { is_loaded: true, key_from, .. }) = &valid.import else { return Ok(()) };
    if let Some(seen) = valid.secrets.get(names::BUNDLE_READER) {
        if s3_user::remove_reader(context, valid.cr, valid.id).await? {
            secrets::delete(context, valid, names::BUNDLE_READER, seen).await?;
        } else {
            progress.wake(outside::AWAY);
        }
    }
    if valid.spec.power_state != PowerState::Rehearsal {
        secrets::delete_from_inbox(context, valid.id, key_from).await?;
    }
    Ok(())
}
