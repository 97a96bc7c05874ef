//! Housekeeping among the devices of one person.

use folkmoot_schemas::{Audience, Cid, announce::Announce, commit::RepoId};

use super::{Me, PublishError, announce, plan};
use crate::{
    clock::Clock,
    store::{Scope, Store, StoreError, View, lost::Back},
};

/// Something of ours is overruled by another device's newer entry, or its tombstone has done its work.
pub fn is_untidy(store: &Store, me: &Me) -> Result<bool, StoreError> {
    Ok(!untidy(&store.view(Scope::Members)?, me)?.is_empty())
}

fn untidy(view: &View, me: &Me) -> Result<Vec<(Cid, Audience)>, StoreError> {
    let mut untidy = Vec::new();
    for community in view.communities()?.into_iter().filter(|community| community.joined) {
        for audience in [Audience::Public, Audience::Members] {
            let repo = RepoId { did: me.did, device: me.device.did(), audience };
            if view.is_untidy(&community.id, &repo)? {
                untidy.push((community.id, audience));
            }
        }
    }
    Ok(untidy)
}

/// Removes from this device's repositories what another device's newer entry overrules, and tombstones that have done
/// their work. Cheap when no head of the person's other devices moved.
pub fn tidy(store: &Store, me: &Me, clock: &Clock) -> Result<Vec<(Cid, Audience, Announce)>, PublishError> {
    let untidy = untidy(&store.view(Scope::Members)?, me)?;
    let mut announces = Vec::new();
    for (community, audience) in untidy {
        match store.tidy_own(plan(me, clock, &community, audience, Vec::new())) {
            Ok(committed) => announces.extend(committed.and_then(announce).map(|a| (community, audience, a))),
            // No member, or no device of ours, any more: nothing to keep tidy.
            Err(StoreError::Refused(why)) => tracing::debug!(%community, why, "left untidy"),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(announces)
}

/// Puts back what this device had written and its later commits lost. `last`: nothing more of that head is to come.
pub fn put_back(
    store: &Store,
    me: &Me,
    clock: &Clock,
    community: &Cid,
    audience: Audience,
    back: &Back,
    last: bool,
) -> Result<Option<Announce>, StoreError> {
    let committed = store.put_back(plan(me, clock, community, audience, Vec::new()), back, last)?;
    Ok(committed.and_then(announce))
}
