//! A bucket of somebody else's, tried out: a small file is put, read back and deleted, and what fails is told by its cause.

use std::error::Error as StdError;
use std::time::Duration;

use futures::future::Either;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, RetryConfig};
use reqwest::Certificate;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::{Connector, Guard, Refused, check};

const PATIENCE: Duration = Duration::from_secs(20);
const CONTENT: &[u8] = b"A test of the bucket. It can be deleted.\n";

/// A bucket, and who asks.
#[derive(Debug, Clone)]
pub struct Bucket {
    /// Without the bucket.
    pub endpoint: Url,
    pub region: String,
    pub bucket: String,
    /// `https://bucket.host/key`, and not `https://host/bucket/key`.
    pub virtual_hosted: bool,
    pub access_key_id: String,
    pub secret_access_key: SecretString,
}

/// What was done when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Put,
    Get,
    Delete,
}

/// Why nothing can be written there. None shows a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("{0}")]
    Refused(Refused),
    #[error("its name can't be found in the DNS")]
    Name,
    #[error("its TLS certificate is not one that is trusted, or it speaks no TLS")]
    Tls,
    #[error("it does not answer")]
    Away,
    #[error("it does not know the access key, or the secret key is another one's")]
    Keys,
    #[error("these keys may not {} there", words(*.0))]
    Rights(Step),
    #[error("it has no bucket of this name")]
    Bucket,
    #[error("it is of another region")]
    Region,
    #[error("what was put was not there afterwards")]
    Lost,
    #[error("it answered {0}")]
    Answer(String),
}

const fn words(step: Step) -> &'static str {
    match step {
        Step::Put => "write",
        Step::Get => "read",
        Step::Delete => "delete",
    }
}

impl Bucket {
    /// With the file at this key.
    ///
    /// # Errors
    /// [`Trouble`]. A file that could not be deleted stays there.
    pub async fn try_out(&self, guard: &Guard, authorities: &[Certificate], key: &str) -> Result<(), Trouble> {
        let asked = self.host()?;
        check(&asked, guard.allowed()).map_err(Trouble::Refused)?;
        let store = self.store(&asked, guard, authorities).map_err(|error| Trouble::Answer(shown(&error.to_string())))?;
        let key = Path::parse(key).map_err(|error| Trouble::Answer(shown(&error.to_string())))?;
        let trying = std::pin::pin!(try_at(&store, &key));
        let waiting = std::pin::pin!(tokio::time::sleep(PATIENCE));
        match futures::future::select(trying, waiting).await {
            Either::Left((tried, _)) => tried,
            Either::Right(_) => Err(Trouble::Away),
        }
    }

    /// Where requests go.
    fn host(&self) -> Result<Url, Trouble> {
        let mut url = self.endpoint.clone();
        if self.virtual_hosted {
            let host = format!("{}.{}", self.bucket, url.host_str().unwrap_or_default());
            url.set_host(Some(&host)).map_err(|_| Trouble::Refused(Refused::Host))?;
        }
        Ok(url)
    }

    fn store(&self, asked: &Url, guard: &Guard, authorities: &[Certificate]) -> Result<AmazonS3, Box<dyn StdError>> {
        let once = RetryConfig { max_retries: 0, retry_timeout: PATIENCE, ..RetryConfig::default() };
        let builder = AmazonS3Builder::new()
            .with_endpoint(asked.as_str().trim_end_matches('/'))
            .with_region(&self.region)
            .with_bucket_name(&self.bucket)
            .with_virtual_hosted_style_request(self.virtual_hosted)
            .with_access_key_id(&self.access_key_id)
            .with_secret_access_key(self.secret_access_key.expose_secret())
            .with_disable_bulk_delete(true)
            .with_retry(once)
            .with_http_connector(Connector(guard.client(authorities)?));
        Ok(builder.build()?)
    }
}

async fn try_at(store: &AmazonS3, key: &Path) -> Result<(), Trouble> {
    store.put(key, CONTENT.into()).await.map_err(|error| cause(&error, Step::Put))?;
    let found = async { store.get(key).await?.bytes().await }.await.map_err(|error| cause(&error, Step::Get))?;
    if found != CONTENT {
        return Err(Trouble::Lost);
    }
    store.delete(key).await.map_err(|error| cause(&error, Step::Delete))
}

