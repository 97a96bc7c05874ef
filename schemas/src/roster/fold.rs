//! The fold: from a heap of signed operations to who may do what.
//!
//! Everything is defined over *ancestor-closed sets* of operations, so the answer cannot depend on arrival:
//!
//! 1. **Order.** Operations whose ancestors and identities are all here are taken in one order: of those whose `deps`
//!    are taken, the smallest `(rev, cid)`. Restricted to any ancestor-closed subset, this is that subset's own order.
//! 2. **Verdict.** Each operation is judged once, by the state of exactly its own ancestors. Nothing that comes later
//!    changes a verdict, nor the rank it gives the operation.
//! 3. **Effect.** Within a set, an operation that passed counts when what it stands on counts (the admission of its
//!    author and, for a join, its invite, which lets in those its closings name, or without a closing the first
//!    `uses` by CID), and when nothing that counts voids it: a removal of its author by a higher rank, or the
//!    retirement of its device. So when a join falls out because the invite was closed, whatever its author did falls
//!    with it; otherwise a leaked link could be carried past its closing by invites written under it.
//! 4. **Membership.** Admissions that count make a member, except those that a removal or leave ended. This is read off
//!    at the end, here and within each verdict, and feeds nothing back into 3.
//!
//! # Why effect is well-founded
//!
//! Give every operation a *level*: the rank it was written with or, for a join, the rank it gives (`rank`). Whatever
//! decides over an operation `o` then comes before it, by level first (higher rank first), and within one level by
//! place of what it stands on, by place `p(a)` of the admission `a`:
//!
//! - A removal voids only what was written with a lower rank than its own: higher level. So do removals of the author
//!   of an invite, which cut off the joins it had not seen: they outrank the invite, and no join outranks its invite.
//! - A closing by somebody else outranks everybody whom the invite lets in: higher level than the joins.
//! - A closing by the invite's author stands on the admission under which the invite was written: `p` of that is below
//!   the invite's place, which is below the join's. The invite itself likewise.
//! - An `add` stands on a higher rank than it gives. A join that admitted `o`'s author has a smaller place than `o`.
//! - A retirement voids what stands on its own admission or has a lower rank. Joins and retirements are voided by no
//!   retirement, so it depends on nothing that stands where `o` stands.
//! - The number of operations of one kind under one admission is counted over those that no removal and no retirement
//!   voids; all of these have the same admission, hence the same level, and what voids them comes before all of them.
//!
//! Leaves void nothing, and joins are voided neither by the removal of their author nor by retirements: they still
//! count, as operations, and only the membership they would give is ended. Were it otherwise, somebody with two
//! admissions of one rank, or with a high and a low one, could make two of their own operations void each other.
//!
//! Every condition above looks at operations that count. So operations that do not count can be dropped, all or some
//! of them, without changing the effect of any other.

mod effect;
mod ending;
mod order;
mod outcome;
mod rank;
mod verdict;

#[cfg(test)]
mod tests;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use super::{Act, Op, Role, State};
use crate::{
    block::{Block, Cid},
    charter::Charter,
    identity::Identity,
    key::Did,
};
use order::{Below, Place, Scope, in_order};
use rank::Standing;

/// Below moderator, only so many operations of one kind under one admission count: the smallest CIDs, of retirements
/// first those by the newest identity. A retired device is in no document as new as the one that retires it, so it cannot
/// crowd out its own retirement.
const PER_KIND: usize = 256;

/// What a fold gives.
#[derive(Debug, Clone)]
pub struct Folded {
    pub state: State,
    /// CIDs of operations or identities that are named but not here.
    pub missing: BTreeSet<Cid>,
}

