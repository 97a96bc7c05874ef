//! From where an address can be dialled. What members tell each other of their nodes is read with this: an address in
//! somebody else's house leads nowhere, or to somebody else's printer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use folkmoot_schemas::limits;
use libp2p::{Multiaddr, multiaddr::Protocol};

/// Who can dial an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Realm {
    World,
    /// Who has an address of the same block: the private ranges, and that of providers and overlay networks.
    Network(u8),
    /// The machine itself.
    Machine,
}

/// None: it is not `/ip…/tcp/…` or `/dns…/tcp/…`, or nobody can be dialled there, as with link-local IPv6, which needs
/// to be told the interface.
fn realm(addr: &Multiaddr) -> Option<Realm> {
    let mut parts = addr.iter();
    let host = parts.next()?;
    match (parts.next()?, parts.next()) {
        (Protocol::Tcp(port), None) if port != 0 => {}
        _ => return None,
    }
    match host {
        Protocol::Ip4(ip) => of_ip(ip.into()),
        Protocol::Ip6(ip) => of_ip(IpAddr::V6(ip).to_canonical()),
        // Only where a person wrote it: what members tell is read by [`worth_dialling`].
        Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) => {
            let name = name.trim_end_matches('.');
            // A name without a dot, or one of the house, means something else in every house.
            let near =
                !name.contains('.') || [".local", ".localhost", ".internal"].iter().any(|end| name.ends_with(end));
            (!near).then_some(Realm::World)
        }
        _ => None,
    }
}

fn of_ip(ip: IpAddr) -> Option<Realm> {
    if ip.is_unspecified() || ip.is_multicast() {
        return None;
    }
    if ip.is_loopback() {
        return Some(Realm::Machine);
    }
    Some(match ip {
        IpAddr::V4(ip) => match ip.octets() {
            [0, ..] | [240..=255, ..] => return None,
            [10, ..] => Realm::Network(1),
            [172, 16..=31, ..] => Realm::Network(2),
            [192, 168, ..] => Realm::Network(3),
            [169, 254, ..] => return None,
            [100, 64..=127, ..] => Realm::Network(4),
            _ => Realm::World,
        },
        IpAddr::V6(ip) if ip.is_unique_local() => Realm::Network(5),
        IpAddr::V6(ip) => return of_v6(ip),
    })
}

/// What is no private block: an address that carries one of IPv4 leads there, and only to the world.
fn of_v6(ip: Ipv6Addr) -> Option<Realm> {
    let carried = |high: u16, low: u16| {
        let ip = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
        of_ip(ip.into()).filter(|realm| *realm == Realm::World)
    };
    match ip.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => carried(high, low),
        // NAT64 of a house, Teredo, the retired forms of IPv4 in IPv6, link-local and site-local.
        [0x64, 0xff9b, ..] | [0x2001, 0, ..] | [0, 0, 0, 0, 0, 0, ..] | [0xfe80..=0xfeff, ..] => None,
        _ => Some(Realm::World),
    }
}

/// One network of a house, as routers give it out: what else is private there stays out of reach of others' words.
fn is_near(ip: IpAddr, own: IpAddr) -> bool {
    match (ip, own) {
        (IpAddr::V4(ip), IpAddr::V4(own)) => ip.octets()[..3] == own.octets()[..3],
        (IpAddr::V6(ip), IpAddr::V6(own)) => ip.segments()[..4] == own.segments()[..4],
        _ => false,
    }
}

/// Without the peer id at its end.
pub(crate) fn bare(addr: &Multiaddr) -> Multiaddr {
    addr.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect()
}

fn realms(addrs: &[Multiaddr]) -> impl Iterator<Item = Realm> {
    addrs.iter().filter_map(|addr| realm(&bare(addr)))
}

fn ips(addrs: &[Multiaddr]) -> impl Iterator<Item = IpAddr> {
    addrs.iter().filter_map(super::ip_of).map(|ip| ip.to_canonical())
}

/// Does a node listen on nothing but loopback? Then those it talks with are on this machine too.
fn is_alone(own: &[Multiaddr]) -> bool {
    realms(own).all(|realm| realm == Realm::Machine)
}

