//! What counts within a set of operations, given what each rests on.

use std::collections::{BTreeSet, HashMap};

use super::{
    Fold, PER_KIND, Standing, group,
    order::{Place, Scope},
};
use crate::{
    key::Did,
    roster::{Act, Role},
};

/// Whether places count in one scope, as far as was asked.
pub(super) type Counted = HashMap<Place, bool>;

impl Fold<'_> {
    /// Who somebody is within `scope`: the highest role given to them, the first time it was given.
    pub(super) fn standing(&self, did: &Did, scope: &Scope) -> Option<Standing> {
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
    pub(super) fn counts(&self, place: Place, scope: &Scope, counted: &mut Counted) -> bool {
        // Each place with what it stands on and was not looked at yet: an invite may have very many closings.
        let mut stack = vec![(place, self.footing(place))];
        let mut entered = BTreeSet::new();
        while let Some((top, open)) = stack.last_mut() {
            let top = *top;
            match open.pop() {
                Some(next) if !scope.contains(next) || counted.contains_key(&next) => {}
                // Seniority rules out that something stands on itself; were it otherwise, it would not count.
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
}
