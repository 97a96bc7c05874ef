//! Heads that a device's own later commits lost. A device whose disk was set back to an older state, and that writes on
//! from there, signs commits that leave out what it had written in between. The greater rev is the head, as always; who
//! held the other keeps what it had more for 30 days, proven by its commit, and offers it to that very device, which
//! puts it back.
//!
//! From the two heads alone it cannot always be told whether the older is an ancestor of the newer. The device itself
//! knows which heads it made: what it recognises, it says, and that is let go.

use folkmoot_schemas::{
    Cid, Record,
    block::Block,
    car,
    commit::{Commit, HeadRef, RepoId},
    mst,
};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use super::{
    OwnCommit, Store, StoreError, View,
    advance::Step,
    blobs::files,
    blocks::{Blocks, Why, cid_of_digest},
    commit::Seen,
    notices::What,
    repos::{Leaf, Repo, Repos},
    tables::Tables,
    trees::Trees,
    write::{Change, Committed},
    writer::Writer,
};

/// 30 days, in microseconds of this machine's clock.
const KEPT: u64 = 30 * 86_400 * 1_000_000;
/// Heads of one repository.
const HEADS: usize = 4;
/// A part is closed when it has reached this size, in bytes: it has to fit a frame.
const PART: usize = 512 * 1024;
/// Of one head: with anything else that is asked for, it has to fit one answer.
const HEAD: usize = 6 * 1024 * 1024;
const LONGEST: usize = 4 * 1024 * 1024;

/// As stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    head: HeadRef,
    at: u64,
    put: Vec<(String, Cid)>,
    gone: Vec<String>,
    /// Files of the records, by number.
    files: Vec<u64>,
    #[serde(with = "serde_bytes")]
    car: Vec<u8>,
}

/// A part of what a head had and a later one lost: entries, paths it had removed, and in `car` the commit, the nodes that
/// prove both, and the records.
#[derive(Debug, Clone)]
pub struct LostPart {
    pub commit: Cid,
    pub put: Vec<(String, Cid)>,
    pub gone: Vec<String>,
    pub car: Vec<u8>,
}

/// What is to be put back, verified: see [`verify_lost`].
#[derive(Debug, Clone)]
pub struct Back {
    pub head: HeadRef,
    put: Vec<(String, Block)>,
    gone: Vec<String>,
}

/// Checks that the commit is this repository's, signed by its device, and that its tree has and lacks what is said.
pub fn verify_lost(
    community: &Cid,
    repo: &RepoId,
    part: &LostPart,
    get: impl Fn(&Cid) -> Option<Block>,
) -> Result<Back, String> {
    let commit = get(&part.commit).ok_or("its commit is missing")?;
    let (block, commit) = Commit::open(commit.bytes()).map_err(|why| why.to_string())?;
    if commit.repo() != *repo || commit.community != *community {
        return Err("its commit is of another repository".into());
    }
    let mut put = Vec::with_capacity(part.put.len());
    for (path, cid) in &part.put {
        folkmoot_schemas::uri::check_path(path).map_err(|why| why.to_string())?;
        if mst::find(&commit.data, path, &get).map_err(|why| why.to_string())? != Some(*cid) {
            return Err(format!("it does not hold {path}"));
        }
        let record = get(cid).ok_or_else(|| format!("the record at {path} is missing"))?;
        let (rev, _) = Record::view(&record).map_err(|why| why.to_string())?;
        if rev > commit.rev {
            return Err(format!("the record at {path} is newer than its commit"));
        }
        put.push((path.clone(), record));
    }
    for path in &part.gone {
        if mst::find(&commit.data, path, &get).map_err(|why| why.to_string())?.is_some() {
            return Err(format!("it does hold {path}"));
        }
    }
    Ok(Back { head: HeadRef { rev: commit.rev, cid: *block.cid() }, put, gone: part.gone.clone() })
}

