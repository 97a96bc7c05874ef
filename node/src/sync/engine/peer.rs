//! A connected peer, its session, and what was proven each way.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{Audience, Cid, Did};

use super::{
    Engine, OVERDUE, Output, PATIENCE, PeerId, Proof, SETTLE, StreamId,
    allowance::Allowance,
    lack::{Backoff, Fruitless},
    message::{Fault, Frame, Hello, Open, VERSION, tag},
    nodes::Told,
};

/// What a session opened by a peer costs of its allowance, in frames.
const SESSION: u64 = 16;

/// One session stream.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: StreamId,
    /// We opened it.
    pub(super) ours: bool,
    pub(super) nonce: [u8; 32],
    /// None until the peer's `open` is here.
    pub(super) theirs: Option<[u8; 32]>,
    /// The version of the protocol it speaks; 0 until then.
    pub(super) speaks: u64,
    /// What each tag stands for, for the communities here.
    pub(super) tags: BTreeMap<String, Cid>,
}

impl Session {
    pub(super) fn is_open(&self) -> bool {
        self.theirs.is_some()
    }

    pub(super) fn tag(&self, community: &Cid) -> Option<String> {
        let theirs = self.theirs.as_ref()?;
        Some(if self.ours { tag(community, &self.nonce, theirs) } else { tag(community, theirs, &self.nonce) })
    }
}

/// Where our own hello to a peer stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Greeting {
    Sent {
        retry: Backoff,
    },
    Ok,
    /// Absent or later: said again when something changed, and now and then.
    Refused {
        retry: Backoff,
    },
}

/// A `heads` of ours that is not answered yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) deadline: u64,
    pub(super) asked: BTreeMap<Cid, Audience>,
    /// The last frame of the answer is here; its comparison is under way.
    pub(super) answered: bool,
    /// Comparisons not finished.
    pub(super) open: usize,
}

#[derive(Debug)]
pub(super) struct Peer {
    pub(super) connected: bool,
    pub(super) dialled: bool,
    pub(super) session: Option<Session>,
    /// When to open a session, if there is none by then.
    pub(super) open_at: Option<u64>,
    /// Who it is, until the last connection closes; what it may have, [`Engine::admits`] says.
    pub(super) proven: BTreeMap<Cid, Proof>,
    pub(super) greetings: BTreeMap<Cid, Greeting>,
    /// Hellos of the peer that wait for a roster.
    pub(super) deferred: BTreeMap<Cid, Hello>,
    /// Tags the peer used and we do not know (yet).
    pub(super) unknown_tags: BTreeSet<String>,
    pub(super) compare_at: Option<u64>,
    pub(super) waiting: Option<Waiting>,
    pub(super) last_heads: Option<u64>,
    /// The last community asked for, when there were more than fit: the next comparison goes on from it.
    pub(super) asked_to: Option<Cid>,
    /// Compared at least once.
    pub(super) compared: bool,
    /// Communities of which the peer holds what we hold.
    pub(super) same: BTreeSet<Cid>,
    /// The digest of each community with which the peer last differed from us, and when that was a reason to ask back.
    pub(super) digests: BTreeMap<Cid, ([u8; 32], u64)>,
    /// When the peer is asked again for the list of a community of which it had nothing we lack.
    pub(super) nulls: BTreeMap<Cid, Backoff>,
    pub(super) fruitless: Fruitless,
    pub(super) told: Told,
    /// It failed to answer a request of ours: nothing is asked of it for a while.
    pub(super) rest: Option<Backoff>,
    pub(super) allowance: Allowance,
}

impl Peer {
    pub(super) fn new(now: u64) -> Self {
        Self {
            connected: false,
            dialled: false,
            session: None,
            open_at: None,
            proven: BTreeMap::new(),
            greetings: BTreeMap::new(),
            deferred: BTreeMap::new(),
            unknown_tags: BTreeSet::new(),
            compare_at: None,
            waiting: None,
            last_heads: None,
            asked_to: None,
            compared: false,
            same: BTreeSet::new(),
            digests: BTreeMap::new(),
            nulls: BTreeMap::new(),
            fruitless: Fruitless::default(),
            told: Told::default(),
            rest: None,
            allowance: Allowance::new(now),
        }
    }

