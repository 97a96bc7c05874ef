//! What removals, leaves and retirements undo.

use std::collections::BTreeMap;

use super::{
    Fold, Taken,
    effect::Counted,
    order::{Place, Scope},
    rank::Standing,
};
use crate::{
    key::Did,
    roster::{Act, Cut, Former, Role},
};

impl Fold<'_> {
    /// Whether a removal or leave ends an admission of its person, should it count. What was built on the ending
    /// readmits; joins never do. One leaves whatever one is, and is removed by higher ranks alone.
    fn ends(&self, ending: Place, admission: &Standing) -> bool {
        let Taken { op, verdict, .. } = &self.taken[ending];
        let overcome = admission.via.is_some_and(|via| self.taken[via].overcome.contains(&ending));
        let outranks = || verdict.as_ref().is_ok_and(|by| self.outranks(by, admission));
        !overcome && (matches!(op.act, Act::Leave { .. }) || outranks())
    }

    fn endings_of(&self, did: &Did) -> impl Iterator<Item = Place> {
        self.endings.get(did).into_iter().flatten().copied()
    }

    /// Is an admission of somebody over, within `scope`?
    pub(super) fn ended(&self, did: &Did, admission: &Standing, scope: &Scope, counted: &mut Counted) -> bool {
        self.endings_of(did)
            .any(|place| scope.contains(place) && self.ends(place, admission) && self.counts(place, scope, counted))
    }

    /// Was somebody put out, or did they leave, and nobody readmitted them?
    pub(super) fn is_out(&self, did: &Did, scope: &Scope, counted: &mut Counted) -> bool {
        self.endings_of(did).any(|place| scope.contains(place) && self.counts(place, scope, counted))
            && self.standing(did, scope, counted).is_none()
    }

    /// The removals of somebody that end what they did under one admission.
    pub(super) fn removals_of(&self, did: &Did, standing: &Standing) -> impl Iterator<Item = Place> {
        self.endings_of(did)
            .filter(|place| matches!(self.taken[*place].op.act, Act::Remove { .. }) && self.ends(*place, standing))
    }

    /// The retirements of an author's devices that void what was done under one admission.
    pub(super) fn retirements_of(&self, did: &Did, standing: &Standing) -> impl Iterator<Item = Place> {
        let retirements = self.retirements.get(did).into_iter().flatten().copied();
        retirements.filter(|place| {
            let by = self.taken[*place].verdict.as_ref();
            by.is_ok_and(|by| by.via == standing.via || self.outranks(by, standing))
        })
    }

    /// Does something that counts void this operation? Never joins.
    pub(super) fn voided(
        &self,
        place: Place,
        standing: &Standing,
        scope: &Scope,
        holds: &impl Fn(&Place) -> bool,
    ) -> bool {
        let Taken { op, seq, .. } = &self.taken[place];
        let active = |by: &Place| scope.contains(*by) && holds(by) && !self.taken[*by].below.contains(place);
        let retired = |by: Place| {
            let Taken { op: by, seq: newer, .. } = &self.taken[by];
            seq < newer && matches!(&by.act, Act::Retire { device } if *device == op.device)
        };
        self.removals_of(&op.did, standing).any(|by| active(&by))
            || !matches!(op.act, Act::Retire { .. })
                && self.retirements_of(&op.did, standing).any(|by| retired(by) && active(&by))
    }

    /// When and how somebody went, if they are out: of the removals and leaves that no later one of them knows, each
    /// repository stands still at the lowest head they name, and what one of them does not name is gone.
    pub(super) fn former(&self, did: &Did, counts: &[bool]) -> Option<Former> {
        let admissions = self.admissions.get(did).into_iter().flatten().filter(|place| counts[**place]);
        let given: Vec<Standing> =
            self.founding(did).into_iter().chain(admissions.filter_map(|place| self.grants(*place))).collect();
        let endings: Vec<Place> = self.endings_of(did).filter(|place| counts[*place]).collect();
        let (earlier, last): (Vec<Place>, Vec<Place>) = endings.iter().partition(|place| {
            endings.iter().any(|later| later != *place && self.taken[*later].below.contains(**place))
        });
        // Whoever was put out and let in again goes as what they were let in as.
        let stood = |standing: &&Standing| !earlier.iter().any(|ending| self.ends(*ending, standing));
        let role = given.iter().filter(stood).map(|standing| standing.role).max();
        let role = role.or(given.first().map(|_| Role::Guest))?;
        let leaves = last.iter().filter(|place| matches!(self.taken[**place].op.act, Act::Leave { .. })).count();
        let mut former: Option<Former> = None;
        for Taken { cid, op, .. } in last.iter().map(|place| &self.taken[*place]) {
            let (cut, reason) = match &op.act {
                Act::Remove { cut, reason, .. } => (cut, reason),
                Act::Leave { cut } => (cut, &None),
                _ => continue,
            };
            let cut = match &former {
                Some(before) => lowest(&before.cut, cut),
                None => cut.clone(),
            };
            let last = Former {
                role,
                left_apart: leaves > 1,
                since: op.rev,
                by: op.did,
                via: **cid,
                reason: reason.clone(),
                cut,
            };
            former = Some(last);
        }
        former
    }
}

fn lowest(a: &Cut, b: &Cut) -> Cut {
    let both = a.iter().filter_map(|(repo, one)| {
        let other = b.get(repo)?;
        Some((*repo, if (one.rev, one.cid) < (other.rev, other.cid) { *one } else { *other }))
    });
    both.collect::<BTreeMap<_, _>>()
}
