//! An export to a bucket of the customer's own: tried out, and its keys sealed until the run has ended.

use howdah_bundle::outside::{Bucket, Trouble};
use howdah_db::Conn;
use howdah_db::models::export_bucket::{ExportBucket, Whereabouts};
use howdah_domain::ExportId;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use url::Host;

use crate::own_bucket::{BucketRequest, OwnBucket};
use crate::{App, Error};

/// The sealed part.
#[derive(Serialize, Deserialize)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
}

/// One that the custom resource's definition takes, too.
pub(super) fn parse(request: &BucketRequest) -> Result<OwnBucket, Error> {
    let own = request.parse()?;
    let endpoint = &own.bucket.endpoint;
    let is_name =
        |host: &str| host.rsplit_once('.').is_some_and(|(_, top)| top.len() >= 2 && top.starts_with(|it: char| it.is_ascii_lowercase()));
    if !matches!(endpoint.host(), Some(Host::Domain(host)) if is_name(host)) || endpoint.port().is_some() {
        let sentence = "For an export an endpoint is the store's name, without a port: https://s3.example.com.";
        return Err(Error::invalid("bucket.endpoint", "malformed", sentence));
    }
    if !is_plain(&own.prefix) {
        let sentence = "A prefix has 200 characters at most, of letters, digits, dots, hyphens and underscores, with / between its parts.";
        return Err(Error::invalid("bucket.prefix", "malformed", sentence));
    }
    Ok(own)
}

fn is_plain(prefix: &str) -> bool {
    let is_part = |part: &str| !part.starts_with('.') && part.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-'));
    prefix.len() <= 200 && prefix.split('/').all(is_part)
}

/// A test write, before anything is begun.
pub(super) async fn try_out(app: &App, own: &OwnBucket) -> Result<(), Error> {
    let prefix = if own.prefix.is_empty() { String::new() } else { format!("{}/", own.prefix) };
    let key = format!("{prefix}howdah-test-{}", ExportId::generate(app.now(), &*app.randomness));
    let Err(trouble) = app.own_buckets.try_out(&own.bucket, &key).await else { return Ok(()) };
    let field = match trouble {
        Trouble::Refused(_) | Trouble::Name | Trouble::Tls | Trouble::Away => "bucket.endpoint",
        Trouble::Keys | Trouble::Rights(_) => "bucket.access_key_id",
        Trouble::Region => "bucket.region",
        Trouble::Bucket | Trouble::Lost | Trouble::Answer(_) => "bucket.bucket",
    };
    let host = own.bucket.endpoint.host_str().unwrap_or_default();
    Err(Error::invalid(field, reason(&trouble), format!("A test file could not be written: of {host}, {trouble}. Nothing has begun.")))
}

const fn reason(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Refused(_) => "not_public",
        Trouble::Name => "unknown_name",
        Trouble::Tls => "tls",
        Trouble::Away => "no_answer",
        Trouble::Keys => "wrong_keys",
        Trouble::Rights(_) => "no_rights",
        Trouble::Bucket => "no_bucket",
        Trouble::Region => "wrong_region",
        Trouble::Lost => "lost",
        Trouble::Answer(_) => "refused",
    }
}

pub(super) async fn insert(app: &App, conn: &mut Conn, export: ExportId, own: &OwnBucket) -> Result<(), Error> {
    let Bucket { region, bucket, virtual_hosted, access_key_id, secret_access_key, endpoint: _ } = &own.bucket;
    let keys = Keys { access_key_id: access_key_id.clone(), secret_access_key: secret_access_key.expose_secret().to_owned() };
    let keys = serde_json::to_vec(&keys).map_err(Error::internal)?;
    let at = Whereabouts { endpoint: &own.endpoint(), region, bucket, prefix: &own.prefix, virtual_hosted: *virtual_hosted };
    Ok(ExportBucket::new(&app.keys, export.as_uuid(), at, &keys).insert(conn).await?)
}

/// The variables of its Secret in the inbox; `None` once they are forgotten.
pub(crate) fn variables(app: &App, bucket: &ExportBucket) -> Result<Option<crate::sealed::Variables>, Error> {
    use howdah_crd::secrets::bucket::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
    let Some(keys) = bucket.keys(&app.keys).map_err(Error::internal)? else { return Ok(None) };
    let keys: Keys = serde_json::from_slice(keys.expose_secret()).map_err(Error::internal)?;
    Ok(Some([(ACCESS_KEY_ID.to_owned(), keys.access_key_id), (SECRET_ACCESS_KEY.to_owned(), keys.secret_access_key)].into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::own_bucket::tests::{asked, named};

    #[test]
    fn what_the_definition_takes_goes_down() {
        let own = parse(&asked("https://s3.example.com/")).unwrap();
        assert_eq!((own.endpoint().as_str(), own.prefix.as_str()), ("https://s3.example.com", "mastodon/birds"));
        for wrong in ["https://s3.example.com:8333", "https://localhost", "https://10.0.0.1", "https://[::1]", "https://0x7f.1"] {
            assert_eq!(named(parse(&asked(wrong))), ["bucket.endpoint"], "{wrong}");
        }
        for wrong in ["my backups", ".hidden/x", &"x".repeat(201)] {
            let request = BucketRequest { prefix: wrong.to_owned(), ..asked("https://s3.example.com") };
            assert_eq!(named(parse(&request)), ["bucket.prefix"], "{wrong}");
        }
        assert!(parse(&BucketRequest { prefix: String::new(), ..asked("https://s3.example.com") }).is_ok());
    }
}
