//! libp2p behind one handle: connections, gossip, and streams of frames. Knows nothing of the store, and is the only
//! room that imports libp2p.
//!
//! Three layers: [`Handle`] (cloneable, sends commands), `task` (the swarm loop, which never waits on disk or on a
//! full channel) and `behaviour` (what the node speaks, with every limit set explicitly).
//! Specifications: libp2p TCP, Noise XX, yamux, identify, ping, GossipSub v1.1.

mod behaviour;
mod exchange;
mod gossip;
mod listen;
mod muxer;
mod once;
mod peers;
mod realm;
mod task;

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use folkmoot_schemas::Cid;
pub use libp2p::{Multiaddr, PeerId};
use libp2p::{StreamProtocol, multiaddr::Protocol, swarm::ConnectionId};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

pub use self::{
    exchange::{ReadHalf, Stream, WriteHalf},
    gossip::GossipId,
};
pub(crate) use self::{
    peers::ip_of,
    realm::{as_seen, bare, to_tell, where_it_listens, worth_dialling},
};
use crate::config::NetConfig;

/// Our one wire protocol.
const SYNC_PROTOCOL: StreamProtocol = StreamProtocol::new("/folkmoot/sync/1");

/// Commands that may wait for the swarm task. A full queue means the task is stuck; commands are then dropped and counted.
const COMMANDS: usize = 1024;
/// Notices that may wait for their reader. See `task::Outbox` for what happens beyond.
const NOTICES: usize = 256;
/// How long opening a stream may take, negotiation included.
const OPEN_DEADLINE: Duration = Duration::from_secs(15);

/// Why the network part did not start or ended.
#[derive(Debug, thiserror::Error)]
pub enum NetError {
    #[error("cannot listen on {addr}: {why}")]
    Listen { addr: Multiaddr, why: String },
    #[error("the network part stopped")]
    Stopped,
    #[error("no stream to {peer}: {why}")]
    Stream { peer: PeerId, why: String },
    #[error("the network part cannot start: {0}")]
    Start(String),
}

/// What the network tells.
#[derive(Debug)]
pub enum Notice {
    Listening(Multiaddr),
    /// First connection to a peer, and again for one that we opened beside it (`dialled`), as when both dial at once.
    Connected {
        peer: PeerId,
        addr: Multiaddr,
        dialled: bool,
    },
    /// Last connection to a peer closed.
    Disconnected {
        peer: PeerId,
    },
    DialFailed {
        addr: Option<Multiaddr>,
        peer: Option<PeerId>,
        why: String,
    },
    /// Waits for [`Handle::verdict`]; until then it is neither forwarded nor held against anyone.
    Gossip {
        community: Cid,
        source: PeerId,
        id: GossipId,
        data: Bytes,
    },
    /// A peer opened a `/folkmoot/sync/1` stream.
    Inbound {
        peer: PeerId,
        stream: Stream,
    },
}

/// What we think of a gossip message; reported against the peer that forwarded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    Ignore,
    Reject,
}

/// What the loop is asked to do.
enum Command {
    /// A peer at each of its addresses, or whoever is at one.
    Dial(Option<PeerId>, Vec<Multiaddr>),
    Disconnect(PeerId),
    Subscribe(Cid),
    Gossip(Cid, Bytes),
    Verdict(GossipId, Verdict),
}

