//! Do the entries given turn the tree we hold into exactly the tree a commit signs?

use std::collections::{BTreeMap, HashMap, HashSet};

use folkmoot_schemas::{
    Cid, Record, Tid,
    block::Block,
    commit::{Commit, HeadRef},
    kind::Kind,
    limits,
    mst::{self, Changes, Edited, Entries},
    records::tombstone::Tombstone,
    uri,
};

use super::{
    RepoUpdate, StoreError,
    advance::{Put, Source, Step},
    blocks::Blocks,
    quota::Excess,
    repos::{Held, Leaf, Repo, Repos},
    trees::Trees,
    writer::Writer,
};

const TOMBSTONE: &str = Tombstone::NAME;

/// What is to stand at a path; None: nothing.
pub(super) type Wanted = BTreeMap<String, Option<Place>>;

#[derive(Debug, Clone)]
pub(super) enum Place {
    New { block: Block, rev: Tid, record: Box<Record> },
    Stored(Leaf),
}

impl Place {
    fn cid(&self) -> Cid {
        match self {
            Self::New { block, .. } => *block.cid(),
            Self::Stored(leaf) => leaf.cid,
        }
    }
}

/// Why an update is not taken. Everything but `Error` is the sender's or author's doing.
pub(super) enum Stop {
    /// Breaks a rule whatever else arrives.
    Refused(String),
    /// The tree does not add up with what was given.
    Mismatch,
    /// The given `since` is not what we hold.
    OtherBase,
    /// It may be all right; a quota of this node puts it off.
    NoRoom(Excess),
    Error(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

/// A tree that adds up, and how it differs from what is held.
pub(super) struct Checked {
    tree: Edited,
    /// Paths of `wanted` that hold just that already.
    same: HashSet<String>,
    gone: Vec<String>,
    before: HashMap<String, Leaf>,
}

pub(super) fn refused<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Refused(why.into()))
}

