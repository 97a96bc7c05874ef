//! Telling members where members' nodes are. A peer is told what came since it was told last, as far as it is of
//! communities in which each of us admits the other; not at every change, so that whoever changes their word all the
//! time costs each of us one frame in a while.

use std::collections::BTreeSet;

use folkmoot_schemas::Cid;

use super::{
    Engine, Errand, PeerId, SECOND, SETTLE,
    message::{NODES, Nodes},
};

/// Shortest pause between two tellings to one peer.
const PAUSE: u64 = 5 * SECOND;
/// The same before everything is told anew, in a new session on a connection that stands.
const PAUSE_ANEW: u64 = 60 * SECOND;

/// What a peer was told of nodes.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// When to tell it more.
    pub(super) next: Option<u64>,
    last: Option<u64>,
    anew: bool,
    /// Up to this word.
    seq: u64,
    /// Of these communities.
    of: BTreeSet<Cid>,
}

impl Told {
    /// A new session begins anew: what was told in the last one may not have arrived.
    pub(super) fn forget(&mut self) {
        (self.next, self.seq, self.anew) = (None, 0, true);
        self.of.clear();
    }
}

impl Engine {
    /// Tells a peer what it has not been told, soon.
    pub(super) fn tell_nodes(&mut self, now: u64, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            let pause = if peer.told.anew { PAUSE_ANEW } else { PAUSE };
            let soon = peer.told.last.map_or(0, |last| last + pause).max(now + SETTLE);
            peer.told.next = Some(peer.told.next.map_or(soon, |next| next.min(soon)));
        }
    }

    /// Something was said, here or elsewhere.
    pub(super) fn on_known(&mut self, now: u64, seq: u64) {
        if seq <= self.known {
            return;
        }
        self.known = seq;
        let ids: Vec<PeerId> = self.peers.keys().copied().collect();
        ids.into_iter().for_each(|id| self.tell_nodes(now, id));
    }

    pub(super) fn tell_if_due(&mut self, now: u64, id: PeerId) {
        let Some(peer) = self.peers.get(&id).filter(|peer| peer.told.next.is_some_and(|at| at <= now)) else { return };
        let of: BTreeSet<Cid> = self.communities.keys().filter(|cid| self.mutual(peer, cid)).copied().collect();
        let session = peer.open_session().filter(|session| session.speaks >= NODES).map(|session| session.id);
        let known = self.known;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.told.next = None;
        let Some(session) = session.filter(|_| !of.is_empty()) else { return };
        let since = if of.is_subset(&peer.told.of) { peer.told.seq } else { 0 };
        if since >= known {
            return;
        }
        (peer.told.last, peer.told.anew) = (Some(now), false);
        peer.told.seq = known;
        peer.told.of = of.clone();
        let proofs =
            peer.proven.iter().filter(|(cid, _)| of.contains(*cid)).map(|(cid, proof)| (*cid, *proof)).collect();
        self.errand(Errand::Tell { peer: id, session, since, proofs });
    }

    pub(super) fn on_nodes(&mut self, id: PeerId, nodes: Nodes) {
        let Some(peer) = self.peers.get(&id) else { return };
        let shared: BTreeSet<Cid> = self.communities.keys().filter(|cid| self.admits(peer, cid)).copied().collect();
        // Not a member (any more): a hint we can do without.
        if !shared.is_empty() {
            self.errand(Errand::Learn {
                peer: id,
                shared,
                said: nodes.said.into_iter().map(|bytes| bytes.into_vec().into()).collect(),
            });
        }
    }
}
