//! A device that is out and does not know it. Who restores one backup twice without a connection signs two identity documents,
//! and the one that loses is known to nobody; and a device that was taken out may have been away. In a public community
//! the comparison of heads brings the newer document, with what other devices took over. In one for members such a
//! device is given nothing, so it would write on and reach nobody: it is given the one document that says so.
//!
//! Whoever gets it holds the key of a device that the person themselves certified once. One that the roster here retires
//! may be in a thief's hands: it is told the document that the retirement links and no other, so nothing of devices that
//! came later. Of any other the roster says nothing, because its document lost against another one or because the
//! retirement has not come here yet: it is told the newest.

use std::{collections::BTreeMap, sync::PoisonError};

use folkmoot_schemas::{Cid, Did, block::Block, charter::Visibility, identity::Identity, limits, roster::State};

use super::{Performer, widest};
use crate::{
    home::meta,
    publish,
    store::{Batch, Scope, StoreError, View},
    sync::engine::Input,
};

/// The document that tells `device` that it is out, if that beats the one it presented.
pub(super) fn overtaking(
    view: &View,
    state: &State,
    newest: (Block, Identity),
    device: &Did,
    (cid, presented): (&Cid, &Identity),
) -> Result<Option<Block>, StoreError> {
    let (block, identity) = match state.retired.get(&(presented.did, *device)) {
        Some(by) => {
            let Some(block) = view.document(&by.identity)? else { return Ok(None) };
            let identity = Identity::view(&block)?;
            (block, identity)
        }
        None => newest,
    };
    let tells =
        identity.did == presented.did && identity.beats(block.cid(), presented, cid) && !identity.certifies(device);
    Ok(tells.then_some(block))
}

impl Performer {
    /// Devices of ours, met since the start, that a document of ours lists which lost: nobody else can tell that a backup
    /// was restored twice. Our newest document may list them by now.
    pub fn apart(&self) -> BTreeMap<Did, String> {
        self.apart.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// `identity`: what the device presented, and what did not let it in. One that was retired was meant to go.
    pub(super) fn note_apart(&self, state: &State, identity: &Identity, device: &Did) {
        let ours = identity.did == self.me.did && !state.retired.contains_key(&(identity.did, *device));
        let Some(device) = identity.devices.iter().find(|listed| ours && listed.key == *device) else { return };
        let mut apart = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        if apart.len() < limits::DEVICES {
            apart.insert(device.key, device.name.clone());
        }
    }

    /// A peer says that we are out. Believed is only what our own root key signed after the document we have.
    pub(super) fn step_out(&self, community: Cid, document: &[u8]) -> Result<Vec<Input>, StoreError> {
        let view = self.store.view(Scope::Members)?;
        // Where nothing of the community is here yet, our document counts by way of any other.
        let here = match view.community(&community)? {
            Some(known) if known.visibility == Visibility::Members => Some(known),
            None if publish::pending_joins(&self.store, &self.me.did)?.contains(&community) => {
                view.communities()?.into_iter().find(|known| known.state.is_member(&self.me.did))
            }
            _ => return Ok(Vec::new()),
        };
        let Ok((document, identity)) = Identity::open(document) else { return Ok(Vec::new()) };
        let Some(own) = self.own_identity()? else { return Ok(Vec::new()) };
        let newer = identity.beats(document.cid(), &Identity::view(&own)?, own.cid());
        if self.me.is_root() || identity.did != self.me.did || !newer || identity.certifies(&self.me.device.did()) {
            return Ok(Vec::new());
        }
        let Some(here) = here else {
            self.store.set_meta(meta::IDENTITY, Some(document.bytes()))?;
            return Ok(Vec::new());
        };
        let mut batch = Batch::new(here.id, widest(here.visibility));
        batch.identities.push(document);
        let applied = self.store.apply_received(batch, self.clock.micros())?;
        self.applied(here.id, &applied)
    }
}
