//! Judging an announcement by its bytes and an in-memory picture of the roster, before anything touches the store:
//! gossip waits for this before it is forwarded. A stronger check happens where it is stored.

use std::{collections::BTreeMap, sync::Arc};

use folkmoot_schemas::{
    Audience, Cid, Did,
    announce::Announce,
    charter::Visibility,
    commit::{Commit, HeadRef, RepoId},
    identity::Identity,
    record::Record,
    roster::{Act, Op, State},
};

use crate::store::{StoreError, View};

/// What verdicts on one community need to know.
#[derive(Debug, Clone)]
pub struct Picture {
    pub visibility: Visibility,
    state: Arc<State>,
    /// Devices of each member's newest identity document.
    devices: BTreeMap<Did, Vec<Did>>,
    known: BTreeMap<RepoId, HeadRef>,
}

/// Why an announcement goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No honest node sends this: malformed, a wrong signature, another community's, or of another audience.
    Wrong,
    /// Not newer than what we know.
    Old,
    /// By somebody who is no member, or a device that is not theirs, as far as we know: our roster may be behind.
    Unknown,
}

impl Picture {
    /// None: the community is not here.
    pub fn of(view: &View, community: &Cid) -> Result<Option<Self>, StoreError> {
        let Some(known) = view.community(community)? else { return Ok(None) };
        let mut devices = BTreeMap::new();
        for did in known.state.members.keys() {
            if let Some((_, identity)) = view.identity(did)? {
                devices.insert(*did, identity.devices.iter().map(|device| device.key).collect());
            }
        }
        let heads = view.heads(community)?.into_iter().map(|head| (head.repo, head.known)).collect();
        Ok(Some(Self { visibility: known.visibility, state: known.state, devices, known: heads }))
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

    fn is_device(&self, did: &Did, device: &Did) -> bool {
        self.devices.get(did).is_some_and(|devices| devices.contains(device))
    }
}

/// Whose announcement it is, for the rate limit.
pub fn judge(picture: &Picture, community: &Cid, audience: Audience, bytes: &[u8]) -> Result<Did, Fault> {
    let told = Announce::decode(bytes).map_err(|_| Fault::Wrong)?;
    let identity = match &told.identity {
        Some(bytes) => Some(Identity::open(bytes).map_err(|_| Fault::Wrong)?.1),
        None => None,
    };
    let mut joined = None;
    let mut author = None;
    for bytes in &told.ops {
        let (block, op) = Op::open(bytes).map_err(|_| Fault::Wrong)?;
        if op.community != *community {
            return Err(Fault::Wrong);
        }
        // Roster operations are as public as the community.
        if audience == Audience::Public && picture.visibility == Visibility::Members {
            return Err(Fault::Wrong);
        }
        if let Act::Join { invite, did, .. } = &op.act
            && let Some(invite) = picture.state.invites.get(invite)
        {
            Op::verify_seed(&block, &invite.key).map_err(|_| Fault::Wrong)?;
            joined = Some(*did);
        } else if !picture.state.is_member(&op.did) {
            return Err(Fault::Unknown);
        }
        author = Some(op.did);
    }
    let is_member = |did: &Did| picture.state.is_member(did) || joined.as_ref() == Some(did);
    if let Some(bytes) = &told.commit {
        let (block, commit) = Commit::open(bytes).map_err(|_| Fault::Wrong)?;
        if commit.community != *community || commit.audience != audience {
            return Err(Fault::Wrong);
        }
        let presented = identity.as_ref().is_some_and(|id| id.did == commit.did && id.certifies(&commit.device));
        if !is_member(&commit.did) || !(presented || picture.is_device(&commit.did, &commit.device)) {
            return Err(Fault::Unknown);
        }
        if !picture.is_newer(&commit, *block.cid()) && joined.is_none() {
            return Err(Fault::Old);
        }
        for (_, bytes) in &told.records {
            Record::open(bytes).map_err(|_| Fault::Wrong)?;
        }
        author = Some(commit.did);
    }
    match (author, identity) {
        (Some(author), _) => Ok(author),
        (None, Some(identity)) if is_member(&identity.did) => Ok(identity.did),
        _ => Err(Fault::Unknown),
    }
}

/// Announcements per member: a burst, then a trickle. Beyond it gossip is ignored and pulling carries the rest.
#[derive(Debug, Default)]
pub struct Rates(BTreeMap<Did, (u64, u64)>);

impl Rates {
    const BURST: u64 = 60;
    /// Microseconds for one more: 10 a minute.
    const EACH: u64 = 6_000_000;

    /// False: this member has announced too often.
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
