//! The store of this process as a [`Taker`].

use std::collections::BTreeSet;

use folkmoot_schemas::{Audience, Cid, charter::Visibility};

use super::{Held, Taker};
use crate::store::{Applied, Batch, Scope, Store, StoreError};

#[derive(Debug, Clone, Copy)]
pub struct Here<'a> {
    pub store: &'a Store,
    /// Time of arrival, microseconds since 1970.
    pub now: u64,
}

impl Taker for Here<'_> {
    type Error = StoreError;

    fn held(&mut self, community: &Cid) -> Result<Option<Held>, StoreError> {
        let (public, members) = (self.store.view(Scope::Public)?, self.store.view(Scope::Members)?);
        let Some(known) = members.community(community)? else { return Ok(None) };
        let mut lacking = BTreeSet::new();
        for (view, audience) in [(&public, Audience::Public), (&members, Audience::Members)] {
            lacking.extend(view.missing_blobs(community)?.into_iter().map(|cid| (audience, cid)));
        }
        let whole = members.snapshot(community)?;
        let snapshots = match known.visibility {
            Visibility::Public => [public.snapshot(community)?, whole],
            Visibility::Members => [whole; 2],
        };
        let heads = members.heads(community)?.into_iter().filter_map(|head| Some((head.repo, head.held?)));
        Ok(Some(Held {
            name: known.name,
            visibility: known.visibility,
            joined: known.joined,
            heads: heads.collect(),
            lacking,
            snapshots,
        }))
    }

    fn take(&mut self, batch: Batch) -> Result<Applied, StoreError> {
        self.store.apply(batch, self.now)
    }
}
