//! What the gateway is told: where to listen, and which object store is where.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use url::Url;

use crate::GatewayError;

#[derive(Debug, Clone)]
pub struct MediaSettings {
    pub listen: SocketAddr,
    pub(crate) object_stores: BTreeMap<String, Url>,
    pub limits: Limits,
}

/// How long an object store may keep a client waiting.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub connect: Duration,
    /// From the request to the answer's first byte.
    pub first_byte: Duration,
    /// Between two pieces of a body.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), first_byte: Duration::from_secs(20), idle: Duration::from_secs(30) }
    }
}

impl MediaSettings {
    /// `object_stores` as on the command line, each `NAME=http(s)://host[:port]`, the name as in `spec.objectStorage.store`.
    pub fn new(listen: SocketAddr, object_stores: &[String]) -> Result<Self, GatewayError> {
        let mut stores = BTreeMap::new();
        for text in object_stores {
            let (name, endpoint) = parse(text).ok_or_else(|| GatewayError::ObjectStore { text: text.clone() })?;
            if stores.insert(name.clone(), endpoint).is_some() {
                return Err(GatewayError::Twice { name });
            }
        }
        Ok(Self { listen, object_stores: stores, limits: Limits::default() })
    }
}

fn parse(text: &str) -> Option<(String, Url)> {
    let (name, endpoint) = text.split_once('=')?;
    let endpoint = Url::parse(endpoint).ok()?;
    let bare =
        endpoint.username().is_empty() && endpoint.password().is_none() && endpoint.query().is_none() && endpoint.fragment().is_none();
    let good = matches!(endpoint.scheme(), "http" | "https") && endpoint.has_host() && endpoint.path() == "/" && bare;
    (good && !name.is_empty()).then(|| (name.to_owned(), endpoint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stores(texts: &[&str]) -> Result<MediaSettings, GatewayError> {
        let texts: Vec<_> = texts.iter().map(|it| (*it).to_owned()).collect();
        MediaSettings::new(([127, 0, 0, 1], 0).into(), &texts)
    }

    #[test]
    fn object_stores_by_name() {
        let settings = stores(&["main=http://10.0.0.1:8333", "other=https://s3.example.org/"]).expect("two stores");
        assert_eq!(settings.object_stores["main"].as_str(), "http://10.0.0.1:8333/");
        for bad in
            ["main", "main=", "=http://s3", "main=s3.example.org", "main=ftp://s3", "main=http://key:secret@s3", "main=http://s3/path"]
        {
            assert!(matches!(stores(&[bad]), Err(GatewayError::ObjectStore { .. })), "{bad}");
        }
        assert!(matches!(stores(&["a=http://x", "a=http://y"]), Err(GatewayError::Twice { .. })));
    }
}
