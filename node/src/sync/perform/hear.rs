//! Announcements: storing what others tell, and readying our own.

use bytes::Bytes;
use folkmoot_schemas::{
    Audience, Cid,
    announce::Announce,
    commit::Commit,
    identity::Identity,
    record::Record,
    roster::{Act, Op},
};

use super::{Performer, widest};
use crate::{
    home::meta,
    net::PeerId,
    store::{Batch, RepoUpdate, StoreError},
    sync::{
        engine::{Heard, Input},
        verdict,
    },
};

/// A joiner attaches its join and identity to what it announces for this long, microseconds.
pub(super) const JOIN_TOLD: u64 = 24 * 3600 * 1_000_000;

impl Performer {
    /// A `notify` of the members audience. One that would be ignored or rejected as gossip is dropped.
    pub(super) fn notified(&self, peer: PeerId, community: Cid, announce: Bytes) -> Result<Vec<Input>, StoreError> {
        let Some(picture) = self.picture(&community) else { return Ok(Vec::new()) };
        match verdict::judge(&picture, &community, Audience::Members, &announce) {
            Ok(_) => self.hear(peer, community, Audience::Members, announce),
            Err(why) => {
                tracing::debug!(%peer, %community, ?why, "notify dropped");
                Ok(Vec::new())
            }
        }
    }

    /// Stores an announcement as far as it stands on what is held; what it lacks is pulled.
    pub fn hear(
        &self,
        peer: PeerId,
        community: Cid,
        audience: Audience,
        announce: Bytes,
    ) -> Result<Vec<Input>, StoreError> {
        let Some(picture) = self.picture(&community) else { return Ok(Vec::new()) };
        let told = Announce::decode(&announce)?;
        let mut batch = Batch::new(community, widest(picture.visibility));
        let mut waits = false;
        if let Some(bytes) = &told.identity {
            let (document, identity) = Identity::open(bytes)?;
            waits = self.takes_something_away(&identity)?;
            if !waits {
                batch.identities.push(document);
            }
        }
        for bytes in &told.ops {
            batch.ops.push(Op::open(bytes)?.0);
        }
        let mut newer = false;
        let mut commits = Batch::new(community, audience);
        if let Some(bytes) = &told.commit {
            let (block, commit) = Commit::open(bytes)?;
            newer = picture.is_newer(&commit, *block.cid());
            if newer {
                commits.repos.push(update(&told, block, &commit)?);
            }
        }
        let mut heard = Heard { peer, community, audience, announce, news: false, lacking: waits };
        let mut inputs = Vec::new();
        for batch in [batch, commits] {
            if batch.identities.is_empty() && batch.ops.is_empty() && batch.repos.is_empty() {
                continue;
            }
            let applied = self.store.apply_received(batch, self.clock.micros())?;
            heard.news |= applied.roster_changed
                || applied.people_changed
                || (newer
                    && !(applied.advanced.is_empty() && applied.wanted.is_empty() && applied.deferred.is_empty()));
            heard.lacking |= !(applied.wanted.is_empty()
                && applied.mismatched.is_empty()
                && applied.missing.is_empty()
                && applied.blobs.is_empty());
            inputs.extend(self.applied(community, &applied)?);
        }
        inputs.push(Input::Heard(heard));
        Ok(inputs)
    }

    /// An announcement of ours, ready to send: a fresh joiner's carries its join and identity, so that nodes that have
    /// not seen the join can place what follows.
    pub fn outgoing(
        &self,
        community: Cid,
        audience: Audience,
        mut announce: Announce,
    ) -> Result<Vec<Input>, StoreError> {
        let plain = announce.encode()?;
        if let Some(bytes) = self.store.meta(&format!("{}{community}", meta::JOIN))? {
            let (join, op) = Op::open(&bytes)?;
            let fresh = op.rev.micros() + JOIN_TOLD > self.clock.micros();
            if fresh && matches!(op.act, Act::Join { .. }) {
                announce.identity = self.own_identity()?.map(|block| block.bytes().clone());
                announce.ops.push(join.bytes().clone());
            }
        }
        let inputs = self.draw_if_roster(&community, &announce)?;
        let announce = announce.encode().unwrap_or(plain);
        Ok(inputs.into_iter().chain([Input::Announce { community, audience, announce }]).collect())
    }

    /// Our own roster operations and identities change the picture as anybody's do.
    fn draw_if_roster(&self, community: &Cid, announce: &Announce) -> Result<Vec<Input>, StoreError> {
        match (announce.ops.is_empty(), &announce.identity) {
            (true, None) => Ok(Vec::new()),
            (false, None) => self.refresh(*community),
            (_, Some(_)) => self.refresh_people(*community),
        }
    }
}

/// As the announcement tells it: the changes since the commit's `prev`. Without inline records the tree does not add
/// up, which leaves a known head to be pulled.
fn update(told: &Announce, commit: folkmoot_schemas::block::Block, view: &Commit) -> Result<RepoUpdate, StoreError> {
    let mut put = Vec::with_capacity(told.records.len());
    let mut blocks = Vec::with_capacity(told.records.len());
    for (path, bytes) in &told.records {
        let (block, ..) = Record::open(bytes)?;
        put.push((path.clone(), *block.cid()));
        blocks.push(block);
    }
    Ok(RepoUpdate { commit, since: view.prev, put, gone: told.gone.clone(), blocks, first: true, complete: true })
}
