//! How much this node keeps for a member, for a community and in all. Quotas belong to this machine: they put off what
//! does not fit, name it, and take it once there is room. Whether something is *valid* never depends on them, what
//! makes a tree smaller is always taken, and nothing that is here goes for a quota's sake.
//!
//! A member's share is every block of their trees in a community (records, tree nodes, files that are here), each
//! counted once however often it stands there; a community's is the sum of them. It is counted as trees change, and a
//! sweep counts it anew (`mark`). What is kept for a time beside the trees (`proofs`) fills what that leaves, and gives
//! way to it.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{Audience, Cid, Did, commit::HeadRef, commit::RepoId, limits};
use redb::ReadableTable;

use super::{
    Applied, StoreError,
    blocks::{Blocks, audience_code, cid_of_digest, cid_of_key, digest_of},
    intern::Numbers,
    proofs::{ProofId, Proofs},
    repos::{Repo, Repos},
    tables::Tables,
    writer::Writer,
};

/// In place of a person: all of a community together.
pub(super) const ALL: u32 = 0;
/// In place of a community: this node. No community has this number.
pub(super) const NODE: u32 = 0;
/// Where blocks that a pin wants are put off: they belong to no community.
const NOWHERE: u32 = 0;

/// In bytes; None: as much as there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    pub member: Option<u64>,
    pub community: Option<u64>,
    pub node: Option<u64>,
    /// What is fetched for one pin.
    pub pin: Option<u64>,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            member: Some(limits::QUOTA_MEMBER),
            community: Some(limits::QUOTA_COMMUNITY),
            node: None,
            pin: Some(limits::QUOTA_PIN),
        }
    }
}

/// Whose quota does not suffice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Member,
    Community,
    Node,
}

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    pub bound: Bound,
    /// Bytes there would be.
    pub needed: u64,
    /// Bytes there may be.
    pub quota: u64,
    /// By how many bytes it would grow.
    pub growth: u64,
}

impl Quotas {
    /// Room for `growth` more? `used`: by the member, by the community, in all.
    fn excess(&self, used: [u64; 3], growth: u64) -> Option<Excess> {
        let bounds = [(Bound::Member, self.member), (Bound::Community, self.community), (Bound::Node, self.node)];
        bounds.into_iter().zip(used).find_map(|((bound, quota), used)| {
            let (quota, needed) = (quota?, used.saturating_add(growth));
            (growth > 0 && needed > quota).then_some(Excess { bound, needed, quota, growth })
        })
    }
}

/// A head that is known here and not held, for want of room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    pub community: Cid,
    pub repo: RepoId,
    pub head: HeadRef,
    /// As of now; None: there is room again, and the next comparison of heads fetches it.
    pub excess: Option<Excess>,
}

/// A file that records link and that is not here, for want of room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeferredFile {
    /// None: only a pin wants it.
    pub community: Option<Cid>,
    pub cid: Cid,
    pub bytes: u64,
}

/// What somebody fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    pub community: Cid,
    /// None: all members together.
    pub did: Option<Did>,
    pub bytes: u64,
}

/// Bytes in use, before what the transaction under way adds to it.
pub(super) trait Used: Blocks {
    fn used(&self, community: u32, person: u32) -> Result<u64, StoreError> {
        Ok(self.usage().get((community, person))?.map_or(0, |n| n.value()))
    }

