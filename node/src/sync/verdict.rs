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

#[cfg(test)]
mod tests {
    use folkmoot_schemas::roster::Role;

    use super::*;
    use crate::{
        publish::{
            self,
            tests::{Person, draft, post},
        },
        store::Scope,
    };

    fn picture(person: &Person, community: &Cid) -> Picture {
        Picture::of(&person.store.view(Scope::Members).unwrap(), community).unwrap().unwrap()
    }

    fn announced(person: &Person, community: &Cid, audience: Audience) -> Announce {
        let draft = publish::Draft { audience: Some(audience), ..draft(post("hello")) };
        person.publish(community, vec![draft]).unwrap().announces.remove(0).1
    }

    fn judge(picture: &Picture, community: &Cid, told: &Announce) -> Result<Did, Fault> {
        super::judge(picture, community, Audience::Public, &told.encode().unwrap())
    }

    #[test]
    fn a_members_newer_commit_goes_on_and_an_old_one_does_not() {
        let (host, guest) = (Person::new(1), Person::new(2));
        let community = host.found("River", Visibility::Public);
        guest.joins(&community, &host, Role::Member);
        let told = announced(&guest, &community, Audience::Public);
        assert_eq!(judge(&picture(&host, &community), &community, &told), Ok(guest.me.did));
        assert_eq!(judge(&picture(&guest, &community), &community, &told), Err(Fault::Old));
    }

    #[test]
    fn a_spoilt_signature_or_another_community_is_held_against_the_sender() {
        let host = Person::new(1);
        let (community, other) = (host.found("River", Visibility::Public), host.found("Hill", Visibility::Public));
        let before = picture(&host, &community);
        let told = announced(&host, &community, Audience::Public);
        assert_eq!(judge(&picture(&host, &other), &other, &told), Err(Fault::Wrong));
        let mut commit = told.commit.clone().unwrap().to_vec();
        let end = commit.len() - 1;
        commit[end] ^= 1;
        let spoilt = Announce { commit: Some(commit.into()), ..told };
        assert_eq!(judge(&before, &community, &spoilt), Err(Fault::Wrong));
        assert_eq!(super::judge(&before, &community, Audience::Public, b"\xa0"), Err(Fault::Wrong));
    }

    #[test]
    fn what_is_for_members_never_passes_as_gossip() {
        let host = Person::new(1);
        let community = host.found("River", Visibility::Public);
        let before = picture(&host, &community);
        let told = announced(&host, &community, Audience::Members);
        assert_eq!(judge(&before, &community, &told), Err(Fault::Wrong));
        let bytes = told.encode().unwrap();
        assert_eq!(super::judge(&before, &community, Audience::Members, &bytes), Ok(host.me.did));
        let closed = host.found("Cellar", Visibility::Members);
        let (_, op) = publish::invite(&host.store, &host.me, &host.clock, &closed, Role::Member, 1, None).unwrap();
        assert_eq!(judge(&picture(&host, &closed), &closed, &op), Err(Fault::Wrong));
    }

    #[test]
    fn a_joiner_nobody_knows_yet_passes_with_its_join_and_not_without() {
        let (host, guest) = (Person::new(1), Person::new(2));
        let community = host.found("River", Visibility::Public);
        let (link, _) = publish::invite(&host.store, &host.me, &host.clock, &community, Role::Member, 1, None).unwrap();
        let before = picture(&host, &community);
        let join = publish::join(&guest.store, &guest.me, &guest.clock, &link).unwrap();
        let (op, identity) = (join.bytes().clone(), guest.store.meta("identity").unwrap().unwrap());
        // Elsewhere the join was seen already, so that the guest could publish.
        guest.learn(&community, &host);
        let mut batch = crate::store::Batch::new(community, Audience::Public);
        batch.identities.push(Identity::open(&identity).unwrap().0);
        batch.ops.push(join);
        guest.store.apply(batch, 0).unwrap();
        let told = announced(&guest, &community, Audience::Public);
        assert_eq!(judge(&before, &community, &told), Err(Fault::Unknown));
        let with = Announce { identity: Some(identity.into()), ops: vec![op], ..told };
        assert_eq!(judge(&before, &community, &with), Ok(guest.me.did));
    }

    #[test]
    fn a_member_may_announce_in_a_burst_and_then_ten_times_a_minute() {
        let mut rates = Rates::default();
        let did = Person::new(1).me.did;
        assert_eq!((0..100).filter(|_| rates.allow(0, did)).count(), 60);
        assert_eq!((0..100).filter(|_| rates.allow(60_000_000, did)).count(), 10);
        assert!(rates.allow(60_000_000, Person::new(2).me.did));
    }
}
