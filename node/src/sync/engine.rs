//! Decides what to say to whom and when: a pure state machine, `on(now, input) -> Vec<Output>`. No I/O, no clock, no
//! randomness of its own: time and nonces come with the inputs, and whatever needs the store or a key is asked for as
//! an [`Output`] and comes back as an [`Input`]. The driver performs outputs on the network, the simulation in memory.
//!
//! Its promise: two honest nodes that stay connected hold the same within about a minute, with every announcement
//! lost. Announcements only make that faster. Time is in microseconds throughout.

mod allowance;
mod compare;
mod hello;
mod input;
mod lack;
mod news;
mod nodes;
mod output;
mod peer;
mod pulls;

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{Cid, Did};

pub use self::{
    input::{Checked, Compared, Heard, Input, Ours, Proof, StreamId},
    lack::{Lack, Offer},
    output::{Errand, Order, Output},
    pulls::{Ask, Pulled},
};
use self::{
    peer::{Peer, Session},
    pulls::Pulling,
};
use super::message;
use crate::net::PeerId;

pub(super) const SECOND: u64 = 1_000_000;
/// How often heads are compared with one peer in turn.
const TURN: u64 = 30 * SECOND;
/// How long a peer may take to answer `heads`, and a stream to open.
const PATIENCE: u64 = 30 * SECOND;
/// Lets several reasons to compare heads share one exchange.
const SETTLE: u64 = SECOND / 20;
/// After news: gossip gets this long to carry it before heads are compared.
const AFTER_NEWS: u64 = 2 * SECOND;
/// A peer that dialled us and opens no session by then gets one from us.
const OVERDUE: u64 = 5 * SECOND;
/// Peers told by a comparison that we have news; the others hear it from them or in their turn.
const POKED: usize = 8;

/// Whom a roster admits, as of a generation of the store.
#[derive(Debug)]
struct Members {
    as_of: u64,
    devices: BTreeSet<Proof>,
}

/// The state machine. One per node.
#[derive(Debug)]
pub struct Engine {
    local: PeerId,
    communities: BTreeMap<Cid, Ours>,
    members: BTreeMap<Cid, Members>,
    peers: BTreeMap<PeerId, Peer>,
    /// At most one per community.
    pulls: BTreeMap<Cid, Pulling>,
    next_turn: u64,
    last_turn: Option<PeerId>,
    tickets: u64,
    /// The last word on where a node is that is known here.
    known: u64,
    out: Vec<Output>,
}

impl Members {
    fn people(&self) -> impl Iterator<Item = &Did> {
        self.devices.iter().map(|proof| &proof.did)
    }
}

impl Engine {
    pub fn new(local: PeerId, now: u64) -> Self {
        Self {
            local,
            communities: BTreeMap::new(),
            members: BTreeMap::new(),
            peers: BTreeMap::new(),
            pulls: BTreeMap::new(),
            next_turn: now + TURN,
            last_turn: None,
            tickets: 0,
            known: 0,
            out: Vec::new(),
        }
    }

    pub fn on(&mut self, now: u64, input: Input) -> Vec<Output> {
        match input {
            Input::Communities(communities) => self.on_communities(now, communities),
            Input::Members { community, as_of, devices } => self.on_members(now, community, as_of, devices),
            Input::Connected { peer, dialled } => self.on_connected(now, peer, dialled),
            Input::Disconnected { peer } => self.on_disconnected(now, peer),
            Input::Opened { peer, session, nonce } => self.on_opened(peer, session, nonce),
            Input::OpenFailed { peer } => self.on_open_failed(now, peer),
            Input::Accepted { peer, session, nonce, open } => self.on_accepted(now, peer, session, nonce, &open),
            Input::Closed { peer, session } => self.on_closed(now, peer, session),
            Input::Frame { peer, session, frame } => self.on_frame(now, peer, session, frame),
            Input::Request { peer, stream, ask } => self.on_request(now, peer, stream, ask),
            Input::Checked { peer, checked } => self.on_checked(now, peer, checked),
            Input::Listed { peer, same, differs } => self.on_listed(now, peer, &same, differs),
            Input::Compared { peer, found } => self.on_compared(now, peer, found),
            Input::Pulled { peer, community, ticket, result } => self.on_pulled(now, peer, community, ticket, result),
            Input::Heard(heard) => self.on_heard(now, heard),
            Input::Behind { peer } => self.ask_back(now, peer),
            Input::Changed { community } => self.on_changed(now, community),
            Input::Announce { community, audience, announce } => self.on_announce(now, community, audience, announce),
            Input::Known { seq } => self.on_known(now, seq),
            Input::Forged { peer } => self.misbehaved(now, peer, "told a forged word about a node"),
            Input::SyncNow => self.peers.values_mut().for_each(|peer| peer.compare_by(now)),
            Input::Tick => {}
        }
        self.due(now);
        std::mem::take(&mut self.out)
    }

