//! Walking a tree from its root without holding it: nodes come one by one, entries go out in path order.

use super::{Node, open, top_level, wrong};
use crate::{
    block::{Block, Cid},
    error::Error,
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
/// ever grow, so no subtree can be linked twice. Depth, and with it memory, is at most [`crate::limits::MST_DEPTH`] nodes.
pub fn visit<V: Visitor>(root: &Cid, visitor: &mut V) -> Result<(), V::Error> {
    let mut walk = Walk { visitor, last: None };
    let Some(node) = walk.node(root)? else { return Ok(()) };
    match top_level(&node)? {
        Some(level) => walk.descend(node, level),
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

    fn descend(&mut self, node: Node, level: u32) -> Result<(), V::Error> {
        let paths = node.paths(level)?;
        self.subtree(node.l.as_ref(), level)?;
        for (path, entry) in paths.into_iter().zip(node.e) {
            if self.last.as_ref().is_some_and(|last| *last >= path) {
                return Err(wrong("keys are not in order").into());
            }
            self.last = Some(path.clone());
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
        self.descend(node, below)
    }
}
