//! Who outranks whom.

use std::cmp::Ordering;

use super::{Fold, order::Place};
use crate::{
    block::Cid,
    key::Did,
    roster::{Act, Role},
    tid::Tid,
};

/// What somebody is by one admission, or the author of an operation was when writing it.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    pub(super) role: Role,
    /// The add or join that gave the role; None for founders.
    pub(super) via: Option<Place>,
    /// Whom the chain of admissions starts with: a place among the charter's founders.
    pub(super) founder: usize,
}

impl Fold<'_> {
    /// What the charter makes of somebody.
    pub(super) fn founding(&self, did: &Did) -> Option<Standing> {
        self.founders.get(did).map(|place| Standing { role: Role::Steward, via: None, founder: *place })
    }

    /// Stewards have ranks among themselves, by their paths: the founder's place in the charter, then `(rev, cid)` of
    /// each admission that leads to them. The smaller is the higher, so who made somebody steward outranks them.
    /// Below, the role alone is the rank.
    pub(super) fn outranks(&self, higher: &Standing, lower: &Standing) -> bool {
        match higher.role.cmp(&lower.role) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal if higher.role < Role::Steward || higher.via == lower.via && higher.via.is_some() => false,
            Ordering::Equal => {
                higher.founder < lower.founder
                    || (higher.founder == lower.founder && self.path(higher) < self.path(lower))
            }
        }
    }

    /// The admissions that lead to somebody, the first one first. Only stewards make stewards, so of a steward all of
    /// these gave that role.
    fn path(&self, standing: &Standing) -> Vec<(Tid, Cid)> {
        let mut path = Vec::new();
        let mut via = standing.via;
        while let Some(place) = via {
            let taken = &self.taken[place];
            path.push((taken.op.rev, *taken.cid));
            via = taken.verdict.as_ref().ok().and_then(|above| above.via);
        }
        path.reverse();
        path
    }

    /// What an admission that passed makes of whom it admits.
    pub(super) fn grants(&self, place: Place) -> Option<Standing> {
        let taken = &self.taken[place];
        let by = taken.verdict.as_ref().ok()?;
        let role = match &taken.op.act {
            Act::Add { role, .. } => *role,
            Act::Join { invite, .. } => match &self.taken[*self.places.get(invite)?].op.act {
                Act::Invite { role, .. } => *role,
                _ => return None,
            },
            _ => return None,
        };
        Some(Standing { role, via: Some(place), founder: by.founder })
    }
}
