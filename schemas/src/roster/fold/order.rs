//! The one order, and the sets of ancestors it makes cheap to hold.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
};

use super::Taken;
use crate::{block::Cid, roster::Op};

/// Place of an operation in the one order.
pub(super) type Place = usize;

/// The one order over operations that do not wait: of those whose deps were taken, the smallest `(rev, cid)`.
pub(super) fn in_order<'a>(
    charter: &Cid,
    ops: &'a BTreeMap<Cid, Op>,
    here: impl Fn(&Cid) -> bool,
) -> Vec<(&'a Cid, &'a Op)> {
    let mut open: HashMap<&Cid, usize> = HashMap::new();
    let mut followers: HashMap<&Cid, Vec<&'a Cid>> = HashMap::new();
    let mut ready = BinaryHeap::new();
    for (cid, op) in ops.iter().filter(|(cid, _)| here(cid)) {
        let deps: BTreeSet<&Cid> = op.deps.iter().filter(|dep| *dep != charter).collect();
        open.insert(cid, deps.len());
        if deps.is_empty() {
            ready.push(Reverse((op.rev, cid)));
        }
        for dep in deps {
            followers.entry(dep).or_default().push(cid);
        }
    }
    let mut order = Vec::with_capacity(open.len());
    while let Some(Reverse((_, cid))) = ready.pop() {
        let Some(op) = ops.get(cid) else { continue };
        order.push((cid, op));
        for follower in followers.get(cid).into_iter().flatten() {
            if let (Some(left), Some(op)) = (open.get_mut(follower), ops.get(*follower)) {
                *left -= 1;
                if *left == 0 {
                    ready.push(Reverse((op.rev, follower)));
                }
            }
        }
    }
    order
}

/// An ancestor-closed set of places: all below `base`, and those marked.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) base: Place,
    marks: Vec<usize>,
    stamp: usize,
}

impl Scope {
    pub(super) fn contains(&self, place: Place) -> bool {
        place < self.base || self.marks.get(place) == Some(&self.stamp)
    }

    /// Everything `deps` stand on, and they themselves.
    pub(super) fn cover(&mut self, taken: &[Taken<'_>], deps: &[Place]) {
        self.stamp += 1;
        self.marks.resize(taken.len(), 0);
        self.base = deps.iter().map(|dep| taken[*dep].base).max().unwrap_or(0);
        let mut open = deps.to_vec();
        while let Some(place) = open.pop() {
            if !self.contains(place) {
                self.marks[place] = self.stamp;
                open.extend(&taken[place].deps);
            }
        }
        while self.marks.get(self.base) == Some(&self.stamp) {
            self.base += 1;
        }
    }

    /// A copy that outlives what is covered next.
    pub(super) fn keep(&self) -> Below {
        let mut below = Below { base: self.base, bits: Vec::new() };
        for place in (self.base..self.marks.len()).filter(|place| self.contains(*place)) {
            let at = place - self.base;
            below.bits.resize(at / 64 + 1, 0);
            below.bits[at / 64] |= 1 << (at % 64);
        }
        below
    }

    pub(super) fn cover_all(&mut self, taken: &[Taken<'_>]) {
        self.base = taken.len();
    }
}

/// An ancestor-closed set that is kept: one bit for each place from `base` on.
#[derive(Default)]
pub(super) struct Below {
    base: Place,
    bits: Vec<u64>,
}

impl Below {
    pub(super) fn contains(&self, place: Place) -> bool {
        let Some(at) = place.checked_sub(self.base) else { return true };
        self.bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}
