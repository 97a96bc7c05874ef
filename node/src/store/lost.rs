//! Heads that a device's own later commits lost. A device whose disk was set back to an older state, and that writes on
//! from there, signs commits that leave out what it had written in between. The greater rev is the head, as always; who
//! held the other keeps what it had more for 30 days, proven by its commit, and offers it to that very device, which
//! puts it back.
//!
//! From the two heads alone it cannot always be told whether the older is an ancestor of the newer. The device itself
//! knows which heads it made: what it recognises, it says, and that is let go.

use std::collections::{BTreeMap, HashSet};

use folkmoot_schemas::{
    Cid, Record, Tid,
    block::Block,
    commit::{Commit, HeadRef, RepoId},
    limits, mst,
};
use redb::ReadableTable;

use super::{
    OwnCommit, Store, StoreError, View,
    advance::Step,
    blobs::files,
    blocks::{Blocks, Why, cid_of_digest, digest_of},
    commit::{Seen, latest},
    intern::Numbers,
    notices::What,
    proofs::{For, ProofId, Proofs},
    repos::{Held, Leaf, Repo, Repos},
    tables::Tables,
    trees::Trees,
    write::{Change, Committed},
    writer::Writer,
};

/// 30 days, in microseconds of this machine's clock.
const KEPT: u64 = 30 * 86_400 * 1_000_000;
/// A part is closed when it has reached this size, in bytes: it has to fit a frame.
const PART: usize = 512 * 1024;
/// In place of a record: the head had none there. Blocks count from 1.
const NONE: u64 = 0;
/// The newest entries of a collection that are looked through for one that a commit left alone.
const LOOKED_THROUGH: usize = 4096;

/// A part of what a head had and a later one lost: entries, paths it had removed, and in `blocks` the commit, the nodes
/// that prove both, and the records.
#[derive(Debug, Clone)]
pub struct LostPart {
    pub commit: Cid,
    pub put: Vec<(String, Cid)>,
    pub gone: Vec<String>,
    pub blocks: Vec<Block>,
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
        Ok(self.t.lost_of(&repo)?.into_iter().map(|(head, _)| head).collect())
    }

    /// What is kept of one head.
    pub fn lost_parts(&self, community: &Cid, repo: &RepoId, head: &HeadRef) -> Result<Vec<LostPart>, StoreError> {
        let Some(roster) = self.roster_in_scope(community).filter(|_| self.scope().sees(repo.audience)) else {
            return Ok(Vec::new());
        };
        let Some(repo) = self.t.repo(roster.number, repo)? else { return Ok(Vec::new()) };
        match self.t.lost_of(&repo)?.into_iter().find(|(of, _)| of == head) {
            Some((_, id)) => self.t.parts(id, head),
            None => Ok(Vec::new()),
        }
    }

    /// True when this device made that head of its own repository, or had it before it wrote on, or took it back: then
    /// nothing of it was lost without its knowledge.
    pub fn knows_own(&self, community: &Cid, repo: &RepoId, head: &HeadRef) -> Result<bool, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(true) };
        match self.t.repo(roster.number, repo)? {
            Some(repo) => self.t.knows(repo.number, head),
            None => Ok(false),
        }
    }
}

trait LostHeads: Repos {
    /// Heads of a repository of which something is kept, the oldest first.
    fn lost_of(&self, repo: &Repo) -> Result<Vec<(HeadRef, ProofId)>, StoreError> {
        let rows = self.lost_heads().range((repo.number, 0, &[0; 32])..=(repo.number, u64::MAX, &[0xff; 32]))?;
        rows.map(|row| {
            let (key, number) = row?;
            let (_, rev, digest) = key.value();
            let head = HeadRef { rev: Tid::from_u64(rev)?, cid: cid_of_digest(digest)? };
            let (community, person, number) = (repo.community, repo.did, number.value());
            Ok((head, ProofId { community, person, purpose: For::Lost, number }))
        })
        .collect()
    }

    fn parts(&self, id: ProofId, head: &HeadRef) -> Result<Vec<LostPart>, StoreError> {
        let wrong = || StoreError::inconsistent("what a head lost");
        let commit = self.block_in(id, &head.cid)?.ok_or_else(wrong)?;
        let root = Commit::view(&commit)?.data;
        let fresh = || LostPart { commit: head.cid, put: Vec::new(), gone: Vec::new(), blocks: vec![commit.clone()] };
        let (mut parts, mut part, mut filling) = (Vec::new(), fresh(), Filling::default());
        for row in self.lost_paths().range((id.number, "")..(id.number + 1, ""))? {
            let (key, seq) = row?;
            let (path, seq) = (key.value().1.to_owned(), seq.value());
            let mut failure = None;
            let node = |cid: &Cid| self.block_in(id, cid).map_err(|error| failure = Some(error)).ok().flatten();
            let way = mst::proof_with(&root, &path, node);
            if let Some(error) = failure {
                return Err(error);
            }
            for cid in way? {
                let block = self.block_in(id, &cid)?.ok_or_else(wrong)?;
                if filling.takes(cid, block.bytes().len()) {
                    part.blocks.push(block);
                }
            }
            filling.size += path.len();
            if seq == NONE {
                part.gone.push(path);
            } else {
                let block = self.block_at(seq)?;
                filling.size += block.bytes().len();
                part.put.push((path, *block.cid()));
                part.blocks.push(block);
            }
            if filling.is_full() {
                parts.push(std::mem::replace(&mut part, fresh()));
            }
        }
        if filling.size > 0 {
            parts.push(part);
        }
        Ok(parts)
    }

