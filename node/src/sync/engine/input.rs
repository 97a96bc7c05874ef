//! What the engine is told.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use folkmoot_schemas::{Audience, Cid, Did, block::Block, charter::Visibility};

use super::{
    Ask, Lack, Pulled,
    message::{Answer, Frame, Hello, Open},
};
use crate::net::PeerId;

/// What we are in a community.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ours {
    /// None: the charter is not here yet.
    pub visibility: Option<Visibility>,
    /// A member, or holding a join nobody has seen yet: there is something to prove.
    pub proves: bool,
}

/// Who a peer proved to be in a community.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Proof {
    pub did: Did,
    pub device: Did,
}

impl Proof {
    /// The person themselves, by the key of the twelve words, on no device yet: they may have the roster, the identities
    /// and their own repositories, and are told no news.
    pub fn is_root(&self) -> bool {
        self.did == self.device
    }
}

/// Number of a session or short stream; the driver gives each its own.
pub type StreamId = u64;

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The communities here, whole.
    Communities(BTreeMap<Cid, Ours>),
    /// Who may be given the members audience of a community. Told from several threads: of two, the one of the later
    /// generation of the store counts.
    Members {
        community: Cid,
        as_of: u64,
        devices: BTreeSet<Proof>,
    },
    Connected {
        peer: PeerId,
        dialled: bool,
    },
    Disconnected {
        peer: PeerId,
    },
    /// The stream asked for by [`Output::OpenSession`] stands.
    Opened {
        peer: PeerId,
        session: StreamId,
        nonce: [u8; 32],
    },
    OpenFailed {
        peer: PeerId,
    },
    /// The peer opened a session.
    Accepted {
        peer: PeerId,
        session: StreamId,
        nonce: [u8; 32],
        open: Open,
    },
    Closed {
        peer: PeerId,
        session: StreamId,
    },
    Frame {
        peer: PeerId,
        session: StreamId,
        frame: Frame,
    },
    /// A peer asks on a short stream.
    Request {
        peer: PeerId,
        stream: StreamId,
        ask: Ask,
    },
    /// Answer to [`Errand::Check`].
    Checked {
        peer: PeerId,
        checked: Checked,
    },
    /// [`Errand::List`] was sent: what both hold alike, and the peer's digests that are not ours.
    Listed {
        peer: PeerId,
        same: Vec<(Cid, Audience)>,
        differs: Vec<(Cid, [u8; 32])>,
    },
    /// Answer to [`Errand::Compare`].
    Compared {
        peer: PeerId,
        found: Vec<Compared>,
    },
    /// Answer to [`Output::Pull`] and [`Output::Fetch`]; None: it failed.
    Pulled {
        peer: PeerId,
        community: Cid,
        ticket: u64,
        result: Option<Pulled>,
    },
    /// An announcement was looked at, from gossip or by [`Errand::Hear`].
    Heard(Heard),
    /// A peer passed on news by somebody we do not know: its roster may be ahead of ours.
    Behind {
        peer: PeerId,
    },
    /// The roster or identities of a community changed here.
    Changed {
        community: Cid,
    },
    /// We published something.
    Announce {
        community: Cid,
        audience: Audience,
        announce: Bytes,
    },
    /// Where a node is was said, here or by a peer; the number of the last such word.
    Known {
        seq: u64,
    },
    /// A peer told a word that whoever it names did not sign: honest ones look before they pass one on.
    Forged {
        peer: PeerId,
    },
    /// Compare heads with every peer now.
    SyncNow,
    /// A timer; see [`Engine::wake`].
    Tick,
}

/// What a peer's hello is worth.
#[derive(Debug)]
pub struct Checked {
    pub community: Cid,
    pub hello: Hello,
    pub result: Result<Proof, Answer>,
    /// A document that tells the device that it is out, see [`Overtaken`](super::message::Overtaken).
    pub overtaken: Option<Block>,
    /// It was answered before.
    pub again: bool,
}

/// One community's part of a comparison.
#[derive(Debug, Clone)]
pub struct Compared {
    pub community: Cid,
    pub audience: Audience,
    pub same: bool,
    /// What the peer offers and we lack.
    pub lack: Lack,
    /// Something is lacking here, offered or not.
    pub incomplete: bool,
}

/// What an announcement turned out to be.
#[derive(Debug)]
pub struct Heard {
    /// Who passed it on.
    pub peer: PeerId,
    pub community: Cid,
    pub audience: Audience,
    pub announce: Bytes,
    /// It told of something that was not known here.
    pub news: bool,
    /// Something it names has to be pulled.
    pub lacking: bool,
}
