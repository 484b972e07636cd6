//! A bucket of the customer's own: parsed, tried out, and its keys sealed until the run has ended.

use howdah_bundle::outside::{Bucket, Trouble};
use howdah_db::Conn;
use howdah_db::models::export_bucket::{ExportBucket, Whereabouts};
use howdah_domain::ExportId;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{App, Error, FieldError};

/// As it was typed. The secret key is shown to nobody, and kept, sealed, no longer than the run takes.
#[derive(Debug, Clone, Default)]
pub struct BucketRequest {
    /// An origin: `https://s3.example.com`.
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
    /// Below which the bundle goes, under its own id.
    pub prefix: String,
    /// `https://bucket.host/key`, and not `https://host/bucket/key`.
    pub virtual_hosted: bool,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
}

/// Parsed.
#[derive(Debug, Clone)]
pub(super) struct OwnBucket {
    endpoint: String,
    bucket: Bucket,
    prefix: String,
}

/// The sealed part.
#[derive(Serialize, Deserialize)]
struct Keys {
    access_key_id: String,
    secret_access_key: String,
}

impl BucketRequest {
    /// As the custom resource's definition has it.
    pub(super) fn parse(&self) -> Result<OwnBucket, Error> {
        let [endpoint, region, bucket, prefix] =
            [&self.endpoint, &self.region, &self.bucket, &self.prefix].map(|it| it.trim().trim_end_matches('/').to_owned());
        let prefix = prefix.trim_start_matches('/').to_owned();
        let url = endpoint_url(&endpoint);
        let secret = self.secret_access_key.expose_secret().trim();
        let is_key = |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic());
        let checks = [
            (url.is_some(), "bucket.endpoint", "An endpoint is an address without bucket, port or path: https://s3.example.com."),
            (is_name(&region, 1, "-"), "bucket.region", "A region is a word as eu-central-1; where the store has none, us-east-1."),
            (is_name(&bucket, 3, ".-"), "bucket.bucket", "A bucket's name has 3 to 63 characters: a–z, 0–9, dots and hyphens."),
            (
                is_prefix(&prefix),
                "bucket.prefix",
                "A prefix has 200 characters at most, of letters, digits, dots, hyphens and underscores, with / between its parts.",
            ),
            (is_key(self.access_key_id.trim(), 200), "bucket.access_key_id", "Give the access key's id, as the store shows it."),
            (is_key(secret, 500), "bucket.secret_access_key", "Give the secret key. It is asked for each time, and never shown."),
        ];
        let wrong = checks.into_iter().filter(|(is_good, ..)| !is_good);
        let fields: Vec<FieldError> =
            wrong.map(|(_, field, sentence)| FieldError { field, reason: "malformed", sentence: sentence.to_owned() }).collect();
        match url {
            Some(url) if fields.is_empty() => Ok(OwnBucket {
                endpoint,
                prefix,
                bucket: Bucket {
                    endpoint: url,
                    region,
                    bucket,
                    virtual_hosted: self.virtual_hosted,
                    access_key_id: self.access_key_id.trim().to_owned(),
                    secret_access_key: secret.to_owned().into(),
                },
            }),
            _ => Err(Error::Invalid { fields }),
        }
    }
}

fn endpoint_url(text: &str) -> Option<Url> {
    let host = text.strip_prefix("https://")?;
    let is_label = |it: &str| is_name(it, 1, "-");
    let labels: Vec<&str> = host.split('.').collect();
    let is_top = labels.last().is_some_and(|it| it.len() >= 2 && it.starts_with(|it: char| it.is_ascii_lowercase()));
    let is_host = host.len() <= 253 && labels.len() >= 2 && is_top && labels.into_iter().all(is_label);
    is_host.then(|| Url::parse(text).ok()).flatten()
}

/// Small letters, digits, and in between also these.
fn is_name(text: &str, least: usize, between: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    (least..=63).contains(&text.len())
        && text.starts_with(is_plain)
        && text.ends_with(is_plain)
        && text.chars().all(|it| is_plain(it) || between.contains(it))
}

fn is_prefix(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && !part.starts_with('.') && part.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-'))
    };
    text.is_empty() || (text.len() <= 200 && text.split('/').all(is_part))
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

impl OwnBucket {
    pub(super) async fn insert(&self, app: &App, conn: &mut Conn, export: ExportId) -> Result<(), Error> {
        let Bucket { region, bucket, virtual_hosted, access_key_id, secret_access_key, endpoint: _ } = &self.bucket;
        let keys = Keys { access_key_id: access_key_id.clone(), secret_access_key: secret_access_key.expose_secret().to_owned() };
        let keys = serde_json::to_vec(&keys).map_err(Error::internal)?;
        let at = Whereabouts { endpoint: &self.endpoint, region, bucket, prefix: &self.prefix, virtual_hosted: *virtual_hosted };
        Ok(ExportBucket::new(&app.keys, export.as_uuid(), at, &keys).insert(conn).await?)
    }
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

    fn asked(endpoint: &str) -> BucketRequest {
        BucketRequest {
            endpoint: endpoint.to_owned(),
            region: "eu-central-1".to_owned(),
            bucket: "birds.backups".to_owned(),
            prefix: "/mastodon/birds/".to_owned(),
            virtual_hosted: false,
            access_key_id: " AKIA ".to_owned(),
            secret_access_key: "s3cr3t/+=".into(),
        }
    }

    #[test]
    fn what_is_typed_is_parsed_as_the_definition_has_it() {
        let own = asked("https://s3.example.com/").parse().unwrap();
        assert_eq!((own.endpoint.as_str(), own.prefix.as_str()), ("https://s3.example.com", "mastodon/birds"));
        assert_eq!(own.bucket.access_key_id, "AKIA");
        assert!(!format!("{own:?} {:?}", asked("x")).contains("s3cr3t"), "no secret is shown");
    }

    #[test]
    fn each_field_that_is_wrong_is_named() {
        let named = |request: BucketRequest| {
            let Err(Error::Invalid { fields }) = request.parse() else { panic!("it was taken: {request:?}") };
            fields.into_iter().map(|it| it.field).collect::<Vec<_>>()
        };
        for wrong in [
            "",
            "s3.example.com",
            "http://s3.example.com",
            "https://s3.example.com:8333",
            "https://s3.example.com/bucket",
            "https://a@s3.example.com",
            "https://localhost",
            "https://10.0.0.1",
            "https://[::1]",
            "https://0x7f.1",
            "https://s3..com",
            "https://S3.example.com",
        ] {
            assert_eq!(named(asked(wrong)), ["bucket.endpoint"], "{wrong}");
        }
        let good = || asked("https://s3.example.com");
        for (wrong, field) in [
            (BucketRequest { region: "eu central".to_owned(), ..good() }, "bucket.region"),
            (BucketRequest { bucket: "../x".to_owned(), ..good() }, "bucket.bucket"),
            (BucketRequest { prefix: "a/../b".to_owned(), ..good() }, "bucket.prefix"),
            (BucketRequest { access_key_id: String::new(), ..good() }, "bucket.access_key_id"),
            (BucketRequest { secret_access_key: "two lines\nof it".into(), ..good() }, "bucket.secret_access_key"),
        ] {
            assert_eq!(named(wrong), [field]);
        }
        assert_eq!(named(BucketRequest::default()).len(), 5, "all at once, but for the prefix, which may be empty");
    }
}
