//! The nodes of held trees, and what a tree becomes by changes.

use std::collections::HashSet;

use folkmoot_schemas::{
    Cid,
    block::Block,
    commit::Commit,
    error::Error,
    mst::{self, Changes, Edited},
};

use super::{
    StoreError,
    blocks::{Blocks, Stored},
    quota::Used,
    repos::Repo,
    tables::{LOWEST, Tables},
    writer::Writer,
};

/// The inner error says that no tree may look like that; it is the author's doing.
pub(super) type Outcome = Result<Result<Edited, Error>, StoreError>;

pub(super) trait Trees: Tables {
    /// What `changes` make of the held tree, opening only the nodes on their way.
    fn changed_tree(&self, repo: Option<&Repo>, changes: &Changes) -> Outcome {
        let Some(held) = repo.and_then(Repo::tree) else {
            let put = changes.iter().filter_map(|(path, cid)| Some((path.clone(), (*cid)?)));
            return Ok(mst::build(&put.collect()).map(|tree| Edited {
                root: tree.root,
                new: tree.nodes,
                gone: vec![],
            }));
        };
        let root = Commit::view(&self.block_named(held.commit, held.head.cid)?)?.data;
        let mut failure = None;
        let node = |cid: &Cid| self.node(cid).map_err(|error| failure = Some(error)).ok();
        let edited = mst::edit(&root, changes, node);
        failure.map_or(Ok(edited), Err)
    }

    /// How a tree that replaces the held one whole differs from it.
    fn in_place_of_all(&self, repo: &Repo, tree: mst::Tree) -> Result<Edited, StoreError> {
        let mut gone: HashSet<Cid> = self.node_cids(repo)?.into_iter().collect();
        let mut new = tree.nodes;
        new.retain(|node| !gone.remove(node.cid()));
        Ok(Edited { root: tree.root, new, gone: gone.into_iter().collect() })
    }

    /// All nodes of the held tree, each before those below it.
    fn node_cids(&self, repo: &Repo) -> Result<Vec<Cid>, StoreError> {
        let mut nodes = Vec::new();
        let Some(held) = repo.tree() else { return Ok(nodes) };
        let mut left = vec![Commit::view(&self.block_named(held.commit, held.head.cid)?)?.data];
        while let Some(cid) = left.pop() {
            left.extend(mst::children(&self.node(&cid)?)?);
            nodes.push(cid);
        }
        Ok(nodes)
    }

    /// The nodes of a held tree on the way to `path`, from the root that its commit names.
    fn way(&self, commit: &Block, path: &str) -> Result<Vec<Cid>, StoreError> {
        let mut failure = None;
        let node = |cid: &Cid| self.node(cid).map_err(|error| failure = Some(error)).ok();
        let way = mst::proof_with(&Commit::view(commit)?.data, path, node);
        match failure {
            Some(error) => Err(error),
            None => Ok(way?),
        }
    }

    fn node(&self, cid: &Cid) -> Result<Block, StoreError> {
        self.block_named(self.node_seq(cid)?, *cid)
    }

    fn node_seq(&self, cid: &Cid) -> Result<u64, StoreError> {
        self.seq(cid)?.ok_or_else(|| StoreError::inconsistent("a node of a tree"))
    }
}
impl<T: Tables> Trees for T {}

/// Where the nodes of a tree stand among the `places`.
pub(super) const TREE_NODE: (u32, &[u8]) = (0, LOWEST);

impl Writer<'_> {
    pub(super) fn add_nodes(&mut self, repo: &Repo, nodes: &[Block]) -> Result<(), StoreError> {
        let nodes: Vec<&Block> = nodes.iter().collect();
        for (node, Stored { seq, fresh }) in nodes.iter().zip(self.put_blocks(&nodes)?) {
            if fresh || !self.t.is_anyones(repo, seq)? {
                self.charge(repo.community, repo.did, node.bytes().len() as i64);
            }
            self.t.places.insert((seq, repo.number, TREE_NODE.0, TREE_NODE.1), ())?;
        }
        Ok(())
    }

    pub(super) fn drop_nodes(&mut self, repo: &Repo, nodes: &[Cid]) -> Result<(), StoreError> {
        for cid in nodes {
            let Some(seq) = self.t.seq(cid)? else { continue };
            if self.t.places.remove((seq, repo.number, TREE_NODE.0, TREE_NODE.1))?.is_none() {
                continue;
            }
            if !self.t.is_anyones(repo, seq)? {
                self.charge(repo.community, repo.did, -(self.t.block_len(seq)? as i64));
            }
            self.let_go.push(seq);
        }
        Ok(())
    }
}