/// Which of our addresses members are told, the farthest-reaching first and without our peer id. No names: see
/// [`worth_dialling`]. Loopback is told only by a node that listens on nothing else.
pub(crate) fn to_tell(own: &[Multiaddr]) -> Vec<Multiaddr> {
    let alone = is_alone(own);
    let mut told: Vec<(Realm, Multiaddr)> = Vec::new();
    for addr in own.iter().map(bare).filter(|addr| super::ip_of(addr).is_some()) {
        if let Some(realm) = realm(&addr).filter(|realm| alone || *realm != Realm::Machine)
            && !told.iter().any(|(_, known)| *known == addr)
        {
            told.push((realm, addr));
        }
    }
    // Stable: of equals the order given, which puts what a person configured first.
    told.sort_by_key(|(realm, _)| matches!(realm, Realm::Machine | Realm::Network(_)));
    told.truncate(limits::WHEREABOUTS_ADDRS);
    told.into_iter().map(|(_, addr)| addr).collect()
}

/// Is an address that no person here named worth dialling? Nobody's word makes a node knock at the doors of its own
/// machine or house: not where we are ourselves, at no port (who listens on loopback alone: at none of its own); a
/// private address only in a network that we are in; and no name, since its owner can make it mean any of those, and
/// as many as they like.
pub(crate) fn worth_dialling(addr: &Multiaddr, own: &[Multiaddr]) -> bool {
    let Some(ip) = super::ip_of(addr).map(|ip| ip.to_canonical()) else { return false };
    match realm(addr) {
        None => false,
        Some(Realm::Machine) => !own.is_empty() && is_alone(own) && !own.iter().any(|own| bare(own) == *addr),
        Some(_) if ips(own).any(|own| own == ip) => false,
        Some(Realm::World) => true,
        Some(Realm::Network(_)) => ips(own).any(|own| is_near(ip, own)),
    }
}

/// The TCP port at the end of an address.
pub(super) fn port(addr: &Multiaddr) -> Option<u16> {
    addr.iter().find_map(|part| if let Protocol::Tcp(port) = part { Some(port) } else { None })
}

fn at(ip: IpAddr, port: u16) -> Multiaddr {
    Multiaddr::from(ip).with(Protocol::Tcp(port))
}

/// Where a node that dialled us may answer: the address it came from, at the ports it listens on. The port it came from
/// is of no use to anybody.
pub(crate) fn where_it_listens(from: &Multiaddr, listens: &[Multiaddr]) -> Vec<Multiaddr> {
    let Some(ip) = super::ip_of(from) else { return Vec::new() };
    let mut found = Vec::new();
    for port in listens.iter().filter_map(port).filter(|port| *port != 0) {
        let addr = at(ip, port);
        if !found.contains(&addr) && found.len() < 2 {
            found.push(addr);
        }
    }
    found
}

