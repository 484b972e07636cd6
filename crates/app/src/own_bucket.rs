//! A bucket of the customer's own, as it was typed: an export goes there, or a bundle is pulled from it.

use howdah_bundle::outside::{Allowed, Bucket, Refused, check};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use crate::{Error, FieldError};

/// As it was typed. The secret key is shown to nobody, and kept, sealed, no longer than the run takes.
#[derive(Debug, Clone, Default)]
pub struct BucketRequest {
    /// An origin: `https://s3.example.com`.
    pub endpoint: String,
    /// Empty where the store has none.
    pub region: String,
    pub bucket: String,
    /// Below which the bundle goes, or lies.
    pub prefix: String,
    /// `https://bucket.host/key`, and not `https://host/bucket/key`.
    pub virtual_hosted: bool,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
}

/// Parsed.
#[derive(Debug, Clone)]
pub(crate) struct OwnBucket {
    pub bucket: Bucket,
    /// Without slashes at its ends; empty for the bucket's root.
    pub prefix: String,
}

impl BucketRequest {
    /// Where its name leads is not known yet: whoever connects looks, each time. So it is with an address in the place of a name, since only who
    /// connects knows the networks that are excepted.
    pub(crate) fn parse(&self) -> Result<OwnBucket, Error> {
        let [endpoint, region, bucket, prefix] =
            [&self.endpoint, &self.region, &self.bucket, &self.prefix].map(|it| it.trim().trim_end_matches('/').to_owned());
        let region = if region.is_empty() { "us-east-1".to_owned() } else { region };
        let prefix = prefix.trim_start_matches('/').to_owned();
        let url = endpoint_url(&endpoint);
        let secret = self.secret_access_key.expose_secret().trim();
        let checks = [
            (url.is_some(), "bucket.endpoint", "An endpoint is an address without bucket or path: https://s3.example.com."),
            (is_name(&region, 1, "-"), "bucket.region", "A region is a word as eu-central-1; where the store has none, us-east-1."),
            (is_name(&bucket, 3, ".-"), "bucket.bucket", "A bucket's name has 3 to 63 characters: a–z, 0–9, dots and hyphens."),
            (is_prefix(&prefix), "bucket.prefix", "A prefix has 500 characters at most, with / between its parts, of which none is “..”."),
            (is_key(self.access_key_id.trim(), 200), "bucket.access_key_id", "Give the access key's id, as the store shows it."),
            (is_key(secret, 500), "bucket.secret_access_key", "Give the secret key. It is asked for each time, and never shown."),
        ];
        let wrong = checks.into_iter().filter(|(is_good, ..)| !is_good);
        let fields: Vec<FieldError> =
            wrong.map(|(_, field, sentence)| FieldError { field, reason: "malformed", sentence: sentence.to_owned() }).collect();
        match url {
            Some(url) if fields.is_empty() => Ok(OwnBucket {
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

impl OwnBucket {
    /// Such as `https://s3.example.com`.
    pub(crate) fn endpoint(&self) -> String {
        self.bucket.endpoint.origin().ascii_serialization()
    }
}

fn endpoint_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= 300)?;
    let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_asked = matches!(check(&url, &Allowed::default()), Ok(()) | Err(Refused::Address(_)));
    let is_host = match url.host()? {
        Host::Domain(host) => host.len() <= 253 && host.split('.').all(|it| is_name(it, 1, "-")),
        Host::Ipv4(address) => !address.is_unspecified(),
        Host::Ipv6(address) => !address.is_unspecified(),
    };
    (is_origin && is_asked && is_host).then_some(url)
}

/// Small letters, digits, and in between also these.
fn is_name(text: &str, least: usize, between: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
    (least..=63).contains(&text.len())
        && text.starts_with(is_plain)
        && text.ends_with(is_plain)
        && text.chars().all(|it| is_plain(it) || between.contains(it))
}

/// Whatever a store may have, and no path of a disk's.
fn is_prefix(text: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control);
    text.is_empty() || (text.len() <= 500 && text.split('/').all(is_part))
}

fn is_key(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_graphic())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn asked(endpoint: &str) -> BucketRequest {
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

    /// The fields that are refused.
    pub(crate) fn named<T>(result: Result<T, Error>) -> Vec<&'static str> {
        match result {
            Err(Error::Invalid { fields }) => fields.into_iter().map(|it| it.field).collect(),
            _ => vec![],
        }
    }

    #[test]
    fn what_is_typed_is_parsed() {
        let own = asked("https://S3.example.com/").parse().unwrap();
        assert_eq!((own.endpoint().as_str(), own.prefix.as_str()), ("https://s3.example.com", "mastodon/birds"));
        assert_eq!(own.bucket.access_key_id, "AKIA");
        assert!(!format!("{own:?} {:?}", asked("x")).contains("s3cr3t"), "no secret is shown");
        let other = BucketRequest { region: " ".to_owned(), prefix: "My backups/é".to_owned(), ..asked("https://s3.example.com:9000") };
        let other = other.parse().unwrap();
        assert_eq!((other.bucket.region.as_str(), other.endpoint().as_str()), ("us-east-1", "https://s3.example.com:9000"));
        assert!(asked("https://10.0.0.1").parse().is_ok(), "whoever connects knows what is excepted");
    }

    #[test]
    fn each_field_that_is_wrong_is_named() {
        for wrong in [
            "",
            "s3.example.com",
            "http://s3.example.com",
            "https://s3.example.com:25",
            "https://s3.example.com/bucket",
            "https://s3.example.com?x",
            "https://a@s3.example.com",
            "https://s3..com",
        ] {
            assert_eq!(named(asked(wrong).parse()), ["bucket.endpoint"], "{wrong}");
        }
        let good = || asked("https://s3.example.com");
        for (wrong, field) in [
            (BucketRequest { region: "eu central".to_owned(), ..good() }, "bucket.region"),
            (BucketRequest { bucket: "../x".to_owned(), ..good() }, "bucket.bucket"),
            (BucketRequest { prefix: "a/../b".to_owned(), ..good() }, "bucket.prefix"),
            (BucketRequest { access_key_id: String::new(), ..good() }, "bucket.access_key_id"),
            (BucketRequest { secret_access_key: "two lines\nof it".into(), ..good() }, "bucket.secret_access_key"),
        ] {
            assert_eq!(named(wrong.parse()), [field]);
        }
        assert_eq!(named(BucketRequest::default().parse()).len(), 4, "all at once, but for region and prefix, which may be empty");
    }
}
