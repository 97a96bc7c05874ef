//! The Merkle search tree of the atproto repository v3: sha-256, 2 bits per level, nodes `{ l, e:[{ p, k, v, t }] }`.
//! The tree is a pure function of the map path → CID.
//!
//! A key's height is the level it lives on. A node holds the keys of one level between two keys of higher levels; what
//! lies between its keys is in subtrees exactly one level lower, also where that level has no key and the node is a mere
//! link. Keys are taken as they are: whoever takes a path from outside calls [`crate::uri::check_path`].

mod edit;
mod visit;

use std::collections::BTreeMap;

pub use edit::{Changes, Edited, edit};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    block::{Block, Cid},
    error::Error,
    limits,
};

pub use visit::{Visitor, visit};

/// Path (`collection/rkey`) → CID of the record.
pub type Entries = BTreeMap<String, Cid>;

/// Number of leading zero *pairs of bits* in sha256(key).
pub fn height(key: &str) -> u32 {
    let mut zeros = 0;
    for byte in Sha256::digest(key) {
        zeros += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    zeros / 2
}

/// A built tree: its root and every node, root last. An empty tree is one empty node.
#[derive(Debug, Clone)]
pub struct Tree {
    pub root: Cid,
    pub nodes: Vec<Block>,
}

/// As it is encoded. `l` and `t` are links to subtrees, null where there is none.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Node {
    l: Option<Cid>,
    e: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// How many bytes the key shares with the key before it in this node.
    p: u16,
    /// The rest of the key.
    #[serde(with = "serde_bytes")]
    k: Vec<u8>,
    v: Cid,
    t: Option<Cid>,
}

impl Node {
    /// Links the subtree that follows the last key.
    fn hang(&mut self, subtree: Option<Cid>) {
        match self.e.last_mut() {
            Some(entry) => entry.t = subtree,
            None => self.l = subtree,
        }
    }

    /// Adds the key after `last`, which is empty for the first.
    fn push(&mut self, last: &str, path: &str, cid: Cid) -> Result<(), Error> {
        let shared = common_prefix(last, path);
        let p = u16::try_from(shared).map_err(|_| wrong("a key is too long"))?;
        self.e.push(Entry { p, k: path.as_bytes()[shared..].to_vec(), v: cid, t: None });
        Ok(())
    }

    /// Fails on a node over its limits, which keys met by chance never come near.
    fn seal(&self) -> Result<Block, Error> {
        self.check_count()?;
        let block = Block::encode(self)?;
        check_size(&block)?;
        Ok(block)
    }

    fn check_count(&self) -> Result<(), Error> {
        if self.e.len() > limits::MST_ENTRIES {
            return Err(wrong(format!("a node with more than {} entries", limits::MST_ENTRIES)));
        }
        Ok(())
    }

    /// Its keys in full, each checked to be on `level` and after the one before it.
    fn paths(&self, level: u32) -> Result<Vec<String>, Error> {
        let mut paths: Vec<String> = Vec::with_capacity(self.e.len());
        for entry in &self.e {
            let last = paths.last().map_or("", String::as_str);
            let shared = usize::from(entry.p);
            let prefix =
                last.as_bytes().get(..shared).ok_or_else(|| wrong("a prefix is longer than the key before"))?;
            let path = String::from_utf8([prefix, &entry.k].concat()).map_err(|_| wrong("a key that is not UTF-8"))?;
            if common_prefix(last, &path) != shared {
                return Err(wrong("a prefix is not the longest"));
            }
            if height(&path) != level {
                return Err(wrong("a key is not on its level"));
            }
            if !paths.is_empty() && last >= path.as_str() {
                return Err(wrong("keys are not in order"));
            }
            paths.push(path);
        }
        Ok(paths)
    }
}

/// Builds the tree from the whole set. Fails on a node over its limits, which keys met by chance never come near.
pub fn build(entries: &Entries) -> Result<Tree, Error> {
    let keys: Vec<Key<'_>> = entries.iter().map(|(path, cid)| Key { path, cid: *cid, height: height(path) }).collect();
    let top = keys.iter().map(|key| key.height).max().unwrap_or(0);
    check_level(top)?;
    let mut nodes = Vec::new();
    let root = build_node(&keys, top, &mut nodes)?;
    Ok(Tree { root, nodes })
}

struct Key<'a> {
    path: &'a str,
    cid: Cid,
    height: u32,
}

