//! Public DNS by resolvers of the settings, and HTTPS to one address in a host's name.
//!
//! The names are customers': only the ingress' own addresses and public ones are ever connected to. Nothing is cached, no
//! redirect is followed, no proxy is used, and every answer has a bound in time and size.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::xfer::DnsHandle;
use hickory_resolver::proto::op::{DnsRequestOptions, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name as DnsName, RData, Record, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use howdah_bundle::outside::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{AGE, CACHE_CONTROL, LOCATION};

use crate::error::chain;
use crate::ports::outside::{Addresses, Answer, NameRecords, Outside, OutsideError};

const PATIENCE: Duration = Duration::from_secs(5);
const MAX_BODY: usize = 64 * 1024;
const MAX_TEXTS: usize = 50;
const MAX_RECORDS: usize = 50;
/// Clients that are kept: the ingress' and those of the networks that customers put before it.
const MAX_CLIENTS: usize = 256;

type Resolver = NameServerPool<TokioRuntimeProvider>;

/// Where the outside is looked at from.
#[derive(Clone, Debug, Default)]
pub struct OutsideSettings {
    /// Recursive resolvers that see what the public sees; this machine's own where there are none.
    pub resolvers: Vec<SocketAddr>,
    /// Where our clusters' ingress is reached.
    pub ingress_addresses: Vec<IpAddr>,
    /// Certificates in PEM that are trusted besides the public ones: of a private network or a development stack.
    pub extra_ca: Option<Vec<u8>>,
}

pub struct PublicOutside {
    resolver: Resolver,
    ours: BTreeSet<IpAddr>,
    extra_ca: Vec<reqwest::Certificate>,
    /// One an address: it connects nowhere else.
    clients: Mutex<BTreeMap<IpAddr, reqwest::Client>>,
}

#[derive(Debug, thiserror::Error)]
pub enum OutsideSetupError {
    #[error("the resolvers for looks from outside cannot be used")]
    Resolver(#[source] NetError),
    #[error("the HTTPS client for looks from outside cannot be built")]
    Http(#[source] reqwest::Error),
}

impl PublicOutside {
    /// # Errors
    /// [`OutsideSetupError`].
    pub fn new(settings: &OutsideSettings) -> Result<Self, OutsideSetupError> {
        let extra_ca = match &settings.extra_ca {
            Some(pem) => reqwest::Certificate::from_pem_bundle(pem).map_err(OutsideSetupError::Http)?,
            None => Vec::new(),
        };
        let outside = Self {
            resolver: resolver(&settings.resolvers).map_err(OutsideSetupError::Resolver)?,
            ours: settings.ingress_addresses.iter().copied().collect(),
            extra_ca,
            clients: Mutex::default(),
        };
        for address in &settings.ingress_addresses {
            outside.client(*address).map_err(OutsideSetupError::Http)?;
        }
        Ok(outside)
    }

    fn client(&self, address: IpAddr) -> reqwest::Result<reqwest::Client> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&address) {
            return Ok(client.clone());
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .https_only(true)
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE)
            .pool_max_idle_per_host(0)
            .user_agent("Howdah (looks whether this server answers)")
            .tls_certs_merge(self.extra_ca.clone())
            .dns_resolver(Arc::new(Only(address)))
            .build()?;
        if clients.len() >= MAX_CLIENTS {
            clients.clear();
        }
        clients.insert(address, client.clone());
        Ok(client)
    }
}

/// The name servers themselves, without the library's resolver before them: that one keeps answers, and answers for some names
/// (`….localhost`) without asking anybody.
fn resolver(addresses: &[SocketAddr]) -> Result<Resolver, NetError> {
    let server = |address: &SocketAddr| {
        let on_port = |mut connection: ConnectionConfig| {
            connection.port = address.port();
            connection
        };
        let connections = vec![on_port(ConnectionConfig::udp()), on_port(ConnectionConfig::tcp())];
        NameServerConfig::new(address.ip(), true, connections)
    };
    let servers: Vec<NameServerConfig> = if addresses.is_empty() {
        hickory_resolver::system_conf::read_system_conf()?.0.name_servers().to_vec()
    } else {
        addresses.iter().map(server).collect()
    };
    let mut options = ResolverOpts::default();
    options.timeout = Duration::from_secs(2);
    options.attempts = 2;
    let context = Arc::new(PoolContext::new(options, TlsConfig::new()?));
    Ok(NameServerPool::from_config(servers, context, TokioRuntimeProvider::default()))
}

/// Every name leads to this address.
struct Only(IpAddr);

impl Resolve for Only {
    fn resolve(&self, _: Name) -> Resolving {
        let address = SocketAddr::new(self.0, 0);
        Box::pin(async move { Ok(Box::new(std::iter::once(address)) as Addrs) })
    }
}

/// Whether the name exists, and its records of that kind with those that lead to them.
async fn ask(resolver: &Resolver, name: &str, kind: RecordType) -> Result<(bool, Vec<Record>), OutsideError> {
    let failed = |error: &dyn std::fmt::Display| OutsideError(format!("{kind} of {name}: {error}"));
    let asked = DnsName::from_ascii(format!("{}.", name.trim_end_matches('.'))).map_err(|error| failed(&error))?;
    let asking = async { resolver.lookup(Query::query(asked, kind), DnsRequestOptions::default()).next().await };
    let answer = tokio::time::timeout(PATIENCE, asking).await.map_err(|_| failed(&"no answer in time"))?;
    match answer {
        Some(Ok(answer)) => match answer.metadata.response_code {
            ResponseCode::NoError => Ok((true, answer.answers.clone())),
            ResponseCode::NXDomain => Ok((false, answer.answers.clone())),
            code => Err(failed(&code)),
        },
        Some(Err(error)) if error.is_no_records_found() => Ok((!error.is_nx_domain(), Vec::new())),
        Some(Err(error)) => Err(failed(&error)),
        None => Err(failed(&"no answer")),
    }
}

async fn lookup(resolver: &Resolver, name: &str, kind: RecordType) -> Result<Vec<RData>, OutsideError> {
    let (_, found) = ask(resolver, name, kind).await?;
    Ok(found.into_iter().map(|it| it.data).collect())
}

async fn records(resolver: &Resolver, name: &str) -> Result<NameRecords, OutsideError> {
    let (v4, v6) = futures::join!(ask(resolver, name, RecordType::A), ask(resolver, name, RecordType::AAAA));
    let ((has_v4, v4), (has_v6, v6)) = (v4?, v6?);
    let mut seen = NameRecords { exists: has_v4 || has_v6, ..NameRecords::default() };
    for record in v4.into_iter().chain(v6).take(MAX_RECORDS) {
        seen.ttl = Some(seen.ttl.unwrap_or_default().max(record.ttl));
        match record.data {
            RData::A(address) => seen.v4.push(address.0),
            RData::AAAA(address) => seen.v6.push(address.0),
            RData::CNAME(alias) => {
                let alias = alias.0.to_utf8().trim_end_matches('.').to_ascii_lowercase();
                if !seen.cname.contains(&alias) {
                    seen.cname.push(alias);
                }
            }
            _ => {}
        }
    }
    Ok(seen)
}

async fn caa(resolver: &Resolver, name: &str) -> Result<Option<Vec<String>>, OutsideError> {
    let found = lookup(resolver, name, RecordType::CAA).await?;
    let mut issuers = None;
    for data in found.iter().take(MAX_RECORDS) {
        if let RData::CAA(caa) = data
            && caa.tag.eq_ignore_ascii_case("issue")
        {
            // Without a name it lets nobody (RFC 8659, 4.2).
            let issuer = caa.value_as_issue().ok().and_then(|(name, _)| name);
            let issuer = issuer.map(|it| it.to_utf8().trim_end_matches('.').to_ascii_lowercase());
            issuers.get_or_insert_with(Vec::new).extend(issuer.filter(|it| !it.is_empty()));
        }
    }
    Ok(issuers)
}

async fn addresses(resolver: &Resolver, name: &str) -> Result<Addresses, OutsideError> {
    let (v4, v6) = futures::join!(lookup(resolver, name, RecordType::A), lookup(resolver, name, RecordType::AAAA));
    // One kind is enough: a resolver may fail for the other.
    let found: Vec<RData> = match (v4, v6) {
        (Err(error), Err(_)) => return Err(error),
        (v4, v6) => v4.into_iter().chain(v6).flatten().collect(),
    };
    let mut seen = Addresses::default();
    for data in found {
        match data {
            RData::A(address) => seen.addresses.push(IpAddr::V4(address.0)),
            RData::AAAA(address) => seen.addresses.push(IpAddr::V6(address.0)),
            RData::CNAME(alias) => {
                let alias = alias.0.to_utf8().trim_end_matches('.').to_owned();
                if !seen.cname.contains(&alias) {
                    seen.cname.push(alias);
                }
            }
            _ => {}
        }
    }
    Ok(seen)
}

impl Outside for PublicOutside {
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, OutsideError>> {
        Box::pin(async move {
            let found = lookup(&self.resolver, name, RecordType::TXT).await?;
            let texts = found.iter().filter_map(|it| match it {
                RData::TXT(txt) => Some(txt.txt_data.iter().map(|it| String::from_utf8_lossy(it)).collect::<String>()),
                _ => None,
            });
            Ok(texts.take(MAX_TEXTS).collect())
        })
    }

    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Addresses, OutsideError>> {
        Box::pin(addresses(&self.resolver, name))
    }

    fn records<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<NameRecords, OutsideError>> {
        Box::pin(records(&self.resolver, name))
    }

    fn caa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<String>>, OutsideError>> {
        Box::pin(caa(&self.resolver, name))
    }

    fn get<'a>(&'a self, address: IpAddr, host: &'a str, path: &'a str) -> BoxFuture<'a, Result<Answer, OutsideError>> {
        Box::pin(async move {
            if !(self.ours.contains(&address) || is_public(address)) {
                return Err(OutsideError(format!("{address} is no address of the public internet")));
            }
            let failed = |error: reqwest::Error| OutsideError(chain(&error));
            let client = self.client(address).map_err(failed)?;
            let mut response =
                client.get(format!("https://{host}{path}")).header(CACHE_CONTROL, "no-cache").send().await.map_err(failed)?;
            let header = |name| response.headers().get(name).and_then(|it| it.to_str().ok()).map(str::to_owned);
            let (location, age) = (header(LOCATION), header(AGE));
            let is_cached = age.is_some_and(|it| it.trim() != "0");
            let mut body = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                body.extend_from_slice(&chunk);
                if body.len() > MAX_BODY {
                    return Err(OutsideError(format!("the answer is longer than {MAX_BODY} bytes")));
                }
            }
            Ok(Answer { status: response.status().as_u16(), location, is_cached, body })
        })
    }
}