/// By what the store answered, or by what kept it from being asked.
fn cause(error: &object_store::Error, step: Step) -> Trouble {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(it) = source {
        if let Some(refused) = it.downcast_ref::<Refused>() {
            return Trouble::Refused(refused.clone());
        }
        if it.is::<rustls::Error>() {
            return Trouble::Tls;
        }
        text = format!("{text}: {it}");
        // An I/O error shows what is inside it as itself, and not as its source.
        source = match it.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => it.source(),
        };
    }
    told(&text, step)
}

fn told(text: &str, step: Step) -> Trouble {
    let code = text.split_once("<Code>").and_then(|(_, it)| it.split_once("</Code>")).map(|(code, _)| code.trim());
    match code {
        Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AuthorizationHeaderMalformed" | "InvalidToken")
            if !text.contains("<Region>") =>
        {
            Trouble::Keys
        }
        Some("AuthorizationHeaderMalformed" | "PermanentRedirect" | "IllegalLocationConstraintException") => Trouble::Region,
        Some("NoSuchBucket") => Trouble::Bucket,
        Some("NoSuchKey") => Trouble::Lost,
        Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem") => Trouble::Rights(step),
        Some(code) => Trouble::Answer(shown(code)),
        None if text.contains("dns error") || text.contains("failed to lookup") => Trouble::Name,
        None if text.contains("certificate") || text.contains("TLS") || text.contains("tls") => Trouble::Tls,
        None if text.contains("403") => Trouble::Rights(step),
        None if text.contains("301") || text.contains("307") => Trouble::Region,
        None if text.contains("404") => Trouble::Bucket,
        None if text.contains("status") => Trouble::Answer("with an error that says nothing more".to_owned()),
        None => Trouble::Away,
    }
}

/// What a page can show of a stranger's words.
fn shown(text: &str) -> String {
    text.chars().filter(|it| it.is_ascii_alphanumeric() || *it == ' ').take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::Allowed;

    fn bucket(endpoint: &str) -> Bucket {
        Bucket {
            endpoint: Url::parse(endpoint).unwrap(),
            region: "eu-central-1".to_owned(),
            bucket: "mine".to_owned(),
            virtual_hosted: false,
            access_key_id: "id".to_owned(),
            secret_access_key: "secret".into(),
        }
    }

    #[test]
    fn what_a_store_says_is_told_by_its_cause() {
        let answer =
            |code: &str| told(&format!("Client error with status 403 Forbidden: <Error><Code>{code}</Code></Error>"), Step::Delete);
        assert_eq!(answer("SignatureDoesNotMatch"), Trouble::Keys);
        assert_eq!(answer("InvalidAccessKeyId"), Trouble::Keys);
        assert_eq!(answer("AccessDenied").to_string(), "these keys may not delete there");
        assert_eq!(answer("NoSuchBucket"), Trouble::Bucket);
        assert_eq!(answer("SlowDown<script>").to_string(), "it answered SlowDownscript");
        let region = "400: <Error><Code>AuthorizationHeaderMalformed</Code><Region>us-east-1</Region></Error>";
        assert_eq!(told(region, Step::Put), Trouble::Region);
        assert_eq!(told("client error (Connect): dns error: failed to lookup address information", Step::Put), Trouble::Name);
        assert_eq!(told("client error (Connect): invalid peer certificate: UnknownIssuer", Step::Put), Trouble::Tls);
        assert_eq!(told("operation timed out", Step::Put), Trouble::Away);
    }

    /// By the client's own resolver, whatever the DNS says, and before any resolver where the host is an address itself.
    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_asked() {
        let inside = Guard::asking(Allowed::default(), |_| Box::pin(async { Ok(vec!["10.0.0.7".parse().unwrap()]) }));
        let tried = bucket("https://s3.example.com").try_out(&inside, &[], "test").await;
        assert_eq!(tried, Err(Trouble::Refused(Refused::Name("s3.example.com".to_owned()))));
        let hosted = Bucket { virtual_hosted: true, ..bucket("https://s3.example.com") };
        assert_eq!(hosted.try_out(&inside, &[], "test").await, Err(Trouble::Refused(Refused::Name("mine.s3.example.com".to_owned()))));
        let address = bucket("https://169.254.169.254").try_out(&inside, &[], "test").await;
        assert!(matches!(address, Err(Trouble::Refused(Refused::Address(_)))), "{address:?}");
        let nobody = Guard::asking(Allowed::default(), |_| Box::pin(async { Err(std::io::Error::other("failed to lookup address")) }));
        assert_eq!(bucket("https://s3.example.com").try_out(&nobody, &[], "test").await, Err(Trouble::Name));
    }
}