    /// The session, when both nonces are known.
    pub(super) fn open_session(&self) -> Option<&Session> {
        self.session.as_ref().filter(|session| session.is_open())
    }

    pub(super) fn accepts_us(&self, community: &Cid) -> bool {
        matches!(self.greetings.get(community), Some(Greeting::Ok))
    }

    /// Compare heads at this time at the latest.
    pub(super) fn compare_by(&mut self, at: u64) {
        self.compare_at = Some(self.compare_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// When something has to be done; a comparison cannot start while one is under way or before the session is open.
    pub(super) fn wake(&self) -> Option<u64> {
        let compare = self.compare_at.filter(|_| self.waiting.is_none() && self.open_session().is_some());
        let waiting = self.waiting.as_ref().map(|waiting| waiting.deadline);
        let tell = self.told.next.filter(|_| self.open_session().is_some());
        [self.open_at, compare, waiting, tell].into_iter().flatten().min()
    }
}

impl Engine {
    /// It proved to be somebody whom the roster holds still, on a device that is still theirs.
    pub(super) fn admits(&self, peer: &Peer, community: &Cid) -> bool {
        let proof = peer.proven.get(community);
        proof.is_some_and(|proof| self.members.get(community).is_some_and(|members| members.devices.contains(proof)))
    }

    /// It proved to be a member by the root key, to recover its identity.
    pub(super) fn recovers(&self, peer: &Peer, community: &Cid) -> bool {
        let member = |did: &Did| self.members.get(community).is_some_and(|members| members.people().any(|m| m == did));
        peer.proven.get(community).is_some_and(|proof| proof.is_root() && member(&proof.did))
    }

    /// Each side admits the other: the members audience may flow.
    pub(super) fn mutual(&self, peer: &Peer, community: &Cid) -> bool {
        peer.accepts_us(community) && self.admits(peer, community)
    }

    pub(super) fn on_connected(&mut self, now: u64, id: PeerId, dialled: bool) {
        let peer = self.peers.entry(id).or_insert_with(|| Peer::new(now));
        peer.connected = true;
        peer.dialled |= dialled;
        if peer.session.is_none() {
            let at = if dialled { now } else { now + OVERDUE };
            peer.open_at = Some(peer.open_at.map_or(at, |earlier| earlier.min(at)));
        }
        self.greet_all(now, id);
    }

    pub(super) fn on_disconnected(&mut self, now: u64, id: PeerId) {
        let Some(peer) = self.peers.remove(&id) else { return };
        if let Some(session) = peer.session {
            self.out.push(Output::Close { peer: id, session: session.id });
        }
        self.abandon_pulls(now, id);
    }

    pub(super) fn on_opened(&mut self, id: PeerId, session: StreamId, nonce: [u8; 32]) {
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| peer.session.is_none()) else {
            self.out.push(Output::Close { peer: id, session });
            return;
        };
        peer.open_at = None;
        peer.session = Some(Session { id: session, ours: true, nonce, theirs: None, speaks: 0, tags: BTreeMap::new() });
        self.send(id, Frame::Open(Open { nonce, version: VERSION }));
    }

    pub(super) fn on_open_failed(&mut self, now: u64, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id).filter(|peer| peer.session.is_none()) {
            peer.open_at = Some(now + PATIENCE);
        }
    }