    /// Bytes of all blocks.
    fn block_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.counters().get(BYTES)?.map_or(0, |n| n.value()))
    }

    /// Bytes of proofs. Person `ALL`: of a community; community `NODE` too: of all.
    fn spare_of(&self, community: u32, person: u32) -> Result<u64, StoreError> {
        Ok(self.spare().get((community, person))?.map_or(0, |n| n.value()))
    }

    /// Bytes of all blocks but for what gives way.
    fn needed_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.block_bytes()?.saturating_sub(self.spare_of(NODE, ALL)?))
    }

    /// Does this block stand in a tree of a repository's person in its community?
    fn is_anyones(&self, repo: &Repo, seq: u64) -> Result<bool, StoreError> {
        let mut stands = false;
        self.each_repo_with(seq, |number| {
            let whose = self.repo_keys().get(number)?.map(|row| row.value());
            // One that is new has no row yet.
            stands = number == repo.number || whose.is_some_and(|(c, did, ..)| (c, did) == (repo.community, repo.did));
            Ok(!stands)
        })?;
        Ok(stands)
    }

    /// Does this file count for this person: linked by them, and here, under one and the same audience?
    fn has_file(&self, community: u32, did: u32, file: &[u8; 33]) -> Result<bool, StoreError> {
        for code in [Audience::Public, Audience::Members].map(audience_code) {
            if self.linkers().get((community, file, did, code))?.is_some()
                && self.missing().get((community, code, file))?.is_none()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Who links this file under this audience.
    fn linkers_of(&self, community: u32, code: u8, file: &[u8; 33]) -> Result<Vec<u32>, StoreError> {
        let mut people = Vec::new();
        for row in self.linkers().range((community, file, 0, 0)..=(community, file, u32::MAX, u8::MAX))? {
            let (key, _) = row?;
            let (_, _, did, audience) = key.value();
            if audience == code {
                people.push(did);
            }
        }
        Ok(people)
    }

    /// Why a repository's head was put off and still is. `head` None: whichever it was.
    fn still_deferred(
        &self,
        quotas: &Quotas,
        repo: &Repo,
        head: Option<&HeadRef>,
    ) -> Result<Option<Excess>, StoreError> {
        let Some(row) = self.deferred().get(repo.number)? else { return Ok(None) };
        let (rev, digest, growth) = row.value();
        if head.is_some_and(|head| (head.rev.as_u64(), digest_of(&head.cid)) != (rev, *digest)) {
            return Ok(None);
        }
        let used = [self.used(repo.community, repo.did)?, self.used(repo.community, ALL)?, self.needed_bytes()?];
        Ok(quotas.excess(used, growth))
    }

    /// A file of this size under this audience: too much for every member who links it?
    fn file_exceeds(
        &self,
        quotas: &Quotas,
        community: u32,
        code: u8,
        file: &[u8; 33],
        bytes: u64,
    ) -> Result<bool, StoreError> {
        let (all, node) = (self.used(community, ALL)?, self.needed_bytes()?);
        for did in self.linkers_of(community, code, file)? {
            if quotas.excess([self.used(community, did)?, all, node], bytes).is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Put off for want of room, of which there still is too little.
    fn file_deferred(&self, quotas: &Quotas, community: u32, code: u8, file: &[u8; 33]) -> Result<bool, StoreError> {
        match self.deferred_files().get((community, code, file))?.map(|n| n.value()) {
            Some(bytes) => self.file_exceeds(quotas, community, code, file, bytes),
            None => Ok(false),
        }
    }

    /// The same for what only a pin wants.
    fn pin_deferred(&self, quotas: &Quotas, file: &[u8; 33]) -> Result<bool, StoreError> {
        match self.deferred_files().get((NOWHERE, 0, file))?.map(|n| n.value()) {
            Some(bytes) => Ok(quotas.excess([0, 0, self.needed_bytes()?], bytes).is_some()),
            None => Ok(false),
        }
    }
}
impl<T: Tables> Used for T {}

/// Counter: bytes of all blocks.
pub(super) const BYTES: &str = "bytes";

/// What a write transaction adds to `usage`, to `spare` and to the bytes of all blocks, until it ends.
#[derive(Debug, Default)]
pub(super) struct Tally {
    people: BTreeMap<(u32, u32), i64>,
    spare: BTreeMap<(u32, u32), i64>,
    pub(super) bytes: i64,
}

impl Writer<'_> {
    pub(super) fn charge(&mut self, community: u32, did: u32, bytes: i64) {
        *self.tally.people.entry((community, did)).or_default() += bytes;
        *self.tally.people.entry((community, ALL)).or_default() += bytes;
    }

    /// The same for proofs.
    pub(super) fn charge_spare(&mut self, community: u32, did: u32, bytes: i64) {
        for whom in [(community, did), (community, ALL), (NODE, ALL)] {
            *self.tally.spare.entry(whom).or_default() += bytes;
        }
    }

    fn spare_now(&self, community: u32, did: u32) -> Result<u64, StoreError> {
        let more = self.tally.spare.get(&(community, did)).copied().unwrap_or(0);
        Ok(self.t.spare_of(community, did)?.saturating_add_signed(more))
    }

    /// Bytes of all blocks; some may have been let go by now.
    fn block_bytes_now(&self) -> Result<u64, StoreError> {
        Ok(self.t.block_bytes()?.saturating_add_signed(self.tally.bytes))
    }

    /// By the member, by the community, in all; with what this transaction did so far.
    fn used_now(&self, community: u32, did: u32) -> Result<[u64; 3], StoreError> {
        let add = |whom| self.tally.people.get(&(community, whom)).copied().unwrap_or(0);
        Ok([
            self.t.used(community, did)?.saturating_add_signed(add(did)),
            self.t.used(community, ALL)?.saturating_add_signed(add(ALL)),
            self.block_bytes_now()?.saturating_sub(self.spare_now(NODE, ALL)?),
        ])
    }

    /// To be called before a repository changes; see [`Writer::check_room`].
    pub(super) fn room(&self, repo: &Repo) -> Result<[u64; 3], StoreError> {
        self.used_now(repo.community, repo.did)
    }

    /// Did what happened since `before` fill more than there may be? An error undoes the transaction.
    pub(super) fn check_room(&self, repo: &Repo, before: [u64; 3]) -> Result<(), StoreError> {
        let growth = self.used_now(repo.community, repo.did)?[0].saturating_sub(before[0]);
        match self.quotas.excess(before, growth) {
            Some(excess) => Err(StoreError::OverQuota(excess)),
            None => Ok(()),
        }
    }

    /// Room for `bytes` more of a head that is still arriving, besides `staged` of this member's.
    pub(super) fn check_stage(&self, repo: &Repo, staged: u64, bytes: u64) -> Result<Option<Excess>, StoreError> {
        let [member, community, node] = self.used_now(repo.community, repo.did)?;
        let excess = self.quotas.excess([member.saturating_add(staged), community.saturating_add(staged), node], bytes);
        Ok(excess.map(|excess| Excess { growth: staged.saturating_add(bytes), ..excess }))
    }

    /// Notes, and says, that a head is known and its tree is not taken.
    pub(super) fn put_off(
        &mut self,
        repo: &Repo,
        head: &HeadRef,
        excess: &Excess,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        applied.deferred.push((self.t.repo_id(repo)?, *head));
        applied.refused.push((head.cid, StoreError::OverQuota(*excess).to_string()));
        let row = (head.rev.as_u64(), &digest_of(&head.cid), excess.growth);
        self.t.deferred.insert(repo.number, row)?;
        self.dirty = true;
        Ok(())
    }

    /// Counts a file for whoever `people` are, as `change` makes it theirs or takes it from them.
    pub(super) fn recount_file(
        &mut self,
        community: u32,
        people: &[u32],
        file: &[u8; 33],
        change: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut before = Vec::with_capacity(people.len());
        for did in people {
            before.push(self.t.has_file(community, *did, file)?);
        }
        change(self)?;
        for (did, before) in people.iter().zip(before) {
            let after = self.t.has_file(community, *did, file)?;
            if before == after {
                continue;
            }
            let seq = self.t.seq_of(file)?;
            let bytes = seq.map_or(Ok(0), |seq| self.t.block_len(seq))? as i64;
            self.charge(community, *did, if after { bytes } else { -bytes });
        }
        Ok(())
    }

    /// False, and noted: no room for this file with any member who links it.
    pub(super) fn file_fits(
        &mut self,
        community: u32,
        code: u8,
        file: &[u8; 33],
        bytes: u64,
    ) -> Result<bool, StoreError> {
        let people = self.t.linkers_of(community, code, file)?;
        let mut fits = false;
        for did in people {
            let used = self.used_now(community, did)?;
            fits |= self.quotas.excess(used, bytes).is_none();
        }
        if !fits {
            self.t.deferred_files.insert((community, code, file), bytes)?;
            self.dirty = true;
        }
        Ok(fits)
    }

    /// The same for a block that only a pin wants, or that this person adds.
    pub(super) fn node_excess(&self, bytes: u64) -> Result<Option<Excess>, StoreError> {
        let node = self.block_bytes_now()?.saturating_sub(self.spare_now(NODE, ALL)?);
        Ok(self.quotas.excess([0, 0, node], bytes))
    }

    pub(super) fn put_off_for_pin(&mut self, file: &[u8; 33], bytes: u64) -> Result<(), StoreError> {
        self.t.deferred_files.insert((NOWHERE, 0, file), bytes)?;
        self.dirty = true;
        Ok(())
    }

    pub(super) fn not_put_off_for_pin(&mut self, file: &[u8; 33]) -> Result<(), StoreError> {
        self.t.deferred_files.remove((NOWHERE, 0, file))?;
        Ok(())
    }

    /// Proofs give way where members or communities of this transaction have more than they may.
    pub(super) fn make_room(&mut self) -> Result<(), StoreError> {
        let touched: BTreeSet<(u32, u32)> =
            self.tally.people.keys().chain(self.tally.spare.keys()).filter(|(c, _)| *c != NODE).copied().collect();
        for (community, did) in touched {
            let quota = if did == ALL { self.quotas.community } else { self.quotas.member };
            let member = if did == ALL { self.used_now(community, did)?[1] } else { self.used_now(community, did)?[0] };
            let used = member.saturating_add(self.spare_now(community, did)?);
            let over = quota.map_or(0, |quota| used.saturating_sub(quota));
            if over > 0 {
                let mut proofs = self.t.oldest_proofs(Some(community))?;
                proofs.retain(|(id, _)| did == ALL || id.person == did);
                self.drop_oldest(proofs, over)?;
            }
        }
        Ok(())
    }

    /// The same for the node, once everything let go is gone. False: there is room, or nothing that could give way.
    pub(super) fn make_room_in_all(&mut self) -> Result<bool, StoreError> {
        let over = self
            .quotas
            .node
            .map_or(Ok(0), |quota| Ok::<_, StoreError>(self.block_bytes_now()?.saturating_sub(quota)))?;
        if over == 0 || self.spare_now(NODE, ALL)? == 0 {
            return Ok(false);
        }
        let proofs = self.t.oldest_proofs(None)?;
        let any = !proofs.is_empty();
        self.drop_oldest(proofs, over)?;
        Ok(any)
    }

    fn drop_oldest(&mut self, proofs: Vec<(ProofId, u64)>, bytes: u64) -> Result<(), StoreError> {
        let mut freed = 0;
        for (id, of_it) in proofs {
            if freed >= bytes {
                break;
            }
            self.drop_proof(id)?;
            freed += of_it;
        }
        Ok(())
    }

    /// Writes down what the transaction added up.
    pub(super) fn settle_usage(&mut self) -> Result<(), StoreError> {
        let Tally { people, spare, bytes } = std::mem::take(&mut self.tally);
        for ((community, did), more) in spare.into_iter().filter(|(_, more)| *more != 0) {
            match self.t.spare_of(community, did)?.saturating_add_signed(more) {
                0 => self.t.spare.remove((community, did))?.map(drop),
                bytes => self.t.spare.insert((community, did), bytes)?.map(drop),
            };
        }
        for ((community, did), more) in people.into_iter().filter(|(_, more)| *more != 0) {
            match self.t.used(community, did)?.saturating_add_signed(more) {
                0 => self.t.usage.remove((community, did))?.map(drop),
                used => self.t.usage.insert((community, did), used)?.map(drop),
            };
        }
        if bytes != 0 {
            let all = self.t.block_bytes()?.saturating_add_signed(bytes);
            self.t.counters.insert(BYTES, all)?;
        }
        Ok(())
    }
}

impl super::Store {
    pub fn quotas(&self) -> Quotas {
        *self.inner.quotas.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// From the next write on.
    pub fn set_quotas(&self, quotas: Quotas) {
        *self.inner.quotas.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = quotas;
    }
}

impl super::View {
    /// Bytes of all blocks.
    pub fn block_bytes(&self) -> Result<u64, StoreError> {
        self.t.block_bytes()
    }

    /// What communities fill, and what members do, in the order of communities here.
    pub fn usage(&self) -> Result<Vec<Usage>, StoreError> {
        let mut all = Vec::new();
        for row in self.t.usage().iter()? {
            let (key, bytes) = row?;
            let (community, did) = key.value();
            let did = if did == ALL { None } else { Some(self.t.key_of(did)?) };
            all.push(Usage { community: self.t.community_of(community)?, did, bytes: bytes.value() });
        }
        Ok(all)
    }

    /// Heads put off for a quota.
    pub fn deferred(&self) -> Result<Vec<Deferred>, StoreError> {
        let mut all = Vec::new();
        for row in self.t.deferred().iter()? {
            let (number, value) = row?;
            let Some(repo) = self.t.repo_at(number.value())? else { continue };
            let (rev, digest, _) = value.value();
            all.push(Deferred {
                community: self.t.community_of(repo.community)?,
                repo: self.t.repo_id(&repo)?,
                head: HeadRef { rev: folkmoot_schemas::Tid::from_u64(rev)?, cid: cid_of_digest(digest)? },
                excess: self.t.still_deferred(&self.quotas, &repo, None)?,
            });
        }
        Ok(all)
    }

    /// Files put off for a quota, as long as there is no room for them.
    pub fn deferred_files(&self) -> Result<Vec<DeferredFile>, StoreError> {
        let mut all = Vec::new();
        for row in self.t.deferred_files().iter()? {
            let (key, bytes) = row?;
            let (community, code, file) = key.value();
            let (community, waits) = match community {
                NOWHERE => (None, self.t.pin_deferred(&self.quotas, file)?),
                number => (Some(self.t.community_of(number)?), self.t.file_deferred(&self.quotas, number, code, file)?),
            };
            if waits {
                all.push(DeferredFile { community, cid: cid_of_key(file)?, bytes: bytes.value() });
            }
        }
        Ok(all)
    }

    /// Was just this head put off, and is there still no room for it?
    pub fn defers(&self, community: &Cid, repo: &RepoId, head: &HeadRef) -> Result<bool, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(false) };
        match self.t.repo(roster.number, repo)? {
            Some(repo) => Ok(self.t.still_deferred(&self.quotas, &repo, Some(head))?.is_some()),
            None => Ok(false),
        }
    }
}
