//! Moving a repository to a new head whose tree was checked: the one place that changes trees, whether the commit was
//! made here or came from elsewhere.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
};

use folkmoot_schemas::{
    Cid, Record, Tid,
    block::Block,
    commit::{Commit, HeadRef},
    limits,
    mst::Edited,
};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{Blocks, Why, cid_of_digest, digest_of},
    index::{self, Place},
    intern::{Name, Numbers},
    likeness::likeness,
    notices::is_grave,
    quota::Used,
    repos::{Held, Leaf, Repo, Repos},
    tables::{LOWEST, Tables},
    trees::Trees,
    writer::Writer,
};

/// How long `since` of an older head is answered with a delta: 90 days, in microseconds of the author's own revs.
const CHANGES_KEPT: u64 = 90 * 86_400 * 1_000_000;
/// A commit that changes this many paths and most of the tree is not worth remembering path by path.
pub(super) const BULK: u64 = 1024;

/// A tombstone that says nothing else, in bytes: very short records are smaller.
const BARE: usize = 64;

/// An entry that is new or replaced.
#[derive(Debug)]
pub(super) struct Put {
    pub(super) path: String,
    pub(super) cid: Cid,
    pub(super) rev: Tid,
    pub(super) source: Source,
}

impl Put {
    fn new_block(&self) -> Option<&Block> {
        if let Source::New(block, _) = &self.source { Some(block) } else { None }
    }
}

#[derive(Debug)]
pub(super) enum Source {
    New(Block, Box<Record>),
    /// Already here, reachable under the same audience (or staged for this head).
    Stored(u64),
}

/// A checked step: `puts` and `gone` turn the held tree into `tree`.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) commit: Block,
    pub(super) head: HeadRef,
    pub(super) count: u64,
    pub(super) puts: Vec<Put>,
    pub(super) gone: Vec<String>,
    /// What the held tree has at these paths.
    pub(super) before: HashMap<String, Leaf>,
    pub(super) tree: Edited,
    /// Written by this node's person.
    pub(super) own: bool,
    /// Time of arrival, microseconds.
    pub(super) now: u64,
}

