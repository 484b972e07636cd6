//! A bundle is pulled: fetched from a URL, or a bucket, of the customer's, by a Job that reaches the public internet and nothing else.
//!
//! What leads to the source may be a key. It is sealed in the record as long as the Job runs, and forgotten at the end. The Job has a key of its
//! own, which asks for this import's links and tells how far it is, and does nothing else (ADR 13).

use std::collections::BTreeMap;

use howdah_bundle::outside::{Allowed, Bucket, Refused, check};
use howdah_bundle::place::Location;
use howdah_db::Conn;
use howdah_db::models::import::Import;
use howdah_db::models::import_pull::{ImportPull, NewPull};
use howdah_domain::ImportId;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::begin::record;
use super::upload::{Announced, Offered, offer_of};
use super::{is_open, locked_by};
use crate::bearer::{digest, new_token};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::jobs::SyncPull;
use crate::text::clipped;
use crate::{Actor, App, BucketRequest, Error, limits};

/// Says what it is to whoever finds one, and to scanners.
const PREFIX: &str = "howdah_pull_";
const LONGEST_SENTENCE: usize = 1000;

/// Where a bundle lies.
#[derive(Debug, Clone)]
pub enum PullFrom {
    /// Of its tar. What follows the `?` may be a key.
    Url(SecretString),
    Bucket(Box<BucketRequest>),
}

/// What the Job says of itself.
#[derive(Debug, Clone, Default)]
pub struct PullReport {
    pub is_done: bool,
    pub files: u64,
    pub bytes: u64,
    /// Why it broke off.
    pub sentence: Option<String>,
}

/// As it is shown, and the environment of the Job.
struct Source {
    shown: String,
    variables: BTreeMap<String, String>,
}

/// Begins it. What lies in the import's place already, of the same size, is not brought again.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for one that takes nothing any more, and while another pull of it runs; [`Error::Invalid`];
/// [`Error::RateLimited`].
pub async fn pull(
    app: &App,
    actor: &Actor,
    id: ImportId,
    from: &PullFrom,
    idempotent: Option<Idempotent<'_, ImportId>>,
) -> Result<Once<ImportId>, Error> {
    actor.may_change()?;
    let Source { shown, mut variables } = parse(from)?;
    let key = SecretString::from(format!("{PREFIX}{}", new_token(&*app.randomness)));
    variables.insert("HOWDAH_PULL_KEY".to_owned(), key.expose_secret().to_owned());
    variables.insert("HOWDAH_PULL_TO".to_owned(), format!("{}/api/v1/pulls/{id}", app.config.dashboard_url));
    let secret = serde_json::to_vec(&variables).map_err(Error::internal)?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let import = locked_by(conn, actor, id).await?;
        is_open(app, &import)?;
        if import.source != "upload" {
            let sentence = "This import is of an export that lies here: nothing has to be brought.".to_owned();
            return Err(Error::Conflict { reason: "nothing_to_bring", sentence });
        }
        is_not_pulled(conn, &import).await?;
        is_put_away(conn, &import).await?;
        limits::PULLS_OF.take(app, conn, &import.account_id.to_string()).await?;
        let new = NewPull {
            import_id: import.id,
            source: shown.clone(),
            key_sha256: digest(key.expose_secret()),
            secret: &secret,
            begun_at: app.now(),
        };
        ImportPull::begin(conn, &app.keys, new).await?;
        SyncPull::of(import.id).enqueue(conn).await?;
        record(app, conn, actor, &import, "import.pull").await?;
        keep(conn, idempotent, id).await
    })
    .await
}

/// Nobody changes what is being brought.
pub(super) async fn is_not_pulled(conn: &mut Conn, import: &Import) -> Result<(), Error> {
    if ImportPull::lock(conn, import.id).await?.is_some_and(|it| it.is_live()) {
        let sentence = "The bundle is being pulled. Wait until it is there, or stop the pull.".to_owned();
        return Err(Error::Conflict { reason: "pulling", sentence });
    }
    Ok(())
}

/// What the run before left in its cluster would be taken for the next one's.
async fn is_put_away(conn: &mut Conn, import: &Import) -> Result<(), Error> {
    if ImportPull::of(conn, import.id).await?.is_some_and(|it| it.cluster.is_some()) {
        let sentence = "The pull before is still being put away. Begin it again in a moment.".to_owned();
        return Err(Error::Conflict { reason: "putting_away", sentence });
    }
    Ok(())
}

/// Stops it; what has arrived stays.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] where none runs.
pub async fn stop(app: &App, actor: &Actor, id: ImportId, idempotent: Option<Idempotent<'_, ImportId>>) -> Result<Once<ImportId>, Error> {
    actor.may_change()?;
    let mut conn = app.conn().await?;
    howdah_db::transaction(&mut conn, async |conn| {
        if let Some(before) = claim(app, conn, idempotent).await? {
            return Ok(before);
        }
        let import = locked_by(conn, actor, id).await?;
        if !end(app, conn, &import, "It was stopped.").await? {
            let sentence = "Nothing is being pulled.".to_owned();
            return Err(Error::Conflict { reason: "not_pulling", sentence });
        }
        record(app, conn, actor, &import, "import.stop_pull").await?;
        keep(conn, idempotent, id).await
    })
    .await
}

/// False where none runs.
pub(super) async fn end(app: &App, conn: &mut Conn, import: &Import, sentence: &str) -> Result<bool, Error> {
    let ended = ImportPull::end(conn, import.id, "failed", Some(sentence), app.now()).await?;
    if ended {
        SyncPull::of(import.id).enqueue(conn).await?;
    }
    Ok(ended)
}