/// The node of `level` over `keys`, none of which is higher. Below level 0 there are no keys left, so it ends there.
fn build_node(keys: &[Key<'_>], level: u32, nodes: &mut Vec<Block>) -> Result<Cid, Error> {
    let mut subtree = |keys: &[Key<'_>]| match level.checked_sub(1) {
        Some(below) if !keys.is_empty() => build_node(keys, below, nodes).map(Some),
        _ => Ok(None),
    };
    let mut here = keys.iter().enumerate().filter(|(_, key)| key.height == level).map(|(at, _)| at).peekable();
    let mut node = Node::default();
    node.hang(subtree(&keys[..here.peek().copied().unwrap_or(keys.len())])?);
    let mut last = "";
    while let Some(at) = here.next() {
        node.push(last, keys[at].path, keys[at].cid)?;
        node.hang(subtree(&keys[at + 1..here.peek().copied().unwrap_or(keys.len())])?);
        last = keys[at].path;
    }
    let block = node.seal()?;
    let cid = *block.cid();
    nodes.push(block);
    Ok(cid)
}

/// In bytes: a prefix may end inside a character.
fn common_prefix(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}

/// Reads a tree back through `get` and checks that it has exactly the canonical shape.
pub fn read(root: &Cid, get: impl FnMut(&Cid) -> Option<Block>) -> Result<Entries, Error> {
    struct Gather<F>(F, Entries);
    impl<F: FnMut(&Cid) -> Option<Block>> Visitor for Gather<F> {
        type Error = Error;
        fn node(&mut self, cid: &Cid) -> Result<Option<Block>, Error> {
            (self.0)(cid).map(Some).ok_or_else(|| missing(cid))
        }
        fn entry(&mut self, path: String, cid: Cid) -> Result<(), Error> {
            self.1.insert(path, cid);
            Ok(())
        }
    }
    let mut gather = Gather(get, Entries::new());
    visit(root, &mut gather)?;
    Ok(gather.1)
}

/// The nodes right below a node.
pub fn children(node: &Block) -> Result<Vec<Cid>, Error> {
    let node = open(node)?;
    Ok(node.l.into_iter().chain(node.e.into_iter().filter_map(|entry| entry.t)).collect())
}

/// The nodes from the root to where `path` is (or would be): the proof that the tree does or does not hold it.
pub fn proof(tree: &Tree, path: &str) -> Vec<Cid> {
    let find = |cid: &Cid| tree.nodes.iter().find(|node| node.cid() == cid).cloned();
    proof_with(&tree.root, path, find).unwrap_or_default()
}

/// Like [`proof`], for a tree whose nodes come from `get`.
pub fn proof_with(root: &Cid, path: &str, get: impl FnMut(&Cid) -> Option<Block>) -> Result<Vec<Cid>, Error> {
    Ok(follow(root, path, get)?.0)
}

/// What a tree holds at `path`, by the nodes of a proof.
pub fn find(root: &Cid, path: &str, get: impl FnMut(&Cid) -> Option<Block>) -> Result<Option<Cid>, Error> {
    Ok(follow(root, path, get)?.1)
}

/// The nodes on the way to `path`, and what stands there.
fn follow(
    root: &Cid,
    path: &str,
    mut get: impl FnMut(&Cid) -> Option<Block>,
) -> Result<(Vec<Cid>, Option<Cid>), Error> {
    let mut proof = Vec::new();
    let mut next = Some(*root);
    while let Some(cid) = next {
        if proof.len() == limits::MST_DEPTH {
            return Err(wrong(format!("more than {} levels", limits::MST_DEPTH)));
        }
        let node = load(&cid, &mut get)?;
        proof.push(cid);
        next = node.l;
        let mut key = Vec::new();
        for entry in node.e {
            key.truncate(entry.p.into());
            key.extend(entry.k);
            match key.as_slice().cmp(path.as_bytes()) {
                std::cmp::Ordering::Less => next = entry.t,
                std::cmp::Ordering::Equal => return Ok((proof, Some(entry.v))),
                std::cmp::Ordering::Greater => break,
            }
        }
    }
    Ok((proof, None))
}

fn load(cid: &Cid, get: &mut impl FnMut(&Cid) -> Option<Block>) -> Result<Node, Error> {
    open(&get(cid).ok_or_else(|| missing(cid))?)
}

fn open(block: &Block) -> Result<Node, Error> {
    check_size(block)?;
    let node: Node = block.view()?;
    node.check_count()?;
    Ok(node)
}

/// The level of a root, which its first key tells; None: the tree is empty.
fn top_level(root: &Node) -> Result<Option<u32>, Error> {
    let Some(first) = root.e.first() else {
        return if root.l.is_some() { Err(wrong("the root holds no key")) } else { Ok(None) };
    };
    let level = height(&String::from_utf8_lossy(&first.k));
    check_level(level)?;
    Ok(Some(level))
}

fn check_level(level: u32) -> Result<(), Error> {
    if level as usize >= limits::MST_DEPTH {
        return Err(wrong(format!("more than {} levels", limits::MST_DEPTH)));
    }
    Ok(())
}

fn check_size(node: &Block) -> Result<(), Error> {
    if node.bytes().len() > limits::MST_NODE {
        return Err(wrong(format!("a node of more than {} bytes", limits::MST_NODE)));
    }
    Ok(())
}

fn missing(cid: &Cid) -> Error {
    wrong(format!("node {cid} is missing"))
}

fn wrong(why: impl Into<String>) -> Error {
    Error::Structure { what: "the tree", why: why.into() }
}

#[cfg(test)]
mod tests;
