//! What sync asks: heads, what changed since, digest and snapshot, what is lacking.

use std::collections::BTreeMap;

use folkmoot_schemas::{
    Audience, Cid,
    block::Block,
    commit::{Commit, HeadRef, RepoId},
    snapshot::Snapshot,
};
use redb::ReadableTable;

use super::{
    StoreError, View,
    advance::History,
    blocks::{Blocks, audience_code, cid_of_key},
    quota::Used,
    reader::{Delta, RepoHead},
    repos::{Leaf, Repo, Repos},
    roster::Roster,
    tables::Tables,
};

/// What a path costs in an answer beside its block: text, CID and framing, in bytes.
const PATH_COST: usize = 64;

impl View {
    pub(super) fn repos_in_scope(&self, roster: &Roster) -> Result<Vec<Repo>, StoreError> {
        let mut repos = self.t.repos_of(roster.number, None)?;
        repos.retain(|repo| self.scope().sees(repo.audience));
        Ok(repos)
    }

    /// Heads of the repositories in this scope, in the order of their ids.
    pub fn heads(&self, community: &Cid) -> Result<Vec<RepoHead>, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(Vec::new()) };
        let mut heads = Vec::new();
        for repo in self.repos_in_scope(roster)? {
            let held = repo.held.map(|held| held.head);
            heads.push(RepoHead { repo: self.t.repo_id(&repo)?, known: repo.known, held });
        }
        heads.sort_by_key(|head| head.repo);
        Ok(heads)
    }

    /// Heads whose trees are stored here: what a delta can start from.
    pub fn trees(&self, community: &Cid) -> Result<BTreeMap<RepoId, HeadRef>, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(BTreeMap::new()) };
        let stored = self.repos_in_scope(roster)?.into_iter().filter_map(|repo| Some((repo.tree()?.head, repo)));
        stored.map(|(head, repo)| Ok((self.t.repo_id(&repo)?, head))).collect()
    }

    /// The held head's commit.
    pub fn head_commit(&self, community: &Cid, repo: &RepoId) -> Result<Option<(Block, Commit)>, StoreError> {
        let Some(roster) = self.roster_in_scope(community).filter(|_| self.scope().sees(repo.audience)) else {
            return Ok(None);
        };
        let Some(held) = self.t.repo(roster.number, repo)?.and_then(|repo| repo.held) else { return Ok(None) };
        let block = self.t.block_named(held.commit, held.head.cid)?;
        let commit = Commit::view(&block)?;
        Ok(Some((block, commit)))
    }

    /// What changed in a repository since a head; `after` continues a long answer. None: no such repository in scope.
    /// `budget` in bytes of blocks and paths; at least one entry is given.
    pub fn delta(
        &self,
        community: &Cid,
        repo: &RepoId,
        since: Option<&HeadRef>,
        after: Option<&str>,
        budget: usize,
    ) -> Result<Option<Delta>, StoreError> {
        let Some(roster) = self.roster_in_scope(community).filter(|_| self.scope().sees(repo.audience)) else {
            return Ok(None);
        };
        let Some(repo) = self.t.repo(roster.number, repo)? else { return Ok(None) };
        let Some(held) = repo.held else { return Ok(None) };
        let mut delta = Delta {
            commit: self.t.block_named(held.commit, held.head.cid)?,
            since: since.copied(),
            put: Vec::new(),
            gone: Vec::new(),
            blocks: Vec::new(),
            more: None,
        };
        let changed = match since {
            Some(since) => self.t.changed_since(repo.number, since)?,
            None => None,
        };
        let mut left = budget;
        match changed {
            Some(paths) => {
                for path in paths {
                    if after.is_some_and(|after| path.as_str() <= after) {
                        continue;
                    }
                    let leaf = self.t.leaf_at(repo.number, &path)?;
                    if !self.give(&mut delta, &mut left, path, leaf)? {
                        break;
                    }
                }
            }
            None => {
                delta.since = None;
                self.t.walk(repo.number, after, |path, leaf| self.give(&mut delta, &mut left, path, Some(leaf)))?;
            }
        }
        Ok(Some(delta))
    }

    /// Adds one path to an answer. False: it is full, and more follows.
    fn give(&self, delta: &mut Delta, left: &mut usize, path: String, leaf: Option<Leaf>) -> Result<bool, StoreError> {
        let block = leaf.map(|leaf| self.t.block_named(leaf.seq, leaf.cid)).transpose()?;
        let cost = PATH_COST + path.len() + block.as_ref().map_or(0, |block| block.bytes().len());
        let last = delta.put.last().map(|(path, _)| path).max(delta.gone.last());
        if cost > *left && last.is_some() {
            delta.more = last.cloned();
            return Ok(false);
        }
        *left = left.saturating_sub(cost);
        match block {
            Some(block) => {
                delta.put.push((path, *block.cid()));
                delta.blocks.push(block);
            }
            None => delta.gone.push(path),
        }
        Ok(true)
    }

    /// Over known heads; None while any tree or block is lacking.
    pub fn digest(&self, community: &Cid) -> Result<Option<[u8; 32]>, StoreError> {
        let Some(roster) = self.roster_in_scope(community).filter(|_| self.complete(community).unwrap_or(false)) else {
            return Ok(None);
        };
        let mut repos = BTreeMap::new();
        for repo in self.repos_in_scope(roster)? {
            repos.insert(self.t.repo_id(&repo)?, repo.known.cid);
        }
        Ok(Some(self.picture(community, roster, repos)?.digest()))
    }

    /// Over held heads.
    pub fn snapshot(&self, community: &Cid) -> Result<Cid, StoreError> {
        Ok(*self.snapshot_block(community)?.cid())
    }

    pub(super) fn picture(
        &self,
        community: &Cid,
        roster: &Roster,
        repos: BTreeMap<RepoId, Cid>,
    ) -> Result<Snapshot, StoreError> {
        Ok(Snapshot {
            community: *community,
            roster: roster.state.heads.clone(),
            people: self.people(community)?,
            repos,
        })
    }

    /// Everything held that is known.
    pub fn complete(&self, community: &Cid) -> Result<bool, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(false) };
        for repo in self.repos_in_scope(roster)? {
            if repo.held.map(|held| held.head) != Some(repo.known) {
                return Ok(false);
            }
        }
        for audience in [Audience::Public, Audience::Members] {
            if self.scope().sees(audience) && !self.missing_in(roster, audience, 1)?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Blobs that current records of the audience with this scope's name link and that did not arrive under it: to be
    /// asked for under that audience, since reach follows from how bytes came.
    pub fn missing_blobs(&self, community: &Cid) -> Result<Vec<Cid>, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(Vec::new()) };
        let audience = match self.scope() {
            super::Scope::Public => Audience::Public,
            super::Scope::Members => Audience::Members,
        };
        self.missing_in(roster, audience, usize::MAX)
    }

    /// Those of them that there is room for, at most so many.
    pub fn lacking_blobs(&self, community: &Cid, most: usize) -> Result<Vec<Cid>, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok(Vec::new()) };
        let code = audience_code(match self.scope() {
            super::Scope::Public => Audience::Public,
            super::Scope::Members => Audience::Members,
        });
        let mut lacking = Vec::new();
        let range = (roster.number, code, &[0; 33])..=(roster.number, code, &[0xff; 33]);
        for row in self.t.missing().range(range)? {
            let (key, _) = row?;
            let file = key.value().2;
            if !self.t.file_deferred(&self.quotas, roster.number, code, file)? {
                lacking.push(cid_of_key(file)?);
            }
            if lacking.len() >= most {
                break;
            }
        }
        Ok(lacking)
    }

    fn missing_in(&self, roster: &Roster, audience: Audience, limit: usize) -> Result<Vec<Cid>, StoreError> {
        let code = audience_code(audience);
        let range = (roster.number, code, &[0; 33])..=(roster.number, code, &[0xff; 33]);
        self.t.missing().range(range)?.take(limit).map(|row| cid_of_key(row?.0.value().2)).collect()
    }
}
