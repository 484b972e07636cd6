//! The world as others see it: public DNS, and the server's address over HTTPS.

use std::net::IpAddr;

use futures::future::BoxFuture;

/// It could not be found out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OutsideError(pub String);

/// Where a name leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The chain of aliases, in its order.
    pub cname: Vec<String>,
    pub addresses: Vec<IpAddr>,
}

/// What `https://<web domain>/.well-known/nodeinfo` answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Where it redirects to; nobody follows.
    pub location: Option<String>,
    /// At most 64 KiB.
    pub body: Vec<u8>,
}

pub trait Outside: Send + Sync {
    /// The texts of a name's TXT records; none where the name doesn't exist.
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, OutsideError>>;

    /// None where the name doesn't exist.
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Addresses, OutsideError>>;

    /// Asked at our own ingress only, whatever the name leads to by then: no other address is ever connected to.
    fn nodeinfo<'a>(&'a self, web_domain: &'a str) -> BoxFuture<'a, Result<Answer, OutsideError>>;
}
