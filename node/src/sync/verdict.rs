//! Judging an announcement by its bytes and an in-memory picture of the roster, before anything touches the store:
//! gossip waits for this before it is forwarded. A stronger check happens where it is stored.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use folkmoot_schemas::{
    Audience, Cid, Did,
    announce::Announce,
    block::Block,
    charter::Visibility,
    commit::{Commit, HeadRef, RepoId},
    identity::Identity,
    record::Record,
    roster::{Act, Op, State},
};

use super::engine::Proof;
use crate::store::{StoreError, View};

/// What verdicts on one community need to know.
#[derive(Debug, Clone)]
pub struct Picture {
    pub visibility: Visibility,
    state: Arc<State>,
    /// Each member's newest identity document.
    people: BTreeMap<Did, (Cid, Identity)>,
    known: BTreeMap<RepoId, HeadRef>,
}

/// Why an announcement goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No honest node sends this: malformed, a wrong signature, another community's, or of another audience.
    Wrong,
    /// Nothing in it is newer than what we know, or it is too late: a join by an invite that is closed or used up.
    /// Such a join may still count, by the order of the fold; it then comes by a pull.
    Old,
    /// By somebody who is no member, or a device that is not theirs, as far as we know: our roster may be behind.
    Unknown,
}

impl Picture {
    /// None: the community is not here.
    pub fn of(view: &View, community: &Cid) -> Result<Option<Self>, StoreError> {
        let Some(known) = view.community(community)? else { return Ok(None) };
        let mut people = BTreeMap::new();
        for did in known.state.members.keys() {
            if let Some((block, identity)) = view.identity(did)? {
                people.insert(*did, (*block.cid(), identity));
            }
        }
        let heads = view.heads(community)?.into_iter().map(|head| (head.repo, head.known)).collect();
        Ok(Some(Self { visibility: known.visibility, state: known.state, people, known: heads }))
    }

    /// The members, on each of their devices.
    pub fn devices(&self) -> BTreeSet<Proof> {
        let each = |(did, (_, identity)): (&Did, &(Cid, Identity))| {
            let did = *did;
            identity.devices.iter().map(move |device| Proof { did, device: device.key }).collect::<Vec<_>>()
        };
        self.people.iter().flat_map(each).collect()
    }

    /// A member, on a device that is theirs.
    pub fn holds(&self, proof: &Proof) -> bool {
        self.people.get(&proof.did).is_some_and(|(_, identity)| identity.certifies(&proof.device))
    }

    pub fn learn(&mut self, repo: RepoId, head: HeadRef) {
        let known = self.known.entry(repo).or_insert(head);
        if head.beats(known) {
            *known = head;
        }
    }

    pub fn is_newer(&self, commit: &Commit, cid: Cid) -> bool {
        let head = HeadRef { rev: commit.rev, cid };
        self.known.get(&commit.repo()).is_none_or(|known| head.beats(known))
    }

    /// The newer of the document that came along and the one we know has the say: an old one must not bring back a
    /// device that was retired since.
    fn certifies(&self, presented: Option<&(Block, Identity)>, did: &Did, device: &Did) -> bool {
        let presented = presented.filter(|(_, identity)| identity.did == *did);
        match (presented, self.people.get(did)) {
            (Some((block, identity)), Some((cid, known))) if !identity.beats(block.cid(), known, cid) => {
                known.certifies(device)
            }
            (Some((_, identity)), _) | (None, Some((_, identity))) => identity.certifies(device),
            (None, None) => false,
        }
    }

    fn is_newer_identity(&self, block: &Block, identity: &Identity) -> bool {
        self.people.get(&identity.did).is_none_or(|(cid, known)| identity.beats(block.cid(), known, cid))
    }

