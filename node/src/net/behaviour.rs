//! What the node speaks: TCP with Noise and yamux; identify, ping, gossip and our streams; every limit explicit.

use std::time::Duration;

use folkmoot_schemas::limits;
use libp2p::{
    Swarm, SwarmBuilder, connection_limits, identify, identity, memory_connection_limits, noise, ping,
    swarm::NetworkBehaviour, tcp,
};

use super::{NetError, gossip, muxer, once, peers};

/// A connection nobody uses is closed after this; an open session stream counts as use.
const IDLE: Duration = Duration::from_secs(60);
/// How often a peer is asked whether it is still there, and how long it may take to answer. Of two questions without
/// an answer the connection is closed, and made again: a machine that changed its network keeps connections that lead
/// nowhere, for a quarter of an hour if the system is left to notice.
const PING: Duration = Duration::from_secs(15);
const PING_ANSWER: Duration = Duration::from_secs(10);
/// Streams of one connection that may be negotiating at once.
const NEGOTIATING: usize = 32;

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    // Limits come first: what they deny, the others never see.
    count: connection_limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    per_ip: peers::PerIp,
    once: once::Once,
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub(super) gossip: gossip::Gossip,
    streams: libp2p_stream::Behaviour,
}

/// A swarm that listens nowhere yet, and the control that opens and accepts our streams.
pub(super) fn swarm(peer_seed: [u8; 32]) -> Result<(Swarm<Behaviour>, libp2p_stream::Control), NetError> {
    fn failed(error: impl std::fmt::Display) -> NetError {
        NetError::Start(error.to_string())
    }
    let key = identity::Keypair::ed25519_from_bytes(peer_seed).map_err(failed)?;
    let streams = libp2p_stream::Behaviour::new();
    let control = streams.new_control();
    let identify = identify::Config::new("folkmoot/1".into(), key.public())
        .with_agent_version(concat!("moot/", env!("CARGO_PKG_VERSION")).into())
        .with_cache_size(0);
    let count = connection_limits::ConnectionLimits::default()
        .with_max_established(Some(limits::CONNECTIONS))
        .with_max_established_incoming(Some(limits::CONNECTIONS_IN))
        .with_max_established_outgoing(Some(limits::CONNECTIONS_OUT))
        .with_max_established_per_peer(Some(limits::CONNECTIONS_PER_PEER))
        .with_max_pending_incoming(Some(limits::CONNECTIONS_IN))
        .with_max_pending_outgoing(Some(limits::CONNECTIONS_OUT));
    let behaviour = Behaviour {
        count: connection_limits::Behaviour::new(count),
        memory: memory_connection_limits::Behaviour::with_max_bytes(limits::CONNECTION_MEMORY),
        per_ip: peers::PerIp::default(),
        once: once::Once::default(),
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(PING).with_timeout(PING_ANSWER)),
        gossip: gossip::behaviour()?,
        streams,
    };
    let swarm = SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, muxer::Config::default)
        .map_err(failed)?
        .with_dns()
        .map_err(failed)?
        .with_behaviour(|_| behaviour)
        .map_err(failed)?
        .with_swarm_config(|config| {
            config.with_idle_connection_timeout(IDLE).with_max_negotiating_inbound_streams(NEGOTIATING)
        })
        .build();
    Ok((swarm, control))
}
