//! Making our hello, and judging a peer's.

use folkmoot_schemas::{
    Cid,
    block::Block,
    charter::Visibility,
    identity::Identity,
    roster::{Act, Op},
};

use super::{Performer, hear::JOIN_TOLD, overtaken::overtaking, widest};
use crate::{
    home::meta,
    publish,
    store::{Batch, Scope, StoreError},
    sync::{
        engine::{Input, Proof},
        message::{Answer, Binding, Hello},
    },
};

/// What a peer's hello is worth.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) result: Result<Proof, Answer>,
    /// What its device is told, that it is out.
    pub(super) overtaken: Option<Block>,
    pub(super) inputs: Vec<Input>,
}

impl Judged {
    fn of(result: Result<Proof, Answer>) -> Self {
        Self { result, overtaken: None, inputs: Vec::new() }
    }
}

impl Performer {
    /// None: we have no identity document at hand, which a home that is not being recovered always has; it does not list
    /// this device, so there is nothing to prove; or a join to present that is not for this peer. `knows`: it showed that it knows the community.
    pub(super) fn greet(
        &self,
        community: &Cid,
        tag: String,
        binding: &Binding,
        knows: bool,
    ) -> Result<Option<Hello>, StoreError> {
        if self.me.is_root() {
            return Ok(Some(Hello::sign(tag, community, self.me.did, &self.me.device, None, None, binding)?));
        }
        let Some(identity) = self.own_identity()? else { return Ok(None) };
        if !Identity::view(&identity)?.certifies(&self.me.device.did()) {
            return Ok(None);
        }
        let join = match self.store.meta(&format!("{}{community}", meta::JOIN))? {
            Some(bytes) => Some(Op::open(&bytes)?),
            None => None,
        };
        let known = self.store.view(Scope::Members)?.community(community)?;
        let member = known.as_ref().is_some_and(|known| known.state.is_member(&self.me.did));
        // Once a roster holds us it tells of the join; for a day it may not have reached everybody.
        let join = join.filter(|(_, op)| !member || op.rev.micros().saturating_add(JOIN_TOLD) > self.clock.micros());
        // It names the community in the clear: of one that may be for members alone, only where the person looks for it,
        // and to a node that a member's device says is its own.
        let public = known.is_some_and(|known| known.visibility == Visibility::Public);
        let to = binding.to.to_string();
        let open =
            public || knows || self.is_node_of(community, &to) || publish::looks_at(&self.store, community, &to)?;
        if join.is_some() && !open {
            return Ok(match member {
                true => {
                    Some(Hello::sign(tag, community, self.me.did, &self.me.device, Some(&identity), None, binding)?)
                }
                false => None,
            });
        }
        let join = join.map(|(block, _)| block);
        Ok(Some(Hello::sign(tag, community, self.me.did, &self.me.device, Some(&identity), join.as_ref(), binding)?))
    }

    /// Our newest document lists this device.
    pub(super) fn is_in(&self) -> Result<bool, StoreError> {
        Ok(match self.own_identity()? {
            Some(own) => Identity::view(&own)?.certifies(&self.me.device.did()),
            None => false,
        })
    }

    pub(super) fn own_identity(&self) -> Result<Option<Block>, StoreError> {
        let known = self.store.view(Scope::Members)?.identity(&self.me.did)?;
        let own = self.store.meta(meta::IDENTITY)?.map(|bytes| Identity::open(&bytes)).transpose()?;
        Ok(match (known, own) {
            (Some((block, known)), Some((own_block, own))) if !known.beats(block.cid(), &own, own_block.cid()) => {
                Some(own_block)
            }
            (known, own) => known.or(own).map(|(block, _)| block),
        })
    }

    /// Who the peer is in this community; a join it presents is applied if an invite of ours admits it.
    pub(super) fn check(&self, community: &Cid, hello: &Hello, binding: &Binding) -> Result<Judged, StoreError> {
        // Cheapest first: the identity's size and shape, then signatures, then the store.
        let absent = || Ok(Judged::of(Err(Answer::Absent)));
        let later = || Ok(Judged::of(Err(Answer::Later)));
        let proof = Proof { did: hello.did, device: hello.device };
        if hello.is_root() {
            return Ok(Judged::of(self.check_root(community, hello, binding)?.map(|()| proof)));
        }
        let Ok((presented, identity)) = Identity::open(&hello.identity) else { return absent() };
        if identity.did != hello.did || !identity.certifies(&hello.device) || hello.verify(community, binding).is_err()
        {
            return absent();
        }
        let view = self.store.view(Scope::Members)?;
        let Some(known) = view.community(community)? else { return later() };
        let newest = view.identity(&hello.did)?;
        let newer = newest.as_ref().is_none_or(|(block, known)| identity.beats(presented.cid(), known, block.cid()));
        // By the document we have the device is theirs too: the comparison of heads that follows brings the newer one.
        let known_device = newest.as_ref().is_some_and(|(_, known)| known.certifies(&hello.device));
        let newer = newer && !(known_device && self.takes_something_away(&identity)?);
        let member = known.state.is_member(&hello.did);
        let document = *presented.cid();
        let mut batch = Batch::new(*community, widest(known.visibility));
        if newer {
            batch.identities.push(presented);
        }
        if !member {
            let Some(Ok((block, op))) = hello.join.as_ref().map(|bytes| Op::open(bytes)) else { return absent() };
            let Act::Join { invite, did, .. } = op.act else { return absent() };
            if op.community != *community || op.did != hello.did || did != hello.did {
                return absent();
            }
            match known.state.invites.get(&invite) {
                None => return later(),
                // Checked here so that nothing is written for somebody who only knows the community's name.
                Some(invite) if Op::verify_seed(&block, &invite.key).is_err() => return absent(),
                Some(_) => batch.ops.push(block),
            }
        }
        let mut judged = Judged::of(Ok(proof));
        if newer || !member {
            let applied = self.store.apply_received(batch, self.clock.micros())?;
            judged.inputs = self.applied(*community, &applied)?;
        }
        if self.admit(community, folkmoot_schemas::Audience::Members, Some(&proof))?.is_none() {
            judged.result = Err(Answer::Absent);
            if member {
                self.note_apart(&known.state, &identity, &hello.device);
            }
            if let Some(newest) = newest.filter(|_| member && known.visibility == Visibility::Members) {
                judged.overtaken = overtaking(&view, &known.state, newest, &hello.device, (&document, &identity))?;
            }
        }
        Ok(judged)
    }

    /// Somebody who recovers an identity by its root key. Nothing is written for them.
    fn check_root(&self, community: &Cid, hello: &Hello, binding: &Binding) -> Result<Result<(), Answer>, StoreError> {
        if hello.verify(community, binding).is_err() {
            return Ok(Err(Answer::Absent));
        }
        Ok(match self.store.view(Scope::Members)?.community(community)? {
            None => Err(Answer::Later),
            Some(known) if known.state.is_member(&hello.did) => Ok(()),
            Some(_) => Err(Answer::Absent),
        })
    }
}
