//! How an S3 service is reached, by whatever names it: the usual variables, or a server's environment.
//!
//! Two clients go by it. A place of bundles has `object_store`'s, for uploads in parts and copies within a bucket; a media store sends requests of its
//! own (`media::store` says why: listings with odd keys, what a store asks to wait, ACLs, digests that are known), so that neither can take the other's part.

use std::{fs, path::Path};

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use secrecy::SecretString;
use url::Url;

/// Where it is `true`, a bucket is asked at its own host even where an endpoint is given.
const VIRTUAL_HOSTED: &str = "AWS_VIRTUAL_HOSTED_STYLE_REQUEST";

/// A service, and who asks.
#[derive(Debug, Clone)]
pub struct S3Settings {
    /// Without the bucket (`AWS_ENDPOINT_URL`, `S3_ENDPOINT`); absent for AWS itself. Plain http only if it says so.
    pub endpoint: Option<Url>,
    pub region: String,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<SecretString>,
    /// Authorities that are trusted instead of the system's, PEM.
    pub ca: Option<Vec<u8>>,
    /// `https://host/bucket/key`, and not `https://bucket.host/key`. By default so where an endpoint is given.
    pub path_style: bool,
}

/// A bucket that holds a server's media.
#[derive(Debug, Clone)]
pub struct BucketSettings {
    pub service: S3Settings,
    pub bucket: String,
    /// `S3_KEY_PREFIX`: before every key, with a `/` between; empty for none.
    pub key_prefix: String,
    /// `S3_PERMISSION`: what the store's objects may be, such as `public-read`; absent where it knows no ACLs. Told of what is read, and
    /// asked for what is put.
    pub acl: Option<String>,
}

/// A variable that says something which can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct SettingError {
    pub variable: &'static str,
    pub problem: String,
}

impl SettingError {
    pub(crate) fn new(variable: &'static str, problem: impl Into<String>) -> Self {
        Self { variable, problem: problem.into() }
    }
}

impl S3Settings {
    /// From the usual variables.
    ///
    /// # Errors
    /// [`SettingError`].
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let given = |name: &'static str| variable(name).filter(|it| !it.is_empty());
        let needed = |name| given(name).ok_or_else(|| SettingError::new(name, "it is needed for a place in S3, and is not set"));
        let endpoint = given("AWS_ENDPOINT_URL").map(|it| endpoint(&it)).transpose()?;
        Ok(Self {
            path_style: endpoint.is_some() && given(VIRTUAL_HOSTED).is_none_or(|it| it != "true"),
            endpoint,
            region: given("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned()),
            access_key_id: needed("AWS_ACCESS_KEY_ID")?,
            secret_access_key: needed("AWS_SECRET_ACCESS_KEY")?.into(),
            session_token: given("AWS_SESSION_TOKEN").map(Into::into),
            ca: given("AWS_CA_BUNDLE").map(|it| authorities(Path::new(&it))).transpose()?,
        })
    }
}

fn authorities(path: &Path) -> Result<Vec<u8>, SettingError> {
    let wrong = |problem: String| SettingError::new("AWS_CA_BUNDLE", format!("{}: {problem}", path.display()));
    let pem = fs::read(path).map_err(|it| wrong(it.to_string()))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|it| wrong(it.to_string()))?;
        store.add(certificate).map_err(|it| wrong(it.to_string()))?;
    }
    if store.is_empty() { Err(wrong("it holds no certificate in PEM".to_owned())) } else { Ok(pem) }
}

fn endpoint(text: &str) -> Result<Url, SettingError> {
    let wrong = |problem: String| SettingError::new("AWS_ENDPOINT_URL", format!("`{text}` is no URL{problem}"));
    let url = Url::parse(text).map_err(|it| wrong(format!(": {it}")))?;
    match url.scheme() {
        "https" | "http" if url.has_host() => Ok(url),
        _ => Err(wrong(" that begins with https:// or http://".to_owned())),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub fn from(pairs: &[(&str, &str)]) -> Result<S3Settings, SettingError> {
        S3Settings::from_variables(|name| pairs.iter().find(|it| it.0 == name).map(|it| it.1.to_owned()))
    }

    pub const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];

    #[test]
    fn settings_come_from_the_usual_variables() {
        let aws = from(&KEYS).unwrap();
        assert_eq!((aws.endpoint, aws.region.as_str(), aws.path_style), (None, "us-east-1", false));
        let own = from(&[KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", "http://127.0.0.1:8333"), ("AWS_REGION", "x")]).unwrap();
        assert_eq!((own.endpoint.unwrap().as_str(), own.region.as_str(), own.path_style), ("http://127.0.0.1:8333/", "x", true));

        let hosted = from(&[KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", "https://s3.example.com"), (VIRTUAL_HOSTED, "true")]).unwrap();
        assert!(!hosted.path_style);

        for wrong in ["127.0.0.1:8333", "ftp://x", "s3.example.org"] {
            let refused = from(&[KEYS[0], KEYS[1], ("AWS_ENDPOINT_URL", wrong)]).unwrap_err().to_string();
            assert!(refused.starts_with("AWS_ENDPOINT_URL: ") && refused.contains(wrong), "{refused}");
        }
        let refused = from(&KEYS[..1]).unwrap_err().to_string();
        assert_eq!(refused, "AWS_SECRET_ACCESS_KEY: it is needed for a place in S3, and is not set");
        let damaged = tempfile::NamedTempFile::new().unwrap();
        fs::write(&damaged, "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n").unwrap();
        let damaged = damaged.path().to_str().unwrap();
        let none = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        for (file, why) in [("/nowhere.pem", "/nowhere.pem: "), (none, "no certificate in PEM"), (damaged, damaged)] {
            let refused = from(&[KEYS[0], KEYS[1], ("AWS_CA_BUNDLE", file)]).unwrap_err().to_string();
            assert!(refused.starts_with("AWS_CA_BUNDLE: ") && refused.contains(why), "{refused}");
        }
        assert!(!format!("{:?}", from(&KEYS).unwrap()).contains("secret\""), "no secret is shown");
    }
}
