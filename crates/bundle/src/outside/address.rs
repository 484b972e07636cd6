//! Which addresses are the public internet's: what a customer's name leads to is connected to only there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Not private, link-local (metadata services), CGNAT, loopback, for benchmarks or documentation, multicast or reserved.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_single =
        matches!((a, b, c), (0 | 10 | 127 | 224.., ..) | (169, 254, _) | (192, 168, _) | (192, 0, 0 | 2) | (198, 51, 100) | (203, 0, 113));
    let is_range = matches!((a, b), (100, 64..=127) | (172, 16..=31) | (198, 18..=19));
    !is_single && !is_range
}

/// Global unicast without what stands for an IPv4 address (6to4, Teredo) or is documentation's.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_special = matches!((a, b), (0x2001, 0 | 0xdb8) | (0x2002, _) | (0x3fff, 0..=0xfff));
    a & 0xe000 == 0x2000 && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public() {
        let public = ["1.1.1.1", "104.16.0.1", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2606:4700::1", "2001:4860::1", "::ffff:1.1.1.1"];
        let private = [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.19.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd00:10::1",
            "fe80::1",
            "ff02::1",
        ];
        for address in public {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in private {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
