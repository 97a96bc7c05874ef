//! Changing a stored tree by opening only the nodes on the way to a change.
//!
//! The new tree is spelled from the top down out of *spans*. A span is a stretch of keys: what one stored subtree holds
//! between two bounds, and the changes that fall there. A key that is put cuts the span it falls into; a key that is
//! removed leaves its two neighbouring spans side by side, to become one subtree; a span that is one whole subtree
//! without a change is taken over by its CID, unopened.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{Node, check_level, height, load, top_level, wrong};
use crate::{
    block::{Block, Cid},
    error::Error,
};

/// Path → what is to stand there; None: nothing.
pub type Changes = BTreeMap<String, Option<Cid>>;

/// A changed tree: its root, and how its nodes differ from those before.
#[derive(Debug, Clone)]
pub struct Edited {
    pub root: Cid,
    /// Nodes that the tree before did not have, children first.
    pub new: Vec<Block>,
    /// Nodes that only the tree before had.
    pub gone: Vec<Cid>,
}

/// Applies `changes` to the tree at `root`, whose nodes come from `get`. The outcome is what [`super::build`] makes of
/// the changed map.
pub fn edit(root: &Cid, changes: &Changes, get: impl FnMut(&Cid) -> Option<Block>) -> Result<Edited, Error> {
    let changes: Vec<Change<'_>> =
        changes.iter().map(|(path, put)| (path.as_str(), put.map(|cid| (cid, height(path))))).collect();
    let mut edit = Edit { get, new: Vec::new(), gone: BTreeSet::new() };
    let before = top_level(&load(root, &mut edit.get)?)?;
    if before.is_none() {
        edit.gone.insert(*root);
    }
    let top = changes.iter().filter_map(|(_, put)| put.map(|(_, height)| height)).max().max(before).unwrap_or(0);
    check_level(top)?;
    let tree = before.map(|level| (*root, level));
    let whole = Span { tree, after: None, before: None, changes: &changes };
    let root = match edit.subtree(vec![whole], top)? {
        Some(root) => edit.trim(root)?,
        None => edit.add(&Node::default())?,
    };
    let Edit { mut new, mut gone, .. } = edit;
    // What was opened and came out as it was is neither.
    new.retain(|node| !gone.remove(node.cid()));
    Ok(Edited { root, new, gone: gone.into_iter().collect() })
}

/// A path with the CID to be put there and the level it lives on; None: removed.
type Change<'a> = (&'a str, Option<(Cid, u32)>);

/// A stretch of keys, before the changes that fall into it are made.
#[derive(Clone, Copy)]
struct Span<'a> {
    /// The stored subtree and its level; None: no key was here.
    tree: Option<(Cid, u32)>,
    /// Keys of the subtree up to this one belong elsewhere.
    after: Option<&'a str>,
    /// Keys of the subtree from this one on belong elsewhere.
    before: Option<&'a str>,
    changes: &'a [Change<'a>],
}

impl Span<'_> {
    /// Certainly without a key. A subtree between bounds may turn out to be so when opened.
    fn is_empty(&self) -> bool {
        self.tree.is_none() && self.changes.iter().all(|(_, put)| put.is_none())
    }
}

