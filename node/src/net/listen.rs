//! Binding the listen addresses, so that "in use" is said at start and by name.

use std::{collections::HashMap, io, net::SocketAddr, time::Duration};

use futures::StreamExt;
use libp2p::{Multiaddr, Swarm, core::transport::ListenerId, multiaddr::Protocol, swarm::SwarmEvent};
use rustix::net::{
    AddressFamily, SocketFlags, SocketType, bind, ipproto, listen as start_listening, socket_with, sockopt,
};

use super::{
    NetError,
    behaviour::{Behaviour, BehaviourEvent},
};

/// A listener on all interfaces names their addresses one after the other; this long without another one, and they
/// are taken to be all. A later one is told as it comes.
const SETTLED: Duration = Duration::from_millis(150);
/// How long the system may take to bind a listener.
const DEADLINE: Duration = Duration::from_secs(10);

/// Listens on each address and waits until it is bound; the concrete addresses, and what else happened meanwhile.
pub(super) async fn listen(
    swarm: &mut Swarm<Behaviour>,
    wanted: &[Multiaddr],
) -> Result<(Vec<Multiaddr>, Vec<SwarmEvent<BehaviourEvent>>), NetError> {
    let mut waiting: HashMap<ListenerId, Multiaddr> = HashMap::new();
    let mut failed: Option<NetError> = None;
    for addr in wanted {
        let started = probe(addr)
            .map_err(|error| listen_error(addr, &error))
            .and_then(|()| swarm.listen_on(addr.clone()).map_err(|error| listen_error(addr, &error)));
        match started {
            Ok(id) => {
                waiting.insert(id, addr.clone());
            }
            Err(error) => {
                // A machine without IPv6 must not need other settings than one with it.
                if !matches!(addr.iter().next(), Some(Protocol::Ip6(ip)) if ip.is_unspecified()) {
                    return Err(error);
                }
                tracing::info!(%error, "not listening there");
                failed = Some(error);
            }
        }
    }
    if waiting.is_empty()
        && let Some(error) = failed
    {
        return Err(error);
    }
    let (mut bound, mut early) = (Vec::new(), Vec::new());
    let deadline = tokio::time::sleep(DEADLINE);
    tokio::pin!(deadline);
    while !waiting.is_empty() {
        let event = tokio::select! {
            event = swarm.select_next_some() => event,
            () = &mut deadline => {
                let addr = waiting.into_values().next().unwrap_or_else(Multiaddr::empty);
                return Err(NetError::Listen { addr, why: format!("not bound after {} s", DEADLINE.as_secs()) });
            }
        };
        match event {
            SwarmEvent::NewListenAddr { listener_id, address } => {
                waiting.remove(&listener_id);
                bound.push(address);
            }
            SwarmEvent::ListenerClosed { listener_id, reason: Err(error), .. } => {
                if let Some(addr) = waiting.remove(&listener_id) {
                    return Err(NetError::Listen { addr, why: error.to_string() });
                }
            }
            other => early.push(other),
        }
    }
    while wanted.iter().any(is_wildcard) {
        let next = tokio::select! {
            next = tokio::time::timeout(SETTLED, swarm.select_next_some()) => next,
            () = &mut deadline => break,
        };
        match next {
            Ok(SwarmEvent::NewListenAddr { address, .. }) => bound.push(address),
            Ok(other) => early.push(other),
            Err(_) => break,
        }
    }
    Ok((bound, early))
}

fn is_wildcard(addr: &Multiaddr) -> bool {
    match addr.iter().next() {
        Some(Protocol::Ip4(ip)) => ip.is_unspecified(),
        Some(Protocol::Ip6(ip)) => ip.is_unspecified(),
        _ => false,
    }
}

/// The innermost cause is the one a person can act on ("Address already in use").
fn listen_error(addr: &Multiaddr, error: &(dyn std::error::Error + 'static)) -> NetError {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    NetError::Listen { addr: addr.clone(), why: cause.to_string() }
}

/// libp2p binds with `SO_REUSEPORT`, so a second node of the same person would share the port in silence and take half
/// of its connections. Binding once without that option finds out.
fn probe(addr: &Multiaddr) -> io::Result<()> {
    let Some(wanted) = socket_addr(addr) else { return Ok(()) };
    let family = if wanted.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, Some(ipproto::TCP))?;
    if wanted.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    // Without this, connections of a node that just ended would block its address for a minute.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &wanted)?;
    start_listening(&socket, 1)?;
    Ok(())
}

/// The fixed TCP port of an address; None where there is nothing to collide with.
fn socket_addr(addr: &Multiaddr) -> Option<SocketAddr> {
    let mut parts = addr.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) if port != 0 => Some(SocketAddr::new(ip, port)),
        _ => None,
    }
}
