//! Announcements: gossip for the public audience, `notify` from peer to peer for members. Only ever a hint.

use bytes::Bytes;
use folkmoot_schemas::{Audience, Cid};

use super::{
    Engine, Errand, Heard, Output, PeerId,
    compare::ASK_BACK,
    message::{Frame, Notify},
};

impl Engine {
    pub(super) fn on_announce(&mut self, now: u64, community: Cid, audience: Audience, announce: Bytes) {
        match audience {
            Audience::Public => self.out.push(Output::Gossip { community, announce }),
            Audience::Members => self.notify(community, &announce, None),
        }
        // Whoever did not hear it learns by comparing that there is something.
        self.has_news(now, community, None);
    }

    /// To every peer that is a member and accepted our proof.
    fn notify(&mut self, community: Cid, announce: &Bytes, except: Option<PeerId>) {
        let to: Vec<PeerId> = (self.peers.iter())
            .filter(|(id, peer)| Some(**id) != except && self.mutual(peer, &community))
            .map(|(id, _)| *id)
            .collect();
        for id in to {
            self.send(id, Frame::Notify(Notify { community, announce: announce.to_vec() }));
        }
    }

    pub(super) fn on_notify(&mut self, id: PeerId, notify: Notify) {
        let Notify { community, announce } = notify;
        // Not a member (any more), or a community we left: a hint we can do without.
        if self.peers.get(&id).is_some_and(|peer| self.admits(peer, &community)) {
            self.errand(Errand::Hear { peer: id, community, announce: announce.into() });
        }
    }

    pub(super) fn on_heard(&mut self, now: u64, heard: Heard) {
        let Heard { peer: from, community, audience, announce, news, lacking } = heard;
        if news {
            for peer in self.peers.values_mut() {
                peer.same.remove(&community);
            }
            // Gossip forwards by itself; what came by notify is passed on once, the known head stops it.
            if audience == Audience::Members {
                self.notify(community, &announce, Some(from));
            }
        }
        if lacking {
            self.ask_back(now, from);
        }
    }

    /// Compares heads with a peer that seems to be ahead. Not at every such sign: they cost their sender nothing.
    pub(super) fn ask_back(&mut self, now: u64, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.compare_by(peer.last_heads.map_or(now, |last| last + ASK_BACK).max(now));
        }
    }
}
