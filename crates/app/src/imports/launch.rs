//! A bundle becomes a server: its row with the identity that it had, and the operation that loads it, in one transaction.

use howdah_bundle::source::Identity;
use howdah_db::models::import::Import;
use howdah_domain::{ImportId, Plan};
use secrecy::{ExposeSecret as _, SecretString};

use super::look::{self, Found};
use super::pull::is_not_pulled;
use super::seen::{Seen, SeenServer};
use super::{is_open, locked_by, seen_by};
use crate::idempotency::{Idempotent, Once, answered, claim, keep};
use crate::instances::{self, Launched, NewServer, Origin, Redacted};
use crate::sealed::Variables;
use crate::{Actor, App, Error, limits};

/// As it was asked for.
#[derive(Debug, Clone, Default)]
pub struct ImportLaunch {
    pub plan: String,
    /// What opens the bundle: age's identity, or its recovery phrase. Empty where it is not sealed.
    pub key: SecretString,
    /// For operators: a cluster by its name.
    pub cluster: Option<String>,
    /// The customer may use Mastodon's trademark in a domain of their own.
    pub trademark_permission: bool,
    /// The customer knows that other servers remember an earlier server's farewell from this domain.
    pub remnants_known: bool,
}

/// # Errors
/// As a launch's; [`Error::Invalid`] for a key that does not open the bundle, and a plan that it doesn't fit; [`Error::Conflict`] where
/// something speaks against taking it in.
pub async fn launch(
    app: &App,
    actor: &Actor,
    id: ImportId,
    request: &ImportLaunch,
    idempotent: Option<Idempotent<'_, Launched>>,
) -> Result<Once<Launched>, Error> {
    actor.may_change()?;
    if request.cluster.is_some() {
        actor.may_operate()?;
    }
    let mut conn = app.conn().await?;
    if let Some(before) = answered(&mut conn, idempotent).await? {
        return Ok(before);
    }
    let import = seen_by(&mut conn, actor, id).await?;
    limits::LOOKS_INTO.take(app, &mut conn, &import.id.to_string()).await?;
    drop(conn);
    // Looked at anew, for what was brought since counts, and the key is kept nowhere before. No connection is held meanwhile.
    let found = look::into(app, &import, Some(&request.key)).await?;
    let manifest_sha256 = found.manifest_sha256.clone();
    let server = server(app, request, found)?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let import = locked_by(conn, actor, id).await?;
        is_open(app, &import)?;
        is_not_pulled(conn, &import).await?;
        let server = NewServer { in_place_of: import.going(conn).await?, ..server };
        let launched = instances::record(app, conn, actor, &server).await?;
        Import::became(conn, import.id, launched.instance.as_uuid(), &manifest_sha256).await?;
        keep(conn, idempotent, launched).await
    })
    .await
}

fn server<'a>(app: &'a App, request: &'a ImportLaunch, found: Found) -> Result<NewServer<'a>, Error> {
    let Found { seen, identity, key, manifest_sha256: _ } = found;
    let Some(server) = seen.server.as_ref().filter(|_| seen.holds()) else { return Err(refused(&seen)) };
    let Some(identity) = identity else {
        let sentence =
            "The bundle is sealed: give its recovery phrase, or the key that opens it, a line that begins with AGE-SECRET-KEY-1."
                .to_owned();
        return Err(Error::invalid("key", "missing", sentence));
    };
    let internal = |sentence: String| Error::internal(sentence);
    let address = look::address(app, server).map_err(internal)?;
    let release = look::release(app, server.version.as_deref()).map_err(internal)?;
    let plan = app.plans.get(&request.plan).ok_or_else(|| Error::Invalid { fields: vec![instances::unknown_plan(app, &request.plan)] })?;
    fits(plan, server)?;
    if let Some(field) = instances::trademark(&address, request.trademark_permission) {
        return Err(Error::Invalid { fields: vec![field] });
    }
    Ok(NewServer {
        address,
        plan,
        release,
        origin: Origin::Bundle {
            identity: Redacted(variables(&identity, release.needs_otp_secret)?),
            key: key.filter(|_| server.is_sealed).unwrap_or_default(),
        },
        cluster: request.cluster.as_deref(),
        remnants_known: request.remnants_known,
        in_place_of: None,
    })
}

/// The first thing that is wrong, in its own words.
fn refused(seen: &Seen) -> Error {
    let wrong = seen.findings.iter().find(|it| it.is_wrong);
    let sentence = wrong.map_or_else(|| "There is no bundle yet.".to_owned(), |it| format!("This can't be taken in: {}.", it.sentence));
    match wrong {
        Some(it) if it.reason.starts_with("secrets_") || it.reason == "not_opened" => Error::invalid("key", "wrong_key", sentence),
        _ => Error::Conflict { reason: "not_acceptable", sentence },
    }
}

fn fits(plan: &Plan, server: &SeenServer) -> Result<(), Error> {
    const GIB: u64 = 1 << 30;
    let room = u64::from(plan.included.own_media_gib) * GIB;
    if server.media_bytes <= room {
        return Ok(());
    }
    let sentence = format!(
        "The server has {} GiB of media, and the plan “{}” has room for {}. Choose a larger one.",
        server.media_bytes.div_ceil(GIB),
        plan.name,
        plan.included.own_media_gib
    );
    Err(Error::invalid("plan", "does_not_fit", sentence))
}

/// As the identity's Secret holds them.
fn variables(identity: &Identity, needs_otp_secret: bool) -> Result<Variables, Error> {
    let variables: Variables = identity.variables().map(|(name, value)| (name.to_owned(), value.expose_secret().to_owned())).collect();
    let lacks = howdah_crd::secrets::identity::REQUIRED.into_iter().find(|it| !variables.contains_key(*it));
    let otp = howdah_crd::secrets::identity::OTP_SECRET;
    match lacks.or_else(|| (needs_otp_secret && !variables.contains_key(otp)).then_some(otp)) {
        None => Ok(variables),
        Some(name) => {
            let sentence = format!("The bundle's secrets lack {name}, without which this release of Mastodon doesn't run.");
            Err(Error::Conflict { reason: "secrets_missing", sentence })
        }
    }
}
