//! At most so many connections from one public address: a house behind one router fits, a flood does not.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::IpAddr,
    task::{Context, Poll},
};

use folkmoot_schemas::limits;
use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    multiaddr::Protocol,
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
        ToSwarm, dummy,
    },
};

/// Counts inbound connections per public IP (an IPv6 /64 counts as one address).
#[derive(Debug, Default)]
pub(super) struct PerIp {
    counts: HashMap<IpAddr, u32>,
    counted: HashMap<ConnectionId, IpAddr>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} has {limit} connections already", limit = limits::CONNECTIONS_PER_IP)]
struct TooMany(IpAddr);

impl NetworkBehaviour for PerIp {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        match public_ip(remote) {
            Some(ip) if self.counts.get(&ip).is_some_and(|n| *n >= limits::CONNECTIONS_PER_IP) => {
                Err(ConnectionDenied::new(TooMany(ip)))
            }
            _ => Ok(()),
        }
    }

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        _: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        // Asked again: several may have been pending at once.
        self.handle_pending_inbound_connection(connection, local, remote)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        match event {
            FromSwarm::ConnectionEstablished(established) if established.endpoint.is_listener() => {
                if let Some(ip) = public_ip(established.endpoint.get_remote_address()) {
                    *self.counts.entry(ip).or_default() += 1;
                    self.counted.insert(established.connection_id, ip);
                }
            }
            FromSwarm::ConnectionClosed(closed) => {
                if let Some(ip) = self.counted.remove(&closed.connection_id)
                    && let Some(n) = self.counts.get_mut(&ip)
                {
                    *n -= 1;
                    if *n == 0 {
                        self.counts.remove(&ip);
                    }
                }
            }
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

/// The IP address a multiaddr names, if it names one.
pub(crate) fn ip_of(addr: &Multiaddr) -> Option<IpAddr> {
    addr.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    })
}

/// The address a connection counts under; None for loopback, private and link-local ones, which do not count.
fn public_ip(addr: &Multiaddr) -> Option<IpAddr> {
    match ip_of(addr)?.to_canonical() {
        IpAddr::V4(ip) if ip.is_loopback() || ip.is_private() || ip.is_link_local() => None,
        IpAddr::V6(ip) if ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() => None,
        IpAddr::V6(ip) => {
            let prefix = u128::from(ip) & (!0 << 64);
            Some(IpAddr::V6(prefix.into()))
        }
        ip => Some(ip),
    }
}

pub(super) fn is_loopback(addr: &Multiaddr) -> bool {
    ip_of(addr).is_some_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<String> {
        public_ip(&text.parse().unwrap()).map(|ip| ip.to_string())
    }

    #[test]
    fn only_public_addresses_count_and_a_v6_network_counts_as_one() {
        assert_eq!(ip("/ip4/127.0.0.1/tcp/1"), None);
        assert_eq!(ip("/ip4/192.168.1.7/tcp/1"), None);
        assert_eq!(ip("/ip4/203.0.113.9/tcp/1").as_deref(), Some("203.0.113.9"));
        assert_eq!(ip("/ip6/2001:db8::1/tcp/1"), ip("/ip6/2001:db8::2/tcp/9"));
        assert_eq!(ip("/ip6/::ffff:203.0.113.9/tcp/1").as_deref(), Some("203.0.113.9"));
        assert_eq!(ip("/dns4/example.org/tcp/1"), None);
    }

    #[test]
    fn the_ninth_connection_of_an_address_is_denied_until_one_closes() {
        let mut per_ip = PerIp::default();
        let (local, remote) = ("/ip4/0.0.0.0/tcp/1".parse().unwrap(), "/ip4/203.0.113.9/tcp/5".parse().unwrap());
        per_ip.counts.insert("203.0.113.9".parse().unwrap(), limits::CONNECTIONS_PER_IP - 1);
        let id = ConnectionId::new_unchecked(1);
        assert!(per_ip.handle_pending_inbound_connection(id, &local, &remote).is_ok());
        per_ip.counts.insert("203.0.113.9".parse().unwrap(), limits::CONNECTIONS_PER_IP);
        assert!(per_ip.handle_pending_inbound_connection(id, &local, &remote).is_err());
    }
}
