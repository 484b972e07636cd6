//! Links to one request each, signed by AWS Signature Version 4 in their query. Whoever has one can do that request, and no other.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use url::Url;

use super::{S3BundlesSettings, error};
use crate::ports::BundlesError;

pub(super) struct Signer {
    endpoint: Url,
    region: String,
    bucket: String,
    keys: Credentials,
}

impl Signer {
    pub(super) fn new(settings: &S3BundlesSettings) -> Self {
        Self {
            endpoint: settings.endpoint.clone(),
            region: settings.region.clone(),
            bucket: settings.bucket.clone(),
            keys: Credentials::new(&settings.access_key_id, settings.secret_access_key.expose_secret(), None, None, "howdah"),
        }
    }

    pub(super) fn origin(&self) -> String {
        self.endpoint.origin().ascii_serialization()
    }

    /// `key`: empty for the bucket itself. `length`: of the body, to the byte; a request with another is refused by the store.
    pub(super) fn link(
        &self,
        method: &Method,
        key: &str,
        query: &[(&str, &str)],
        length: Option<u64>,
        valid: Duration,
    ) -> Result<Url, BundlesError> {
        self.link_at(method, key, query, length, valid, SystemTime::now())
    }

    fn link_at(
        &self,
        method: &Method,
        key: &str,
        query: &[(&str, &str)],
        length: Option<u64>,
        valid: Duration,
        now: SystemTime,
    ) -> Result<Url, BundlesError> {
        let mut url = self.url(key, query)?;
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(valid);
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let identity = self.keys.clone().into();
        let parameters = v4::SigningParams::builder().identity(&identity).region(&self.region).name("s3").time(now).settings(settings);
        let parameters = parameters.build().map_err(error)?.into();
        let length = length.map(|it| it.to_string());
        let headers = length.iter().map(|it| ("content-length", it.as_str()));
        let signable = SignableRequest::new(method.as_str(), url.as_str(), headers, SignableBody::UnsignedPayload).map_err(error)?;
        let (instructions, _) = sign(signable, &parameters).map_err(error)?.into_parts();
        let (_, added) = instructions.into_parts();
        let added = added.iter().map(|(name, value)| format!("{name}={}", encode(value, false)));
        let whole: Vec<String> = url.query().filter(|it| !it.is_empty()).map(str::to_owned).into_iter().chain(added).collect();
        url.set_query(Some(&whole.join("&")));
        Ok(url)
    }

    fn url(&self, key: &str, query: &[(&str, &str)]) -> Result<Url, BundlesError> {
        let base = self.endpoint.path().trim_end_matches('/');
        let path = if key.is_empty() { format!("{base}/{}", self.bucket) } else { format!("{base}/{}/{}", self.bucket, encode(key, true)) };
        let mut url = self.endpoint.clone();
        url.set_path(&path);
        // A URL resolves `..`, even when encoded: such a request would be about another object.
        if url.path() != path {
            return Err(BundlesError(format!("`{key}` is no key that a link could lead to")));
        }
        let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{}={}", encode(name, false), encode(value, false))).collect();
        if !pairs.is_empty() {
            url.set_query(Some(&pairs.join("&")));
        }
        Ok(url)
    }
}

/// Percent-encodes as the signature's specification wants it: all but unreserved characters.
fn encode(text: &str, keeps_slashes: bool) -> String {
    const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    const WITH_SLASHES: &AsciiSet = &UNRESERVED.remove(b'/');
    utf8_percent_encode(text, if keeps_slashes { WITH_SLASHES } else { UNRESERVED }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification: DOC of S3, "Authenticating Requests: Using Query Parameters".
    #[test]
    fn a_link_is_signed_as_the_specification_has_it() {
        let signer = Signer {
            endpoint: Url::parse("https://examplebucket.s3.amazonaws.com").unwrap(),
            region: "us-east-1".to_owned(),
            bucket: "b".to_owned(),
            keys: Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None, None, "example"),
        };
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600);
        let link =
            signer.link_at(&Method::PUT, "imports/a b/é.png", &[("partNumber", "7")], Some(5), Duration::from_secs(900), at).unwrap();
        let pairs: std::collections::BTreeMap<String, String> = link.query_pairs().into_owned().collect();
        assert_eq!(link.path(), "/b/imports/a%20b/%C3%A9.png");
        assert_eq!(pairs["X-Amz-SignedHeaders"], "content-length;host", "a body of another length is refused");
        assert_eq!((pairs["X-Amz-Expires"].as_str(), pairs["partNumber"].as_str()), ("900", "7"));
        assert_eq!(pairs["X-Amz-Credential"], "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request");
        let other =
            signer.link_at(&Method::PUT, "imports/a b/é.png", &[("partNumber", "7")], Some(6), Duration::from_secs(900), at).unwrap();
        assert_ne!(link, other);
        assert!(signer.link_at(&Method::PUT, "imports/../x", &[], None, Duration::from_secs(1), at).is_err());
    }
}
