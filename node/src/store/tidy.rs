//! What a device removes from its own repositories although nobody deletes it: entries that another device of its person
//! overrules, and tombstones that every other device has heeded. The view is the same before and after. What was put
//! aside while its person was out comes back on the same occasion.

use folkmoot_schemas::{
    Cid, Did, Tid,
    commit::{HeadRef, RepoId},
};
use redb::ReadableTable;

use super::{
    OwnCommit, Store, StoreError, View,
    advance::History,
    blocks::{cid_of_digest, digest_of},
    commit::{Seen, latest},
    intern::{Name, Numbers},
    people::People,
    repos::{Leaf, Repo, Repos},
    shelf::Shelves,
    tables::{LOWEST, Tables},
    write::{Change, Committed},
    writer::Writer,
};

/// How long a tombstone stays, in microseconds, where a device of the person was taken out: let in again within that time
/// it brings back nothing that was deleted meanwhile.
const STAYS: u64 = 90 * 86_400 * 1_000_000;

impl Store {
    /// Removes what is not needed any more from the repository that `plan` names; its changes are not looked at. None:
    /// there was nothing.
    pub fn tidy_own(&self, mut plan: OwnCommit<'_>) -> Result<Option<Committed>, StoreError> {
        self.write(|w| {
            let id = RepoId { did: plan.did, device: plan.device.did(), audience: plan.audience };
            let needless = w.needless(&plan.community, &id, plan.now)?;
            let aside = match w.rosters.get(&plan.community) {
                Some(roster) => w.t.has_shelf(roster.number, plan.audience)?,
                None => false,
            };
            if needless.is_empty() && !aside {
                return Ok(None);
            }
            plan.changes = needless.into_iter().map(|path| Change::Remove { path }).collect();
            w.commit_own(plan, Seen::AsBefore).map(Some)
        })
    }
}

impl View {
    /// False when `tidy_own` would find nothing in this repository of ours.
    pub fn is_untidy(&self, community: &Cid, id: &RepoId) -> Result<bool, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(false) };
        if self.t.has_shelf(roster.number, id.audience)? {
            return Ok(true);
        }
        let Some(own) = self.t.repo(roster.number, id)? else { return Ok(false) };
        Ok(!self.t.graves_of(own.number)?.is_empty() || !self.t.unlooked(&own)?.is_empty())
    }
}

trait Untidy: Repos {
    /// Where the tombstones of a repository stand.
    fn graves_of(&self, repo: u32) -> Result<Vec<(u32, Vec<u8>)>, StoreError> {
        let rows = self.graves().range((repo, 0, LOWEST)..(repo + 1, 0, LOWEST))?;
        rows.map(|row| {
            let (key, _) = row?;
            let (_, collection, rkey) = key.value();
            Ok((collection, rkey.to_vec()))
        })
        .collect()
    }

    /// Repositories of the same person and audience whose head moved since `own` was tidied against them, each with
    /// the head of that time.
    fn unlooked(&self, own: &Repo) -> Result<Vec<(Repo, Option<HeadRef>)>, StoreError> {
        let mut unlooked = Vec::new();
        for other in self.repos_of(own.community, Some(own.did))? {
            let Some(held) = other.held.filter(|_| other.number != own.number && other.audience == own.audience) else {
                continue;
            };
            let looked = match self.tidied().get((own.number, other.number))? {
                Some(row) => {
                    let (rev, digest) = row.value();
                    Some(HeadRef { rev: Tid::from_u64(rev)?, cid: cid_of_digest(digest)? })
                }
                None => None,
            };
            if looked != Some(held.head) {
                unlooked.push((other, looked));
            }
        }
        Ok(unlooked)
    }
}
impl<T: Tables> Untidy for T {}

