//! The Merkle search tree of the atproto repository v3: sha-256, 2 bits per level, nodes `{ l, e:[{ p, k, v, t }] }`.
//! The tree is a pure function of the map path → CID.

use std::collections::BTreeMap;

use crate::{
    block::{Block, Cid},
    error::Error,
};

/// Path (`collection/rkey`) → CID of the record.
pub type Entries = BTreeMap<String, Cid>;

/// Number of leading zero *pairs of bits* in sha256(key).
pub fn height(_key: &str) -> u32 {
    todo!()
}

/// A built tree: its root and every node, root last. An empty tree is one empty node.
#[derive(Debug, Clone)]
pub struct Tree {
    pub root: Cid,
    pub nodes: Vec<Block>,
}

/// Builds the tree from the whole set. Fails on a path that breaks `uri::check_path` or a node over its limits.
pub fn build(_entries: &Entries) -> Result<Tree, Error> {
    todo!()
}

/// Reads a tree back through `get` and checks that it has exactly the canonical shape.
pub fn read(_root: &Cid, _get: impl FnMut(&Cid) -> Option<Block>) -> Result<Entries, Error> {
    todo!()
}

/// The nodes from the root to where `path` is (or would be): the proof that the tree does or does not hold it.
pub fn proof(_tree: &Tree, _path: &str) -> Vec<Cid> {
    todo!()
}
