//! A bundle is pulled: fetched from a URL, or a bucket, of the customer's, by a Job that reaches the public internet and nothing else.
//!
//! What leads to the source may be a key. It is sealed in the record as long as the Job runs, and forgotten at the end. The Job has a key of its
//! own, which asks for this import's links and tells how far it is, and does nothing else (ADR 13).

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use howdah_bundle::outside::{Allowed, Refused, check};
use howdah_bundle::place::Location;
use howdah_db::Conn;
use howdah_db::models::import::Import;
use howdah_db::models::import_pull::{ImportPull, NewPull};
use howdah_domain::ImportId;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::begin::record;
use super::upload::{Announced, Offered, offer_of};
use super::{is_open, locked_by};
use crate::idempotency::{Idempotent, Once, claim, keep};
use crate::jobs::SyncPull;
use crate::{Actor, App, Error, limits};

/// Says what it is to whoever finds one, and to scanners.
const PREFIX: &str = "howdah_pull_";
const LONGEST_SENTENCE: usize = 1000;

/// Where a bundle lies.
#[derive(Debug, Clone)]
pub enum PullFrom {
    /// Of its tar. What follows the `?` may be a key.
    Url(SecretString),
    Bucket(Box<PullBucket>),
}

#[derive(Debug, Clone, Default)]
pub struct PullBucket {
    /// An origin, `https://s3.example.com`.
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
    /// The bundle lies below it.
    pub prefix: String,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
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
    let key = new_key(app);
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
pub async fn offer_to_pull(app: &App, PullRun(import): &PullRun, files: &[Announced]) -> Result<Vec<Offered>, Error> {
    offer_of(app, import, files).await
}

/// How far it is, by the Job. One that is done is looked into by the worker.
///
/// # Errors
/// [`Error::Conflict`] for an import that takes nothing any more.
pub async fn report_pull(app: &App, PullRun(import): &PullRun, report: &PullReport) -> Result<(), Error> {
    is_open(app, import)?;
    let mut conn = app.conn().await?;
    let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let sentence = report.sentence.as_deref().map(clipped);
    howdah_db::transaction(&mut conn, async |conn| {
        ImportPull::told(conn, import.id, number(report.files), number(report.bytes), sentence.as_deref(), app.now()).await?;
        if report.is_done && ImportPull::end(conn, import.id, "done", None, app.now()).await? {
            SyncPull::of(import.id).enqueue(conn).await?;
        }
        Ok(())
    })
    .await
}

fn new_key(app: &App) -> SecretString {
    let mut bytes = [0; 32];
    app.randomness.fill(&mut bytes);
    format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes)).into()
}

fn digest(key: &str) -> Vec<u8> {
    Sha256::digest(key.as_bytes()).to_vec()
}

/// Words that a hostile source may have put there.
fn clipped(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(LONGEST_SENTENCE).collect()
}

fn parse(from: &PullFrom) -> Result<Source, Error> {
    match from {
        PullFrom::Url(url) => {
            let text = url.expose_secret().trim();
            let url = asked("url", text)?;
            let shown = format!("https://{}{}", url.authority(), url.path());
            Ok(Source { shown: clipped(&shown), variables: BTreeMap::from([("HOWDAH_PULL_FROM".to_owned(), text.to_owned())]) })
        }
        PullFrom::Bucket(bucket) => parse_bucket(bucket),
    }
}

fn parse_bucket(from: &PullBucket) -> Result<Source, Error> {
    let PullBucket { endpoint, region, bucket, prefix, access_key_id, secret_access_key } = from;
    let url = asked("endpoint", endpoint.trim())?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(Error::invalid(
            "endpoint",
            "malformed",
            "Write the address of the S3 service alone: https://s3.example.com.".to_owned(),
        ));
    }
    let location = format!("s3://{}/{}", bucket.trim(), prefix.trim().trim_matches('/'));
    let location: Location =
        location.parse().map_err(|error: howdah_bundle::place::PlaceError| Error::invalid("bucket", "malformed", format!("{error}.")))?;
    let word = |field: &'static str, text: &str, longest: usize| {
        let text = text.trim();
        let fits = !text.is_empty() && text.len() <= longest && text.bytes().all(|it| it.is_ascii_graphic());
        if fits { Ok(text.to_owned()) } else { Err(Error::invalid(field, "malformed", format!("Write {} without spaces.", spoken(field)))) }
    };
    let region = if region.trim().is_empty() { "us-east-1".to_owned() } else { word("region", region, 63)? };
    Ok(Source {
        shown: clipped(&format!("{location} at {}", url.authority())),
        variables: BTreeMap::from([
            ("HOWDAH_PULL_FROM".to_owned(), location.to_string()),
            ("AWS_ENDPOINT_URL".to_owned(), url.origin().ascii_serialization()),
            ("AWS_REGION".to_owned(), region),
            ("AWS_ACCESS_KEY_ID".to_owned(), word("access_key_id", access_key_id, 200)?),
            ("AWS_SECRET_ACCESS_KEY".to_owned(), word("secret_access_key", secret_access_key.expose_secret(), 400)?),
        ]),
    })
}

fn spoken(field: &str) -> &'static str {
    match field {
        "region" => "the region, us-east-1 say,",
        "access_key_id" => "the key’s id",
        _ => "the secret key",
    }
}

/// A URL that is asked. Where its name leads, the Job looks, each time that it connects; so it does for an address in the place of a name,
/// since only it knows the networks that are excepted.
fn asked(field: &'static str, text: &str) -> Result<Url, Error> {
    let malformed = |sentence: String| Error::invalid(field, "malformed", sentence);
    if text.len() > 2000 {
        return Err(malformed("An address has at most 2000 characters.".to_owned()));
    }
    let url = Url::parse(text).map_err(|_| malformed("Write the whole address: https://example.com/bundle.tar, say.".to_owned()))?;
    match check(&url, &Allowed::default()) {
        Ok(()) | Err(Refused::Address(_)) => Ok(url),
        Err(refused) => Err(Error::invalid(field, "refused", format!("This address is not asked: {refused}."))),
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
        let bucket = PullBucket {
            endpoint: "https://s3.example.com".to_owned(),
            bucket: "backups".to_owned(),
            prefix: "/birds/".to_owned(),
            access_key_id: "AKIA".to_owned(),
            secret_access_key: "very-secret".to_owned().into(),
            ..PullBucket::default()
        };
        let source = parse(&PullFrom::Bucket(Box::new(bucket.clone()))).unwrap();
        assert_eq!(source.shown, "s3://backups/birds at s3.example.com");
        assert_eq!((&*source.variables["HOWDAH_PULL_FROM"], &*source.variables["AWS_REGION"]), ("s3://backups/birds", "us-east-1"));
        let wrong = |change: fn(&mut PullBucket)| {
            let mut bucket = bucket.clone();
            change(&mut bucket);
            match parse(&PullFrom::Bucket(Box::new(bucket))) {
                Err(Error::Invalid { fields }) => fields[0].field,
                _ => "nothing",
            }
        };
        assert_eq!(wrong(|it| it.endpoint = "http://s3.example.com".to_owned()), "endpoint");
        assert_eq!(wrong(|it| it.endpoint = "https://s3.example.com/backups".to_owned()), "endpoint");
        assert_eq!(wrong(|it| it.bucket = "a b".to_owned()), "bucket");
        assert_eq!(wrong(|it| it.prefix = "../x".to_owned()), "bucket");
        assert_eq!(wrong(|it| it.access_key_id = String::new()), "access_key_id");
        assert_eq!(wrong(|it| it.secret_access_key = "a\nb".to_owned().into()), "secret_access_key");
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
