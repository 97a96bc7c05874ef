//! When a new identity document waits. Taking it drops the repositories of devices it does not list any more, and what
//! another device took over from them belongs on the page in the same moment. Announcements come in any order and without
//! what is large; a pull brings documents and trees in one transaction. So a document that takes something away is left
//! for the pull, which its announcement or greeting leads to: until then it is lacking here.

use folkmoot_schemas::identity::Identity;

use super::Performer;
use crate::store::{Scope, StoreError};

impl Performer {
    /// Something is held of a device that this document does not list.
    pub(super) fn takes_something_away(&self, identity: &Identity) -> Result<bool, StoreError> {
        let view = self.store.view(Scope::Members)?;
        for community in view.communities()?.into_iter().filter(|known| known.state.is_member(&identity.did)) {
            let heads = view.heads(&community.id)?.into_iter().filter(|head| head.repo.did == identity.did);
            if heads.filter(|head| head.held.is_some()).any(|head| !identity.certifies(&head.repo.device)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
