//! Walking a tree from its root without holding it: nodes come one by one, entries go out in path order.

use std::cmp::Ordering;

use super::{Entry, Node, common_prefix, height, open, wrong};
use crate::{
    block::{Block, Cid},
    error::Error,
    limits,
};

/// Who walks: brings nodes, takes entries.
pub trait Visitor {
    type Error: From<Error>;
    /// The node with this CID. None: it is lacking, and what hangs on it is passed over.
    fn node(&mut self, cid: &Cid) -> Result<Option<Block>, Self::Error>;
    fn entry(&mut self, path: String, cid: Cid) -> Result<(), Self::Error>;
}

/// Visits every entry below `root` and checks that the tree has exactly the canonical shape.
///
/// The checks make a tree cost no more than its distinct nodes: every node holds a key somewhere below it and keys only
/// ever grow, so no subtree can be linked twice. Depth, and with it memory, is at most [`limits::MST_DEPTH`] nodes.
pub fn visit<V: Visitor>(root: &Cid, visitor: &mut V) -> Result<(), V::Error> {
    let mut walk = Walk { visitor, last: None };
    let Some(node) = walk.node(root)? else { return Ok(()) };
    match node.e.first() {
        Some(first) => {
            let level = height(&String::from_utf8_lossy(&first.k));
            if level as usize >= limits::MST_DEPTH {
                return Err(wrong(format!("more than {} levels", limits::MST_DEPTH)).into());
            }
            walk.descend(&node, level)
        }
        None if node.l.is_some() => Err(wrong("the root holds no key").into()),
        None => Ok(()),
    }
}

struct Walk<'v, V> {
    visitor: &'v mut V,
    /// The path visited last.
    last: Option<String>,
}

impl<V: Visitor> Walk<'_, V> {
    fn node(&mut self, cid: &Cid) -> Result<Option<Node>, V::Error> {
        match self.visitor.node(cid)? {
            Some(block) => Ok(Some(open(&block)?)),
            None => Ok(None),
        }
    }

    fn descend(&mut self, node: &Node, level: u32) -> Result<(), V::Error> {
        self.subtree(node.l.as_ref(), level)?;
        let mut before = String::new();
        for entry in &node.e {
            let path = spell(&before, entry)?;
            if height(&path) != level {
                return Err(wrong("a key is not on its level").into());
            }
            if self.last.as_deref().is_some_and(|last| last.cmp(&path) != Ordering::Less) {
                return Err(wrong("keys are not in order").into());
            }
            self.last = Some(path.clone());
            before.clone_from(&path);
            self.visitor.entry(path, entry.v)?;
            self.subtree(entry.t.as_ref(), level)?;
        }
        Ok(())
    }

    fn subtree(&mut self, cid: Option<&Cid>, level: u32) -> Result<(), V::Error> {
        let Some(cid) = cid else { return Ok(()) };
        let below = level.checked_sub(1).ok_or_else(|| wrong("a subtree below the lowest level"))?;
        let Some(node) = self.node(cid)? else { return Ok(()) };
        if node.e.is_empty() && node.l.is_none() {
            return Err(wrong("an empty subtree").into());
        }
        self.descend(&node, below)
    }
}

/// An entry's whole key, which must share as much as it can with the one before it in the node.
fn spell(before: &str, entry: &Entry) -> Result<String, Error> {
    let shared = usize::from(entry.p);
    let prefix = before.as_bytes().get(..shared).ok_or_else(|| wrong("a prefix is longer than the key before"))?;
    let path = String::from_utf8([prefix, &entry.k].concat()).map_err(|_| wrong("a key that is not UTF-8"))?;
    if common_prefix(before, &path) == shared { Ok(path) } else { Err(wrong("a prefix is not the longest")) }
}
