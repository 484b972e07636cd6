//! The exceptions: networks that may be reached though they are not the public internet's.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::is_public;

/// Where connections may lead: the public internet, and these networks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed(Vec<Network>);

impl Allowed {
    #[must_use]
    pub const fn also(networks: Vec<Network>) -> Self {
        Self(networks)
    }

    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        is_public(address) || self.0.iter().any(|it| it.has(address))
    }
}

/// A network, `10.1.0.0/16`, or one address of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network: write 10.1.0.0/16, 2001:db8::/32, or one address")]
pub struct NoNetwork(String);

impl Network {
    fn has(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                prefix(own.to_bits().into(), 32, self.bits) == prefix(other.to_bits().into(), 32, self.bits)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => prefix(own.to_bits(), 128, self.bits) == prefix(other.to_bits(), 128, self.bits),
            _ => false,
        }
    }
}

/// The first `bits` of so many.
const fn prefix(address: u128, width: u32, bits: u32) -> u128 {
    if bits == 0 { 0 } else { address >> (width - bits) }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let wrong = || NoNetwork(text.to_owned());
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), |it| it.parse().map_err(|_| wrong()))?;
        if bits <= width { Ok(Self { address, bits }) } else { Err(wrong()) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_is_excepted() {
        let allowed = Allowed::also(["10.1.0.0/16", "192.168.7.9", "fd00:7::/32"].map(|it| it.parse().unwrap()).to_vec());
        let has = |text: &str| allowed.has(text.parse().unwrap());
        for address in ["10.1.255.1", "::ffff:10.1.0.1", "192.168.7.9", "fd00:7:1::1", "1.1.1.1"] {
            assert!(has(address), "{address}");
        }
        for address in ["10.2.0.1", "192.168.7.8", "fd00:8::1", "127.0.0.1", "::1", "169.254.169.254"] {
            assert!(!has(address), "{address}");
        }
        assert!(!Allowed::default().has("10.1.0.1".parse().unwrap()));
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "x/8", "10.0.0.0/", "fd00::/129"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