/// A Job that pulls, by the key that it was given: it may ask for links of this import, and tell how far it is.
#[derive(Debug, Clone)]
pub struct PullRun(Import);

/// Who asks. A key is known as long as its pull runs.
///
/// # Errors
/// [`Error::Unauthenticated`].
pub async fn pull_run(app: &App, id: ImportId, key: &str) -> Result<PullRun, Error> {
    if !key.starts_with(PREFIX) || key.len() > 200 {
        return Err(Error::Unauthenticated);
    }
    let mut conn = app.conn().await?;
    let found = ImportPull::import_by_key(&mut conn, id.as_uuid(), &digest(key)).await?;
    found.map(PullRun).ok_or(Error::Unauthenticated)
}

/// Links, for the Job.
///
/// # Errors
/// As [`super::offer`]'s.
pub async fn offer_to_pull(app: &App, PullRun(import): &PullRun, of: Option<&str>, files: &[Announced]) -> Result<Vec<Offered>, Error> {
    offer_of(app, import, of, files).await
}

/// How far it is, by the Job. One that is done is looked into by the worker.
///
/// # Errors
/// [`Error::Conflict`] for an import that takes nothing any more.
pub async fn report_pull(app: &App, PullRun(import): &PullRun, report: &PullReport) -> Result<(), Error> {
    is_open(app, import)?;
    let mut conn = app.conn().await?;
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let sentence = report.sentence.as_deref().map(|it| clipped(it, LONGEST_SENTENCE));
    howdah_db::transaction(&mut conn, async |conn| {
        ImportPull::told(conn, import.id, number(report.files), number(report.bytes), sentence.as_deref(), app.now()).await?;
        if report.is_done && ImportPull::end(conn, import.id, "done", None, app.now()).await? {
            SyncPull::of(import.id).enqueue(conn).await?;
        }
        Ok(())
    })
    .await
}

fn parse(from: &PullFrom) -> Result<Source, Error> {
    match from {
        PullFrom::Url(url) => {
            let text = url.expose_secret().trim();
            let url = asked(text)?;
            let shown = format!("https://{}{}", url.authority(), url.path());
            Ok(Source {
                shown: clipped(&shown, LONGEST_SENTENCE),
                variables: BTreeMap::from([("HOWDAH_PULL_FROM".to_owned(), text.to_owned())]),
            })
        }
        PullFrom::Bucket(bucket) => parse_bucket(bucket),
    }
}

fn parse_bucket(from: &BucketRequest) -> Result<Source, Error> {
    let own = from.parse()?;
    let Bucket { endpoint, region, bucket, virtual_hosted, access_key_id, secret_access_key } = &own.bucket;
    let location = Location::S3 { bucket: bucket.clone(), prefix: own.prefix.clone() }.to_string();
    let mut variables = vec![
        ("AWS_ENDPOINT_URL", own.endpoint()),
        ("AWS_REGION", region.clone()),
        ("AWS_ACCESS_KEY_ID", access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", secret_access_key.expose_secret().to_owned()),
        ("HOWDAH_PULL_FROM", location.clone()),
    ];
    if *virtual_hosted {
        variables.push(("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true".to_owned()));
    }
    Ok(Source {
        shown: clipped(&format!("{location} at {}", endpoint.authority()), LONGEST_SENTENCE),
        variables: variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    })
}

/// A URL that is asked. Where its name leads, the Job looks, each time that it connects; so it does for an address in the place of a name,
/// since only it knows the networks that are excepted.
fn asked(text: &str) -> Result<Url, Error> {
    let malformed = |sentence: String| Error::invalid("url", "malformed", sentence);
    if text.len() > 2000 {
        return Err(malformed("An address has at most 2000 characters.".to_owned()));
    }
    let url = Url::parse(text).map_err(|_| malformed("Write the whole address: https://example.com/bundle.tar, say.".to_owned()))?;
    match check(&url, &Allowed::default()) {
        Ok(()) | Err(Refused::Address(_)) => Ok(url),
        Err(refused) => Err(Error::invalid("url", "refused", format!("This address is not asked: {refused}."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Result<Source, Error> {
        parse(&PullFrom::Url(text.to_owned().into()))
    }

    #[test]
    fn what_may_be_a_key_is_not_shown() {
        let source = url("https://birds.example:8443/b.tar?X-Amz-Signature=secret#x").unwrap();
        assert_eq!(source.shown, "https://birds.example:8443/b.tar");
        assert!(source.variables["HOWDAH_PULL_FROM"].contains("secret"));
        let bucket = BucketRequest {
            endpoint: "https://s3.example.com:9000".to_owned(),
            bucket: "backups".to_owned(),
            prefix: "/birds/".to_owned(),
            virtual_hosted: true,
            access_key_id: "AKIA".to_owned(),
            secret_access_key: "very-secret".to_owned().into(),
            ..BucketRequest::default()
        };
        let Source { shown, variables } = parse(&PullFrom::Bucket(Box::new(bucket))).unwrap();
        assert_eq!(shown, "s3://backups/birds at s3.example.com:9000");
        assert_eq!((&*variables["HOWDAH_PULL_FROM"], &*variables["AWS_REGION"]), ("s3://backups/birds", "us-east-1"));
        assert_eq!(variables["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"], "true");
    }

    #[test]
    fn urls_that_nobody_asks_are_refused_at_once() {
        for text in [
            "",
            "birds.example",
            "http://birds.example/b.tar",
            "https://ada:x@birds.example/",
            "https://birds.example:25/",
            "file:///etc/passwd",
        ] {
            assert!(matches!(url(text), Err(Error::Invalid { .. })), "{text}");
        }
    }
}
