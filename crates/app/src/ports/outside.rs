//! The world as others see it: public DNS, and the server's address over HTTPS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

/// All that is said of a name's addresses, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameRecords {
    /// False: there is no such name, of no kind.
    pub exists: bool,
    /// The chain of aliases, in its order.
    pub cname: Vec<String>,
    pub v4: Vec<Ipv4Addr>,
    pub v6: Vec<Ipv6Addr>,
    /// For how many seconds this may still be said, whatever was changed meanwhile.
    pub ttl: Option<u32>,
}

/// What a GET was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Where it redirects to; nobody follows.
    pub location: Option<String>,
    /// By a cache on the way, from memory: it says nothing about now.
    pub is_cached: bool,
    /// At most 64 KiB.
    pub body: Vec<u8>,
}

pub trait Outside: Send + Sync {
    /// The texts of a name's TXT records; none where the name doesn't exist.
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, OutsideError>>;

    /// None where the name doesn't exist.
    fn addresses<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Addresses, OutsideError>>;

    /// As [`Self::addresses`], each kind by itself: both have to be answered.
    fn records<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<NameRecords, OutsideError>>;

    /// Whom the CAA records of exactly this name let issue certificates; `None` where no record says anything of that.
    fn caa<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<String>>, OutsideError>>;

    /// `https://<host><path>`, asked at exactly this address. One that is neither public nor our own ingress' is not connected
    /// to: the names are customers', and what lies behind them may be anything.
    fn get<'a>(&'a self, address: IpAddr, host: &'a str, path: &'a str) -> BoxFuture<'a, Result<Answer, OutsideError>>;
}
