//! Networks that people put before their servers, by the addresses that they publish.

use std::net::IpAddr;

/// (network, bits, who), as <https://www.cloudflare.com/ips/> and <https://api.fastly.com/public-ip-list> list them. One that is
/// missing here is still told by what answers behind it.
const KNOWN: [(&str, u8, &str); 25] = [
    ("103.21.244.0", 22, "Cloudflare"),
    ("103.22.200.0", 22, "Cloudflare"),
    ("103.31.4.0", 22, "Cloudflare"),
    ("104.16.0.0", 13, "Cloudflare"),
    ("104.24.0.0", 14, "Cloudflare"),
    ("108.162.192.0", 18, "Cloudflare"),
    ("131.0.72.0", 22, "Cloudflare"),
    ("141.101.64.0", 18, "Cloudflare"),
    ("162.158.0.0", 15, "Cloudflare"),
    ("172.64.0.0", 13, "Cloudflare"),
    ("173.245.48.0", 20, "Cloudflare"),
    ("188.114.96.0", 20, "Cloudflare"),
    ("190.93.240.0", 20, "Cloudflare"),
    ("197.234.240.0", 22, "Cloudflare"),
    ("198.41.128.0", 17, "Cloudflare"),
    ("2400:cb00::", 32, "Cloudflare"),
    ("2405:8100::", 32, "Cloudflare"),
    ("2405:b500::", 32, "Cloudflare"),
    ("2606:4700::", 32, "Cloudflare"),
    ("2803:f800::", 32, "Cloudflare"),
    ("2a06:98c0::", 29, "Cloudflare"),
    ("2c0f:f248::", 32, "Cloudflare"),
    ("151.101.0.0", 16, "Fastly"),
    ("199.232.0.0", 16, "Fastly"),
    ("2a04:4e40::", 32, "Fastly"),
];

/// Whose proxy has this address.
pub(super) fn proxy_at(address: IpAddr) -> Option<&'static str> {
    KNOWN.iter().find(|(network, bits, _)| network.parse().is_ok_and(|it| is_in(address, it, *bits))).map(|(.., who)| *who)
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => (address.to_bits() ^ network.to_bits()) >> (32 - u32::from(bits)) == 0,
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits() ^ network.to_bits()) >> (128 - u32::from(bits)) == 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_one() {
        for (network, bits, who) in KNOWN {
            let network: IpAddr = network.parse().unwrap();
            assert_eq!(proxy_at(network), Some(who), "{network}/{bits}");
        }
        for address in ["104.27.0.1", "172.71.255.255", "2606:4700::6810:1"] {
            assert_eq!(proxy_at(address.parse().unwrap()), Some("Cloudflare"), "{address}");
        }
        for address in ["104.32.0.0", "172.72.0.0", "192.0.2.1", "2606:4701::1"] {
            assert_eq!(proxy_at(address.parse().unwrap()), None, "{address}");
        }
    }
}
