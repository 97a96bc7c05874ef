//! What counts within a set of operations, given what each rests on.

use std::collections::{BTreeSet, HashMap};

use super::{
    Fold, PER_KIND, Taken, group,
    order::{Place, Scope},
    rank::Standing,
};
use crate::{
    key::Did,
    roster::{Act, Role},
};

/// Whether places count in one scope, as far as was asked.
pub(super) type Counted = HashMap<Place, bool>;

impl Fold<'_> {
    /// Who somebody is within `scope`: the highest rank given to them, the first time it was given.
    pub(super) fn standing(&self, did: &Did, scope: &Scope, counted: &mut Counted) -> Option<Standing> {
        let mut best = self.founding(did).filter(|founding| !self.ended(did, founding, scope, counted));
        for place in self.admissions.get(did).into_iter().flatten().copied().filter(|place| scope.contains(*place)) {
            let Some(standing) = self.grants(place) else { continue };
            if best.is_none_or(|best| self.outranks(&standing, &best))
                && self.counts(place, scope, counted)
                && !self.ended(did, &standing, scope, counted)
            {
                best = Some(standing);
            }
        }
        best
    }

    /// Does an operation of `scope` count there? Walks down what it stands on with a stack of its own.
    pub(super) fn counts(&self, place: Place, scope: &Scope, counted: &mut Counted) -> bool {
        // Each place with what it stands on and was not looked at yet: an invite may have very many closings.
        let mut stack = vec![(place, self.footing(place))];
        let mut entered = BTreeSet::new();
        while let Some((top, open)) = stack.last_mut() {
            let top = *top;
            match open.pop() {
                Some(next) if !scope.contains(next) || counted.contains_key(&next) => {}
                // Rank rules out that something stands on itself; were it otherwise, it would not count.
                Some(next) if entered.insert((top, next)) => stack.push((next, self.footing(next))),
                Some(_) => {}
                None => {
                    let counts = self.counts_on(top, scope, counted);
                    counted.insert(top, counts);
                    stack.pop();
                }
            }
        }
        counted.get(&place).copied().unwrap_or_default()
    }

    /// The operations on which the effect of this one rests directly.
    pub(super) fn footing(&self, place: Place) -> Vec<Place> {
        let taken = &self.taken[place];
        let Ok(standing) = &taken.verdict else { return Vec::new() };
        match &taken.op.act {
            Act::Join { invite, .. } => {
                let Some(invite) = self.places.get(invite).copied() else { return Vec::new() };
                let Taken { op, closes, .. } = &self.taken[invite];
                let removals = self.removals_of(&op.did, standing);
                std::iter::once(invite).chain(closes.iter().copied()).chain(removals).collect()
            }
            act => {
                let did = &taken.op.did;
                let retirements = (!matches!(act, Act::Retire { .. })).then(|| self.retirements_of(did, standing));
                let voiding = self.removals_of(did, standing).chain(retirements.into_iter().flatten());
                standing.via.into_iter().chain(voiding).collect()
            }
        }
    }

    /// Does it count, given what it rests on?
    pub(super) fn counts_on(&self, place: Place, scope: &Scope, counted: &Counted) -> bool {
        let taken = &self.taken[place];
        let Ok(standing) = &taken.verdict else { return false };
        let holds = |place: &Place| counted.get(place).copied().unwrap_or_default();
        match &taken.op.act {
            Act::Join { invite, .. } => {
                let Some(invite) = self.places.get(invite) else { return false };
                holds(invite) && self.admitted(place, *invite, standing, scope, holds)
            }
            _ => {
                standing.via.is_none_or(|via| holds(&via))
                    && !self.voided(place, standing, scope, &holds)
                    && self.within_group(place, standing, scope, holds)
            }
        }
    }

    /// Is this join one of those its invite lets in?
    fn admitted(
        &self,
        join: Place,
        invite: Place,
        by: &Standing,
        scope: &Scope,
        holds: impl Fn(&Place) -> bool,
    ) -> bool {
        let Taken { op, closes, joins, .. } = &self.taken[invite];
        let mut closes = closes.iter().filter(|p| scope.contains(**p) && holds(p)).peekable();
        // Whoever put the inviter out ended the invite for all whom they had not seen come in.
        let removals: Vec<Place> = self.removals_of(&op.did, by).filter(|p| scope.contains(*p) && holds(p)).collect();
        let seen = |join: Place| removals.iter().all(|removal| self.taken[*removal].below.contains(join));
        if closes.peek().is_some() {
            let cid = self.taken[join].cid;
            let named = |p: &Place| matches!(&self.taken[*p].op.act, Act::Close { joins, .. } if joins.contains(cid));
            return seen(join) && closes.any(named);
        }
        let Act::Invite { uses, .. } = &op.act else { return false };
        joins.iter().filter(|p| scope.contains(**p) && seen(**p)).take(*uses as usize).any(|p| *p == join)
    }

    fn within_group(&self, place: Place, standing: &Standing, scope: &Scope, holds: impl Fn(&Place) -> bool) -> bool {
        let group = group(self.taken[place].op, standing).and_then(|key| self.groups.get(&key));
        match group {
            Some(group) if group.len() > PER_KIND && standing.role < Role::Moderator => group
                .iter()
                .filter(|p| scope.contains(**p) && !self.voided(**p, standing, scope, &holds))
                .take(PER_KIND)
                .any(|p| *p == place),
            _ => true,
        }
    }
}