impl Writer<'_> {
    /// Answers the files that the new records link and that are not here.
    pub(super) fn advance(&mut self, repo: &mut Repo, step: Step) -> Result<Vec<Cid>, StoreError> {
        let room = self.room(repo)?;
        let linked = match repo.tree() {
            Some(tree) => Some(Commit::view(&self.t.block_named(tree.commit, tree.head.cid)?)?.identity),
            None => None,
        };
        self.compare_devices(repo, &step)?;
        // Before anything is tidied away.
        let apart = self.keep_apart(repo, &step)?;
        self.keep_versions(repo, &step)?;
        self.keep_lost(repo, &step)?;
        let community = self.t.community_of(repo.community)?;
        let prefix = index::prefix(&community, &self.t.key_of(repo.did)?);
        let spots =
            self.spots(repo, step.gone.iter().chain(step.puts.iter().map(|put| &put.path)).map(String::as_str))?;
        self.keep(&spots)?;
        let adds = self.adds(repo, &step)?;
        let history = repo.tree().is_some() && !forgets(&step);
        let rev = step.head.rev.as_u64();
        let mut lacking = Vec::new();

        let own = step.own || self.is_own(repo)?;
        let mut records = Vec::with_capacity(step.puts.len());
        for put in &step.puts {
            let (block, record) = match &put.source {
                Source::New(block, record) => (Cow::Borrowed(block), Cow::Borrowed(&**record)),
                Source::Stored(seq) => {
                    let block = self.t.block_named(*seq, put.cid)?;
                    let record = Record::view(&block)?.1;
                    (Cow::Owned(block), Cow::Owned(record))
                }
            };
            let bytes = block.bytes();
            records.push((record, bytes.len(), if own { likeness(bytes, put.rev) } else { 0 }));
        }
        // Before any older version lets go of them: a picture that stays, in this record or another, keeps its bytes.
        for (record, ..) in &records {
            self.link_files(repo, record, step.own, &mut lacking)?;
        }
        for place in self.places(repo, &prefix, &community, &step.gone)? {
            self.unplace(&place, step.before.get(place.path))?;
            if history {
                self.t.changes.insert((repo.number, rev, place.collection, place.rkey.as_bytes()), ())?;
            }
        }
        let places = self.places(repo, &prefix, &community, step.puts.iter().map(|put| &put.path))?;
        let new: Vec<&Block> = step.puts.iter().filter_map(Put::new_block).collect();
        let mut new = self.put_blocks(&new)?.into_iter();
        self.remember_shorts(&places)?;
        let mut stored = Vec::with_capacity(step.puts.len());
        for put in &step.puts {
            let seq = match put.source {
                Source::New(..) => new.next().ok_or_else(|| StoreError::inconsistent("a new record"))?.seq,
                Source::Stored(seq) => seq,
            };
            stored.push(seq);
        }
        let mut placed = self.t.placed(&stored)?;
        for (((put, place), (record, size, likeness)), seq) in step.puts.iter().zip(&places).zip(&records).zip(stored) {
            let (collection, rkey, size) = (place.collection, place.rkey.as_bytes(), *size);
            self.unplace(place, step.before.get(place.path))?;
            if history {
                self.t.changes.insert((repo.number, rev, collection, rkey), ())?;
            }
            self.t.leaves.insert((repo.number, collection, rkey), (seq, put.rev.as_u64(), *likeness))?;
            if placed.insert(seq) || !self.t.is_anyones(repo, seq)? {
                self.charge(repo.community, repo.did, size as i64);
            }
            self.t.places.insert((seq, repo.number, collection, rkey), ())?;
            self.index(place, put.rev, record, size, step.now)?;
        }
        self.add_nodes(repo, &step.tree.new)?;
        self.drop_nodes(repo, &step.tree.gone)?;
        let commit = self.put_block(&step.commit)?;
        self.hold(commit, repo.community, Why::Reach(repo.audience))?;
        if let Some(before) = repo.tree() {
            self.release(before.commit, repo.community, Why::Reach(repo.audience))?;
        }
        if !history {
            self.forget_history(repo.number)?;
        }
        self.t.past.insert((repo.number, rev), &digest_of(&step.head.cid))?;
        if own {
            self.t.made.insert((repo.number, rev), ())?;
        }
        self.prune_history(repo.number, step.head.rev)?;
        (repo.awaited, repo.base) = (false, None);
        repo.held = Some(Held { head: step.head, commit, records: step.count });
        if step.head.beats(&repo.known) {
            repo.known = step.head;
        }
        self.save_repo(repo)?;
        self.put_versions_away(repo, &apart.iter().map(String::as_str).collect::<Vec<_>>(), step.now)?;
        self.go_along(&spots)?;
        self.t.deferred.remove(repo.number)?;
        // What only deletes is taken however little room there is.
        if adds {
            self.check_room(repo, room)?;
        }
        let links = Commit::view(&step.commit)?.identity;
        if let Some(before) = linked.filter(|before| *before != links) {
            self.let_identity_go(&self.t.key_of(repo.did)?, &before)?;
        }
        self.dirty = true;
        self.visible = true;
        Ok(lacking)
    }

    /// Does `step` bring anything but deletions: tombstones where the person has a record, no larger than that?
    fn adds(&self, repo: &Repo, step: &Step) -> Result<bool, StoreError> {
        let repos = self.t.repos_of(repo.community, Some(repo.did))?;
        for put in &step.puts {
            let (block, grave);
            match &put.source {
                Source::New(new, record) => (block, grave) = (new.clone(), is_grave(record)),
                Source::Stored(seq) => {
                    block = self.t.block_named(*seq, put.cid)?;
                    grave = is_grave(&Record::view(&block)?.1);
                }
            }
            if !grave || !self.covers(&repos, &put.path, block.bytes().len())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Is there a record at a path, so large that a tombstone of `size` fills nothing in its place?
    fn covers(&self, repos: &[Repo], path: &str, size: usize) -> Result<bool, StoreError> {
        for repo in repos {
            let Some(leaf) = self.t.leaf_at(repo.number, path)? else { continue };
            let block = self.t.block_named(leaf.seq, leaf.cid)?;
            if size <= block.bytes().len().max(BARE) && !is_grave(&Record::view(&block)?.1) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What the keys of these paths are made of, one for each.
    fn places<'a>(
        &mut self,
        repo: &'a Repo,
        prefix: &'a str,
        community: &'a Cid,
        paths: impl IntoIterator<Item = &'a String>,
    ) -> Result<Vec<Place<'a>>, StoreError> {
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut places = Vec::new();
        for path in paths {
            let (name, rkey) = path.split_once('/').unwrap_or((path, ""));
            let collection = match numbers.get(name) {
                Some(number) => *number,
                None => *numbers.entry(name).or_insert(self.intern(Name::Collection(name))?),
            };
            let short = index::short(&format!("{prefix}{path}"));
            places.push(Place { repo, community, collection, path, rkey, short });
        }
        Ok(places)
    }

    /// Takes an entry out of its tree, the indexes and the link counts.
    fn unplace(&mut self, place: &Place<'_>, leaf: Option<&Leaf>) -> Result<(), StoreError> {
        let Place { repo, collection, rkey, .. } = *place;
        let Some(leaf) = leaf else { return Ok(()) };
        let block = self.t.block_named(leaf.seq, leaf.cid)?;
        let (_, record) = Record::view(&block)?;
        self.unindex(place, leaf.rev, &record)?;
        self.unlink_files(repo, &record)?;
        self.t.places.remove((leaf.seq, repo.number, collection, rkey.as_bytes()))?;
        self.t.leaves.remove((repo.number, collection, rkey.as_bytes()))?;
        if !self.t.is_anyones(repo, leaf.seq)? {
            self.charge(repo.community, repo.did, -(block.bytes().len() as i64));
        }
        self.let_go.push(leaf.seq);
        Ok(())
    }

    fn forget_history(&mut self, repo: u32) -> Result<(), StoreError> {
        self.t.past.retain_in((repo, 0)..(repo + 1, 0), |_, _| false)?;
        self.t.changes.retain_in((repo, 0, 0, LOWEST)..(repo + 1, 0, 0, LOWEST), |_, ()| false)?;
        Ok(())
    }

    fn prune_history(&mut self, repo: u32, rev: Tid) -> Result<(), StoreError> {
        let floor = rev.as_u64().saturating_sub(CHANGES_KEPT << 10);
        let stale = self.t.past.range((repo, 0)..(repo, floor))?.next().is_some();
        if stale {
            self.t.past.retain_in((repo, 0)..(repo, floor), |_, _| false)?;
            self.t.changes.retain_in((repo, 0, 0, LOWEST)..(repo, floor, 0, LOWEST), |_, ()| false)?;
        }
        Ok(())
    }

    /// Lets go of the oldest heads where there are more than are remembered.
    pub(super) fn forget_oldest(&mut self, repo: u32) -> Result<(), StoreError> {
        let oldest = self.t.past.range((repo, 0)..(repo + 1, 0))?.rev().nth(limits::PAST - 1);
        let Some(oldest) = oldest.transpose()?.map(|(key, _)| key.value().1) else { return Ok(()) };
        self.t.past.retain_in((repo, 0)..(repo, oldest), |_, _| false)?;
        self.t.changes.retain_in((repo, 0, 0, LOWEST)..(repo, oldest, 0, LOWEST), |_, ()| false)?;
        self.dirty = true;
        Ok(())
    }

    /// Removes a repository whole: its author is no member any more, or retired the device.
    pub(super) fn drop_repo(&mut self, repo: &Repo) -> Result<(), StoreError> {
        let community = self.t.community_of(repo.community)?;
        let prefix = index::prefix(&community, &self.t.key_of(repo.did)?);
        let paths: Vec<String> = self.t.entries(repo.number)?.into_keys().collect();
        let spots = self.spots(repo, paths.iter().map(String::as_str))?;
        self.keep(&spots)?;
        self.drop_versions(repo, &paths)?;
        self.drop_lost(repo)?;
        for place in self.places(repo, &prefix, &community, &paths)? {
            self.unplace(&place, self.t.leaf(repo.number, place.collection, place.rkey)?.as_ref())?;
        }
        let nodes = self.t.node_cids(repo)?;
        self.drop_nodes(repo, &nodes)?;
        if let Some(held) = repo.tree() {
            self.release(held.commit, repo.community, Why::Reach(repo.audience))?;
        }
        self.forget_history(repo.number)?;
        self.t.tidied.retain_in((repo.number, 0)..(repo.number + 1, 0), |_, _| false)?;
        for other in self.t.repos_of(repo.community, Some(repo.did))? {
            self.t.tidied.remove((other.number, repo.number))?;
        }
        self.clear_stage(repo)?;
        let key = self.t.repo_keys.remove(repo.number)?.map(|row| row.value());
        if let Some(key) = key {
            self.t.repos.remove(key)?;
        }
        self.t.deferred.remove(repo.number)?;
        self.t.witnesses.remove(repo.number)?;
        self.go_along(&spots)?;
        self.dirty = true;
        self.visible = true;
        Ok(())
    }
}

trait Placed: Tables {
    /// Which of these blocks stand in any tree. Where none of a stretch does, one search is enough for it.
    fn placed(&self, seqs: &[u64]) -> Result<HashSet<u64>, StoreError> {
        let mut sorted = seqs.to_vec();
        sorted.sort_unstable();
        let (mut placed, mut next) = (HashSet::new(), 0);
        for seq in sorted {
            if next < seq {
                let row = self.places().range((seq, 0, 0, LOWEST)..)?.next().transpose()?;
                next = row.map_or(u64::MAX, |(key, _)| key.value().0);
            }
            if next == seq {
                placed.insert(seq);
            }
        }
        Ok(placed)
    }
}
impl<T: Tables> Placed for T {}

fn forgets(step: &Step) -> bool {
    let changed = (step.puts.len() + step.gone.len()) as u64;
    changed >= BULK && changed * 2 >= step.count
}

/// Paths changed after `since`, in path order; None when `since` was never held here (or too long ago).
pub(super) trait History: Repos {
    fn changed_since(&self, repo: u32, since: &HeadRef) -> Result<Option<BTreeSet<String>>, StoreError> {
        let held = match self.past().get((repo, since.rev.as_u64()))? {
            Some(row) => cid_of_digest(row.value())? == since.cid,
            None => false,
        };
        if !held {
            return Ok(None);
        }
        self.changed_after(repo, since.rev.as_u64()).map(Some)
    }

    /// Paths that commits newer than a rev put or removed, as far as they were seen here one by one.
    fn changed_after(&self, repo: u32, rev: u64) -> Result<BTreeSet<String>, StoreError> {
        let mut paths = BTreeSet::new();
        let mut names: HashMap<u32, String> = HashMap::new();
        let from = (repo, rev + 1, 0, LOWEST);
        for row in self.changes().range(from..(repo + 1, 0, 0, LOWEST))? {
            let (key, _) = row?;
            let (_, _, collection, rkey) = key.value();
            let name = match names.get(&collection) {
                Some(name) => name,
                None => names.entry(collection).or_insert(self.collection_of(collection)?),
            };
            paths.insert(format!("{name}/{}", String::from_utf8_lossy(rkey)));
        }
        Ok(paths)
    }
}
impl<T: super::tables::Tables> History for T {}

/// Repositories of which more heads are remembered than there are to be.
pub(super) fn remember_too_much(t: &impl super::tables::Tables) -> Result<Vec<u32>, StoreError> {
    let (mut many, mut of) = (Vec::new(), (0, 0));
    for row in t.past().iter()? {
        let (repo, _) = row?.0.value();
        of = (repo, if of.0 == repo { of.1 + 1 } else { 1 });
        if of.1 == limits::PAST + 1 {
            many.push(repo);
        }
    }
    Ok(many)
}
