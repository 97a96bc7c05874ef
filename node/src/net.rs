//! libp2p behind one handle. Knows nothing of the store; only this room imports libp2p.

use bytes::Bytes;
use folkmoot_schemas::Cid;
pub use libp2p::{Multiaddr, PeerId};
use tokio::sync::mpsc;

use crate::config::NetConfig;

#[derive(Debug, thiserror::Error)]
pub enum NetError {
    #[error("cannot listen on {addr}: {why}")]
    Listen { addr: Multiaddr, why: String },
    #[error("the network part stopped")]
    Stopped,
    #[error("{0}")]
    Other(String),
}

/// What the network tells.
#[derive(Debug)]
pub enum Notice {
    Listening(Multiaddr),
    /// First connection to a peer. `dialled`: we opened it.
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
    /// Waits for [`Handle::verdict`].
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

/// Names a gossip message until its verdict; carries the propagation source.
#[derive(Debug, Clone)]
pub struct GossipId {
    #[allow(dead_code, reason = "stub")]
    message: Vec<u8>,
    #[allow(dead_code, reason = "stub")]
    source: PeerId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Accept,
    Ignore,
    Reject,
}

/// A stream of length-prefixed frames (unsigned varint, ≤ `limits::FRAME`).
#[derive(Debug)]
pub struct Stream {}

impl Stream {
    /// The next frame; None at a clean end. `limit` bounds it below `limits::FRAME`. Has no deadline of its own.
    pub async fn read(&mut self, _limit: usize) -> std::io::Result<Option<Bytes>> {
        std::future::pending().await
    }
    pub async fn write(&mut self, _frame: &[u8]) -> std::io::Result<()> {
        std::future::pending().await
    }
    /// Closes our side: the other side reads a clean end.
    pub async fn close(&mut self) -> std::io::Result<()> {
        std::future::pending().await
    }
    /// Two halves, for the session stream that is read and written at once.
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        todo!()
    }
}

#[derive(Debug)]
pub struct ReadHalf {}
#[derive(Debug)]
pub struct WriteHalf {}
impl ReadHalf {
    pub async fn read(&mut self, _limit: usize) -> std::io::Result<Option<Bytes>> {
        std::future::pending().await
    }
}
impl WriteHalf {
    pub async fn write(&mut self, _frame: &[u8]) -> std::io::Result<()> {
        std::future::pending().await
    }
    pub async fn close(&mut self) -> std::io::Result<()> {
        std::future::pending().await
    }
}

/// Commands into the swarm task. Cheap to clone; no call waits on the network except `open`.
#[derive(Debug, Clone)]
pub struct Handle {}

impl Handle {
    pub fn local_peer(&self) -> PeerId {
        todo!()
    }
    /// Signs with the peer key? No: peer keys only name connections.
    pub fn dial(&self, _addr: Multiaddr) {
        todo!()
    }
    pub fn disconnect(&self, _peer: PeerId) {
        todo!()
    }
    pub fn subscribe(&self, _community: Cid) {
        todo!()
    }
    pub fn unsubscribe(&self, _community: Cid) {
        todo!()
    }
    pub fn gossip(&self, _community: Cid, _data: Bytes) {
        todo!()
    }
    pub fn verdict(&self, _id: GossipId, _verdict: Verdict) {
        todo!()
    }
    /// Opens a `/folkmoot/sync/1` stream.
    pub async fn open(&self, _peer: PeerId) -> Result<Stream, NetError> {
        std::future::pending().await
    }
    /// Addresses we listen on, with /p2p/, external ones first.
    pub fn addresses(&self) -> Vec<Multiaddr> {
        todo!()
    }
    /// Connected peers and the address each is reached at.
    pub fn peers(&self) -> Vec<(PeerId, Multiaddr)> {
        todo!()
    }
    /// Counters: gossip dropped, refused connections …
    pub fn counters(&self) -> std::collections::BTreeMap<String, u64> {
        todo!()
    }
    /// Closes listeners and connections; the task ends.
    pub fn stop(&self) {
        todo!()
    }
}

/// Binds the listen addresses (an address in use is an error here) and starts the swarm task.
pub async fn start(_peer_seed: [u8; 32], _config: NetConfig) -> Result<(Handle, mpsc::Receiver<Notice>), NetError> {
    std::future::pending().await
}