    /// The newest rev among the entries of a tree that `step` leaves alone, as far as it is found among the newest of
    /// each collection; below `enough` it does not matter which.
    fn newest_left(&self, repo: &Repo, step: &Step, enough: u64) -> Result<u64, StoreError> {
        let touched: HashSet<&str> =
            step.gone.iter().chain(step.puts.iter().map(|put| &put.path)).map(String::as_str).collect();
        let mut newest = 0;
        for (prefix, number) in self.collections(repo.number)? {
            self.walk_back(repo.number, &prefix, number, LOOKED_THROUGH, |path, leaf| {
                if !touched.contains(path.as_str()) {
                    newest = newest.max(leaf.rev.as_u64());
                }
                newest < enough
            })?;
        }
        Ok(newest)
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
        Ok(self.made_before(repo, rev)?.is_none() && self.repo_at(repo)?.is_some_and(|repo| repo.held.is_some()))
    }

    /// Our newest head below a rev.
    fn made_before(&self, repo: u32, rev: u64) -> Result<Option<u64>, StoreError> {
        Ok(self.made().range((repo, 0)..(repo, rev))?.next_back().transpose()?.map(|(key, _)| key.value().1))
    }
}
impl<T: Tables> LostHeads for T {}

/// What is in a part so far: its nodes, and bytes.
#[derive(Default)]
struct Filling {
    nodes: HashSet<Cid>,
    size: usize,
}

impl Filling {
    /// False: that node is in it.
    fn takes(&mut self, node: Cid, bytes: usize) -> bool {
        let fresh = self.nodes.insert(node);
        self.size += if fresh { bytes } else { 0 };
        fresh
    }

