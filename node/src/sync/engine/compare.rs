//! Comparing heads: on every connection, after news, and every 30 s with one peer in turn.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{Audience, Cid, charter::Visibility};

use super::{
    Compared, Engine, Errand, PATIENCE, PeerId, SECOND, SETTLE, TURN,
    lack::Backoff,
    message::{Heads, Listing},
    peer::Waiting,
};

/// Communities in one `heads`; the rest follows in the next turn.
const COMMUNITIES: usize = 256;
/// A peer whose heads differ from ours is asked back, but not more often than this.
pub(super) const ASK_BACK: u64 = 5 * SECOND;

impl Engine {
    /// What to compare with a peer, and at which audience: the members audience once both have proved themselves, or
    /// when we have joined and hold nothing yet that could be guarded.
    fn shared(&self, id: PeerId) -> BTreeMap<Cid, Audience> {
        let Some(peer) = self.peers.get(&id) else { return BTreeMap::new() };
        let audience = |cid: &Cid, visibility: Option<Visibility>| match visibility {
            _ if self.mutual(peer, cid) => Some(Audience::Members),
            None if peer.accepts_us(cid) => Some(Audience::Members),
            Some(Visibility::Public) => Some(Audience::Public),
            _ => None,
        };
        self.communities.iter().filter_map(|(cid, ours)| Some((*cid, audience(cid, ours.visibility)?))).collect()
    }

    pub(super) fn compare_if_due(&mut self, now: u64, id: PeerId) {
        let due = self.peers.get(&id).is_some_and(|peer| {
            peer.compare_at.is_some_and(|at| at <= now) && peer.waiting.is_none() && peer.open_session().is_some()
        });
        if !due {
            return;
        }
        self.greet_all(now, id);
        let shared = self.shared(id);
        let nothing_here = self.communities.is_empty();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let from = peer.asked_to.take();
        let rest = |cid: &Cid| from.is_none_or(|from| *cid > from);
        let asked: BTreeMap<Cid, Audience> = shared
            .iter()
            .filter(|(cid, _)| rest(cid))
            .take(COMMUNITIES)
            .map(|(cid, audience)| (*cid, *audience))
            .collect();
        if asked.len() == COMMUNITIES {
            peer.asked_to = asked.last_key_value().map(|(cid, _)| *cid);
        }
        let ask = (asked.iter())
            .map(|(cid, audience)| (*cid, *audience, peer.nulls.get(cid).is_none_or(|backoff| backoff.until <= now)))
            .collect();
        let Some(session) = peer.open_session().map(|session| session.id) else { return };
        peer.compare_at = None;
        if asked.is_empty() {
            peer.compared |= nothing_here;
            return;
        }
        peer.last_heads = Some(now);
        peer.waiting = Some(Waiting { deadline: now + PATIENCE, asked, answered: false, open: 0 });
        self.errand(Errand::Describe { peer: id, session, ask });
    }

    pub(super) fn on_heads(&mut self, now: u64, id: PeerId, heads: Heads) {
        let Some(peer) = self.peers.get(&id) else { return };
        let Some(session) = peer.open_session().map(|session| session.id) else { return };
        // Each entry is answered with a whole list, so none may be asked for twice.
        let distinct: BTreeSet<&Cid> = heads.communities.iter().map(|ask| &ask.cid).collect();
        if heads.communities.len() > COMMUNITIES || distinct.len() < heads.communities.len() {
            return self.misbehaved(now, id, "asked for too many communities");
        }
        let proofs = peer.proven.clone();
        self.errand(Errand::List { peer: id, session, heads, proofs });
    }

    /// The peer has something else than we: it may have more. The same digest is a reason once per turn,
    /// so that two replicas with a lasting difference do not keep asking each other.
    pub(super) fn on_listed(&mut self, now: u64, id: PeerId, same: &[(Cid, Audience)], differs: Vec<(Cid, [u8; 32])>) {
        let shared = self.shared(id);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.same.extend(same.iter().filter(|(cid, audience)| shared.get(cid) == Some(audience)).map(|(cid, _)| *cid));
        for (community, digest) in differs {
            peer.same.remove(&community);
            let told = peer.digests.get(&community);
            if told.is_none_or(|(before, at)| *before != digest || *at + TURN <= now) {
                peer.digests.insert(community, (digest, now));
                let at = peer.last_heads.map_or(now, |last| last + ASK_BACK).max(now + SETTLE);
                peer.compare_by(at);
            }
        }
    }

    pub(super) fn on_listing(&mut self, now: u64, id: PeerId, listing: Listing) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(waiting) = peer.waiting.as_mut().filter(|waiting| !waiting.answered) else {
            return self.misbehaved(now, id, "listed heads unasked");
        };
        waiting.deadline = now + PATIENCE;
        waiting.answered = !listing.more;
        waiting.open += 1;
        let asked = waiting.asked.clone();
        self.errand(Errand::Compare { peer: id, listing, asked });
    }

    pub(super) fn on_compared(&mut self, now: u64, id: PeerId, found: Vec<Compared>) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some(waiting) = peer.waiting.as_mut() {
            waiting.open = waiting.open.saturating_sub(1);
            if waiting.answered && waiting.open == 0 {
                peer.waiting = None;
                peer.compared = true;
            }
        }
        for Compared { community, audience, same, mut lack, incomplete } in found {
            let Some(peer) = self.peers.get_mut(&id) else { return };
            if same {
                peer.same.insert(community);
            } else {
                peer.same.remove(&community);
            }
            if same && lack.lost.is_empty() {
                continue;
            }
            peer.fruitless.filter(now, community, &mut lack);
            if !lack.is_empty() {
                self.obtain(now, id, community, audience, lack);
            } else if incomplete {
                peer.nulls
                    .entry(community)
                    .and_modify(|backoff| {
                        if backoff.until <= now {
                            *backoff = backoff.longer(now);
                        }
                    })
                    .or_insert_with(|| Backoff::first(now));
            }
        }
    }

    /// We hold something else than before: nobody is known to hold the same, and a few peers are told by comparing.
    pub(super) fn has_news(&mut self, now: u64, community: Cid, from: Option<PeerId>) {
        let shared: Vec<PeerId> = (self.peers.keys().copied())
            .filter(|id| Some(*id) != from && self.shared(*id).contains_key(&community))
            .collect();
        for (n, id) in shared.into_iter().enumerate() {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            peer.same.remove(&community);
            if n < super::POKED {
                peer.compare_by(now + super::AFTER_NEWS);
            }
        }
        if let Some(peer) = from.and_then(|id| self.peers.get_mut(&id)) {
            peer.same.remove(&community);
        }
    }
}
