//! What archives are made of: a repository block by block, and the proof that a record stands in a signed tree.

use folkmoot_schemas::{
    Cid, Record,
    block::Block,
    commit::{Commit, RepoId},
    mst,
};

use super::{
    StoreError, View,
    blobs::files,
    blocks::{Blocks, Why},
    reader::Entry,
    repos::{Leaf, Repo, Repos},
    trees::Trees,
};

/// A block on its way into an archive.
#[derive(Debug)]
pub struct Piece {
    /// Tells the block from every other one of this store.
    pub number: u64,
    pub block: Block,
    pub part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Commit,
    Node,
    Record,
    File,
}

/// Commit and tree nodes, root first, above one record.
#[derive(Debug)]
pub struct Proof {
    pub commit: Block,
    pub nodes: Vec<Block>,
}

impl View {
    /// The snapshot over held heads, as the block it is.
    pub fn snapshot_block(&self, community: &Cid) -> Result<Block, StoreError> {
        let Some(roster) = self.roster_in_scope(community) else {
            return Err(StoreError::Refused(format!("the community {community} is not known here")));
        };
        let held = self.repos_in_scope(roster)?.into_iter().filter_map(|repo| Some((repo.held?.head.cid, repo)));
        let repos = held.map(|(cid, repo)| Ok((self.t.repo_id(&repo)?, cid))).collect::<Result<_, StoreError>>()?;
        Ok(self.picture(community, roster, repos)?.encode()?)
    }

    /// A block's [`Piece::number`]. Says nothing about who may read it.
    pub fn number(&self, cid: &Cid) -> Result<Option<u64>, StoreError> {
        self.t.seq(cid)
    }

    /// Gives the held head of a repository block by block: commit, nodes from the root down, records in path order, each followed
    /// by those of its files that came under the repository's audience. Answers how many links to files led nowhere.
    /// Nothing is collected here: a tree of any size passes through.
    pub fn pour<E: From<StoreError>>(
        &self,
        community: &Cid,
        id: &RepoId,
        each: &mut dyn FnMut(Piece) -> Result<(), E>,
    ) -> Result<u64, E> {
        let Some(repo) = self.held_repo(community, id)? else { return Ok(0) };
        let Some(held) = repo.held else { return Ok(0) };
        let block = self.t.block_named(held.commit, held.head.cid)?;
        each(Piece { number: held.commit, block, part: Part::Commit })?;
        for cid in self.t.node_cids(&repo)? {
            let number = self.t.seq(&cid)?.ok_or_else(|| StoreError::inconsistent("a node of a tree"))?;
            each(Piece { number, block: self.t.block_named(number, cid)?, part: Part::Node })?;
        }
        let (mut lacking, mut stopped) = (0, None);
        self.t.walk(repo.number, None, |_, leaf| match self.pour_record(&repo, leaf, each) {
            Ok(without) => {
                lacking += without;
                Ok(true)
            }
            Err(error) => {
                stopped = Some(error);
                Ok(false)
            }
        })?;
        stopped.map_or(Ok(lacking), Err)
    }

    fn pour_record<E: From<StoreError>>(
        &self,
        repo: &Repo,
        leaf: Leaf,
        each: &mut dyn FnMut(Piece) -> Result<(), E>,
    ) -> Result<u64, E> {
        let block = self.t.block_named(leaf.seq, leaf.cid)?;
        let (_, record) = Record::view(&block).map_err(StoreError::from)?;
        each(Piece { number: leaf.seq, block, part: Part::Record })?;
        self.pour_files(repo, &record, each)
    }

    fn pour_files<E: From<StoreError>>(
        &self,
        repo: &Repo,
        record: &Record,
        each: &mut dyn FnMut(Piece) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut lacking = 0;
        for cid in files(record) {
            match self.t.seq(&cid)? {
                Some(number) if self.t.held_as(number, repo.community, Why::Reach(repo.audience))? => {
                    let block = self.t.block_named(number, cid)?;
                    each(Piece { number, block, part: Part::File })?;
                }
                _ => lacking += 1,
            }
        }
        Ok(lacking)
    }

    /// The files of one record, as [`pour`](Self::pour) gives them.
    pub fn pour_files_of<E: From<StoreError>>(
        &self,
        entry: &Entry,
        each: &mut dyn FnMut(Piece) -> Result<(), E>,
    ) -> Result<u64, E> {
        match self.repo_with(entry)? {
            // What others changed in it stands in records of their own.
            Some(repo) => self.pour_files(&repo, &Record::view(&entry.block).map_err(StoreError::from)?.1, each),
            None => self.pour_kept_files(entry, each),
        }
    }

    /// Of a version that only a pin keeps.
    fn pour_kept_files<E: From<StoreError>>(
        &self,
        entry: &Entry,
        each: &mut dyn FnMut(Piece) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut lacking = 0;
        for cid in files(&entry.record) {
            match (self.t.seq(&cid)?, self.pinned_block(&cid)?) {
                (Some(number), Some(block)) => each(Piece { number, block, part: Part::File })?,
                _ => lacking += 1,
            }
        }
        Ok(lacking)
    }

    /// What proves the record. None: it is not in this view's tree any more, and no pin keeps it.
    pub fn proof(&self, entry: &Entry) -> Result<Option<Proof>, StoreError> {
        let Some(repo) = self.repo_with(entry)? else { return self.kept_proof(entry) };
        let Some(held) = repo.held else { return Ok(None) };
        let commit = self.t.block_named(held.commit, held.head.cid)?;
        let (mut nodes, mut failed) = (Vec::new(), None);
        let walked = mst::proof_with(&Commit::view(&commit)?.data, &entry.uri.path(), |cid| {
            let node = self.t.node(cid).map_err(|error| failed = Some(error)).ok();
            nodes.extend(node.clone());
            node
        });
        // A store that fails says more than the tree that is lacking a node for it.
        if let Some(error) = failed {
            return Err(error);
        }
        walked?;
        Ok(Some(Proof { commit, nodes }))
    }

    /// The repository in whose tree this very version stands.
    fn repo_with(&self, entry: &Entry) -> Result<Option<Repo>, StoreError> {
        let Some(repo) = self.held_repo(&entry.uri.community, &repo_of(entry))? else { return Ok(None) };
        let leaf = self.t.leaf_at(repo.number, &entry.uri.path())?;
        Ok(leaf.is_some_and(|leaf| leaf.cid == entry.cid).then_some(repo))
    }

    fn held_repo(&self, community: &Cid, id: &RepoId) -> Result<Option<Repo>, StoreError> {
        let Some(roster) = self.roster_in_scope(community).filter(|_| self.scope().sees(id.audience)) else {
            return Ok(None);
        };
        Ok(self.t.repo(roster.number, id)?.filter(|repo| repo.held.is_some()))
    }
}

fn repo_of(entry: &Entry) -> RepoId {
    RepoId { did: entry.uri.did, device: entry.device, audience: entry.audience }
}