    /// Two sessions at once, one from each side: the one opened by the smaller peer id stays. A second one from the
    /// peer replaces its first, which it has given up.
    pub(super) fn on_accepted(&mut self, now: u64, id: PeerId, session: StreamId, nonce: [u8; 32], open: &Open) {
        let local = self.local;
        let peer = self.peers.entry(id).or_insert_with(|| Peer::new(now));
        // A session begins with hellos and a comparison, which is more work than any one frame.
        let affordable = peer.allowance.take(now, SESSION);
        if !affordable || (peer.session.as_ref().is_some_and(|old| old.ours) && local < id) {
            self.out.push(Output::Close { peer: id, session });
            return;
        }
        if let Some(old) = peer.session.take() {
            self.out.push(Output::Close { peer: id, session: old.id });
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.forget_session();
        peer.open_at = None;
        peer.session =
            Some(Session { id: session, ours: false, nonce, theirs: None, speaks: 0, tags: BTreeMap::new() });
        self.send(id, Frame::Open(Open { nonce, version: VERSION }));
        self.on_open(now, id, open);
    }

    pub(super) fn on_open(&mut self, now: u64, id: PeerId, open: &Open) {
        let communities: Vec<Cid> = self.communities.keys().copied().collect();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(session) = peer.session.as_mut() else { return };
        if session.theirs.is_some() {
            return self.misbehaved(now, id, "opened a session twice");
        }
        session.theirs = Some(open.nonce);
        session.speaks = open.version;
        session.tags = communities.iter().filter_map(|cid| Some((session.tag(cid)?, *cid))).collect();
        peer.compare_by(now + SETTLE);
        self.greet_all(now, id);
    }

    pub(super) fn on_closed(&mut self, now: u64, id: PeerId, session: StreamId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.session.as_ref().is_none_or(|current| current.id != session) {
            return;
        }
        let ours = peer.session.take().is_some_and(|session| session.ours);
        peer.forget_session();
        if !peer.connected {
            self.peers.remove(&id);
        } else if ours || peer.dialled {
            peer.open_at = Some(now + super::SECOND);
        } else {
            peer.open_at = Some(now + OVERDUE);
        }
    }

    pub(super) fn drop_session(&mut self, now: u64, id: PeerId) {
        let Some(session) = self.peers.get(&id).and_then(|peer| peer.session.as_ref()).map(|session| session.id) else {
            return;
        };
        self.out.push(Output::Close { peer: id, session });
        self.on_closed(now, id, session);
    }

    /// An honest peer of this version does not do this: the session ends, and is not opened again by us for a while.
    pub(super) fn misbehaved(&mut self, now: u64, id: PeerId, how: &str) {
        tracing::debug!(peer = %id, how, "session ended");
        self.send(id, Frame::Error(Fault::malformed()));
        self.drop_session(now, id);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.open_at = Some(now + PATIENCE);
        }
    }

    pub(super) fn send(&mut self, id: PeerId, frame: Frame) {
        if let Some(session) = self.peers.get(&id).and_then(|peer| peer.session.as_ref()) {
            self.out.push(Output::Send { peer: id, session: session.id, frame });
        }
    }

    pub(super) fn on_frame(&mut self, now: u64, id: PeerId, session: StreamId, frame: Frame) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(current) = peer.session.as_ref().filter(|current| current.id == session) else { return };
        let open = current.is_open();
        let cost = match &frame {
            Frame::Hello(_) | Frame::Overtaken(_) | Frame::Heads(_) | Frame::Nodes(_) => 4,
            _ => 1,
        };
        if !peer.allowance.take(now, cost) {
            // A hint is let go; of what needs an answer no honest peer sends so much.
            if matches!(frame, Frame::Notify(_) | Frame::Nodes(_)) {
                return;
            }
            return self.misbehaved(now, id, "too many frames");
        }
        match frame {
            Frame::Open(open) => self.on_open(now, id, &open),
            Frame::Error(fault) => {
                tracing::debug!(peer = %id, %fault, "the peer ended the session");
                self.drop_session(now, id);
            }
            _ if !open => self.misbehaved(now, id, "spoke before its open"),
            Frame::Hello(hello) => self.on_hello(id, *hello),
            Frame::Welcome(welcome) => self.on_welcome(now, id, &welcome),
            Frame::Overtaken(overtaken) => self.on_overtaken(id, overtaken),
            Frame::Heads(heads) => self.on_heads(now, id, heads),
            Frame::Listing(listing) => self.on_listing(now, id, listing),
            Frame::Notify(notify) => self.on_notify(id, notify),
            Frame::Nodes(nodes) => self.on_nodes(id, nodes),
            Frame::Pull(_) | Frame::Blocks(_) | Frame::Part(_) | Frame::End(_) => {
                self.misbehaved(now, id, "sent a frame of short streams");
            }
        }
    }
}

impl Peer {
    /// What was tied to the nonces of a session that is gone. What was proven to us stays; our own proofs are given
    /// again, since the peer may have restarted.
    fn forget_session(&mut self) {
        self.greetings.clear();
        self.deferred.clear();
        self.unknown_tags.clear();
        self.waiting = None;
        self.compare_at = None;
        self.told.forget();
    }
}