/// Our address as a peer sees it, where that is one the world can dial: as it dialled it, or, if we dialled, the IP it
/// saw; at a port of `own`, our listeners and what a person configured, so that nobody makes us name a service of
/// somebody else.
pub(crate) fn as_seen(observed: &Multiaddr, dialled: bool, own: &[Multiaddr]) -> Option<Multiaddr> {
    let ip = super::ip_of(observed)?.to_canonical();
    let port = match dialled {
        false => port(observed).filter(|seen| own.iter().any(|own| port(own) == Some(*seen)))?,
        true => (own.iter())
            .filter(|own| super::ip_of(own).is_some_and(|own| own.is_ipv4() == ip.is_ipv4()))
            .find_map(port)?,
    };
    let addr = at(ip, port);
    (realm(&addr) == Some(Realm::World)).then_some(addr)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addrs(texts: &[&str]) -> Vec<Multiaddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn members_are_told_what_another_machine_can_dial() {
        let own = addrs(&[
            "/ip4/127.0.0.1/tcp/4700",
            "/ip4/192.168.1.7/tcp/4700",
            "/ip6/fe80::1/tcp/4700",
            "/dns4/moot.example.org/tcp/4700",
            "/ip4/0.0.0.0/tcp/4700",
            "/ip4/192.0.2.7/tcp/0",
        ]);
        assert_eq!(to_tell(&own), addrs(&["/ip4/192.168.1.7/tcp/4700"]), "no name");
        let many: Vec<String> = (1..20).map(|n| format!("/ip4/192.0.2.{n}/tcp/4700")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(to_tell(&addrs(&many)), addrs(&many[..limits::WHEREABOUTS_ADDRS]));
    }

    #[test]
    fn loopback_is_between_nodes_that_have_nothing_else() {
        let (near, far) = (addrs(&["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/1"]), addrs(&["/ip4/192.168.1.7/tcp/1"]));
        assert_eq!(to_tell(&near), near);
        let neighbour = "/ip4/127.0.0.1/tcp/2".parse().unwrap();
        assert!(worth_dialling(&neighbour, &near) && !worth_dialling(&near[0], &near), "that is us");
        assert!(!worth_dialling(&neighbour, &[near.clone(), far].concat()));
        assert!(!worth_dialling(&neighbour, &[]), "who listens nowhere cannot tell");
    }

    #[test]
    fn nobody_s_word_makes_a_node_knock_at_doors_of_its_own_house() {
        let home = addrs(&["/ip4/192.168.1.7/tcp/4700", "/ip4/127.0.0.1/tcp/4700", "/ip6/fd00:0:0:1::7/tcp/4700"]);
        let worth = |text: &str| worth_dialling(&text.parse().unwrap(), &home);
        for well in [
            "/ip4/192.168.1.2/tcp/4700",
            "/ip4/192.0.2.7/tcp/4700",
            "/ip6/2001:db8::1/tcp/4700",
            "/ip6/fd00:0:0:1::9/tcp/4700",
            "/ip6/64:ff9b::c000:207/tcp/4700",
        ] {
            assert!(worth(well), "{well}");
        }
        for not in [
            "/ip4/192.168.1.7/tcp/6379",
            "/ip4/127.0.0.1/tcp/22",
            "/ip4/192.168.44.2/tcp/4700",
            "/ip4/10.0.0.2/tcp/4700",
            "/ip4/100.64.0.2/tcp/4700",
            "/ip4/169.254.169.254/tcp/80",
            "/ip6/fd00:0:0:2::1/tcp/4700",
            "/ip6/fe80::1/tcp/4700",
            "/ip6/fec0::1/tcp/4700",
            "/ip4/224.0.0.1/tcp/4700",
            "/ip4/255.255.255.255/tcp/4700",
            "/ip4/192.0.2.7/tcp/0",
            "/ip4/192.0.2.7/udp/4700/quic-v1",
            "/ip4/192.0.2.7",
            "/ip6/::ffff:10.0.0.1/tcp/4700",
            "/ip6/::ffff:192.168.1.7/tcp/22",
            "/ip6/::7f00:1/tcp/22",
            "/ip6/64:ff9b::7f00:1/tcp/22",
            "/ip6/64:ff9b::c0a8:101/tcp/80",
            "/ip6/64:ff9b:1::c0a8:101/tcp/80",
            "/ip6/2002:c0a8:101::1/tcp/80",
            "/dns4/localtest.example.org/tcp/22",
            "/dns/router/tcp/80",
        ] {
            assert!(!worth(not), "{not}");
        }
    }

    #[test]
    fn the_port_a_connection_came_from_is_never_kept() {
        let from = "/ip4/203.0.113.9/tcp/53124".parse().unwrap();
        let listens = addrs(&["/ip4/192.168.1.7/tcp/4700", "/ip6/::1/tcp/4700"]);
        assert_eq!(where_it_listens(&from, &listens), addrs(&["/ip4/203.0.113.9/tcp/4700"]));
        assert!(where_it_listens(&from, &[]).is_empty());

        let seen = |observed: &str, dialled| as_seen(&observed.parse().unwrap(), dialled, &listens);
        assert_eq!(seen("/ip4/203.0.113.9/tcp/53124", true), "/ip4/203.0.113.9/tcp/4700".parse().ok());
        assert_eq!(seen("/ip4/203.0.113.9/tcp/4700", false), "/ip4/203.0.113.9/tcp/4700".parse().ok());
        assert_eq!(seen("/ip4/198.51.100.9/tcp/443", false), None, "no port of ours");
        assert_eq!(seen("/ip4/192.168.1.7/tcp/4700", false), None, "our listeners say that already");
    }
}