impl View {
    /// Heads of which something is kept to be put back.
    pub fn lost_heads(&self, community: &Cid, repo: &RepoId) -> Result<Vec<HeadRef>, StoreError> {
        let Some(roster) = self.roster_in_scope(community).filter(|_| self.scope().sees(repo.audience)) else {
            return Ok(Vec::new());
        };
        let Some(repo) = self.t.repo(roster.number, repo)? else { return Ok(Vec::new()) };
        let mut heads: Vec<HeadRef> = self.t.lost_of(repo.number)?.into_iter().map(|(_, lost)| lost.head).collect();
        heads.dedup();
        Ok(heads)
    }

    /// What is kept of one head.
    pub fn lost_parts(&self, community: &Cid, repo: &RepoId, head: &HeadRef) -> Result<Vec<LostPart>, StoreError> {
        let Some(roster) = self.roster_in_scope(community).filter(|_| self.scope().sees(repo.audience)) else {
            return Ok(Vec::new());
        };
        let Some(repo) = self.t.repo(roster.number, repo)? else { return Ok(Vec::new()) };
        let parts = self.t.lost_of(repo.number)?.into_iter().filter(|(_, lost)| lost.head == *head);
        Ok(parts
            .map(|(_, Stored { head, put, gone, car, .. })| LostPart { commit: head.cid, put, gone, car })
            .collect())
    }

    /// True when this device made that head of its own repository, or had it before it wrote on, or took it back: then
    /// nothing of it was lost without its knowledge.
    pub fn knows_own(&self, community: &Cid, repo: &RepoId, head: &HeadRef) -> Result<bool, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(true) };
        let Some(repo) = self.t.repo(roster.number, repo)? else { return Ok(true) };
        self.t.knows(repo.number, head)
    }
}

/// (repository, rev of the head, part).
type LostKey = (u32, u64, u32);

trait LostHeads: Repos {
    fn lost_of(&self, repo: u32) -> Result<Vec<(LostKey, Stored)>, StoreError> {
        let rows = self.lost().range((repo, 0, 0)..(repo + 1, 0, 0))?;
        rows.map(|row| {
            let (key, bytes) = row?;
            Ok((key.value(), Block::decode::<Stored>(bytes.value().to_vec(), LONGEST)?.1))
        })
        .collect()
    }

    fn knows(&self, repo: u32, head: &HeadRef) -> Result<bool, StoreError> {
        let rev = head.rev.as_u64();
        if self.made().get((repo, rev))?.is_some() {
            return Ok(true);
        }
        if let Some(row) = self.past().get((repo, rev))?
            && cid_of_digest(row.value())? == head.cid
        {
            return Ok(true);
        }
        // Older than what was noted of our own heads: not to be judged, and no image is that old.
        Ok(self.made_before(repo, rev)?.is_none())
    }

    /// Our newest head below a rev.
    fn made_before(&self, repo: u32, rev: u64) -> Result<Option<u64>, StoreError> {
        Ok(self.made().range((repo, 0)..(repo, rev))?.next_back().transpose()?.map(|(key, _)| key.value().1))
    }
}
impl<T: Tables> LostHeads for T {}

impl Store {
    /// Puts back, in one commit of our own, what is newer than the last head this device remembers from before `back`.
    /// `plan` says where; its changes are not looked at. `last`: nothing more of this head is to come.
    pub fn put_back(&self, plan: OwnCommit<'_>, back: &Back, last: bool) -> Result<Option<Committed>, StoreError> {
        self.write(|w| w.put_back(plan, back, last))
    }

    /// The device recognised this head: nothing of it has to be kept.
    pub fn release_lost(&self, community: &Cid, repo: &RepoId, head: &HeadRef) -> Result<(), StoreError> {
        self.write(|w| {
            let Some(roster) = w.rosters.get(community).cloned() else { return Ok(()) };
            let Some(repo) = w.t.repo(roster.number, repo)? else { return Ok(()) };
            for (key, lost) in w.t.lost_of(repo.number)?.into_iter().filter(|(_, lost)| lost.head == *head) {
                w.let_lost_go(&repo, key, &lost)?;
            }
            Ok(())
        })
    }
}

