//! Getting what is lacking: one pull at a time per community, in as many requests as it takes.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{
    Audience, Cid,
    commit::{HeadRef, RepoId},
};

use super::{
    AFTER_NEWS, Engine, Lack, Order, Output, PeerId, SECOND, SETTLE, StreamId,
    lack::{Backoff, LOST},
    message::{Blocks, Fault, Pull, Want},
};

/// How long one request may take, answer included.
const DEADLINE: u64 = 300 * SECOND;
/// How long a pull may go on, in as many requests as it likes, while other peers offer something too.
const SHARE: u64 = 60 * SECOND;
/// What one request names at most.
const REPOS: usize = 256;
const PEOPLE: usize = 512;
const BLOBS: usize = 64;
/// Requests of one pull; a larger community goes on after the next comparison.
const ROUNDS: u32 = 1024;
/// What a request costs of a peer's allowance.
const COST: u64 = 8;

/// A request on a short stream.
#[derive(Debug, Clone)]
pub enum Ask {
    Pull(Pull),
    Blocks(Blocks),
}

impl Ask {
    fn scope(&self) -> (Cid, Audience) {
        match self {
            Self::Pull(pull) => (pull.community, pull.audience),
            Self::Blocks(blocks) => (blocks.community, blocks.audience),
        }
    }

    /// More than we would ever ask for at once, or a repository twice, which would be looked up and sent twice.
    fn is_excessive(&self) -> bool {
        match self {
            Self::Pull(pull) => {
                let repos: BTreeSet<RepoId> = pull.want.iter().map(Want::repo).collect();
                pull.want.len() > REPOS
                    || repos.len() < pull.want.len()
                    || pull.people.len() > PEOPLE
                    || pull.lost.len() + pull.known.len() > LOST
            }
            Self::Blocks(blocks) => blocks.cids.len() > BLOBS,
        }
    }
}

/// What one request brought.
#[derive(Debug, Clone, Default)]
pub struct Pulled {
    /// Repositories the answer spoke of.
    pub served: BTreeSet<RepoId>,
    /// Those whose held head moved.
    pub advanced: BTreeMap<RepoId, HeadRef>,
    /// Charter, roster or identities changed.
    pub changed: bool,
    /// Those whose tree did not add up.
    pub mismatched: BTreeSet<RepoId>,
    /// Those that moved here while the answer was made, so that it did not fit.
    pub overtaken: BTreeSet<RepoId>,
    /// Those with more to come, and the last path given.
    pub after: BTreeMap<RepoId, String>,
    /// Blobs that new records link and that are not here.
    pub blobs: BTreeSet<(Audience, Cid)>,
    /// Blocks that were asked for and came.
    pub got: BTreeSet<(Audience, Cid)>,
    /// Heads of our own of which everything lost was put back.
    pub restored: BTreeSet<(RepoId, Cid)>,
    /// The answer was cut at its size.
    pub more: bool,
}

#[derive(Debug)]
pub(super) struct Pulling {
    peer: PeerId,
    audience: Audience,
    ticket: u64,
    started: u64,
    pub(super) deadline: u64,
    asked: Lack,
    todo: Lack,
    /// Asked for whole once; not a second time.
    whole: BTreeSet<RepoId>,
    /// Asked for again once, from another base.
    again: BTreeSet<RepoId>,
    after: BTreeMap<RepoId, String>,
    rounds: u32,
    progress: bool,
    /// Peers that offered something meanwhile.
    others: BTreeSet<PeerId>,
}

impl Engine {
    /// Gets what a peer offers, now or when the pull under way for this community has ended.
    pub(super) fn obtain(&mut self, now: u64, peer: PeerId, community: Cid, audience: Audience, lack: Lack) {
        // Offers cost nothing: who did not deliver does not get the turn again before others had a chance.
        if self.peers.get(&peer).is_some_and(|peer| peer.rest.is_some_and(|rest| now < rest.until)) {
            return;
        }
        match self.pulls.get_mut(&community) {
            Some(pull) if pull.peer == peer => {
                // The peer may have proved itself since this pull began.
                pull.audience = pull.audience.max(audience);
                pull.todo.add(lack);
            }
            Some(pull) => {
                pull.others.insert(peer);
            }
            None => {
                let pull = Pulling {
                    peer,
                    audience,
                    ticket: 0,
                    started: now,
                    deadline: 0,
                    asked: Lack::default(),
                    todo: lack,
                    whole: BTreeSet::new(),
                    again: BTreeSet::new(),
                    after: BTreeMap::new(),
                    rounds: 0,
                    progress: false,
                    others: BTreeSet::new(),
                };
                self.pulls.insert(community, pull);
                self.ask_next(now, community);
            }
        }
    }

    fn ask_next(&mut self, now: u64, community: Cid) {
        let Some(pull) = self.pulls.get_mut(&community) else { return };
        if pull.todo.is_empty() || pull.rounds >= ROUNDS {
            return self.finish_pull(now, community);
        }
        self.tickets += 1;
        pull.ticket = self.tickets;
        pull.deadline = now + DEADLINE;
        pull.rounds += 1;
        let (peer, audience, ticket) = (pull.peer, pull.audience, pull.ticket);
        pull.asked = pull.todo.take(REPOS, PEOPLE);
        if pull.asked.is_empty()
            && let Some((audience, blobs)) = pull.todo.take_blobs(BLOBS)
        {
            let cids = blobs.blobs.iter().map(|(_, cid)| *cid).collect();
            pull.asked = blobs;
            self.out.push(Output::Fetch { peer, ticket, blocks: Blocks { community, audience, cids } });
        } else {
            let lack = pull.asked.clone();
            let whole = pull.whole.clone();
            let after = pull.after.clone();
            self.out.push(Output::Pull(Box::new(Order { peer, community, audience, ticket, lack, whole, after })));
        }
    }

