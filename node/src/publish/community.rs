//! Founding a community, and signing roster operations.

use folkmoot_schemas::{
    Cid, Did, Tid,
    announce::Announce,
    block::Block,
    charter::{Charter, Founder, Visibility},
    commit::{Audience, HeadRef, RepoId},
    limits,
    roster::{self, Act, Cut, Describe, Op},
};

use super::{Me, PublishError, document_of, member};
use crate::{
    clock::Clock,
    store::{Batch, Scope, Store, StoreError, View},
};

/// Founds a community with us as first steward, and describes it when there is something to say.
pub fn found(
    store: &Store,
    me: &Me,
    clock: &Clock,
    name: &str,
    visibility: Visibility,
    describe: Describe,
) -> Result<Cid, PublishError> {
    let identity = document_of(store, me)?;
    let now = clock.micros();
    let charter = Charter {
        name: name.to_owned(),
        nonce: clock.random(),
        visibility,
        created: Tid::new(now, clock.tid_bits()),
        founders: vec![Founder { did: me.did, device: me.device.did(), identity: *identity.cid() }],
    };
    let charter = charter.seal(&[&me.device])?;
    let community = *charter.cid();
    let mut batch = Batch::new(community, widest(visibility));
    if describe != Describe::default() {
        let op = Op {
            community,
            did: me.did,
            device: me.device.did(),
            identity: *identity.cid(),
            rev: Tid::new(now + 1, clock.tid_bits()),
            deps: vec![community],
            act: Act::Describe(describe),
        };
        batch.ops.push(op.seal(&me.device, None)?);
    }
    batch.charter = Some(charter);
    batch.identities.push(identity);
    put(store, batch, now)?;
    Ok(community)
}

/// Signs and stores one roster operation; its CID and the announcement.
pub fn operate(
    store: &Store,
    me: &Me,
    clock: &Clock,
    community: &Cid,
    act: Act,
) -> Result<(Cid, Announce), PublishError> {
    operate_by(store, me, clock, community, act, document_of(store, me)?)
}

/// The same by a document of ours that is not the newest any more.
pub(super) fn operate_by(
    store: &Store,
    me: &Me,
    clock: &Clock,
    community: &Cid,
    act: Act,
    document: Block,
) -> Result<(Cid, Announce), PublishError> {
    let signed = sign_by(store, me, clock, community, act, document)?;
    let announce = signed.put(store, clock)?;
    Ok((*signed.op.cid(), announce))
}

/// A roster operation, not yet stored.
pub(super) struct Signed {
    pub(super) op: Block,
    identity: Block,
    community: Cid,
    audience: Audience,
}

impl Signed {
    pub(super) fn put(&self, store: &Store, clock: &Clock) -> Result<Announce, PublishError> {
        let mut batch = Batch::new(self.community, self.audience);
        batch.identities.push(self.identity.clone());
        batch.ops.push(self.op.clone());
        put(store, batch, clock.micros())?;
        Ok(Announce { ops: vec![self.op.bytes().clone()], ..Announce::default() })
    }
}

/// Signs an operation on top of the current roster heads. A closing names the joins that count there, a removal or
/// leave the heads held here, whatever `act` says of them.
pub(super) fn sign(store: &Store, me: &Me, clock: &Clock, community: &Cid, act: Act) -> Result<Signed, PublishError> {
    sign_by(store, me, clock, community, act, document_of(store, me)?)
}

fn sign_by(
    store: &Store,
    me: &Me,
    clock: &Clock,
    community: &Cid,
    act: Act,
    identity: Block,
) -> Result<Signed, PublishError> {
    let view = store.view(Scope::Members)?;
    let (known, role) = member(store, &view, me, community)?;
    if !roster::may(role, &act) {
        return Err(PublishError::NotAllowed { role, community: known.name });
    }
    let device = me.device.did();
    let mut last = None;
    for block in view.roster(community)?.0 {
        let op = Op::view(&block)?;
        if op.device == device {
            last = last.max(Some(op.rev));
        }
    }
    let (act, needs) = match act {
        // From the same view as the deps: a join that is an ancestor of the closing but not named by it falls out.
        Act::Close { invite, .. } => {
            let joins = known.state.invites.get(&invite).map(|invite| invite.joins.clone()).unwrap_or_default();
            (Act::Close { invite, joins }, vec![invite])
        }
        Act::Remove { did, reason, .. } => {
            let via = known.state.members.get(&did).map(|member| member.via).filter(|via| via != community);
            (Act::Remove { did, cut: cut(&view, community, &did)?, reason }, via.into_iter().collect())
        }
        Act::Leave { .. } => (Act::Leave { cut: cut(&view, community, &me.did)? }, Vec::new()),
        Act::Add { did, .. } => {
            let out = known.state.former.get(&did).map(|former| former.via);
            (act, out.into_iter().collect())
        }
        act => (act, Vec::new()),
    };
    let op = Op {
        community: *community,
        did: me.did,
        device,
        identity: *identity.cid(),
        rev: Tid::next(clock.micros(), clock.tid_bits(), last, None),
        deps: known.state.deps(&me.did, &needs),
        act,
    };
    let op = op.seal(&me.device, None)?;
    Ok(Signed { op, identity, community: *community, audience: widest(known.visibility) })
}

/// Where the repositories of somebody who goes stand still: at what is held here, and given to others from here. The
/// newest, where they are too many.
fn cut(view: &View, community: &Cid, did: &Did) -> Result<Cut, StoreError> {
    let heads = view.heads(community)?.into_iter().filter(|head| head.repo.did == *did);
    let mut held: Vec<(RepoId, HeadRef)> = heads.filter_map(|head| Some((head.repo, head.held?))).collect();
    held.sort_by_key(|(_, head)| std::cmp::Reverse(head.rev));
    held.truncate(limits::CUT);
    Ok(held.into_iter().collect())
}

fn put(store: &Store, batch: Batch, now: u64) -> Result<(), StoreError> {
    match store.put_own(batch, now)?.refused.into_iter().next() {
        Some((_, why)) => Err(StoreError::Refused(why)),
        None => Ok(()),
    }
}

/// The audience whose peers are told of the roster.
pub(crate) fn widest(visibility: Visibility) -> Audience {
    match visibility {
        Visibility::Public => Audience::Public,
        Visibility::Members => Audience::Members,
    }
}
