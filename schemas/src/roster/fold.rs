//! The fold: from a heap of signed operations to who may do what.
//!
//! Everything is defined over *ancestor-closed sets* of operations, so the answer cannot depend on arrival:
//!
//! 1. **Order.** Operations whose ancestors and identities are all here are taken in one order: of those whose `deps`
//!    are taken, the smallest `(rev, cid)`. Restricted to any ancestor-closed subset, this is that subset's own order.
//! 2. **Verdict.** Each operation is judged once, by the state of exactly its own ancestors. Nothing that comes later
//!    changes a verdict.
//! 3. **Effect.** Within a set, an operation that passed counts when what it stands on counts: the admission of its
//!    author and, for a join, its invite, which lets in those its closings name, or without a closing the first
//!    `uses` by CID. So when a join falls out because the invite was closed, whatever its author did falls with it;
//!    otherwise a leaked link could be carried past its closing by invites written under it.
//!
//! Effect is well-founded because closing is a matter of seniority: an invite is closed by the person who wrote it,
//! on the admission it was written under, or by somebody whose chain of invites holds none as young, by `(rev, cid)`,
//! as the one to be closed. Operations that do not count can be dropped without changing the effect of any other.

mod effect;
mod order;
mod outcome;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Act, Op, Role, State};
use crate::{
    block::{Block, Cid},
    charter::Charter,
    identity::Identity,
    key::Did,
    tid::Tid,
};
use order::{Place, Scope, in_order};

/// Below moderator, only so many operations of one kind under one admission count: the smallest CIDs.
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
    let mut identities: HashMap<Cid, Option<Identity>> = HashMap::new();
    let mut missing = BTreeSet::new();
    let mut certified = |cid: &Cid, did: &Did, device: &Did| {
        let known = identities.entry(*cid).or_insert_with(|| identity(cid));
        known.as_ref().map(|i| i.did == *did && i.certifies(device))
    };

    let mut founders = BTreeSet::new();
    for founder in &charter.founders {
        match certified(&founder.identity, &founder.did, &founder.device) {
            Some(true) => {
                founders.insert(founder.did);
            }
            Some(false) => {}
            None => {
                missing.insert(founder.identity);
            }
        }
    }
    let rooted = missing.is_empty();

    // Whether the linked identity certifies the device; absent: the operation waits.
    let mut here: BTreeMap<&Cid, bool> = BTreeMap::new();
    for (cid, op) in ops {
        missing.extend(op.deps.iter().filter(|dep| *dep != charter_cid && !ops.contains_key(dep)));
        let block_missing = matches!(op.act, Act::Join { .. }) && blocks(cid).is_none();
        if block_missing {
            missing.insert(*cid);
        }
        match certified(&op.identity, &op.did, &op.device) {
            Some(yes) if rooted && !block_missing => {
                here.insert(cid, yes);
            }
            Some(_) => {}
            None => {
                missing.insert(op.identity);
            }
        }
    }

    let mut fold = Fold { community: *charter_cid, founders, ..Fold::default() };
    let mut scope = Scope::default();
    for (cid, op) in in_order(charter_cid, ops, &here) {
        let certified = here.get(cid).copied().unwrap_or_default();
        fold.take(cid, op, certified, &mut scope, &blocks);
    }
    Folded { state: fold.finish(charter_cid, charter), missing }
}

/// An operation that was taken.
struct Taken<'a> {
    cid: &'a Cid,
    op: &'a Op,
    deps: Vec<Place>,
    /// Every place below this one is an ancestor. In a history without branches that says it all.
    base: Place,
    verdict: Result<Standing, String>,
    /// Of an invite: the joins and closings that passed, by CID.
    joins: Vec<Place>,
    closes: Vec<Place>,
}

/// What the author of an operation stood on when it was judged.
#[derive(Clone, Copy)]
struct Standing {
    role: Role,
    /// The operation that admitted the author; None for founders, and for joins, which stand on their invite.
    via: Option<Place>,
    /// The youngest invite, by `(rev, cid)`, of the chain that leads to the author; of a join, its invite included.
    youngest: Option<(Tid, Cid)>,
}

#[derive(Default)]
struct Fold<'a> {
    community: Cid,
    founders: BTreeSet<Did>,
    taken: Vec<Taken<'a>>,
    places: HashMap<&'a Cid, Place>,
    /// Adds and joins that passed, by whom they admit, in order.
    admissions: HashMap<Did, Vec<Place>>,
    /// Operations below moderator that passed, by CID, of one admission and kind.
    groups: HashMap<(Place, &'static str), Vec<Place>>,
}

impl<'a> Fold<'a> {
    fn take(
        &mut self,
        cid: &'a Cid,
        op: &'a Op,
        certified: bool,
        scope: &mut Scope,
        blocks: &impl Fn(&Cid) -> Option<Block>,
    ) {
        let deps: Vec<Place> = op.deps.iter().filter_map(|dep| self.places.get(dep).copied()).collect();
        scope.cover(&self.taken, &deps);
        let verdict = if op.community != self.community {
            Err("it belongs to another community".into())
        } else if !certified {
            Err(format!("the identity it links does not certify device {}", op.device.short()))
        } else {
            self.judge(cid, op, scope, blocks)
        };

        let place = self.taken.len();
        self.places.insert(cid, place);
        let passed = verdict.as_ref().ok().copied();
        self.taken.push(Taken { cid, op, deps, base: scope.base, verdict, joins: Vec::new(), closes: Vec::new() });
        let Some(standing) = passed else { return };

        match &op.act {
            Act::Add { did, .. } => self.admissions.entry(*did).or_default().push(place),
            Act::Join { invite, did, .. } => {
                self.admissions.entry(*did).or_default().push(place);
                if let Some(invite) = self.places.get(invite).copied() {
                    let mut joins = std::mem::take(&mut self.taken[invite].joins);
                    insert_by_cid(&self.taken, &mut joins, place);
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
            insert_by_cid(&self.taken, self.groups.entry(key).or_default(), place);
        }
    }
}

/// Which operations share a number; joins are bounded by their invite instead. Kinds of later versions count as one.
fn group(op: &Op, standing: &Standing) -> Option<(Place, &'static str)> {
    let kind = match op.act {
        Act::Join { .. } => return None,
        Act::Add { .. } => "add",
        Act::Invite { .. } => "invite",
        Act::Close { .. } => "close",
        Act::Describe(_) => "describe",
        Act::Unknown(_) => "unknown",
    };
    standing.via.map(|via| (via, kind))
}

fn insert_by_cid(taken: &[Taken<'_>], list: &mut Vec<Place>, place: Place) {
    let at = list.partition_point(|other| taken[*other].cid < taken[place].cid);
    list.insert(at, place);
}
