//! The nodes of held trees, and what a tree becomes by changes.

use std::collections::HashSet;

use folkmoot_schemas::{
    Cid,
    block::Block,
    commit::Commit,
    error::Error,
    mst::{self, Changes, Edited, Entries},
};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{Blocks, Why, cid_of_digest, digest_of},
    quota::Used,
    repos::Repo,
    tables::Tables,
    writer::Writer,
};

/// The inner error says that no tree may look like that; it is the author's doing.
pub(super) type Outcome = Result<Result<Edited, Error>, StoreError>;

pub(super) trait Trees: Tables {
    /// What `changes` make of the held tree, opening only the nodes on their way.
    fn changed_tree(&self, repo: Option<&Repo>, changes: &Changes) -> Outcome {
        let Some((repo, held)) = repo.and_then(|repo| Some((repo.number, repo.tree()?))) else {
            let put = changes.iter().filter_map(|(path, cid)| Some((path.clone(), (*cid)?)));
            return Ok(mst::build(&put.collect()).map(|tree| Edited {
                root: tree.root,
                new: tree.nodes,
                gone: vec![],
            }));
        };
        let root = Commit::view(&self.block_named(held.commit, held.head.cid)?)?.data;
        let mut failure = None;
        let node = |cid: &Cid| self.node(repo, cid).map_err(|error| failure = Some(error)).ok();
        let edited = mst::edit(&root, changes, node);
        failure.map_or(Ok(edited), Err)
    }

    /// A tree that replaces the held one whole.
    fn whole_tree(&self, repo: &Repo, entries: &Entries) -> Outcome {
        let tree = match mst::build(entries) {
            Ok(tree) => tree,
            Err(error) => return Ok(Err(error)),
        };
        let mut gone: HashSet<Cid> = self.node_cids(repo.number)?.into_iter().collect();
        let mut new = tree.nodes;
        new.retain(|node| !gone.remove(node.cid()));
        Ok(Ok(Edited { root: tree.root, new, gone: gone.into_iter().collect() }))
    }

    fn node_cids(&self, repo: u32) -> Result<Vec<Cid>, StoreError> {
        let rows = self.nodes().range((repo, &[0; 32])..=(repo, &[0xff; 32]))?;
        rows.map(|row| cid_of_digest(row?.0.value().1)).collect()
    }

    /// The nodes of a held tree on the way to `path`, from the root that its commit names.
    fn way(&self, repo: u32, commit: &Block, path: &str) -> Result<Vec<Cid>, StoreError> {
        let mut failure = None;
        let node = |cid: &Cid| self.node(repo, cid).map_err(|error| failure = Some(error)).ok();
        let way = mst::proof_with(&Commit::view(commit)?.data, path, node);
        match failure {
            Some(error) => Err(error),
            None => Ok(way?),
        }
    }

    fn node(&self, repo: u32, cid: &Cid) -> Result<Block, StoreError> {
        self.block_named(self.node_seq(repo, cid)?, *cid)
    }

    fn node_seq(&self, repo: u32, cid: &Cid) -> Result<u64, StoreError> {
        let row = self.nodes().get((repo, &digest_of(cid)))?;
        Ok(row.ok_or_else(|| StoreError::inconsistent("a node of a tree"))?.value())
    }
}
impl<T: Tables> Trees for T {}

impl Writer<'_> {
    pub(super) fn add_nodes(&mut self, repo: &Repo, nodes: &[Block]) -> Result<(), StoreError> {
        let mut nodes: Vec<&Block> = nodes.iter().collect();
        nodes.sort_unstable_by_key(|node| *node.cid());
        let seqs = self.put_blocks(&nodes)?;
        for (node, seq) in nodes.into_iter().zip(seqs) {
            let digest = digest_of(node.cid());
            let counted = self.t.has_node(repo, &digest)?;
            if self.t.nodes.insert((repo.number, &digest), seq)?.is_none() {
                self.hold(seq, repo.community, Why::Reach(repo.audience))?;
                if !counted {
                    self.charge(repo.community, repo.did, node.bytes().len() as i64);
                }
            }
        }
        Ok(())
    }

    pub(super) fn drop_nodes(&mut self, repo: &Repo, nodes: &[Cid]) -> Result<(), StoreError> {
        for cid in nodes {
            let digest = digest_of(cid);
            let seq = self.t.nodes.remove((repo.number, &digest))?.map(|seq| seq.value());
            if let Some(seq) = seq {
                if !self.t.has_node(repo, &digest)? {
                    let bytes = self.t.block_len(seq)? as i64;
                    self.charge(repo.community, repo.did, -bytes);
                }
                self.release(seq, repo.community, Why::Reach(repo.audience))?;
            }
        }
        Ok(())
    }
}
