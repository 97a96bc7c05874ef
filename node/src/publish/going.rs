//! Putting somebody out, letting them in again, and leaving.

use folkmoot_schemas::{
    Cid, Did,
    announce::Announce,
    roster::{Act, Cut, Role},
};

use super::{Me, PublishError, member, operate};
use crate::{
    clock::Clock,
    store::{Scope, Store},
};

/// Puts a member out. What is held here of what they wrote stays, nothing after it.
pub fn remove(
    store: &Store,
    me: &Me,
    clock: &Clock,
    community: &Cid,
    whom: &Did,
    reason: Option<String>,
) -> Result<Announce, PublishError> {
    let act = Act::Remove { did: *whom, cut: Cut::new(), reason };
    act.check()?;
    Ok(operate(store, me, clock, community, act)?.1)
}

/// Lets somebody in by name: who was out, or (`was`) who is the same person as one who is out.
pub fn readmit(
    store: &Store,
    me: &Me,
    clock: &Clock,
    community: &Cid,
    whom: &Did,
    role: Role,
    was: Option<Did>,
) -> Result<Announce, PublishError> {
    Ok(operate(store, me, clock, community, Act::Add { did: *whom, role, was })?.1)
}

/// Leaves, after closing one's own invites: a link in somebody's pocket must not outlive who answers for it.
pub fn leave(store: &Store, me: &Me, clock: &Clock, community: &Cid) -> Result<Vec<Announce>, PublishError> {
    let (known, _) = member(store, &store.view(Scope::Members)?, me, community)?;
    let mut announces = Vec::new();
    for (cid, _) in known.state.invites.iter().filter(|(_, invite)| invite.by == me.did && !invite.closed) {
        announces.push(operate(store, me, clock, community, Act::Close { invite: *cid, joins: Vec::new() })?.1);
    }
    announces.push(operate(store, me, clock, community, Act::Leave { cut: Cut::new() })?.1);
    Ok(announces)
}