impl Writer<'_> {
    fn needless(&mut self, community: &Cid, id: &RepoId, now: u64) -> Result<Vec<String>, StoreError> {
        let Some(roster) = self.rosters.get(community).cloned() else { return Ok(Vec::new()) };
        let Some(own) = self.t.repo(roster.number, id)? else { return Ok(Vec::new()) };
        let mut needless = Vec::new();
        for (other, looked) in self.t.unlooked(&own)? {
            for path in self.shared_paths(&own, &other, looked)? {
                if let (Some(ours), Some(theirs)) =
                    (self.t.leaf_at(own.number, &path)?, self.t.leaf_at(other.number, &path)?)
                    && theirs.beats(&ours)
                    // Whoever gives way to it could not write anything newer any more.
                    && theirs.rev <= latest(now)
                {
                    needless.push(path);
                }
            }
            if let Some(held) = other.held {
                let digest = digest_of(&held.head.cid);
                self.t.tidied.insert((own.number, other.number), (held.head.rev.as_u64(), &digest))?;
                self.dirty = true;
            }
        }
        let may_return = roster.state.has_retired(&id.did);
        for (collection, rkey) in self.t.graves_of(own.number)? {
            let rkey = String::from_utf8_lossy(&rkey).into_owned();
            if let Some(grave) = self.t.leaf(own.number, collection, &rkey)?
                && !(may_return && grave.rev.micros().saturating_add(STAYS) > now)
                && (self.is_heeded(&own, &id.did, collection, &rkey, grave.rev)?
                    || self.is_written_twice(&own, &id.did, collection, &rkey, &grave)?)
            {
                needless.push(format!("{}/{rkey}", self.t.collection_of(collection)?));
            }
        }
        needless.sort();
        needless.dedup();
        Ok(needless)
    }

    /// Paths that both may hold: those the other changed since `looked`, else those of the smaller tree.
    fn shared_paths(&self, own: &Repo, other: &Repo, looked: Option<HeadRef>) -> Result<Vec<String>, StoreError> {
        if let Some(looked) = looked
            && let Some(changed) = self.t.changed_since(other.number, &looked)?
        {
            return Ok(changed.into_iter().collect());
        }
        let records = |repo: &Repo| repo.held.map_or(0, |held| held.records);
        let (walked, looked_up) = if records(own) < records(other) { (own, other) } else { (other, own) };
        let mut shared = Vec::new();
        self.t.walk(walked.number, None, |path, _| {
            if self.t.leaf_at(looked_up.number, &path)?.is_some() {
                shared.push(path);
            }
            Ok(true)
        })?;
        Ok(shared)
    }

    /// Another device wrote the very same tombstone, as it can where clocks are behind what is deleted, and keeps it:
    /// that of the first device is enough, or each would wait for the other to go.
    fn is_written_twice(
        &self,
        own: &Repo,
        did: &Did,
        collection: u32,
        rkey: &str,
        grave: &Leaf,
    ) -> Result<bool, StoreError> {
        let Some((_, identity)) = self.t.newest(did)? else { return Ok(false) };
        for other in self.t.repos_of(own.community, Some(own.did))? {
            if other.number == own.number || other.audience != own.audience {
                continue;
            }
            let stays = identity.certifies(&self.t.key_of(other.device)?);
            if stays
                && let Some(theirs) = self.t.leaf(other.number, collection, rkey)?
                && (theirs.rev, theirs.cid) == (grave.rev, grave.cid)
                && self.t.precedes((&other, &theirs), (own, grave))?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Every other device that could still bring an older entry to this path has a head, held here, that is newer than
    /// the tombstone and lacks the path: whatever it writes later is newer than the tombstone anyway.
    fn is_heeded(&self, own: &Repo, did: &Did, collection: u32, rkey: &str, grave: Tid) -> Result<bool, StoreError> {
        let Some((_, identity)) = self.t.newest(did)? else { return Ok(false) };
        let repos = self.t.repos_of(own.community, Some(own.did))?;
        for device in &identity.devices {
            let number = self.t.number(Name::Key(&device.key))?;
            if number == Some(own.device) {
                continue;
            }
            match repos.iter().find(|repo| Some(repo.device) == number && repo.audience == own.audience) {
                Some(other) => {
                    let newer = other.known.rev > grave && other.held.is_some_and(|held| held.head == other.known);
                    if !newer || self.t.leaf(other.number, collection, rkey)?.is_some() {
                        return Ok(false);
                    }
                }
                // Whoever came later cannot have written before.
                None if device.added > grave => {}
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}