impl Command {
    /// All that a log may say of it: an announcement holds what people wrote.
    fn name(&self) -> &'static str {
        match self {
            Self::Dial(..) => "dial",
            Self::Disconnect(_) => "disconnect",
            Self::Subscribe(_) => "subscribe",
            Self::Gossip(..) => "gossip",
            Self::Verdict(..) => "verdict",
        }
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A connected peer.
#[derive(Debug, Clone)]
pub struct Link {
    /// Where it is reached; for one that dialled us, where it came from.
    pub addr: Multiaddr,
    pub dialled: bool,
    pub since: Instant,
    /// Where it says that it listens; a bounded number of addresses.
    pub listens: Vec<Multiaddr>,
    /// Our address as it sees it, told with `listens`.
    pub observed: Option<Multiaddr>,
}

/// Facts the loop publishes for whoever asks the handle.
#[derive(Debug, Default)]
struct Facts {
    listeners: Vec<Multiaddr>,
    peers: BTreeMap<PeerId, Link>,
    /// Dials that neither failed nor came through yet.
    dialling: HashSet<ConnectionId>,
    counters: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Facts>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Facts> {
        // The facts are plain values, whole after every statement: a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, what: &'static str) {
        *self.lock().counters.entry(what).or_default() += 1;
    }
}

/// Commands into the swarm task. Cheap to clone; no call waits on the network except [`Handle::open`].
#[derive(Clone)]
pub struct Handle {
    local: PeerId,
    external: Arc<[Multiaddr]>,
    commands: mpsc::Sender<Command>,
    stop: CancellationToken,
    control: libp2p_stream::Control,
    shared: Shared,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Handle {
    pub fn local_peer(&self) -> PeerId {
        self.local
    }

    /// Connects, unless a connection to that peer stands or is being made. Failure comes as [`Notice::DialFailed`].
    pub fn dial(&self, addr: Multiaddr) {
        self.send(Command::Dial(peer_of(&addr), vec![addr]));
    }

    /// Connects to a peer that is not connected, at whichever of its addresses is the first at which its key answers.
    pub fn dial_peer(&self, peer: PeerId, addrs: Vec<Multiaddr>) {
        self.send(Command::Dial(Some(peer), addrs));
    }

    pub fn disconnect(&self, peer: PeerId) {
        self.send(Command::Disconnect(peer));
    }

    /// False: try again later.
    pub fn subscribe(&self, community: Cid) -> bool {
        self.send(Command::Subscribe(community))
    }

    /// Sends an announcement on the community's topic. With nobody subscribed it goes nowhere: gossip is only a hint.
    pub fn gossip(&self, community: Cid, data: Bytes) {
        self.send(Command::Gossip(community, data));
    }

    /// The verdict every [`Notice::Gossip`] must get.
    pub fn verdict(&self, id: GossipId, verdict: Verdict) {
        self.send(Command::Verdict(id, verdict));
    }

    /// Opens a `/folkmoot/sync/1` stream, dialling the peer if need be.
    pub async fn open(&self, peer: PeerId) -> Result<Stream, NetError> {
        let mut control = self.control.clone();
        match tokio::time::timeout(OPEN_DEADLINE, control.open_stream(peer, SYNC_PROTOCOL)).await {
            Ok(Ok(stream)) => Ok(Stream::new(stream)),
            Ok(Err(error)) => Err(NetError::Stream { peer, why: error.to_string() }),
            Err(_) => Err(NetError::Stream { peer, why: format!("no answer in {} s", OPEN_DEADLINE.as_secs()) }),
        }
    }

    /// Addresses others may try, each ending in `/p2p/<peer id>`: configured external ones, then the ones we listen
    /// on, loopback last.
    pub fn addresses(&self) -> Vec<Multiaddr> {
        let mut listeners = self.shared.lock().listeners.clone();
        listeners.sort_by_key(|addr| (peers::is_loopback(addr), addr.to_string()));
        let mut out: Vec<Multiaddr> = Vec::new();
        for addr in self.external.iter().chain(&listeners) {
            if let Ok(addr) = addr.clone().with_p2p(self.local)
                && !out.contains(&addr)
            {
                out.push(addr);
            }
        }
        out
    }

    /// Connected peers and the address each is reached at.
    pub fn peers(&self) -> Vec<(PeerId, Multiaddr)> {
        self.shared.lock().peers.iter().map(|(peer, link)| (*peer, link.addr.clone())).collect()
    }

    /// The same with all that is known of each connection.
    pub fn links(&self) -> BTreeMap<PeerId, Link> {
        self.shared.lock().peers.clone()
    }

    /// How many are being dialled, and may still answer.
    pub fn dialling(&self) -> usize {
        self.shared.lock().dialling.len()
    }

    /// How often something was dropped, refused or sent, by name.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.shared.lock().counters.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
    }

    /// Closes listeners and connections; the task ends and the notices with it.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// False: the queue is full, and the command was dropped.
    fn send(&self, command: Command) -> bool {
        let sent = self.commands.try_send(command);
        if let Err(mpsc::error::TrySendError::Full(command)) = &sent {
            tracing::warn!(command = command.name(), "the network task is not keeping up; a command was dropped");
            self.shared.count("commands_dropped");
        }
        sent.is_ok()
    }
}

/// The peer an address names at its end.
pub(crate) fn peer_of(addr: &Multiaddr) -> Option<PeerId> {
    addr.iter().find_map(|part| if let Protocol::P2p(peer) = part { Some(peer) } else { None })
}

/// Binds the listen addresses and starts the swarm task. When this returns, every address is listening; one that is in
/// use is an error here. An address family the machine does not have is only an error when nothing else is left.
pub async fn start(peer_seed: [u8; 32], config: NetConfig) -> Result<(Handle, mpsc::Receiver<Notice>), NetError> {
    let (mut swarm, mut control) = behaviour::swarm(peer_seed)?;
    let (listeners, early) = listen::listen(&mut swarm, &config.listen).await?;
    let incoming =
        control.accept(SYNC_PROTOCOL).map_err(|_| NetError::Start("the sync protocol is already registered".into()))?;

    let (commands, command_queue) = mpsc::channel(COMMANDS);
    let (notices, notice_queue) = mpsc::channel(NOTICES);
    let (shared, stop) = (Shared::default(), CancellationToken::new());
    shared.lock().listeners = listeners;
    let handle = Handle {
        local: *swarm.local_peer_id(),
        external: config.external.into(),
        commands,
        stop: stop.clone(),
        control,
        shared: shared.clone(),
    };
    let task = task::Task::new(swarm, incoming, command_queue, stop, notices, shared, config.drop_gossip);
    tokio::spawn(task.run(early));
    Ok((handle, notice_queue))
}

#[cfg(test)]
mod tests;
