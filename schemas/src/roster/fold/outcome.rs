//! From what counts to who is who.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Fold, PER_KIND, Taken,
    effect::Counted,
    order::{Place, Scope},
};
use crate::{
    block::Cid,
    charter::Charter,
    key::Did,
    roster::{Act, Describe, Invite, Member, Role, State},
    tid::Tid,
};

impl Fold<'_> {
    /// The state in which everything that was taken ends.
    pub(super) fn finish(self, charter_cid: &Cid, charter: &Charter) -> State {
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