    /// When a [`Input::Tick`] is needed at the latest.
    pub fn wake(&self) -> u64 {
        let peers = self.peers.values().filter_map(Peer::wake);
        let pulls = self.pulls.values().map(|pull| pull.deadline);
        peers.chain(pulls).fold(self.next_turn, u64::min)
    }

    pub fn communities(&self) -> impl Iterator<Item = &Cid> {
        self.communities.keys()
    }

    /// True while pulls are under way.
    pub fn is_busy(&self) -> bool {
        !self.pulls.is_empty()
    }

    /// Connected peers whose heads were compared at least once.
    pub fn compared(&self) -> usize {
        self.peers.values().filter(|peer| peer.compared).count()
    }

    /// Forgets what peers said to hold, so that only a comparison from now on counts.
    pub fn forget_comparisons(&mut self) {
        for peer in self.peers.values_mut() {
            peer.compared = false;
            peer.same.clear();
        }
    }

    /// The person each peer proved to be, and on which device; a peer may be several in several communities, the first is
    /// given.
    pub fn people(&self) -> BTreeMap<PeerId, Proof> {
        let person = |peer: &Peer| peer.proven.iter().find(|(cid, _)| self.admits(peer, cid)).map(|(_, proof)| *proof);
        self.peers.iter().filter_map(|(id, peer)| Some((*id, person(peer)?))).collect()
    }

    /// Peers that hold what we hold of a community, as far as we may know.
    pub fn held_by(&self, community: &Cid) -> usize {
        self.peers.iter().filter(|(_, peer)| peer.same.contains(community)).count()
    }

    /// The people whose devices do, of those who may read all of it.
    pub fn holders(&self, community: &Cid) -> BTreeSet<Did> {
        let same = self.peers.values().filter(|peer| peer.same.contains(community));
        let proven = same.filter_map(|peer| Some((peer, peer.proven.get(community)?)));
        proven.filter(|(peer, _)| self.admits(peer, community)).map(|(_, proof)| proof.did).collect()
    }

    fn errand(&mut self, errand: Errand) {
        self.out.push(Output::Errand(Box::new(errand)));
    }

    /// Everything whose time has come.
    fn due(&mut self, now: u64) {
        if now >= self.next_turn {
            self.next_turn = now + TURN;
            self.take_turn(now);
        }
        self.expire_pulls(now);
        let due: Vec<PeerId> =
            self.peers.iter().filter(|(_, peer)| peer.wake().is_some_and(|at| at <= now)).map(|(id, _)| *id).collect();
        for peer in due {
            self.peer_due(now, peer);
        }
    }

    /// The next peer in order.
    fn take_turn(&mut self, now: u64) {
        let ready = |peer: &Peer| peer.session.as_ref().is_some_and(Session::is_open);
        let after = self.last_turn;
        let next = self
            .peers
            .iter()
            .find(|(id, peer)| after.is_none_or(|last| **id > last) && ready(peer))
            .or_else(|| self.peers.iter().find(|(_, peer)| ready(peer)))
            .map(|(id, _)| *id);
        self.last_turn = next;
        if let Some(peer) = next.and_then(|id| self.peers.get_mut(&id)) {
            peer.compare_by(now);
        }
    }

    fn peer_due(&mut self, now: u64, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some(at) = peer.open_at
            && at <= now
        {
            peer.open_at = None;
            if peer.session.is_none() {
                peer.open_at = Some(now + PATIENCE);
                self.out.push(Output::OpenSession { peer: id });
            }
        }
        if peer.waiting.as_ref().is_some_and(|waiting| waiting.deadline <= now) {
            tracing::debug!(peer = %id, "heads were not answered in time");
            self.drop_session(now, id);
            return;
        }
        self.tell_if_due(now, id);
        self.compare_if_due(now, id);
    }
}
