//! What the engine asks for.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use folkmoot_schemas::{Audience, Cid, commit::RepoId};

use super::{
    Ask, Lack, Proof, StreamId,
    message::{Binding, Blocks, Fault, Frame, Heads, Hello, Listing},
};
use crate::net::PeerId;

/// What to do.
#[derive(Debug)]
pub enum Output {
    OpenSession {
        peer: PeerId,
    },
    Close {
        peer: PeerId,
        session: StreamId,
    },
    Send {
        peer: PeerId,
        session: StreamId,
        frame: Frame,
    },
    Gossip {
        community: Cid,
        announce: Bytes,
    },
    /// Something that needs the store or our key.
    Errand(Box<Errand>),
    Pull(Box<Order>),
    Fetch {
        peer: PeerId,
        ticket: u64,
        blocks: Blocks,
    },
    Serve {
        stream: StreamId,
        ask: Box<Ask>,
        proof: Option<Proof>,
    },
    Refuse {
        stream: StreamId,
        fault: Fault,
    },
}

/// What needs the store or our key, and no network.
#[derive(Debug)]
pub enum Errand {
    /// Sign and send our hello. `knows`: the peer showed that it knows the community.
    Greet { peer: PeerId, session: StreamId, community: Cid, tag: String, binding: Binding, knows: bool },
    /// Check a peer's hello against the roster, applying a join it presents. `again`: it was answered before.
    Check { peer: PeerId, community: Cid, hello: Hello, binding: Binding, again: bool },
    /// A peer answered our hello with a document that does not list this device.
    StepOut { community: Cid, identity: Vec<u8> },
    /// Send our `heads`: community, audience, and whether null may say that files are lacking here.
    Describe { peer: PeerId, session: StreamId, ask: Vec<(Cid, Audience, bool)> },
    /// Answer the peer's `heads`, with members' lists only for what `proofs` still admit to.
    List { peer: PeerId, session: StreamId, heads: Heads, proofs: BTreeMap<Cid, Proof> },
    /// Find what a listing offers and we lack; only of the communities and audiences asked for.
    Compare { peer: PeerId, listing: Listing, asked: BTreeMap<Cid, Audience> },
    /// Tell where nodes are, as far as a word came after `since` and is of what `proofs` still admit to.
    Tell { peer: PeerId, session: StreamId, since: u64, proofs: BTreeMap<Cid, Proof> },
    /// Take what a member of these communities told of where nodes are.
    Learn { peer: PeerId, shared: BTreeSet<Cid>, said: Vec<Bytes> },
    /// Store an announcement from a `notify`.
    Hear { peer: PeerId, community: Cid, announce: Bytes },
}

/// A pull to be made.
#[derive(Debug, Clone)]
pub struct Order {
    pub peer: PeerId,
    pub community: Cid,
    pub audience: Audience,
    pub ticket: u64,
    pub lack: Lack,
    /// Repositories to ask for whole.
    pub whole: BTreeSet<RepoId>,
    /// Where unfinished answers go on.
    pub after: BTreeMap<RepoId, String>,
}