impl Writer<'_> {
    /// Checks every entry the update names, and finds its block.
    pub(super) fn wanted(&self, repo: &Repo, commit: &Commit, update: &RepoUpdate) -> Result<Wanted, Stop> {
        if let Some(since) = &update.since
            && repo.tree().is_none_or(|tree| tree.head != *since)
        {
            return Err(Stop::OtherBase);
        }
        let given: HashMap<&Cid, &Block> = update.blocks.iter().map(|block| (block.cid(), block)).collect();
        let mut wanted = Wanted::new();
        for path in &update.gone {
            if self.t.leaf_at(repo.number, path)?.is_some() {
                wanted.insert(path.clone(), None);
            }
        }
        for (path, cid) in &update.put {
            let (collection, _) = uri::check_path(path).or_else(|why| refused(format!("{path:?}: {why}")))?;
            let place = match given.get(cid) {
                Some(block) => {
                    let (rev, record) = check_record(commit, collection, block).or_else(refused)?;
                    Place::New { block: (*block).clone(), rev, record: Box::new(record) }
                }
                None => self.stored(repo, commit, path, collection, cid)?,
            };
            wanted.insert(path.clone(), Some(place));
        }
        Ok(wanted)
    }

    /// An entry whose block was not sent: only what came here under the same audience will do, or a stranger could
    /// have us serve by a public record what only members may read.
    fn stored(&self, repo: &Repo, commit: &Commit, path: &str, collection: &str, cid: &Cid) -> Result<Place, Stop> {
        if let Some(leaf) = self.t.leaf_at(repo.number, path)?
            && leaf.cid == *cid
        {
            return Ok(Place::Stored(leaf));
        }
        let Some(seq) = self.t.seq(cid)? else { return Err(Stop::Mismatch) };
        if !self.t.reaches(seq, Some(repo.community), repo.audience)? {
            return Err(Stop::Mismatch);
        }
        let block = self.t.block_named(seq, *cid)?;
        let (rev, _) = check_record(commit, collection, &block).or_else(refused)?;
        Ok(Place::Stored(Leaf { seq, rev, cid: *cid }))
    }

    /// The tree that `wanted` makes of the base, compared with what the commit signs: count first.
    pub(super) fn check_tree(
        &self,
        repo: &Repo,
        commit: &Commit,
        update: &RepoUpdate,
        wanted: &Wanted,
    ) -> Result<Checked, Stop> {
        let checked = match (&update.since, repo.tree()) {
            (Some(_), Some(held)) => self.check_changes(repo, held, commit, wanted)?,
            _ => self.check_whole(repo, commit, wanted)?,
        };
        if checked.tree.root == commit.data { Ok(checked) } else { Err(Stop::Mismatch) }
    }

    fn check_changes(&self, repo: &Repo, held: Held, commit: &Commit, wanted: &Wanted) -> Result<Checked, Stop> {
        let mut count = held.records;
        let (mut changes, mut same, mut gone) = (Changes::new(), HashSet::new(), Vec::new());
        let held_at = self.t.leaves_at(repo.number, wanted.keys().map(String::as_str))?;
        for (path, place) in wanted {
            let before = held_at.get(path.as_str()).map(|leaf| leaf.cid);
            let now = place.as_ref().map(Place::cid);
            if now == before {
                same.insert(path.clone());
                continue;
            }
            if now.is_none() {
                gone.push(path.clone());
            }
            count = count + u64::from(now.is_some()) - u64::from(before.is_some());
            changes.insert(path.clone(), now);
        }
        if count != commit.count {
            return Err(Stop::Mismatch);
        }
        let tree = self.t.changed_tree(Some(repo), &changes)?.or_else(|why| refused(why.to_string()))?;
        let before = held_at.into_iter().map(|(path, leaf)| (path.to_owned(), leaf)).collect();
        Ok(Checked { tree, same, gone, before })
    }

    fn check_whole(&self, repo: &Repo, commit: &Commit, wanted: &Wanted) -> Result<Checked, Stop> {
        let now = wanted.iter().filter_map(|(path, place)| Some((path.clone(), place.as_ref()?.cid())));
        let now: Entries = now.collect();
        if now.len() as u64 != commit.count {
            return Err(Stop::Mismatch);
        }
        let tree = mst::build(&now).or_else(|why| refused(why.to_string()))?;
        // Before anything is read that costs as much as what is held is large.
        if tree.root != commit.data {
            return Err(Stop::Mismatch);
        }
        let tree = self.t.in_place_of_all(repo, tree)?;
        let (mut same, mut gone, mut before) = (HashSet::new(), Vec::new(), HashMap::new());
        self.t.walk(repo.number, None, |path, leaf| {
            match now.get(&path) {
                Some(cid) if *cid == leaf.cid => {
                    same.insert(path);
                    return Ok(true);
                }
                Some(_) => {}
                None => gone.push(path.clone()),
            }
            before.insert(path, leaf);
            Ok(true)
        })?;
        Ok(Checked { tree, same, gone, before })
    }
}

impl Checked {
    /// The step from the held tree to this one.
    pub(super) fn step(self, commit: &Commit, block: &Block, wanted: Wanted, now: u64) -> Result<Step, Stop> {
        let mut puts = Vec::new();
        for (path, place) in wanted {
            let Some(place) = place else { continue };
            if self.same.contains(&path) {
                continue;
            }
            let cid = place.cid();
            let (rev, source) = match place {
                Place::New { block, rev, record } => (rev, Source::New(block, record)),
                Place::Stored(leaf) => (leaf.rev, Source::Stored(leaf.seq)),
            };
            // Staged parts were checked against the commit they came with, which may be another one.
            if rev > commit.rev {
                return Err(Stop::Mismatch);
            }
            puts.push(Put { path, cid, rev, source });
        }
        Ok(Step {
            commit: block.clone(),
            head: HeadRef { rev: commit.rev, cid: *block.cid() },
            count: commit.count,
            puts,
            gone: self.gone,
            before: self.before,
            tree: self.tree,
            own: false,
            now,
        })
    }
}

/// What a tree may hold at a path of `collection`: a record of that kind, or a tombstone, no newer than the commit.
pub(super) fn check_record(commit: &Commit, collection: &str, block: &Block) -> Result<(Tid, Record), String> {
    if block.bytes().len() > limits::RECORD {
        return Err(format!("a record of {} bytes", block.bytes().len()));
    }
    let (rev, record) = Record::view(block).map_err(|why| why.to_string())?;
    if record.name() != collection && record.name() != TOMBSTONE {
        return Err(format!("{} stands under {collection}", record.name()));
    }
    if rev > commit.rev {
        return Err("a record is newer than its commit".into());
    }
    Ok((rev, record))
}