/// Folds operations (by CID, signatures already checked) into a state. `identity` returns the identity document a link
/// names, or None while it is missing (its operation then waits, as do those that depend on it).
/// Operations whose deps are missing wait too; `missing` in the answer lists the CIDs that are lacking.
///
/// The founders' identities are needed before anything: until all of them are here every operation waits, and a
/// founder whose identity does not certify the device that signed the charter is none.
pub fn fold(
    charter_cid: &Cid,
    charter: &Charter,
    ops: &BTreeMap<Cid, Op>,
    blocks: impl Fn(&Cid) -> Option<Block>,
    identity: impl Fn(&Cid) -> Option<Identity>,
) -> Folded {
    let (fold, missing) = take_all(charter_cid, charter, ops, blocks, identity);
    Folded { state: fold.finish(charter_cid, charter), missing }
}

/// Takes every operation that does not wait, and names what is lacking.
fn take_all<'a>(
    charter_cid: &Cid,
    charter: &Charter,
    ops: &'a BTreeMap<Cid, Op>,
    blocks: impl Fn(&Cid) -> Option<Block>,
    identity: impl Fn(&Cid) -> Option<Identity>,
) -> (Fold<'a>, BTreeSet<Cid>) {
    let mut identities: HashMap<Cid, Option<Identity>> = HashMap::new();
    let mut missing = BTreeSet::new();

    let mut founders = BTreeMap::new();
    for (place, founder) in charter.founders.iter().enumerate() {
        match identities.entry(founder.identity).or_insert_with_key(&identity) {
            Some(paper) if paper.did == founder.did && paper.certifies(&founder.device) => {
                founders.insert(founder.did, place);
            }
            Some(_) => {}
            None => {
                missing.insert(founder.identity);
            }
        }
    }
    let rooted = missing.is_empty();

    // What the linked identity says; absent: the operation waits.
    let mut here: BTreeMap<&Cid, Paper> = BTreeMap::new();
    for (cid, op) in ops {
        missing.extend(op.deps.iter().filter(|dep| *dep != charter_cid && !ops.contains_key(dep)));
        let block_missing = matches!(op.act, Act::Join { .. }) && blocks(cid).is_none();
        if block_missing {
            missing.insert(*cid);
        }
        match identities.entry(op.identity).or_insert_with_key(&identity) {
            Some(identity) if rooted && !block_missing => {
                here.insert(cid, Paper::new(identity, op));
            }
            Some(_) => {}
            None => {
                missing.insert(op.identity);
            }
        }
    }

    let mut fold = Fold { community: *charter_cid, founders, ..Fold::default() };
    let mut scope = Scope::default();
    for (cid, op) in in_order(charter_cid, ops, |cid| here.contains_key(cid)) {
        let paper = here.get(cid).copied().unwrap_or_default();
        fold.take(cid, op, paper, &mut scope, &blocks);
    }
    (fold, missing)
}

/// What the identity an operation links says of it.
#[derive(Clone, Copy, Default)]
struct Paper {
    /// It is the author's and lists the device that signed.
    certified: bool,
    seq: u64,
    /// Of a retirement: it still lists the device.
    lists: bool,
}

impl Paper {
    fn new(identity: &Identity, op: &Op) -> Self {
        Self {
            certified: identity.did == op.did && identity.certifies(&op.device),
            seq: identity.seq,
            lists: matches!(&op.act, Act::Retire { device } if identity.certifies(device)),
        }
    }
}

/// An operation that was taken.
struct Taken<'a> {
    cid: &'a Cid,
    op: &'a Op,
    deps: Vec<Place>,
    /// Every place below this one is an ancestor. In a history without branches that says it all.
    base: Place,
    /// `seq` of the identity it links.
    seq: u64,
    /// What it stands on; of a join, what its invite stands on.
    verdict: Result<Standing, String>,
    /// Of an invite: the joins and closings that passed, by CID.
    joins: Vec<Place>,
    closes: Vec<Place>,
    /// Of a removal, leave or retirement: its ancestors.
    below: Below,
    /// Of an add: the removals and leaves among its ancestors whose person it readmits.
    overcome: Vec<Place>,
}