    /// True: it is closed, and another begins.
    fn is_full(&mut self) -> bool {
        let full = self.size >= PART;
        if full {
            *self = Self::default();
        }
        full
    }
}

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
            for (_, id) in w.t.lost_of(&repo)?.into_iter().filter(|(of, _)| of == head) {
                w.drop_proof(id)?;
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
        if step.own || prev == Some(held.head) || self.is_own(repo)? || !self.may_offer(repo)? {
            return Ok(());
        }
        // Below the held head: that one is no ancestor, and what is older was known to both. Else it may be one, and its
        // device has to judge.
        let base = prev.map_or(0, |prev| prev.rev.as_u64());
        let (least, latest) = if base < held.head.rev.as_u64() { (base, base) } else { (0, held.head.rev.as_u64()) };
        let mut lost: BTreeMap<&str, Option<Leaf>> = BTreeMap::new();
        for path in &step.gone {
            lost.extend(step.before.get(path).map(|leaf| (path.as_str(), Some(*leaf))));
        }
        for put in &step.puts {
            match step.before.get(&put.path) {
                Some(leaf) if leaf.rev > put.rev => drop(lost.insert(&put.path, Some(*leaf))),
                None if put.rev.as_u64() <= latest => drop(lost.insert(&put.path, None)),
                _ => {}
            }
        }
        let newest = lost.values().flatten().map(|leaf| leaf.rev.as_u64()).max();
        let least = match newest {
            // An entry left alone is of a state that both come from, and so is whatever is older: that was deleted.
            Some(newest) if least == 0 => self.t.newest_left(repo, step, newest)?,
            _ => least,
        };
        lost.retain(|_, leaf| leaf.is_none_or(|leaf| leaf.rev.as_u64() > least));
        self.put_away(repo, &held, &lost, step.now)
    }

    /// Only a member meets a device on the audience on which what was lost is offered.
    fn may_offer(&self, repo: &Repo) -> Result<bool, StoreError> {
        let community = self.t.community_of(repo.community)?;
        let (Some(me), Some(roster)) = (self.meta_did("me")?, self.rosters.get(&community)) else { return Ok(false) };
        Ok(roster.state.is_member(&me))
    }

    fn put_away(
        &mut self,
        repo: &Repo,
        held: &Held,
        lost: &BTreeMap<&str, Option<Leaf>>,
        now: u64,
    ) -> Result<(), StoreError> {
        if lost.is_empty() {
            return Ok(());
        }
        for (_, id) in self.t.lost_of(repo)?.into_iter().filter(|(head, _)| *head == held.head) {
            self.drop_proof(id)?;
        }
        let commit = self.t.block_named(held.commit, held.head.cid)?;
        let id = self.new_proof(repo, held, For::Lost, now.saturating_add(KEPT))?;
        let key = (repo.number, held.head.rev.as_u64(), &digest_of(&held.head.cid));
        self.t.lost_heads.insert(key, id.number)?;
        let (mut filling, mut nodes, mut pictures, mut all) = (Filling::default(), HashSet::new(), Vec::new(), 0);
        for (path, leaf) in lost {
            let before = filling.size;
            for cid in self.t.way(&commit, path)? {
                let seq = self.t.node_seq(&cid)?;
                filling.takes(cid, self.t.block_len(seq)? as usize);
                if nodes.insert(cid) {
                    self.prove(id, seq)?;
                }
            }
            filling.size += path.len();
            if let Some(leaf) = leaf {
                let block = self.t.block_named(leaf.seq, leaf.cid)?;
                filling.size += block.bytes().len();
                self.prove(id, leaf.seq)?;
                pictures.extend(files(&Record::view(&block)?.1));
            }
            self.t.lost_paths.insert((id.number, *path), leaf.map_or(NONE, |leaf| leaf.seq))?;
            all += filling.size - before;
            filling.is_full();
            if all >= limits::LOST_HEAD {
                tracing::warn!(head = %held.head.cid, "a device lost more than is kept of one head");
                break;
            }
        }
        pictures.sort();
        pictures.dedup();
        for cid in pictures {
            self.keep_picture(repo, id, &cid)?;
        }
        self.keep_few(repo, id)
    }

    /// A file that came here under this repository's audience, as far as there may be more.
    fn keep_picture(&mut self, repo: &Repo, id: ProofId, cid: &Cid) -> Result<(), StoreError> {
        let Some(seq) = self.t.seq(cid)? else { return Ok(()) };
        let bytes = self.t.proof(id)?.map_or(0, |proof| proof.bytes);
        let fits = bytes.saturating_add(self.t.block_len(seq)?) <= limits::LOST_MEMBER;
        let came = self.t.held_as(seq, repo.community, Why::Reach(repo.audience))?;
        if fits && came { self.prove(id, seq) } else { Ok(()) }
    }

    /// Lets the oldest go beside a new one.
    fn keep_few(&mut self, repo: &Repo, new: ProofId) -> Result<(), StoreError> {
        let heads = self.t.lost_of(repo)?;
        let spare = heads.len().saturating_sub(limits::LOST_HEADS);
        for (_, id) in heads.into_iter().filter(|(_, id)| *id != new).take(spare) {
            self.drop_proof(id)?;
        }
        let mut all = self.t.proofs_of(repo.community, repo.did, For::Lost)?;
        let mut bytes: u64 = all.iter().map(|(_, bytes)| bytes).sum();
        while all.len() > 1 && (all.len() > limits::LOST_HEADS_MEMBER || bytes > limits::LOST_MEMBER) {
            let (oldest, of_it) = all.remove(0);
            bytes -= of_it;
            self.drop_proof(oldest)?;
        }
        Ok(())
    }

    /// What a proof of a lost head is for: it goes.
    pub(super) fn forget_lost(&mut self, id: ProofId) -> Result<(), StoreError> {
        if let Some(proof) = self.t.proof(id)? {
            self.t.lost_heads.remove((proof.repo, proof.head.rev.as_u64(), &digest_of(&proof.head.cid)))?;
        }
        self.t.lost_paths.retain_in((id.number, "")..(id.number + 1, ""), |_, _| false)?;
        Ok(())
    }

    pub(super) fn drop_lost(&mut self, repo: &Repo) -> Result<(), StoreError> {
        for (_, id) in self.t.lost_of(repo)? {
            self.drop_proof(id)?;
        }
        self.t.made.retain_in((repo.number, 0)..(repo.number + 1, 0), |_, ()| false)?;
        Ok(())
    }

    /// A file whose bytes came here under this repository's audience and are kept to be put back.
    pub(super) fn is_lost_file(&self, repo: &Repo, seq: u64) -> Result<bool, StoreError> {
        if !self.t.held_as(seq, repo.community, Why::Kept)? {
            return Ok(false);
        }
        for (_, id) in self.t.lost_of(repo)? {
            if self.t.proven.get((id.number, seq))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn put_back(&mut self, mut plan: OwnCommit<'_>, back: &Back, last: bool) -> Result<Option<Committed>, StoreError> {
        let id = RepoId { did: plan.did, device: plan.device.did(), audience: plan.audience };
        let Some(roster) = self.rosters.get(&plan.community).cloned() else { return Ok(None) };
        let Some(repo) = self.t.repo(roster.number, &id)? else { return Ok(None) };
        // Where nothing is held, that has to come first: whatever is put back is put back into it.
        if repo.held.is_none() || self.t.knows(repo.number, &back.head)? {
            return Ok(None);
        }
        let base = self.t.made_before(repo.number, back.head.rev.as_u64())?.unwrap_or(0);
        let (mut records, mut removed) = (0, 0);
        plan.changes = Vec::new();
        for (path, block) in &back.put {
            let (rev, _) = Record::view(block)?;
            let theirs = Leaf { seq: 0, rev, cid: *block.cid() };
            let ours = self.t.leaf_at(repo.number, path)?;
            if rev.as_u64() > base
                && rev <= repo.known.rev.max(latest(plan.now))
                && ours.is_none_or(|ours| theirs.beats(&ours))
            {
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