enum Piece<'a> {
    Span(Span<'a>),
    Key(Cow<'a, str>, Cid),
}

struct Edit<F> {
    get: F,
    new: Vec<Block>,
    /// Nodes that were opened.
    gone: BTreeSet<Cid>,
}

impl<F: FnMut(&Cid) -> Option<Block>> Edit<F> {
    /// The subtree of `level` that the spans make; None: no key is left in them.
    fn subtree(&mut self, spans: Vec<Span<'_>>, level: u32) -> Result<Option<Cid>, Error> {
        match spans[..] {
            [] => return Ok(None),
            [Span { tree: Some((cid, own)), after: None, before: None, changes: [] }] if own == level => {
                return Ok(Some(cid));
            }
            _ => {}
        }
        let mut pieces = Vec::new();
        for span in spans {
            match span.tree {
                Some((cid, own)) if own == level => self.open(&cid, span, level, &mut pieces)?,
                _ => cut(span, level, &mut pieces),
            }
        }
        let mut node = Node::default();
        let mut last = Cow::Borrowed("");
        let mut between = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Span(span) if span.is_empty() => {}
                Piece::Span(span) => between.push(span),
                Piece::Key(path, cid) => {
                    let below = self.below(std::mem::take(&mut between), level)?;
                    node.hang(below);
                    node.push(&last, &path, cid)?;
                    last = path;
                }
            }
        }
        let below = self.below(between, level)?;
        node.hang(below);
        if node.e.is_empty() && node.l.is_none() { Ok(None) } else { self.add(&node).map(Some) }
    }

    fn below(&mut self, spans: Vec<Span<'_>>, level: u32) -> Result<Option<Cid>, Error> {
        match level.checked_sub(1) {
            Some(below) => self.subtree(spans, below),
            // Nothing lives below level 0: `open` lets no subtree through, and every key that is put has cut its span.
            None => Ok(None),
        }
    }

    /// The keys of a stored node and the spans between them.
    fn open<'a>(&mut self, cid: &Cid, span: Span<'a>, level: u32, pieces: &mut Vec<Piece<'a>>) -> Result<(), Error> {
        let node = load(cid, &mut self.get)?;
        self.gone.insert(*cid);
        let subtree = |cid: Option<Cid>| match (cid, level.checked_sub(1)) {
            (Some(cid), Some(below)) => Ok(Some((cid, below))),
            (Some(_), None) => Err(wrong("a subtree below the lowest level")),
            (None, _) => Ok(None),
        };
        let mut rest = Span { tree: subtree(node.l)?, before: None, ..span };
        for (path, entry) in node.paths(level)?.into_iter().zip(node.e) {
            if span.after.is_some_and(|after| path.as_str() <= after) {
                rest.tree = subtree(entry.t)?;
                continue;
            }
            if span.before.is_some_and(|before| path.as_str() >= before) {
                break;
            }
            let (earlier, later) = rest.changes.split_at(rest.changes.partition_point(|(at, _)| *at < path.as_str()));
            cut(Span { changes: earlier, ..rest }, level, pieces);
            rest = Span { tree: subtree(entry.t)?, after: None, before: None, changes: later };
            match later {
                [(at, put), later @ ..] if *at == path => {
                    pieces.extend(put.map(|(cid, _)| Piece::Key(Cow::Borrowed(*at), cid)));
                    rest.changes = later;
                }
                _ => pieces.push(Piece::Key(Cow::Owned(path), entry.v)),
            }
        }
        cut(Span { before: span.before, ..rest }, level, pieces);
        Ok(())
    }

    /// The root holds a key: link nodes above the highest one go.
    fn trim(&mut self, mut root: Cid) -> Result<Cid, Error> {
        loop {
            let fresh = self.new.last().filter(|node| *node.cid() == root);
            let node: Node = match fresh {
                Some(block) => block.view()?,
                None => load(&root, &mut self.get)?,
            };
            let (true, Some(below)) = (node.e.is_empty(), node.l) else { return Ok(root) };
            if fresh.is_some() {
                self.new.pop();
            } else {
                self.gone.insert(root);
            }
            root = below;
        }
    }

    fn add(&mut self, node: &Node) -> Result<Cid, Error> {
        let block = node.seal()?;
        let cid = *block.cid();
        self.new.push(block);
        Ok(cid)
    }
}

/// Cuts a span below `level` at the keys of that level which are put into it.
fn cut<'a>(span: Span<'a>, level: u32, pieces: &mut Vec<Piece<'a>>) {
    let mut rest = span;
    let mut from = 0;
    for (at, (path, put)) in span.changes.iter().enumerate() {
        let Some((cid, _)) = put.filter(|(_, height)| *height == level) else { continue };
        pieces.push(Piece::Span(Span { before: Some(path), changes: &span.changes[from..at], ..rest }));
        pieces.push(Piece::Key(Cow::Borrowed(path), cid));
        from = at + 1;
        rest.after = Some(path);
    }
    pieces.push(Piece::Span(Span { changes: &span.changes[from..], ..rest }));
}

#[cfg(test)]
mod tests;
