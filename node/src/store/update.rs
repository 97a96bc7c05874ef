//! One repository's news from elsewhere: is the commit its author's and newer, and do the entries given turn the tree
//! we hold into exactly the tree it signs?

use std::collections::{BTreeMap, HashMap};

use folkmoot_schemas::{
    Audience, Cid, Record, Tid,
    block::Block,
    commit::{Commit, HeadRef},
    kind::Kind,
    limits, mst,
    records::tombstone::Tombstone,
    uri,
};

use super::{
    Applied, RepoUpdate, StoreError,
    advance::{Put, Source, Step},
    blocks::Blocks,
    intern::Numbers,
    repos::{Leaf, Repo, Repos},
    roster::{People, Roster},
    staging::Stage,
    writer::Writer,
};

const TOMBSTONE: &str = Tombstone::NAME;

/// What is to stand at a path; None: nothing.
type Wanted = BTreeMap<String, Option<Place>>;

#[derive(Debug, Clone)]
enum Place {
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
enum Stop {
    /// Breaks a rule whatever else arrives.
    Refused(String),
    /// The tree does not add up with what was given.
    Mismatch,
    /// The given `since` is not what we hold.
    OtherBase,
    Error(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

fn refused<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Refused(why.into()))
}

impl Writer<'_> {
    pub(super) fn take_update(
        &mut self,
        roster: &Roster,
        audience: Audience,
        update: RepoUpdate,
        now: u64,
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        let named = *update.commit.cid();
        let (commit, mut repo) = match self.judge_commit(roster, audience, &update.commit, applied) {
            Ok(Some(taken)) => taken,
            Ok(None) => return Ok(()),
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Refused(why)) => {
                applied.refused.push((named, why));
                return Ok(());
            }
            Err(Stop::Mismatch | Stop::OtherBase) => return Ok(()),
        };
        let head = HeadRef { rev: commit.rev, cid: named };
        let outcome = if update.complete {
            self.complete(&mut repo, &commit, update, now)
        } else {
            self.stage_part(&repo, &commit, &update).map(|()| None)
        };
        match outcome {
            Ok(Some(lacking)) => {
                applied.blobs.extend(lacking);
                applied.advanced.push((commit.repo(), head));
                return Ok(());
            }
            Ok(None) | Err(Stop::OtherBase) => {}
            Err(Stop::Mismatch) => applied.mismatched.push(commit.repo()),
            Err(Stop::Refused(why)) => {
                // Asking again would bring the same.
                applied.refused.push((named, why));
                return Ok(());
            }
            Err(Stop::Error(error)) => return Err(error),
        }
        applied.wanted.push((commit.repo(), repo.known));
        Ok(())
    }

    /// Everything about a commit but its tree, and its head noted as known. None: old news.
    fn judge_commit(
        &mut self,
        roster: &Roster,
        audience: Audience,
        block: &Block,
        applied: &mut Applied,
    ) -> Result<Option<(Commit, Repo)>, Stop> {
        if block.bytes().len() > limits::COMMIT {
            return refused(format!("a commit of {} bytes", block.bytes().len()));
        }
        let commit = Commit::view(block).or_else(|why| refused(why.to_string()))?;
        let community = self.t.community_of(roster.number)?;
        if commit.community != community {
            return refused("a commit of another community");
        }
        if commit.audience == Audience::Members && audience == Audience::Public {
            return refused("a members' commit among public ones");
        }
        if commit.audience == Audience::Public && roster.audience() == Audience::Members {
            return refused("this community has no public audience");
        }
        if !roster.state.is_member(&commit.did) {
            return refused("its author is no member");
        }
        let Some((_, identity)) = self.t.newest(&commit.did)? else {
            applied.missing.push(commit.identity);
            return refused("its author's identity is not here yet");
        };
        if !identity.certifies(&commit.device) {
            if self.t.identity_block(&commit.identity)?.is_none() {
                applied.missing.push(commit.identity);
            }
            return refused("its device is not one of its author's");
        }
        let head = HeadRef { rev: commit.rev, cid: *block.cid() };
        let before = self.t.repo(roster.number, &commit.repo())?;
        if let Some(held) = before.as_ref().and_then(|repo| repo.held)
            && !head.beats(&held.head)
        {
            return Ok(None);
        }
        // Hashes the bytes again, so that a block merely said to be this one is found out here too.
        let (opened, _) = Commit::open(block.bytes()).or_else(|why| refused(why.to_string()))?;
        if opened.cid() != block.cid() {
            return refused("its bytes were changed");
        }
        let repo = match before {
            Some(mut repo) => {
                if head.beats(&repo.known) {
                    repo.known = head;
                    self.save_repo(&repo)?;
                    self.dirty = true;
                }
                repo
            }
            None => {
                let repo = self.new_repo(roster.number, &commit.repo(), head)?;
                self.save_repo(&repo)?;
                self.dirty = true;
                repo
            }
        };
        Ok(Some((commit, repo)))
    }

    /// Tries the update alone, then with what was staged before it.
    fn complete(
        &mut self,
        repo: &mut Repo,
        commit: &Commit,
        update: RepoUpdate,
        now: u64,
    ) -> Result<Option<Vec<Cid>>, Stop> {
        let stage = self.stage(repo.number)?;
        let wanted = match self.wanted(repo, commit, &update) {
            Ok(wanted) => wanted,
            Err(stop) => {
                self.give_up(repo, stage, &update)?;
                return Err(stop);
            }
        };
        let mut step = self.check_tree(repo, commit, &update, &wanted, now);
        if matches!(step, Err(Stop::Mismatch)) && stage.is_some_and(|stage| stage.since_is(update.since.as_ref())) {
            let mut joined: Wanted = self
                .staged_entries(repo.number)?
                .into_iter()
                .map(|(path, leaf)| (path, leaf.map(Place::Stored)))
                .collect();
            joined.extend(wanted);
            step = self.check_tree(repo, commit, &update, &joined, now);
        }
        match step {
            Ok(step) => {
                let lacking = self.advance(repo, step)?;
                self.clear_stage(repo)?;
                Ok(Some(lacking))
            }
            Err(stop) => {
                self.give_up(repo, stage, &update)?;
                Err(stop)
            }
        }
    }

    /// Parts that did not add up are worthless; those of another answer may still be completed.
    fn give_up(&mut self, repo: &Repo, stage: Option<Stage>, update: &RepoUpdate) -> Result<(), StoreError> {
        match stage {
            Some(stage) if stage.since_is(update.since.as_ref()) => self.clear_stage(repo),
            _ => Ok(()),
        }
    }

    fn stage_part(&mut self, repo: &Repo, commit: &Commit, update: &RepoUpdate) -> Result<(), Stop> {
        if update.put.is_empty() && update.gone.is_empty() {
            return Ok(());
        }
        let wanted = self.wanted(repo, commit, update)?;
        let mut stage = match self.stage(repo.number)? {
            Some(stage) if stage.since_is(update.since.as_ref()) => stage,
            _ => {
                self.clear_stage(repo)?;
                Stage { bytes: 0, since: update.since.map(|head| (head.rev, head.cid)) }
            }
        };
        for (path, place) in &wanted {
            let kept = match place {
                Some(Place::New { block, rev, .. }) => self.stage_put(repo, &mut stage, path, *rev, block)?,
                Some(Place::Stored(leaf)) => {
                    let block = self.t.block_named(leaf.seq, leaf.cid)?;
                    self.stage_put(repo, &mut stage, path, leaf.rev, &block)?
                }
                None => {
                    self.stage_gone(repo, path)?;
                    true
                }
            };
            if !kept {
                self.clear_stage(repo)?;
                return refused("more is on its way than one member may send");
            }
        }
        self.save_stage(repo, stage)?;
        Ok(())
    }

    /// Checks every entry the update names, and finds its block.
    fn wanted(&self, repo: &Repo, commit: &Commit, update: &RepoUpdate) -> Result<Wanted, Stop> {
        if let Some(since) = &update.since
            && repo.held.is_none_or(|held| held.head != *since)
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

    /// Builds the tree that `wanted` makes of the base, and compares it with what the commit signs: count first.
    fn check_tree(
        &self,
        repo: &Repo,
        commit: &Commit,
        update: &RepoUpdate,
        wanted: &Wanted,
        now: u64,
    ) -> Result<Step, Stop> {
        let base = self.t.entries(repo.number)?;
        let mut entries = if update.since.is_some() { base.clone() } else { mst::Entries::new() };
        for (path, place) in wanted {
            match place {
                Some(place) => entries.insert(path.clone(), place.cid()),
                None => entries.remove(path),
            };
        }
        if entries.len() as u64 != commit.count {
            return Err(Stop::Mismatch);
        }
        let tree = mst::build(&entries).or_else(|why| refused(why.to_string()))?;
        if tree.root != commit.data {
            return Err(Stop::Mismatch);
        }
        let gone = base.keys().filter(|path| !entries.contains_key(*path)).cloned().collect();
        let mut puts = Vec::new();
        for (path, place) in wanted {
            let Some(place) = place else { continue };
            if base.get(path) == Some(&place.cid()) {
                continue;
            }
            let cid = place.cid();
            let (rev, source) = match place.clone() {
                Place::New { block, rev, record } => (rev, Source::New(block, record)),
                Place::Stored(leaf) => (leaf.rev, Source::Stored(leaf.seq)),
            };
            // Staged parts were checked against the commit they came with, which may be an older one.
            if rev > commit.rev {
                return Err(Stop::Mismatch);
            }
            puts.push(Put { path: path.clone(), cid, rev, source });
        }
        Ok(Step {
            commit: update.commit.clone(),
            head: HeadRef { rev: commit.rev, cid: *update.commit.cid() },
            count: commit.count,
            puts,
            gone,
            nodes: tree.nodes,
            own: false,
            now,
        })
    }
}

/// What a tree may hold at a path of `collection`: a record of that kind, or a tombstone, no newer than the commit.
fn check_record(commit: &Commit, collection: &str, block: &Block) -> Result<(Tid, Record), String> {
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
