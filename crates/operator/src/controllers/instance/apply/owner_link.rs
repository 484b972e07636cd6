//! A new set-password link for the owner of a server that is set up: one Job, and then its Secrets go.

use howdah_crd::{ConditionType, Reason};

use super::{children, snapshot};
use crate::controllers::instance::build::Desired;
use crate::controllers::instance::conditions::{self, Progress, Verdict};
use crate::controllers::instance::context::Context;
use crate::controllers::instance::validate::{NewLink, Valid};
use crate::error::Error;

const CONDITION: ConditionType = ConditionType::OwnerLinkReady;

pub async fn owner_link(context: &Context, valid: &Valid<'_>, job: Option<&Desired>, progress: &mut Progress) -> Result<(), Error> {
    match (&valid.new_link, job) {
        (NewLink::NotWanted, _) => {}
        (NewLink::Lacks { reason, message }, _) => progress.not(CONDITION, *reason, message),
        (NewLink::Wanted { .. }, None) => progress.not(CONDITION, Reason::Waiting, String::new()),
        (NewLink::Wanted { issued, .. }, Some(job)) => {
            children::ensure(context, valid, job).await?;
            if progress.set(CONDITION, told(conditions::job(&snapshot(context, valid), job))) {
                progress.owner_link_issued = Some(issued.clone());
            }
        }
    }
    Ok(())
}

/// The script says in a word that there is nobody to give the token to.
fn told(verdict: Verdict) -> Verdict {
    let reason = Reason::AccountNotFound;
    if verdict.reason == Reason::JobFailed && verdict.message.contains(reason.as_str()) {
        return Verdict::not(reason, String::new());
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_is_gone_is_told_from_a_job_that_failed() {
        let failed = |words: &str| told(Verdict::not(Reason::JobFailed, words)).reason;
        assert_eq!(failed("AccountNotFound"), Reason::AccountNotFound);
        assert_eq!(failed("could not connect"), Reason::JobFailed);
        assert!(told(Verdict::ready()).is_true());
    }
}
