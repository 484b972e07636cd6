//! Routes, and their certificates where cert-manager brings them: each is ordered in its turn, by the Ingress that asks for it, and
//! then looked for until it is there.

use std::time::Duration;

use howdah_crd::labels::process;
use howdah_crd::{ConditionType, MEDIA_NAMESPACE, Reason};
use jiff::SignedDuration;

use super::{children, secrets};
use crate::cache::Facts;
use crate::controllers::instance::build::Desired;
use crate::controllers::instance::conditions::Progress;
use crate::controllers::instance::context::{Awaited, Context};
use crate::controllers::instance::names;
use crate::controllers::instance::validate::Site;
use crate::error::Error;

/// What the condition says meanwhile.
const WAITS: &str = "the order of a certificate waits for its turn";
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(5);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(5);

pub async fn ensure(context: &Context, site: &Site<'_>, routes: &[Desired], progress: &mut Progress) -> Result<(), Error> {
    let mut open = Vec::new();
    for route in routes {
        match rest_of_wait(context, site, route) {
            Some(rest) => {
                progress.not(ConditionType::RouteReady, Reason::CertificatePending, WAITS);
                progress.wake(rest);
            }
            None => open.push(route),
        }
    }
    let is_web = |it: &&Desired| it.key.namespace.as_ref() == Some(&site.namespace) && it.key.name == process::WEB;
    let web_is_open = open.iter().any(is_web);
    children::ensure_all(context, site, open).await?;
    if web_is_open && site.cluster_issuer(site.spec.web_domain()).is_some() {
        look_for_certificate(context, site, progress).await?;
    }
    Ok(())
}

/// `None` where the route may be written: it orders nothing, or what was ordered before, or its turn has come.
fn rest_of_wait(context: &Context, site: &Site<'_>, route: &Desired) -> Option<Duration> {
    let wanted = Facts::of(route.key.kind, &route.body);
    let Facts::Ingress(Some(order)) = &wanted else { return None };
    let in_media = route.key.namespace.as_deref() == Some(MEDIA_NAMESPACE);
    let secret = if in_media { context.media.get(&names::media_tls(site.id)) } else { secrets::of_web(context, site) };
    let is_ordered = site.children.get(&route.key).is_some_and(|it| it.facts == wanted);
    // Of an Ingress that was deleted cert-manager takes up the certificate again.
    let is_there = secret.is_some_and(|it| it.certificate.is_some() && it.issuer.as_ref() == Some(&order.issuer));
    let memory = context.memory(site.cr);
    let mut remembered = memory.lock();
    if is_ordered || is_there {
        remembered.turns.remove(&route.key);
        return None;
    }
    let turn = *remembered.turns.entry(route.key.clone()).or_insert_with(|| context.orders.turn(site.now));
    (turn > site.now).then(|| turn.duration_since(site.now).unsigned_abs())
}

/// Nothing tells of a Secret that cert-manager writes into a server's namespace: the operator watches no Secrets there. So it is asked
/// for, one read each time, at pauses that grow while it isn't there.
async fn look_for_certificate(context: &Context, site: &Site<'_>, progress: &mut Progress) -> Result<(), Error> {
    let memory = context.memory(site.cr);
    if secrets::of_web(context, site).is_some_and(|it| it.certificate.is_some()) {
        memory.lock().awaited = None;
        return Ok(());
    }
    let (is_due, next) = {
        let mut remembered = memory.lock();
        let awaited = remembered.awaited.get_or_insert(Awaited { asked: 0, next: site.now + FIRST_LOOK });
        let is_due = awaited.next <= site.now;
        if is_due {
            awaited.asked = awaited.asked.saturating_add(1);
            awaited.next = site.now + pause(awaited.asked);
        }
        (is_due, awaited.next)
    };
    if is_due && secrets::look_at_web(context, site).await?.is_some_and(|it| it.certificate.is_some()) {
        memory.lock().awaited = None;
    } else {
        progress.wake(next.duration_since(site.now).unsigned_abs());
    }
    Ok(())
}

/// After so many looks in vain.
fn pause(asked: u32) -> SignedDuration {
    (FIRST_LOOK * (1 << asked.min(10))).min(LONGEST_PAUSE)
}
