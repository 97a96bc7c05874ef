//! Which names this gateway answers to, and the one origin its absolute URLs start with. The request's `Host` is
//! only ever compared, never printed: a page cannot be made to point elsewhere.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
};

use axum::http::Uri;

use crate::{GatewayConfig, GatewayError};

/// Scheme and authority without a trailing slash, e.g. `https://moot.example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    base: String,
    host: String,
}

impl Origin {
    pub(crate) fn parse(text: &str) -> Result<Self, GatewayError> {
        let wrong = || GatewayError::PublicUrl(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        let scheme = uri.scheme_str().filter(|s| matches!(*s, "http" | "https")).ok_or_else(wrong)?;
        if authority.as_str().contains('@') || authority.host().is_empty() || !matches!(uri.path(), "" | "/") {
            return Err(wrong());
        }
        if uri.query().is_some() {
            return Err(wrong());
        }
        let host = authority.host().to_ascii_lowercase();
        let base = match authority.port_u16() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        };
        Ok(Self { base, host })
    }

    /// Where a browser finds this listener. "All interfaces" is no address that could be opened: then it is what
    /// `outward` finds for the same family, or loopback on a machine with no way out.
    pub(crate) fn of_listener(
        listen: SocketAddr,
        outward: impl FnOnce(IpAddr) -> Option<IpAddr>,
    ) -> Result<Self, GatewayError> {
        let ip = match listen.ip() {
            IpAddr::V4(any) if any.is_unspecified() => outward(any.into()).unwrap_or(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(any) if any.is_unspecified() => outward(any.into()).unwrap_or(Ipv6Addr::LOCALHOST.into()),
            ip => ip,
        };
        Self::parse(&format!("http://{}", SocketAddr::new(ip, listen.port())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.base
    }

    /// The same place for calendar apps: `webcal://…`.
    pub(crate) fn webcal(&self, path: &str) -> String {
        let rest = self.base.split_once("://").map_or("", |(_, rest)| rest);
        format!("webcal://{rest}{path}")
    }
}

/// The address of the interface that leads to other networks, of the family of `any`. Connecting a UDP socket asks the
/// routing table and sends nothing; the destinations are reserved for documentation (RFC 5737, RFC 3849).
pub(crate) fn outward(any: IpAddr) -> Option<IpAddr> {
    let elsewhere = if any.is_ipv4() { "192.0.2.1:9" } else { "[2001:db8::1]:9" };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(elsewhere).ok()?;
    socket.local_addr().ok().map(|local| local.ip()).filter(|ip| !ip.is_unspecified())
}

/// The Host allow-list: against DNS rebinding, where a foreign name is pointed at a local address.
#[derive(Debug)]
pub(crate) struct Hosts {
    names: BTreeSet<String>,
    listen: IpAddr,
}

impl Hosts {
    pub(crate) fn new(config: &GatewayConfig, listen: SocketAddr, origin: &Origin) -> Self {
        let mut names = BTreeSet::from(["localhost".to_owned(), origin.host.clone()]);
        names.extend(config.hosts.iter().map(|h| name_of(h).to_ascii_lowercase()));
        Self { names, listen: listen.ip() }
    }

    /// `host` as in the header: a name or IP literal with an optional port.
    pub(crate) fn allow(&self, host: &str) -> bool {
        let name = name_of(host);
        let literal = name.trim_start_matches('[').trim_end_matches(']');
        match literal.parse::<IpAddr>() {
            // An address cannot be rebound, so a listener on all interfaces answers to each of them.
            Ok(ip) => {
                ip.is_loopback() || self.listen.is_unspecified() || ip == self.listen || self.names.contains(name)
            }
            Err(_) => self.names.contains(name.trim_end_matches('.').to_ascii_lowercase().as_str()),
        }
    }
}

/// The header's value without its port.
fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
            // `::1` without brackets has colons of its own.
            if name.contains(':') && !name.starts_with('[') { host } else { name }
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listen: &str) -> Hosts {
        let listen: SocketAddr = listen.parse().unwrap();
        let origin = Origin::parse("https://Moot.example.org").unwrap();
        let config = GatewayConfig { listen, public_url: None, hosts: vec!["board.lan".into()] };
        Hosts::new(&config, listen, &origin)
    }

    #[test]
    fn only_known_names_and_own_addresses_are_answered() {
        let hosts = hosts("192.0.2.7:4780");
        for ok in [
            "localhost",
            "localhost:4780",
            "127.0.0.1:1",
            "[::1]:4780",
            "moot.example.org",
            "MOOT.example.org.:443",
            "board.lan",
            "192.0.2.7:4780",
        ] {
            assert!(hosts.allow(ok), "{ok}");
        }
        for bad in
            ["evil.example", "192.0.2.8", "", "localhost.evil.example", "localhost:4780:1", "127.0.0.1.evil", ":80"]
        {
            assert!(!hosts.allow(bad), "{bad}");
        }
    }

    #[test]
    fn a_listener_on_all_interfaces_answers_to_any_address_but_no_foreign_name() {
        let hosts = hosts("0.0.0.0:4780");
        assert!(hosts.allow("10.1.2.3:4780"));
        assert!(hosts.allow("[2001:db8::1]"));
        assert!(!hosts.allow("rebound.example"));
    }

    #[test]
    fn a_listener_on_all_interfaces_is_named_by_an_address_that_can_be_opened() {
        let origin = |listen: &str, outward: Option<&str>| {
            let outward = outward.map(|ip| ip.parse().unwrap());
            Origin::of_listener(listen.parse().unwrap(), |_| outward).unwrap().base
        };
        assert_eq!(origin("0.0.0.0:4780", Some("192.168.1.20")), "http://192.168.1.20:4780");
        assert_eq!(origin("0.0.0.0:4780", None), "http://127.0.0.1:4780");
        assert_eq!(origin("[::]:80", Some("fd00::7")), "http://[fd00::7]:80");
        assert_eq!(origin("[::]:80", None), "http://[::1]:80");
        assert_eq!(origin("192.0.2.7:4780", Some("192.168.1.20")), "http://192.0.2.7:4780");
    }

    #[test]
    fn an_origin_is_scheme_and_authority_and_nothing_else() {
        assert_eq!(Origin::parse("https://a.example/").unwrap().as_str(), "https://a.example");
        assert_eq!(Origin::parse("http://127.0.0.1:4780").unwrap().webcal("/x"), "webcal://127.0.0.1:4780/x");
        for bad in
            ["a.example", "ftp://a", "https://a/b", "https://u@a", "https://", "https://a/?q", "javascript:alert(1)"]
        {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }
}
