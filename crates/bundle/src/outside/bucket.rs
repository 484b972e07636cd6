//! A bucket of somebody else's, tried out: a small file is put, read back and deleted, and what fails is told by its cause.

use std::error::Error as StdError;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::Either;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStoreExt as _, RetryConfig};
use reqwest::{Certificate, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use super::guard::{Unresolved, causes};
use super::{Connector, Guard, Refused, check};

const PATIENCE: Duration = Duration::from_secs(20);
/// More is not read of why.
const LONGEST_REFUSAL: usize = 64 << 10;
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
            .with_http_connector(Trial(Connector(guard.client(authorities)?)));
        Ok(builder.build()?)
    }
}

async fn try_at(store: &AmazonS3, key: &Path) -> Result<(), Trouble> {
    store.put(key, CONTENT.into()).await.map_err(|error| cause(&error, Step::Put))?;
    let found = store.get(key).await.map_err(|error| cause(&error, Step::Get))?;
    // No more is read than was put.
    let is_as_long = found.meta.size == CONTENT.len() as u64;
    if !is_as_long || found.bytes().await.map_err(|error| cause(&error, Step::Get))? != CONTENT {
        return Err(Trouble::Lost);
    }
    store.delete(key).await.map_err(|error| cause(&error, Step::Delete))
}

/// By the types of what kept it from being asked, and by the store's own code.
fn cause(error: &object_store::Error, step: Step) -> Trouble {
    for it in causes(error) {
        if let Some(refused) = it.downcast_ref::<Refused>() {
            return Trouble::Refused(refused.clone());
        }
        if let Some(answered) = it.downcast_ref::<Answered>() {
            return answered.told(step);
        }
        if it.is::<Unresolved>() {
            return Trouble::Name;
        }
        if it.is::<rustls::Error>() {
            return Trouble::Tls;
        }
    }
    Trouble::Away
}

/// A refusal of the store's.
#[derive(Debug, thiserror::Error)]
#[error("it answered {status}")]
struct Answered {
    status: StatusCode,
    says: Says,
}

/// What is in the body of one, where the store is S3's: `<Error><Code>…</Code></Error>`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Says {
    code: Option<String>,
    /// The one that it should have been signed for.
    region: Option<String>,
}

impl Answered {
    async fn of(response: HttpResponse) -> Self {
        let mut response = Response::from(response.map(reqwest::Body::wrap));
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_REFUSAL {
                break;
            }
        }
        let says = std::str::from_utf8(&body).ok().and_then(|it| quick_xml::de::from_str(it).ok());
        Self { status: response.status(), says: says.unwrap_or_default() }
    }

    fn told(&self, step: Step) -> Trouble {
        match (self.says.code.as_deref().map(str::trim), self.status.as_u16()) {
            (Some("AuthorizationHeaderMalformed"), _) if self.says.region.is_some() => Trouble::Region,
            (Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AuthorizationHeaderMalformed" | "InvalidToken"), _) => Trouble::Keys,
            (Some("PermanentRedirect" | "TemporaryRedirect" | "IllegalLocationConstraintException"), _) => Trouble::Region,
            (Some("NoSuchBucket"), _) => Trouble::Bucket,
            (Some("NoSuchKey"), _) => Trouble::Lost,
            (Some("AccessDenied" | "AllAccessDisabled" | "AccountProblem"), _) => Trouble::Rights(step),
            (Some(code), _) => Trouble::Answer(shown(code)),
            (None, 401 | 403) => Trouble::Rights(step),
            (None, 301 | 307 | 308) => Trouble::Region,
            (None, 404) => Trouble::Bucket,
            (None, status) => Trouble::Answer(status.to_string()),
        }
    }
}

/// A guarded client whose refusals come as errors of their own type, which `object_store` hides otherwise.
#[derive(Debug, Clone)]
struct Trial(Connector);

impl HttpConnector for Trial {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Trial {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let response = self.0.call(request).await?;
        match response.status().is_success() {
            true => Ok(response),
            false => Err(HttpError::new(HttpErrorKind::Unknown, Answered::of(response).await)),
        }
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
