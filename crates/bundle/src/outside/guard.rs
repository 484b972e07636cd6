//! The check itself: in the resolver, and of each URL.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use url::{Host, Url};

use super::Allowed;

/// Ports below it are other protocols', spoken to by nobody who serves files.
const PRIVILEGED: u16 = 1024;

/// Why nothing is asked there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("only https:// is fetched, so that nobody on the way reads or changes it")]
    Scheme,
    #[error("a user's name or password in a URL is not used: leave it out")]
    Userinfo,
    #[error("it names no host")]
    Host,
    #[error("port {0} is not one that files are served at: 443, or from 1024 on")]
    Port(u16),
    #[error("{0} is no address of the public internet")]
    Address(IpAddr),
    #[error("`{0}` leads to no address of the public internet")]
    Name(String),
}

/// Nobody knows where it leads.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` can't be found in the DNS")]
pub(super) struct Unresolved {
    name: String,
    source: io::Error,
}

/// Whether it may be asked at all. What a name leads to is not known yet: the client's resolver checks that.
///
/// # Errors
/// [`Refused`].
pub fn check(url: &Url, allowed: &Allowed) -> Result<(), Refused> {
    if url.scheme() != "https" {
        return Err(Refused::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Userinfo);
    }
    match url.port_or_known_default() {
        Some(443 | PRIVILEGED..) => {}
        other => return Err(Refused::Port(other.unwrap_or_default())),
    }
    // The parser has read `0x7f.1` and `2130706433` as the addresses that they are.
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) => return Ok(()),
        None => return Err(Refused::Host),
    };
    if allowed.has(address) { Ok(()) } else { Err(Refused::Address(address)) }
}

/// What a name leads to, by whoever is asked.
pub type Resolved = BoxFuture<'static, io::Result<Vec<IpAddr>>>;
type Ask = Arc<dyn Fn(String) -> Resolved + Send + Sync>;

/// A resolver that gives only addresses where connections may lead.
#[derive(Clone)]
pub struct Guard {
    allowed: Allowed,
    ask: Ask,
}

impl Guard {
    /// Names are looked up as this machine does.
    #[must_use]
    pub fn new(allowed: Allowed) -> Self {
        Self::asking(allowed, |name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|it| it.ip()).collect()) }))
    }

    #[must_use]
    pub fn asking(allowed: Allowed, ask: impl Fn(String) -> Resolved + Send + Sync + 'static) -> Self {
        Self { allowed, ask: Arc::new(ask) }
    }

    #[must_use]
    pub const fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// A client that connects nowhere else, follows no redirect, and speaks https alone. A URL is to be [`check`]ed before it is asked.
    ///
    /// # Errors
    /// `reqwest`'s, where no client can be made.
    pub fn client(&self, authorities: &[Certificate]) -> reqwest::Result<Client> {
        Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .https_only(true)
            .connect_timeout(Duration::from_secs(10))
            // Something that is read for hours; a connection that brings nothing for so long is dead.
            .read_timeout(Duration::from_secs(120))
            .dns_resolver(Arc::new(self.clone()))
            .tls_certs_merge(authorities.iter().cloned())
            .build()
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { allowed, ask } = self.clone();
        Box::pin(async move {
            let name = name.as_str().to_owned();
            let found = ask(name.clone()).await.map_err(|source| Unresolved { name: name.clone(), source })?;
            let public: Vec<SocketAddr> = found.into_iter().filter(|it| allowed.has(*it)).map(|it| SocketAddr::new(it, 0)).collect();
            if public.is_empty() { Err(Refused::Name(name).into()) } else { Ok(Box::new(public.into_iter()) as Addrs) }
        })
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

/// `object_store`'s requests by a guarded client. What the guard refuses is not tried again: it is no trouble of the network's.
#[derive(Debug, Clone)]
pub(crate) struct Connector(pub Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.0.call(request).await.map_err(|error| {
            let refused = causes(&error).find_map(|it| it.downcast_ref::<Refused>()).cloned();
            refused.map_or(error, |it| HttpError::new(HttpErrorKind::Unknown, it))
        })
    }
}

/// An error, what caused it, what caused that. An I/O error shows what is inside it as itself, and not as its source.
pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |it: &&'a (dyn Error + 'static)| {
        let it: &'a (dyn Error + 'static) = *it;
        match it.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => it.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_are_asked_and_that_are_not() {
        let refusal = |text: &str| check(&Url::parse(text).unwrap(), &Allowed::default()).err().map(|it| it.to_string());
        for good in
            ["https://birds.example/b.tar", "https://birds.example:8443/b.tar?x=1", "https://1.1.1.1/b.tar", "https://[2606:4700::1]/b"]
        {
            assert_eq!(refusal(good), None, "{good}");
        }
        for (bad, why) in [
            ("http://birds.example/b.tar", "only https"),
            ("ftp://birds.example/b.tar", "only https"),
            ("file:///etc/passwd", "only https"),
            ("https://ada@birds.example/", "password in a URL"),
            ("https://:x@birds.example/", "password in a URL"),
            ("https://birds.example@127.0.0.1/", "password in a URL"),
            ("https://birds.example:22/", "port 22"),
            ("https://birds.example:80/", "port 80"),
            ("https://127.0.0.1/", "127.0.0.1 is no address"),
            ("https://2130706433/", "127.0.0.1 is no address"),
            ("https://0x7f.1/", "127.0.0.1 is no address"),
            ("https://0177.0.0.1/", "127.0.0.1 is no address"),
            ("https://127.1/", "127.0.0.1 is no address"),
            ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
            ("https://[::1]/", "::1 is no address"),
            ("https://[::ffff:10.0.0.1]/", "is no address"),
            ("https://[fd00:ec2::254]/", "is no address"),
            ("https://[fe80::1]/", "is no address"),
            ("https://10.0.0.1:8443/", "10.0.0.1"),
            ("https://100.64.0.1/", "100.64.0.1"),
            ("https://0/", "0.0.0.0"),
        ] {
            assert!(refusal(bad).is_some_and(|it| it.contains(why)), "{bad}: {:?}", refusal(bad));
        }
    }
}
