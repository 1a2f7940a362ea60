//! Whose request it is. Pure: the peer, what it says of whom it speaks for, and whom we believe.
//!
//! A proxy writes into `X-Forwarded-For` (or
//! [`Forwarded`](https://www.rfc-editor.org/rfc/rfc7239)) who it took the request from, behind what was there already:
//! so the last entries are the proxies' and what stands before them may be anybody's invention.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};
use ipnet::IpNet;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// The address that is held responsible.
    pub(super) address: IpAddr,
    /// It seems to be a proxy's that we were not told of: who is behind it cannot be known.
    pub(super) untold_proxy: bool,
}

/// Who sent what `peer` delivered.
pub(super) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Origin {
    let peer = peer.to_canonical();
    if is_trusted(peer, trusted) {
        return Origin { address: behind(peer, headers, trusted), untold_proxy: false };
    }
    Origin { address: peer, untold_proxy: speaks_for_others(headers) && is_of_the_house(peer) }
}

/// Whether a request says that it was handed on.
pub(super) fn speaks_for_others(headers: &HeaderMap) -> bool {
    headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED)
}

/// Whom a limit counts for: an IPv6 network of 64 bits is one customer's, who has all its addresses.
pub(super) fn responsible(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(whole) => Ipv6Addr::from_bits(whole.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

pub(super) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

/// Nobody on the internet has one of these: it is a proxy's, or a neighbour's.
fn is_of_the_house(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// The last address before those of our proxies.
///
/// A proxy writes one of the two headers and hands the other on as it came, so where both stand and differ, one of them is
/// made up: then the proxy itself is responsible.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let said =
        |name, read| headers.contains_key(&name).then(|| last_stranger(peer, headers, &name, read, trusted));
    match (said(X_FORWARDED_FOR, plain), said(FORWARDED, element)) {
        (Some(one), Some(other)) if one != other => peer,
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => peer,
    }
}

fn last_stranger(
    peer: IpAddr,
    headers: &HeaderMap,
    name: &HeaderName,
    read: fn(&str) -> Option<IpAddr>,
    trusted: &[IpNet],
) -> IpAddr {
    // A header that stands several times is one list. What cannot be read hides whatever stands before it.
    let lines: Vec<&str> = headers.get_all(name).map(|line| line.to_str().unwrap_or("?")).collect();
    let mut nearest = peer;
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(address) = read(entry.trim()) else { break };
        nearest = address.to_canonical();
        if !is_trusted(nearest, trusted) {
            break;
        }
    }
    nearest
}

/// An entry of `X-Forwarded-For`: an address, which some proxies write with its port.
fn plain(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()))
}

/// An entry of `Forwarded`: pairs, of which `for` says who.
fn element(entry: &str) -> Option<IpAddr> {
    let (_, node) = entry
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    plain(node.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    /// Who it is, behind proxies in 10.0.0.0/8 and at `2001:db8::1`.
    fn from(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8::1/128".parse().unwrap()];
        of(peer.parse().unwrap(), &headers(lines), &trusted).address.to_string()
    }

    #[test]
    fn a_stranger_is_who_he_is_whatever_he_says() {
        for header in ["x-forwarded-for", "forwarded"] {
            assert_eq!(from("203.0.113.9", &[(header, "198.51.100.1")]), "203.0.113.9");
            assert_eq!(from("203.0.113.9", &[(header, "for=10.0.0.1")]), "203.0.113.9");
        }
        assert_eq!(from("::ffff:203.0.113.9", &[]), "203.0.113.9");
    }

    #[test]
    fn a_proxy_of_ours_says_who_it_speaks_for_and_what_stands_before_that_is_not_believed() {
        let said = |list: &str| from("10.0.0.1", &[("x-forwarded-for", list)]);
        assert_eq!(said("198.51.100.1"), "198.51.100.1");
        assert_eq!(said("10.9.9.9, 1.2.3.4, 198.51.100.1"), "198.51.100.1", "made up by who stands last");
        assert_eq!(said("1.2.3.4,198.51.100.1,10.2.2.2 , 10.3.3.3"), "198.51.100.1", "through three proxies");
        assert_eq!(said("198.51.100.1:4711"), "198.51.100.1");
        assert_eq!(said("[2001:db8::7]:4711"), "2001:db8::7");
        assert_eq!(said("2001:db8::7, 2001:db8::1"), "2001:db8::7");
        assert_eq!(said("10.5.5.5, 10.6.6.6"), "10.5.5.5", "a neighbour");
        let twice = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(from("10.0.0.1", &twice), "198.51.100.1", "two lines are one list");
    }

    #[test]
    fn what_cannot_be_read_hides_what_stands_before_it() {
        let said = |list: &str| from("10.0.0.1", &[("x-forwarded-for", list)]);
        assert_eq!(said("198.51.100.1, unknown"), "10.0.0.1");
        assert_eq!(said("198.51.100.1, unknown, 10.2.2.2"), "10.2.2.2");
        assert_eq!(said("198.51.100.1,"), "10.0.0.1");
        assert_eq!(said(""), "10.0.0.1");
    }

    #[test]
    fn the_standard_header_does_as_well() {
        let said = |list: &str| from("10.0.0.1", &[("forwarded", list)]);
        assert_eq!(said("for=1.2.3.4, proto=https;For=\"198.51.100.1:80\";by=10.0.0.1"), "198.51.100.1");
        assert_eq!(said("for=\"[2001:db8::7]\""), "2001:db8::7");
        assert_eq!(said("for=_hidden"), "10.0.0.1");
        assert_eq!(said("proto=https"), "10.0.0.1");
    }

    #[test]
    fn of_two_headers_that_differ_neither_is_believed() {
        let both = |one, other| from("10.0.0.1", &[("x-forwarded-for", one), ("forwarded", other)]);
        assert_eq!(both("198.51.100.1", "for=1.2.3.4"), "10.0.0.1");
        assert_eq!(both("198.51.100.1", "for=198.51.100.1"), "198.51.100.1");
    }

    #[test]
    fn a_proxy_that_nobody_named_is_noticed_only_where_no_stranger_can_stand() {
        let seems = |peer: &str, lines| of(peer.parse().unwrap(), &headers(lines), &[]).untold_proxy;
        let header = &[("x-forwarded-for", "1.2.3.4")];
        for peer in ["127.0.0.1", "10.0.0.1", "172.17.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1"] {
            assert!(seems(peer, header), "{peer}");
            assert!(!seems(peer, &[]), "{peer}");
        }
        for peer in ["203.0.113.9", "100.128.0.1", "2001:db8::9"] {
            assert!(!seems(peer, header), "{peer}: anybody can write a header");
        }
    }

    #[test]
    fn an_ipv6_network_is_one_sender() {
        let of = |text: &str| responsible(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
    }
}
