//! Who may hear of the members audience. The dialler proves first: a node does not tell a stranger that dials it who
//! it belongs to.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::Cid;

use super::{
    Checked, Engine, Errand, Members, Ours, PeerId, Proof, SETTLE, TURN,
    lack::Backoff,
    message::{Answer, Binding, Frame, Hello, OVERTAKEN, Overtaken, Welcome},
    peer::{Greeting, Peer},
};

/// Hellos said to one peer at once; the others follow a turn later.
const GREETINGS: usize = 48;
/// Hellos of one peer that wait for a roster.
const DEFERRED: usize = 16;
/// Tags of one peer we keep in case we join their community.
const UNKNOWN_TAGS: usize = 256;

impl Engine {
    pub(super) fn on_communities(&mut self, now: u64, communities: BTreeMap<Cid, Ours>) {
        let news = communities.iter().any(|(cid, ours)| self.communities.get(cid) != Some(ours));
        self.communities = communities;
        if !news {
            return;
        }
        let ids: Vec<PeerId> = self.peers.keys().copied().collect();
        for id in ids {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            if let Some(session) = peer.session.as_mut() {
                session.tags = self.communities.keys().filter_map(|cid| Some((session.tag(cid)?, *cid))).collect();
                let (known, unknown): (BTreeSet<String>, _) =
                    std::mem::take(&mut peer.unknown_tags).into_iter().partition(|tag| session.tags.contains_key(tag));
                peer.unknown_tags = unknown;
                for tag in known {
                    self.send(id, Frame::Welcome(Welcome { tag, answer: Answer::Later }));
                }
            }
            self.greet_all(now, id);
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.compare_by(now + SETTLE);
            }
        }
    }

    /// Says hello wherever there is something to prove and the peer has not accepted it.
    pub(super) fn greet_all(&mut self, now: u64, id: PeerId) {
        let communities: Vec<Cid> =
            self.communities.iter().filter(|(_, ours)| ours.proves).map(|(cid, _)| *cid).collect();
        let mut said = 0;
        for community in communities {
            said += usize::from(self.greet(now, id, community, false));
            if said == GREETINGS {
                // More at once than the peer's allowance for us covers would end the session.
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.compare_by(now + TURN);
                }
                return;
            }
        }
    }

    /// True: said.
    fn greet(&mut self, now: u64, id: PeerId, community: Cid, at_once: bool) -> bool {
        let Some(ours) = self.communities.get(&community).filter(|ours| ours.proves).copied() else { return false };
        let local = self.local;
        let known = |peer: &Peer| self.admits(peer, &community) || self.recovers(peer, &community);
        let admitted = self.peers.get(&id).is_some_and(known);
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        // Who has only a join in hand cannot judge the other's proof; that it knows the community has to do.
        let knows = peer.deferred.contains_key(&community);
        let joining = ours.visibility.is_none() && knows;
        if !(peer.dialled || admitted || joining) {
            return false;
        }
        let retry = match peer.greetings.get(&community) {
            None => Backoff::first(now),
            Some(Greeting::Ok) => return false,
            Some(Greeting::Sent { retry }) if now < retry.until => return false,
            Some(Greeting::Refused { retry }) if now < retry.until && !at_once => return false,
            Some(Greeting::Sent { retry } | Greeting::Refused { retry }) => retry.longer(now),
        };
        let Some(session) = peer.open_session() else { return false };
        let (Some(tag), Some(theirs)) = (session.tag(&community), session.theirs) else { return false };
        let binding = Binding { from: local, to: id, from_nonce: session.nonce, to_nonce: theirs };
        let session = session.id;
        peer.greetings.insert(community, Greeting::Sent { retry });
        self.errand(Errand::Greet { peer: id, session, community, tag, binding, knows });
        true
    }

    pub(super) fn on_welcome(&mut self, now: u64, id: PeerId, welcome: &Welcome) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(community) = peer.open_session().and_then(|session| session.tags.get(&welcome.tag)).copied() else {
            return;
        };
        let before = peer.greetings.get(&community).copied();
        match (welcome.answer, before) {
            // An answer to nothing of ours.
            (Answer::Ok | Answer::Absent, None) | (Answer::Ok | Answer::Later, Some(Greeting::Ok)) => {}
            // It admits us no more: what everybody may see there tells why, or the answer to one more hello, if anything
            // does.
            (Answer::Absent, Some(Greeting::Ok)) => {
                peer.greetings.insert(community, Greeting::Refused { retry: Backoff::none(now) });
                peer.told.forget();
                // That says it, together with those of other communities and no more of them than are said at once.
                peer.compare_by(now + SETTLE);
            }
            (Answer::Ok, Some(_)) => {
                peer.greetings.insert(community, Greeting::Ok);
                peer.compare_by(now + SETTLE);
                self.tell_nodes(now, id);
            }
            (_, Some(Greeting::Sent { retry })) => {
                peer.greetings.insert(community, Greeting::Refused { retry });
            }
            (Answer::Absent, Some(Greeting::Refused { .. })) => {}
            (Answer::Later, _) => {
                self.greet(now, id, community, true);
            }
        }
    }

    /// Looked at where we said hello: nobody else has a reason to tell us.
    pub(super) fn on_overtaken(&mut self, id: PeerId, overtaken: Overtaken) {
        let Some(peer) = self.peers.get(&id) else { return };
        let community = peer.open_session().and_then(|session| session.tags.get(&overtaken.tag)).copied();
        if let Some(community) = community.filter(|community| peer.greetings.contains_key(community)) {
            self.errand(Errand::StepOut { community, identity: overtaken.identity });
        }
    }

    pub(super) fn on_hello(&mut self, id: PeerId, hello: Hello) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(session) = peer.open_session() else { return };
        match session.tags.get(&hello.tag).copied() {
            Some(community) => self.check(id, community, hello, false),
            None => {
                if hello.tag.len() <= 64 && peer.unknown_tags.len() < UNKNOWN_TAGS {
                    peer.unknown_tags.insert(hello.tag.clone());
                }
                self.send(id, Frame::Welcome(Welcome { tag: hello.tag, answer: Answer::Absent }));
            }
        }
    }

    fn check(&mut self, id: PeerId, community: Cid, hello: Hello, again: bool) {
        let Some(session) = self.peers.get(&id).and_then(|peer| peer.open_session()) else { return };
        let Some(theirs) = session.theirs else { return };
        let binding = Binding { from: id, to: self.local, from_nonce: theirs, to_nonce: session.nonce };
        self.errand(Errand::Check { peer: id, community, hello, binding, again });
    }

    pub(super) fn on_checked(&mut self, now: u64, id: PeerId, checked: Checked) {
        let Checked { community, hello, result, overtaken, again } = checked;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let takes_overtaken = peer.open_session().is_some_and(|session| session.speaks >= OVERTAKEN);
        let tag = hello.tag.clone();
        let answer = match result {
            Ok(proof) => {
                peer.proven.insert(community, proof);
                peer.deferred.remove(&community);
                peer.compare_by(now + SETTLE);
                Answer::Ok
            }
            Err(answer) => {
                // A roster that is still on its way may admit it: asked again then, not by the peer.
                if peer.deferred.len() < DEFERRED || peer.deferred.contains_key(&community) {
                    peer.deferred.insert(community, hello);
                }
                answer
            }
        };
        // Said once: a refusal repeated with every change here would tell a stranger that there is something to change.
        if answer == Answer::Ok || !again {
            self.send(id, Frame::Welcome(Welcome { tag: tag.clone(), answer }));
            if let Some(document) = overtaken.filter(|_| takes_overtaken) {
                self.send(id, Frame::Overtaken(Overtaken { tag, identity: document.bytes().to_vec() }));
            }
        }
        self.greet(now, id, community, answer == Answer::Ok);
        if answer == Answer::Ok {
            self.tell_nodes(now, id);
        }
    }

    pub(super) fn on_members(&mut self, now: u64, community: Cid, as_of: u64, devices: BTreeSet<Proof>) {
        if self.members.get(&community).is_some_and(|known| as_of < known.as_of) {
            return;
        }
        let known = self.members.insert(community, Members { as_of, devices });
        if known.is_some_and(|known| self.members.get(&community).is_some_and(|now| now.devices != known.devices)) {
            self.part_with(community);
            self.on_changed(now, community);
        }
    }

    /// Tells peers that were admitted and are no more: a device that was taken out of its person's identity would go on
    /// asking for what it is not given, and never learn why.
    fn part_with(&mut self, community: Cid) {
        let gone = |peer: &Peer| {
            peer.proven.contains_key(&community) && !self.admits(peer, &community) && !self.recovers(peer, &community)
        };
        let ids: Vec<PeerId> = self.peers.iter().filter(|(_, peer)| gone(peer)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            peer.proven.remove(&community);
            peer.told.forget();
            if let Some(tag) = peer.open_session().and_then(|session| session.tag(&community)) {
                self.send(id, Frame::Welcome(Welcome { tag, answer: Answer::Absent }));
            }
        }
    }

    /// A changed roster may admit whom it did not, on either side.
    pub(super) fn on_changed(&mut self, now: u64, community: Cid) {
        let ids: Vec<PeerId> = self.peers.keys().copied().collect();
        for id in ids {
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            peer.fruitless.forget(&community);
            if let Some(hello) = peer.deferred.remove(&community) {
                self.check(id, community, hello, true);
            }
            self.greet(now, id, community, true);
        }
        self.has_news(now, community, None);
    }
}