#[derive(Default)]
struct Fold<'a> {
    community: Cid,
    /// With their places in the charter.
    founders: BTreeMap<Did, usize>,
    taken: Vec<Taken<'a>>,
    places: HashMap<&'a Cid, Place>,
    /// Adds and joins that passed, by whom they admit, in order.
    admissions: HashMap<Did, Vec<Place>>,
    /// Removals and leaves that passed, by who is out, in order.
    endings: HashMap<Did, Vec<Place>>,
    /// Retirements that passed, by whose device it was.
    retirements: HashMap<Did, Vec<Place>>,
    /// Operations below moderator that passed, of one admission and kind, in the order in which they count.
    groups: HashMap<(Place, &'a str), Vec<Place>>,
}

impl<'a> Fold<'a> {
    fn take(
        &mut self,
        cid: &'a Cid,
        op: &'a Op,
        paper: Paper,
        scope: &mut Scope,
        blocks: &impl Fn(&Cid) -> Option<Block>,
    ) {
        let deps: Vec<Place> = op.deps.iter().filter_map(|dep| self.places.get(dep).copied()).collect();
        scope.cover(&self.taken, &deps);
        let verdict = if op.community != self.community {
            Err("it belongs to another community".into())
        } else if !paper.certified {
            Err(format!("the identity it links does not certify device {}", op.device.short()))
        } else {
            self.judge(cid, op, paper, scope, blocks)
        };

        let place = self.taken.len();
        self.places.insert(cid, place);
        let passed = verdict.as_ref().ok().copied();
        let mut taken = Taken {
            cid,
            op,
            deps,
            base: scope.base,
            seq: paper.seq,
            verdict,
            joins: Vec::new(),
            closes: Vec::new(),
            below: Below::default(),
            overcome: Vec::new(),
        };
        match &op.act {
            Act::Remove { .. } | Act::Leave { .. } | Act::Retire { .. } => taken.below = scope.keep(),
            Act::Add { did, .. } => {
                let endings = self.endings.get(did).into_iter().flatten().copied();
                taken.overcome = endings.filter(|ending| scope.contains(*ending)).collect();
            }
            _ => {}
        }
        self.taken.push(taken);
        let Some(standing) = passed else { return };

        match &op.act {
            Act::Add { did, .. } => self.admissions.entry(*did).or_default().push(place),
            Act::Remove { did, .. } => self.endings.entry(*did).or_default().push(place),
            Act::Leave { .. } => self.endings.entry(op.did).or_default().push(place),
            Act::Retire { .. } => self.retirements.entry(op.did).or_default().push(place),
            Act::Join { invite, did, .. } => {
                self.admissions.entry(*did).or_default().push(place);
                if let Some(invite) = self.places.get(invite).copied() {
                    let mut joins = std::mem::take(&mut self.taken[invite].joins);
                    insert_sorted(&mut joins, place, |place| self.taken[place].cid);
                    self.taken[invite].joins = joins;
                }
            }
            Act::Close { invite, .. } => {
                if let Some(invite) = self.places.get(invite).copied() {
                    self.taken[invite].closes.push(place);
                }
            }
            Act::Invite { .. } | Act::Describe(_) | Act::Unknown(_) => {}
        }
        if let (Some(key), true) = (group(op, &standing), standing.role < Role::Moderator) {
            let list = self.groups.entry(key).or_default();
            insert_sorted(list, place, |place| precedence(&self.taken[place]));
        }
    }
}

/// Which operations share a number; joins are bounded by their invite instead. Kinds of later versions count as one.
fn group<'a>(op: &'a Op, standing: &Standing) -> Option<(Place, &'a str)> {
    let kind = match &op.act {
        Act::Join { .. } => return None,
        Act::Unknown(_) => "unknown",
        act => act.name(),
    };
    standing.via.map(|via| (via, kind))
}

/// The order in which operations that share a number count.
fn precedence<'a>(taken: &Taken<'a>) -> (Reverse<u64>, &'a Cid) {
    let newest = if matches!(taken.op.act, Act::Retire { .. }) { taken.seq } else { 0 };
    (Reverse(newest), taken.cid)
}

fn insert_sorted<K: Ord>(list: &mut Vec<Place>, place: Place, key: impl Fn(Place) -> K) {
    let at = list.partition_point(|other| key(*other) < key(place));
    list.insert(at, place);
}
