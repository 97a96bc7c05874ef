//! A name in every community: without a profile, others see a key.

use folkmoot_schemas::{
    Cid, Uri,
    kind::Kind,
    records::{profile::Profile, text::clean},
};

use super::{Draft, Me, PublishError, Published, publish};
use crate::{
    clock::Clock,
    store::{Scope, Store, StoreError, reader::Lookup},
};

/// Communities we are a member of that are here whole and never held a profile of ours. One that was deleted is meant.
pub fn nameless(store: &Store, me: &Me) -> Result<Vec<Cid>, StoreError> {
    let view = store.view(Scope::Members)?;
    let mut nameless = Vec::new();
    for community in view.communities()?.into_iter().filter(|c| c.joined) {
        let profile = Uri::new(community.id, me.did, Profile::NAME, "self")?;
        if matches!(view.get(&profile)?, Lookup::Absent) && view.complete(&community.id)? {
            nameless.push(community.id);
        }
    }
    Ok(nameless)
}

/// Publishes a profile that is no more than a name.
pub fn introduce(
    store: &Store,
    me: &Me,
    clock: &Clock,
    community: &Cid,
    name: &str,
) -> Result<Published, PublishError> {
    let record = Profile { name: clean(name), ..Profile::default() }.into();
    publish(store, me, clock, community, vec![Draft { audience: None, rkey: None, record, again: false }])
}