    pub(super) fn on_pulled(&mut self, now: u64, id: PeerId, community: Cid, ticket: u64, result: Option<Pulled>) {
        let Some(pull) = self.pulls.get_mut(&community).filter(|pull| pull.peer == id && pull.ticket == ticket) else {
            return;
        };
        let mut fruitless = std::mem::take(&mut pull.asked);
        let Some(pulled) = result else {
            fruitless.add(std::mem::take(&mut pull.todo));
            self.leave_alone(now, id, community, &fruitless);
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.rest = Some(peer.rest.map_or_else(|| Backoff::first(now), |rest| rest.longer(now)));
            }
            return self.finish_pull(now, community);
        };
        let effect =
            pulled.changed || !pulled.advanced.is_empty() || !pulled.got.is_empty() || !pulled.restored.is_empty();
        pull.progress |= effect;
        if pulled.changed {
            fruitless.roster.clear();
            fruitless.people.clear();
        }
        fruitless.blobs.retain(|blob| !pulled.got.contains(blob));
        fruitless.lost.retain(|lost, _| !pulled.restored.contains(lost));
        if pulled.more && !pulled.got.is_empty() {
            pull.todo.blobs.append(&mut fruitless.blobs);
        }
        for (repo, head) in std::mem::take(&mut fruitless.repos) {
            let went_on = pulled.after.get(&repo).is_some_and(|path| pull.after.get(&repo) < Some(path));
            let again = if let Some(path) = pulled.after.get(&repo).filter(|_| went_on) {
                pull.after.insert(repo, path.clone());
                true
            } else {
                pull.after.remove(&repo);
                // A tree that does not add up is asked for whole, once; what did not fit any more is asked for again.
                (pulled.mismatched.contains(&repo) && pull.whole.insert(repo))
                    || (pulled.overtaken.contains(&repo) && pull.again.insert(repo))
                    || (pulled.more && !pulled.served.contains(&repo) && !pulled.served.is_empty())
            };
            if again {
                pull.todo.repos.insert(repo, head);
            } else if !pulled.advanced.contains_key(&repo) {
                fruitless.repos.insert(repo, head);
            }
        }
        pull.todo.add(Lack { blobs: pulled.blobs, ..Lack::default() });
        let others_wait = !pull.others.is_empty() && now >= pull.started + SHARE;
        if let Some(peer) = self.peers.get_mut(&id).filter(|_| effect) {
            peer.rest = None;
        }
        self.leave_alone(now, id, community, &fruitless);
        if others_wait { self.finish_pull(now, community) } else { self.ask_next(now, community) }
    }

    fn leave_alone(&mut self, now: u64, id: PeerId, community: Cid, lack: &Lack) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.fruitless.note(now, community, lack);
        }
    }

    fn finish_pull(&mut self, now: u64, community: Cid) {
        let Some(pull) = self.pulls.remove(&community) else { return };
        if pull.progress {
            self.has_news(now, community, Some(pull.peer));
            if let Some(peer) = self.peers.get_mut(&pull.peer) {
                // Those that waited come first.
                peer.compare_by(now + if pull.others.is_empty() { SETTLE } else { AFTER_NEWS });
            }
        }
        for id in pull.others {
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.compare_by(now + SETTLE);
            }
        }
    }

    /// The peer is gone; what it was asked for may be had elsewhere.
    pub(super) fn abandon_pulls(&mut self, now: u64, id: PeerId) {
        let gone: Vec<Cid> = self.pulls.iter().filter(|(_, pull)| pull.peer == id).map(|(cid, _)| *cid).collect();
        for community in gone {
            self.finish_pull(now, community);
        }
    }

    pub(super) fn expire_pulls(&mut self, now: u64) {
        let late: Vec<(Cid, PeerId, u64)> = (self.pulls.iter())
            .filter(|(_, pull)| pull.deadline <= now)
            .map(|(cid, pull)| (*cid, pull.peer, pull.ticket))
            .collect();
        for (community, peer, ticket) in late {
            self.on_pulled(now, peer, community, ticket, None);
        }
    }

    pub(super) fn on_request(&mut self, now: u64, id: PeerId, stream: StreamId, ask: Ask) {
        let (community, audience) = ask.scope();
        let known = self.communities.contains_key(&community);
        let Some(peer) = self.peers.get_mut(&id) else {
            return self.out.push(Output::Refuse { stream, fault: Fault::busy() });
        };
        let proof = peer.proven.get(&community).copied();
        let output = if ask.is_excessive() {
            Output::Refuse { stream, fault: Fault::malformed() }
        } else if !peer.allowance.take(now, COST) {
            Output::Refuse { stream, fault: Fault::busy() }
        } else if !known || (audience == Audience::Members && proof.is_none()) {
            Output::Refuse { stream, fault: Fault::absent() }
        } else {
            Output::Serve { stream, ask: Box::new(ask), proof }
        };
        self.out.push(output);
    }
}
