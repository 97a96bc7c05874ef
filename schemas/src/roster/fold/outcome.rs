//! From what counts to who is who.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Fold, PER_KIND, Taken,
    effect::Counted,
    order::{Place, Scope},
    rank::Standing,
};
use crate::{
    block::Cid,
    charter::Charter,
    key::Did,
    roster::{Act, Describe, Invite, Member, Retired, State},
};

impl Fold<'_> {
    /// The state in which everything that was taken ends.
    pub(super) fn finish(self, charter_cid: &Cid, charter: &Charter) -> State {
        let mut scope = Scope::default();
        scope.cover_all(&self.taken);
        let mut counted = Counted::new();
        let counts: Vec<bool> = (0..self.taken.len()).map(|place| self.counts(place, &scope, &mut counted)).collect();

        let mut state = State {
            community: *charter_cid,
            name: charter.name.clone(),
            describe: Describe::default(),
            members: BTreeMap::new(),
            former: BTreeMap::new(),
            heirs: BTreeMap::new(),
            invites: BTreeMap::new(),
            retired: BTreeMap::new(),
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
        let people: BTreeSet<&Did> = self.founders.keys().chain(self.admissions.keys()).collect();
        for did in people {
            match self.standing(did, &scope, &mut counted) {
                Some(standing) => {
                    state.members.insert(*did, self.member(did, &standing, &counts, (charter_cid, charter)));
                }
                None => state.former.extend(self.former(did, &counts).map(|former| (*did, former))),
            }
        }
        self.end_invites(&counts, &mut state);
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

    fn member(
        &self,
        did: &Did,
        standing: &Standing,
        counts: &[bool],
        (charter_cid, charter): (&Cid, &Charter),
    ) -> Member {
        let role = standing.role;
        let Some(Taken { cid, op, overcome, .. }) = standing.via.map(|via| &self.taken[via]) else {
            return Member { role, since: charter.created, by: *did, via: *charter_cid, returned: false };
        };
        let by = match &op.act {
            Act::Join { invite, .. } => self.places.get(invite).map_or(op.did, |invite| self.taken[*invite].op.did),
            _ => op.did,
        };
        let returned = overcome.iter().any(|ending| counts[*ending]);
        Member { role, since: op.rev, by, via: **cid, returned }
    }

    /// The effect of one operation that counts, but for membership.
    fn apply(&self, place: Place, state: &mut State) {
        let Taken { cid, op, seq, .. } = &self.taken[place];
        match &op.act {
            Act::Add { did, was: Some(was), .. } => {
                state.heirs.insert(*was, *did);
            }
            Act::Join { invite, .. } => {
                let Some(invite) = state.invites.get_mut(invite) else { return };
                let at = invite.joins.partition_point(|join| join < *cid);
                invite.joins.insert(at, **cid);
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
            Act::Retire { device } => {
                let by = Retired { seq: *seq, identity: op.identity };
                let newest = state.retired.entry((op.did, *device)).or_insert(by);
                if (Reverse(by.seq), by.identity) < (Reverse(newest.seq), newest.identity) {
                    *newest = by;
                }
            }
            Act::Add { .. } | Act::Remove { .. } | Act::Leave { .. } | Act::Unknown(_) => {}
        }
    }

    /// Invites of whoever was put out let nobody in any more.
    fn end_invites(&self, counts: &[bool], state: &mut State) {
        for (cid, invite) in &mut state.invites {
            let by = self.places.get(cid).and_then(|place| self.taken[*place].verdict.as_ref().ok());
            invite.closed |= by.is_some_and(|by| self.removals_of(&invite.by, by).any(|removal| counts[removal]));
        }
    }

    /// In words, for the log and for the author.
    fn why_void(&self, taken: &Taken<'_>, counts: &[bool]) -> String {
        let standing = match &taken.verdict {
            Err(reason) => return reason.clone(),
            Ok(standing) => standing,
        };
        let op = taken.op;
        match &op.act {
            Act::Join { invite, .. } => match self.places.get(invite) {
                Some(invite) if !counts[*invite] => "its invite does not count".into(),
                Some(invite) if self.taken[*invite].closes.iter().any(|close| counts[*close]) => {
                    "the invite was closed without it: ask for a new link".into()
                }
                Some(invite) if self.removals_of(&self.taken[*invite].op.did, standing).any(|by| counts[by]) => {
                    "whoever wrote the invite was put out: ask somebody else for a link".into()
                }
                _ => "the invite was used up: ask for a new link".into(),
            },
            _ if standing.via.is_some_and(|via| !counts[via]) => "what admitted its author does not count".into(),
            _ if self.removals_of(&op.did, standing).any(|by| counts[by]) => {
                "its author was put out before anybody saw it".into()
            }
            _ if self.retirements_of(&op.did, standing).any(|by| counts[by]) => {
                format!("device {} was retired before anybody saw it", op.device.short())
            }
            act => format!("only {PER_KIND} operations {:?} of one member count", act.name()),
        }
    }
}