impl Writer<'_> {
    /// Before `step` changes the tree of another device: keeps what the held head has and the next one seems to have
    /// lost.
    pub(super) fn keep_lost(&mut self, repo: &Repo, step: &Step) -> Result<(), StoreError> {
        let Some(held) = repo.held else { return Ok(()) };
        let prev = Commit::view(&step.commit)?.prev;
        if step.own || prev == Some(held.head) || self.is_own(repo)? {
            return Ok(());
        }
        // Below the held head: that one is no ancestor, and what is older was known to both. Else it may be one, and its
        // device has to judge.
        let base = prev.map_or(0, |prev| prev.rev.as_u64());
        let (least, latest) = if base < held.head.rev.as_u64() { (base, base) } else { (0, held.head.rev.as_u64()) };
        let mut lost: Vec<(String, Option<Leaf>)> = Vec::new();
        for path in &step.gone {
            let leaf = self.t.leaf_at(repo.number, path)?;
            lost.extend(leaf.filter(|leaf| leaf.rev.as_u64() > least).map(|leaf| (path.clone(), Some(leaf))));
        }
        for put in &step.puts {
            match self.t.leaf_at(repo.number, &put.path)? {
                Some(leaf) if leaf.rev > put.rev && leaf.rev.as_u64() > least => {
                    lost.push((put.path.clone(), Some(leaf)));
                }
                None if put.rev.as_u64() <= latest => lost.push((put.path.clone(), None)),
                _ => {}
            }
        }
        if lost.is_empty() {
            return Ok(());
        }
        lost.sort_by(|(a, _), (b, _)| a.cmp(b));
        let heads: std::collections::BTreeSet<u64> =
            self.t.lost_of(repo.number)?.into_iter().map(|((_, rev, _), _)| rev).collect();
        for rev in heads.iter().take((heads.len() + 1).saturating_sub(HEADS)) {
            for (key, lost) in self.t.lost_of(repo.number)?.into_iter().filter(|((_, of, _), _)| of == rev) {
                self.let_lost_go(repo, key, &lost)?;
            }
        }
        self.put_away(repo, &self.t.block_named(held.commit, held.head.cid)?, held.head, lost, step.now)
    }

    fn put_away(
        &mut self,
        repo: &Repo,
        commit: &Block,
        head: HeadRef,
        lost: Vec<(String, Option<Leaf>)>,
        now: u64,
    ) -> Result<(), StoreError> {
        let fresh = || Stored { head, at: now, put: vec![], gone: vec![], files: vec![], car: vec![] };
        let (mut part, mut blocks, mut size, mut all, mut number) = (fresh(), vec![commit.clone()], 0, 0, 0);
        for (path, leaf) in lost {
            for cid in self.t.way(repo.number, commit, &path)? {
                if blocks.iter().all(|block| *block.cid() != cid) {
                    let node = self.t.node(repo.number, &cid)?;
                    size += node.bytes().len();
                    blocks.push(node);
                }
            }
            match leaf {
                Some(leaf) => {
                    let block = self.t.block_named(leaf.seq, leaf.cid)?;
                    for file in files(&Record::view(&block)?.1) {
                        if let Some(seq) = self.t.seq(&file)?
                            && self.t.held_as(seq, repo.community, Why::Reach(repo.audience))?
                        {
                            self.hold(seq, repo.community, Why::Kept)?;
                            part.files.push(seq);
                        }
                    }
                    size += block.bytes().len() + path.len();
                    part.put.push((path, leaf.cid));
                    blocks.push(block);
                }
                None => {
                    size += path.len();
                    part.gone.push(path);
                }
            }
            if size >= PART {
                part.car = car::to_vec(&[head.cid], &blocks);
                self.t.lost.insert((repo.number, head.rev.as_u64(), number), Block::encode(&part)?.bytes().as_ref())?;
                all += size;
                (part, blocks, size, number) = (fresh(), vec![commit.clone()], 0, number + 1);
                if all >= HEAD {
                    tracing::warn!(head = %head.cid, "a device lost more than is kept of one head");
                    break;
                }
            }
        }
        if size > 0 {
            part.car = car::to_vec(&[head.cid], &blocks);
            self.t.lost.insert((repo.number, head.rev.as_u64(), number), Block::encode(&part)?.bytes().as_ref())?;
        }
        self.dirty = true;
        Ok(())
    }

    fn let_lost_go(&mut self, repo: &Repo, key: LostKey, lost: &Stored) -> Result<(), StoreError> {
        for seq in &lost.files {
            self.release(*seq, repo.community, Why::Kept)?;
        }
        self.t.lost.remove(key)?;
        self.dirty = true;
        Ok(())
    }

    pub(super) fn drop_lost(&mut self, repo: &Repo) -> Result<(), StoreError> {
        for (key, lost) in self.t.lost_of(repo.number)? {
            self.let_lost_go(repo, key, &lost)?;
        }
        self.t.made.retain_in((repo.number, 0)..(repo.number + 1, 0), |_, ()| false)?;
        Ok(())
    }

    pub(super) fn expire_lost(&mut self, now: u64) -> Result<(), StoreError> {
        let mut over = Vec::new();
        for row in self.t.lost.iter()? {
            let (key, bytes) = row?;
            let (_, lost) = Block::decode::<Stored>(bytes.value().to_vec(), LONGEST)?;
            if lost.at.saturating_add(KEPT) <= now {
                over.push((key.value(), lost));
            }
        }
        for (key, lost) in over {
            if let Some(repo) = self.t.repo_at(key.0)? {
                self.let_lost_go(&repo, key, &lost)?;
            }
        }
        Ok(())
    }

    /// A file whose bytes came here under this repository's audience and are kept to be put back.
    pub(super) fn is_lost_file(&self, repo: &Repo, seq: u64) -> Result<bool, StoreError> {
        Ok(self.t.held_as(seq, repo.community, Why::Kept)?
            && self.t.lost_of(repo.number)?.iter().any(|(_, lost)| lost.files.contains(&seq)))
    }

    fn put_back(&mut self, mut plan: OwnCommit<'_>, back: &Back, last: bool) -> Result<Option<Committed>, StoreError> {
        let id = RepoId { did: plan.did, device: plan.device.did(), audience: plan.audience };
        let Some(roster) = self.rosters.get(&plan.community).cloned() else { return Ok(None) };
        let Some(repo) = self.t.repo(roster.number, &id)? else { return Ok(None) };
        if self.t.knows(repo.number, &back.head)? {
            return Ok(None);
        }
        let base = self.t.made_before(repo.number, back.head.rev.as_u64())?.unwrap_or(0);
        let (mut records, mut removed) = (0, 0);
        plan.changes = Vec::new();
        for (path, block) in &back.put {
            let (rev, _) = Record::view(block)?;
            let theirs = Leaf { seq: 0, rev, cid: *block.cid() };
            let ours = self.t.leaf_at(repo.number, path)?;
            if rev.as_u64() > base && ours.is_none_or(|ours| theirs.beats(&ours)) {
                plan.changes.push(Change::Back { path: path.clone(), block: block.clone() });
                records += 1;
            }
        }
        for path in &back.gone {
            let ours = self.t.leaf_at(repo.number, path)?;
            if ours.is_some_and(|ours| ours.rev.as_u64() <= base) {
                plan.changes.push(Change::Remove { path: path.clone() });
                removed += 1;
            }
        }
        let what = What::PutBack {
            community: plan.community.to_string(),
            audience: plan.audience,
            device: id.device,
            head: back.head.rev,
            records,
            removed,
        };
        let now = plan.now;
        let committed = match plan.changes.is_empty() {
            true => None,
            false => Some(self.commit_own(plan, Seen::AsBefore)?),
        };
        // Also where nothing had to be put back: that an older disk was used is worth knowing.
        self.tell(what, now)?;
        if last {
            self.t.made.insert((repo.number, back.head.rev.as_u64()), ())?;
            self.dirty = true;
        }
        Ok(committed)
    }
}
