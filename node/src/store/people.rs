//! Identities: which documents are kept, and who may read them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use folkmoot_schemas::{
    Audience, Cid, Did,
    block::{Block, DAG_CBOR},
    commit::Commit,
    identity::Identity,
};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{Blocks, Why, cid_of_digest, digest_of},
    intern::{Name, Numbers},
    roster::Roster,
    tables::Tables,
    writer::Writer,
};

/// Lookups of identities and operations.
pub(super) trait People: Blocks {
    fn identity_block(&self, cid: &Cid) -> Result<Option<Block>, StoreError> {
        // The table knows digests only, and a link of another codec to the same bytes names no structure.
        if cid.codec() != DAG_CBOR {
            return Ok(None);
        }
        match self.identities().get(&digest_of(cid))? {
            Some(seq) => Ok(Some(self.block_named(seq.value(), *cid)?)),
            None => Ok(None),
        }
    }

    /// CID and document of the newest identity known of a person.
    fn newest(&self, did: &Did) -> Result<Option<(Block, Identity)>, StoreError> {
        let Some(number) = self.number(Name::Key(did))? else { return Ok(None) };
        let Some(row) = self.people().get(number)? else { return Ok(None) };
        let cid = cid_of_digest(row.value().0)?;
        let block = self.identity_block(&cid)?.ok_or_else(|| StoreError::inconsistent("an identity"))?;
        let identity = Identity::view(&block)?;
        Ok(Some((block, identity)))
    }

    /// The document by which a device speaks for its person in a commit: the one the commit links, else the newest
    /// known, else the one noted for its repository.
    fn witness(&self, commit: &Commit, repo: Option<u32>) -> Result<Option<Block>, StoreError> {
        if let Some(block) = self.identity_block(&commit.identity)?
            && speaks_for(&Identity::view(&block)?, commit)
        {
            return Ok(Some(block));
        }
        if let Some((block, identity)) = self.newest(&commit.did)?
            && speaks_for(&identity, commit)
        {
            return Ok(Some(block));
        }
        let Some(repo) = repo else { return Ok(None) };
        match self.witnesses().get(repo)? {
            Some(row) => self.identity_block(&cid_of_digest(row.value())?),
            None => Ok(None),
        }
    }

    fn op_blocks(&self, community: u32) -> Result<Vec<Block>, StoreError> {
        self.ops()
            .range((community, &[0; 32])..=(community, &[0xff; 32]))?
            .map(|row| {
                let (key, seq) = row?;
                self.block_named(seq.value(), cid_of_digest(key.value().1)?)
            })
            .collect()
    }
}
impl<T: Tables> People for T {}

pub(super) fn speaks_for(identity: &Identity, commit: &Commit) -> bool {
    identity.did == commit.did && identity.certifies(&commit.device)
}

impl Writer<'_> {
    /// Stores fresh identities that an operation names or that are a member's newest; the rest is a stranger's.
    /// Answers whose newest document changed.
    pub(super) fn keep_identities(
        &mut self,
        roster: &Roster,
        fresh: BTreeMap<Cid, (Block, Identity)>,
        named: &BTreeSet<Cid>,
    ) -> Result<BTreeSet<Did>, StoreError> {
        let (mut renewed, mut superseded) = (BTreeSet::new(), Vec::new());
        for (cid, (block, identity)) in fresh {
            let newest = self.t.newest(&identity.did)?;
            let newer = newest.as_ref().is_none_or(|(block, other)| identity.beats(&cid, other, block.cid()));
            let member_of = |roster: &Roster| newer && roster.state.is_member(&identity.did);
            let here = (named.contains(&cid) || member_of(roster)).then(|| (roster.number, roster.audience()));
            // By whichever community it came: who may read it follows from where its person belongs.
            let elsewhere = (self.rosters.values())
                .filter(|other| other.number != roster.number && member_of(other))
                .map(|other| (other.number, other.audience()));
            let homes: Vec<(u32, Audience)> = here.into_iter().chain(elsewhere).collect();
            if homes.is_empty() {
                continue;
            }
            let seq = self.put_block(&block)?;
            self.t.identities.insert(&digest_of(&cid), seq)?;
            for (community, audience) in homes {
                self.hold_once(seq, community, Why::Reach(audience))?;
            }
            if newer {
                let did = self.intern(Name::Key(&identity.did))?;
                self.t.people.insert(did, (&digest_of(&cid), identity.seq))?;
                renewed.insert(identity.did);
                superseded.extend(newest.map(|(block, _)| (identity.did, *block.cid())));
            }
            self.dirty = true;
        }
        self.share_identities(roster, named)?;
        for (did, cid) in superseded.iter().filter(|(_, cid)| !named.contains(cid)) {
            self.let_identity_go(did, cid)?;
        }
        Ok(renewed)
    }

    /// Gives reach in this community to identities it names, and everywhere to the newest of each member: a document
    /// may have come by way of another community.
    fn share_identities(&mut self, roster: &Roster, named: &BTreeSet<Cid>) -> Result<(), StoreError> {
        let others: Vec<Arc<Roster>> = self.rosters.values().cloned().collect();
        for cid in named.iter().filter(|cid| cid.codec() == DAG_CBOR) {
            let seq = self.t.identities.get(&digest_of(cid))?.map(|seq| seq.value());
            if let Some(seq) = seq {
                self.hold_once(seq, roster.number, Why::Reach(roster.audience()))?;
            }
        }
        for did in roster.state.members.keys() {
            let Some((block, _)) = self.t.newest(did)? else { continue };
            let Some(seq) = self.t.seq(block.cid())? else { continue };
            self.hold_once(seq, roster.number, Why::Reach(roster.audience()))?;
            for other in others.iter().filter(|other| other.state.is_member(did)) {
                self.hold_once(seq, other.number, Why::Reach(other.audience()))?;
            }
        }
        Ok(())
    }
}
