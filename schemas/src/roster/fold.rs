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

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap},
};

use super::{Act, Describe, Invite, Member, Op, Role, State, may};
use crate::{
    block::{Block, Cid},
    charter::Charter,
    identity::Identity,
    key::Did,
    tid::Tid,
};

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

/// The one order over operations that do not wait.
fn in_order<'a>(charter: &Cid, ops: &'a BTreeMap<Cid, Op>, here: &BTreeMap<&Cid, bool>) -> Vec<(&'a Cid, &'a Op)> {
    let mut open: HashMap<&Cid, usize> = HashMap::new();
    let mut followers: HashMap<&Cid, Vec<&'a Cid>> = HashMap::new();
    let mut ready = BinaryHeap::new();
    for (cid, op) in ops.iter().filter(|(cid, _)| here.contains_key(cid)) {
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

/// Place of an operation in the one order.
type Place = usize;

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

/// An ancestor-closed set of places: all below `base`, and those marked.
#[derive(Default)]
struct Scope {
    base: Place,
    marks: Vec<usize>,
    stamp: usize,
}

impl Scope {
    fn contains(&self, place: Place) -> bool {
        place < self.base || self.marks.get(place) == Some(&self.stamp)
    }

    /// Everything `deps` stand on, and they themselves.
    fn cover(&mut self, taken: &[Taken<'_>], deps: &[Place]) {
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

    fn cover_all(&mut self, taken: &[Taken<'_>]) {
        self.base = taken.len();
    }
}

/// Whether places count in one scope, as far as was asked.
type Counted = HashMap<Place, bool>;

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

    /// Whether its ancestors allow an operation, and what it stands on; else why not.
    fn judge(
        &self,
        cid: &Cid,
        op: &Op,
        scope: &Scope,
        blocks: &impl Fn(&Cid) -> Option<Block>,
    ) -> Result<Standing, String> {
        op.act.check().map_err(|fault| fault.to_string())?;
        if let Act::Join { invite, did, .. } = &op.act {
            return self.judge_join(cid, op, invite, did, scope, blocks);
        }
        let Some(author) = self.standing(&op.did, scope) else {
            return Err(format!("{} was no member when writing it", op.did.short()));
        };
        if !may(author.role, &op.act) {
            return Err(format!("a {} may not write this {}", author.role.as_str(), op.act.name()));
        }
        match &op.act {
            Act::Close { invite, .. } => self.judge_close(op, invite, author, scope),
            _ => Ok(author),
        }
    }

    fn judge_join(
        &self,
        cid: &Cid,
        op: &Op,
        invite: &Cid,
        did: &Did,
        scope: &Scope,
        blocks: &impl Fn(&Cid) -> Option<Block>,
    ) -> Result<Standing, String> {
        if *did != op.did {
            return Err("one can only join oneself".into());
        }
        let (invited, inviter) = self.invite(invite, scope)?;
        let Act::Invite { key, role, expires, .. } = &invited.op.act else {
            return Err("what it joins by is no invite".into());
        };
        if expires.is_some_and(|expires| op.rev > expires) {
            return Err("the invite had expired".into());
        }
        if !blocks(cid).is_some_and(|block| Op::verify_seed(&block, key).is_ok()) {
            return Err("the signature by the invite's seed is wrong".into());
        }
        let youngest = inviter.youngest.max(Some((invited.op.rev, *invite)));
        Ok(Standing { role: *role, via: None, youngest })
    }

    /// One's own invite is closed by whom one was when writing it, whatever one became since.
    fn judge_close(&self, op: &Op, invite: &Cid, author: Standing, scope: &Scope) -> Result<Standing, String> {
        let (invited, inviter) = self.invite(invite, scope)?;
        if invited.op.did == op.did {
            return Ok(inviter);
        }
        match (author.role, &invited.op.act) {
            (Role::Steward, _) => {}
            (Role::Moderator, Act::Invite { role, .. }) if *role <= Role::Member => {}
            (role, _) => return Err(format!("a {} may not close this invite", role.as_str())),
        }
        if author.youngest >= Some((invited.op.rev, *invite)) {
            return Err("its author came in by a younger invite than the one it closes".into());
        }
        Ok(author)
    }

    /// An invite that passed and that the operation in question builds on.
    fn invite(&self, cid: &Cid, scope: &Scope) -> Result<(&Taken<'a>, Standing), String> {
        let taken = self.places.get(cid).filter(|place| scope.contains(**place)).map(|place| &self.taken[*place]);
        match taken {
            Some(Taken { op: Op { act: Act::Invite { .. }, .. }, verdict: Ok(by), .. }) => {
                Ok((&self.taken[self.places[cid]], *by))
            }
            _ => Err("it names no invite that it builds on and that counts".into()),
        }
    }

    /// Who somebody is within `scope`: the highest role given to them, the first time it was given.
    fn standing(&self, did: &Did, scope: &Scope) -> Option<Standing> {
        if self.founders.contains(did) {
            return Some(Standing { role: Role::Steward, via: None, youngest: None });
        }
        let mut counted = Counted::new();
        let mut best: Option<Standing> = None;
        for place in self.admissions.get(did).into_iter().flatten().copied().filter(|place| scope.contains(*place)) {
            let Some((role, standing)) = self.grants(place) else { continue };
            if best.is_none_or(|best| role > best.role) && self.counts(place, scope, &mut counted) {
                best = Some(Standing { role, via: Some(place), youngest: standing.youngest });
            }
        }
        best
    }

    /// The role an admission gives.
    fn grants(&self, place: Place) -> Option<(Role, Standing)> {
        let taken = &self.taken[place];
        let standing = *taken.verdict.as_ref().ok()?;
        match &taken.op.act {
            Act::Add { role, .. } => Some((*role, standing)),
            Act::Join { .. } => Some((standing.role, standing)),
            _ => None,
        }
    }

    /// Does an operation of `scope` count there? Walks down what it stands on with a stack of its own.
    fn counts(&self, place: Place, scope: &Scope, counted: &mut Counted) -> bool {
        let mut stack = vec![place];
        let mut entered = BTreeSet::new();
        while let Some(&top) = stack.last() {
            let open = self.footing(top).into_iter().find(|p| scope.contains(*p) && !counted.contains_key(p));
            match open {
                // Seniority rules out that something stands on itself; were it otherwise, it would not count.
                Some(next) if entered.insert((top, next)) => stack.push(next),
                _ => {
                    let counts = self.counts_on(top, scope, counted);
                    counted.insert(top, counts);
                    stack.pop();
                }
            }
        }
        counted.get(&place).copied().unwrap_or_default()
    }

    /// The operations on which the effect of this one rests directly.
    fn footing(&self, place: Place) -> Vec<Place> {
        let taken = &self.taken[place];
        match (&taken.op.act, &taken.verdict) {
            (Act::Join { invite, .. }, Ok(_)) => {
                let Some(invite) = self.places.get(invite).copied() else { return Vec::new() };
                std::iter::once(invite).chain(self.taken[invite].closes.iter().copied()).collect()
            }
            (_, Ok(standing)) => standing.via.into_iter().collect(),
            (_, Err(_)) => Vec::new(),
        }
    }

    /// Does it count, given what it rests on?
    fn counts_on(&self, place: Place, scope: &Scope, counted: &Counted) -> bool {
        let taken = &self.taken[place];
        let Ok(standing) = &taken.verdict else { return false };
        let holds = |place: &Place| counted.get(place).copied().unwrap_or_default();
        match &taken.op.act {
            Act::Join { invite, .. } => {
                let Some(invite) = self.places.get(invite) else { return false };
                holds(invite) && self.admitted(place, *invite, scope, holds)
            }
            _ => standing.via.is_none_or(|via| holds(&via)) && self.within_group(place, standing, scope),
        }
    }

    /// Is this join one of those its invite lets in?
    fn admitted(&self, join: Place, invite: Place, scope: &Scope, holds: impl Fn(&Place) -> bool) -> bool {
        let invite = &self.taken[invite];
        let mut closes = invite.closes.iter().filter(|p| scope.contains(**p) && holds(p)).peekable();
        if closes.peek().is_some() {
            let cid = self.taken[join].cid;
            return closes.any(|p| matches!(&self.taken[*p].op.act, Act::Close { joins, .. } if joins.contains(cid)));
        }
        let Act::Invite { uses, .. } = &invite.op.act else { return false };
        invite.joins.iter().filter(|p| scope.contains(**p)).take(*uses as usize).any(|p| *p == join)
    }

    fn within_group(&self, place: Place, standing: &Standing, scope: &Scope) -> bool {
        let group = group(self.taken[place].op, standing).and_then(|key| self.groups.get(&key));
        match group {
            Some(group) if group.len() > PER_KIND && standing.role < Role::Moderator => {
                group.iter().filter(|p| scope.contains(**p)).take(PER_KIND).any(|p| *p == place)
            }
            _ => true,
        }
    }

    fn finish(self, charter_cid: &Cid, charter: &Charter) -> State {
        let mut scope = Scope::default();
        scope.cover_all(&self.taken);
        let mut counted = Counted::new();
        let counts: Vec<bool> = (0..self.taken.len()).map(|place| self.counts(place, &scope, &mut counted)).collect();

        let founding = |did: &Did| Member { role: Role::Steward, since: charter.created, by: *did, via: *charter_cid };
        let mut state = State {
            community: *charter_cid,
            name: charter.name.clone(),
            describe: Describe::default(),
            members: self.founders.iter().map(|did| (*did, founding(did))).collect(),
            invites: BTreeMap::new(),
            heads: BTreeSet::new(),
            kept: BTreeSet::new(),
            void: BTreeMap::new(),
        };
        for (place, taken) in self.taken.iter().enumerate() {
            if counts[place] {
                self.apply(place, &mut state);
            } else {
                state.void.insert(*taken.cid, self.why_void(taken, &counts));
            }
        }
        if let Some(name) = &state.describe.name {
            state.name.clone_from(name);
        }

        // Backwards, so that everything that builds on a place was seen before it.
        let mut needed = vec![false; self.taken.len()];
        for (place, taken) in self.taken.iter().enumerate().rev() {
            if counts[place] && !needed[place] {
                state.heads.insert(*taken.cid);
            }
            if counts[place] || needed[place] {
                state.kept.insert(*taken.cid);
                taken.deps.iter().for_each(|dep| needed[*dep] = true);
            }
        }
        if state.heads.is_empty() {
            state.heads.insert(*charter_cid);
        }
        state
    }

    /// The effect of one operation that counts.
    fn apply(&self, place: Place, state: &mut State) {
        let Taken { cid, op, .. } = &self.taken[place];
        match &op.act {
            Act::Add { did, role, .. } => admit(state, did, *role, op.rev, op.did, **cid),
            Act::Join { invite: invite_cid, did, .. } => {
                let Some(invite) = state.invites.get_mut(invite_cid) else { return };
                let at = invite.joins.partition_point(|join| join < *cid);
                invite.joins.insert(at, **cid);
                let (role, by) = (invite.role, invite.by);
                admit(state, did, role, op.rev, by, **cid);
            }
            Act::Invite { key, role, expires, uses } => {
                let (joins, closed) = (Vec::new(), false);
                let invite =
                    Invite { by: op.did, key: *key, role: *role, expires: *expires, uses: *uses, joins, closed };
                state.invites.insert(**cid, invite);
            }
            Act::Close { invite, .. } => {
                if let Some(invite) = state.invites.get_mut(invite) {
                    invite.closed = true;
                }
            }
            Act::Describe(describe) => state.describe.update(describe),
            Act::Unknown(_) => {}
        }
    }

    /// In words, for the log and for the author.
    fn why_void(&self, taken: &Taken<'_>, counts: &[bool]) -> String {
        let standing = match &taken.verdict {
            Err(reason) => return reason.clone(),
            Ok(standing) => standing,
        };
        match &taken.op.act {
            Act::Join { invite, .. } => match self.places.get(invite) {
                Some(invite) if !counts[*invite] => "its invite does not count".into(),
                Some(invite) if self.taken[*invite].closes.iter().any(|close| counts[*close]) => {
                    "the invite was closed without it: ask for a new link".into()
                }
                _ => "the invite was used up: ask for a new link".into(),
            },
            _ if standing.via.is_some_and(|via| !counts[via]) => "what admitted its author does not count".into(),
            act => format!("only {PER_KIND} operations {:?} of one member count", act.name()),
        }
    }
}

/// Adds and joins raise, and never lower.
fn admit(state: &mut State, did: &Did, role: Role, since: Tid, by: Did, via: Cid) {
    if state.members.get(did).is_none_or(|member| member.role < role) {
        state.members.insert(*did, Member { role, since, by, via });
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

#[cfg(test)]
mod tests;