    /// Whom an operation admits by which invite's key, if it is a join; that its author may write at all.
    fn judge_op(&self, block: &Block, op: &Op) -> Result<Option<Did>, Fault> {
        let Act::Join { invite, did, .. } = &op.act else {
            return if self.state.is_member(&op.did) { Ok(None) } else { Err(Fault::Unknown) };
        };
        if *did != op.did {
            return Err(Fault::Wrong);
        }
        let invite = self.state.invites.get(invite).ok_or(Fault::Unknown)?;
        Op::verify_seed(block, &invite.key).map_err(|_| Fault::Wrong)?;
        if invite.closed || invite.joins.len() >= invite.uses as usize {
            return Err(Fault::Old);
        }
        Ok(Some(invite.key))
    }
}

/// To whose account an announcement goes, for the rate limit: its author's or, for somebody who comes in by it, the
/// invite's key. Whoever holds a leaked seed makes new people at will, but only one such account; and nobody can spend
/// the account of another, since only news that its owner signed is charged.
pub fn judge(picture: &Picture, community: &Cid, audience: Audience, bytes: &[u8]) -> Result<Did, Fault> {
    let told = Announce::decode(bytes).map_err(|_| Fault::Wrong)?;
    let identity = match &told.identity {
        Some(bytes) => Some(Identity::open(bytes).map_err(|_| Fault::Wrong)?),
        None => None,
    };
    let mut speaker = Speaker(identity.as_ref().map(|(_, identity)| identity.did));
    let mut news = false;
    let mut invited = None;
    for bytes in &told.ops {
        let (block, op) = Op::open(bytes).map_err(|_| Fault::Wrong)?;
        // Roster operations are as public as the community.
        if op.community != *community || (audience == Audience::Public && picture.visibility == Visibility::Members) {
            return Err(Fault::Wrong);
        }
        speaker.is(op.did)?;
        if picture.state.kept.contains(block.cid()) {
            continue;
        }
        if !picture.certifies(identity.as_ref(), &op.did, &op.device) {
            return Err(Fault::Unknown);
        }
        invited = picture.judge_op(&block, &op)?.or(invited);
        news = true;
    }
    let is_member = |did: &Did| picture.state.is_member(did) || invited.is_some();
    if let Some(bytes) = &told.commit {
        let (block, commit) = Commit::open(bytes).map_err(|_| Fault::Wrong)?;
        if commit.community != *community || commit.audience != audience {
            return Err(Fault::Wrong);
        }
        speaker.is(commit.did)?;
        if !is_member(&commit.did) || !picture.certifies(identity.as_ref(), &commit.did, &commit.device) {
            return Err(Fault::Unknown);
        }
        if picture.is_newer(&commit, *block.cid()) {
            for (_, bytes) in &told.records {
                Record::open(bytes).map_err(|_| Fault::Wrong)?;
            }
            news = true;
        }
    }
    if let Some((block, identity)) = &identity {
        if !is_member(&identity.did) {
            return Err(Fault::Unknown);
        }
        news |= picture.is_newer_identity(block, identity);
    }
    match speaker.0 {
        Some(author) if news => Ok(invited.unwrap_or(author)),
        _ => Err(Fault::Old),
    }
}

/// An announcement tells of one person only.
struct Speaker(Option<Did>);

impl Speaker {
    fn is(&mut self, did: Did) -> Result<(), Fault> {
        if *self.0.get_or_insert(did) == did { Ok(()) } else { Err(Fault::Wrong) }
    }
}

/// Announcements per account (see [`judge`]): a burst, then a trickle. Beyond it gossip is ignored and pulling carries the rest.
#[derive(Debug, Default)]
pub struct Rates(BTreeMap<Did, (u64, u64)>);

impl Rates {
    const BURST: u64 = folkmoot_schemas::limits::GOSSIP_BURST as u64;
    /// Microseconds for one more.
    const EACH: u64 = 60_000_000 / folkmoot_schemas::limits::GOSSIP_PER_MINUTE as u64;

    /// False: announced too often.
    pub fn allow(&mut self, now: u64, did: Did) -> bool {
        let full = Self::BURST * Self::EACH;
        let (level, at) = self.0.entry(did).or_insert((full, now));
        *level = level.saturating_add(now.saturating_sub(*at)).min(full);
        *at = now;
        match level.checked_sub(Self::EACH) {
            Some(left) => {
                *level = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests;
