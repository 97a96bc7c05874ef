//! Identities: which documents are kept, who may read them, and what follows when one says that a device is retired.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use folkmoot_schemas::{
    Audience, Cid, Did,
    block::{Block, DAG_CBOR},
    commit::{Commit, HeadRef, RepoId},
    identity::Identity,
    roster::Keeps,
};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{Blocks, Why, cid_of_digest, digest_of},
    intern::{Name, Numbers},
    repos::{Repo, Repos},
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

fn speaks_for(identity: &Identity, commit: &Commit) -> bool {
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
        let mut renewed = BTreeSet::new();
        for (cid, (block, identity)) in fresh {
            let newest = self.t.newest(&identity.did)?;
            let newer = newest.is_none_or(|(other_block, other)| identity.beats(&cid, &other, other_block.cid()));
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
            }
            self.dirty = true;
        }
        self.share_identities(roster, named)?;
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

    /// Drops the repositories of this community's non-members but for those that stand still at a head, and everywhere
    /// those of devices that `renewed` members no longer list. Of the latter, what this device itself wrote stays, so
    /// that it is not lost should the person let it in again.
    pub(super) fn drop_outsiders(&mut self, roster: &Roster, renewed: &BTreeSet<Did>) -> Result<(), StoreError> {
        for repo in self.t.repos_of(roster.number, None)? {
            let id = self.t.repo_id(&repo)?;
            match roster.state.keeps(&id) {
                Keeps::All => {}
                Keeps::Until(head) => self.stand_still(repo, &id, head)?,
                Keeps::Nothing => self.drop_repo(&repo)?,
            }
        }
        let rosters: Vec<Arc<Roster>> = self.rosters.values().cloned().collect();
        let own: Option<Did> = match self.t.meta.get("device")? {
            Some(row) => std::str::from_utf8(row.value()).ok().and_then(|did| did.parse().ok()),
            None => None,
        };
        for did in renewed {
            let Some((_, identity)) = self.t.newest(did)? else { continue };
            let number = self.intern(Name::Key(did))?;
            // Who is out has nothing to say any more: what is kept of them was decided with the cut.
            for roster in rosters.iter().filter(|roster| roster.state.is_member(did)) {
                for repo in self.t.repos_of(roster.number, Some(number))? {
                    let device = self.t.key_of(repo.device)?;
                    if !identity.certifies(&device) && own != Some(device) {
                        self.drop_repo(&repo)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The document that lists the device of a commit at which a repository stands still: one that is here, else one of
    /// `given`, which is kept then. Whoever wrote the cut vouches for no more than a CID.
    pub(super) fn take_witness(
        &mut self,
        roster: &Roster,
        commit: &Commit,
        repo: Option<u32>,
        given: &[Block],
    ) -> Result<Option<Cid>, StoreError> {
        if let Some(block) = self.t.witness(commit, repo)? {
            return Ok(Some(*block.cid()));
        }
        let opened = given.iter().filter_map(|block| Identity::open(block.bytes()).ok());
        let speaking = opened.filter(|(_, identity)| speaks_for(identity, commit));
        let Some((block, identity)) = speaking.min_by_key(|(block, _)| *block.cid() != commit.identity) else {
            return Ok(None);
        };
        let cid = *block.cid();
        self.keep_identities(roster, BTreeMap::from([(cid, (block, identity))]), &BTreeSet::from([cid]))?;
        Ok(Some(cid))
    }

    /// Notes it beside the repository: the newest document may leave the device out some day.
    pub(super) fn note_witness(&mut self, repo: &Repo, witness: &Cid) -> Result<(), StoreError> {
        self.t.witnesses.insert(repo.number, &digest_of(witness))?;
        Ok(())
    }

    /// Makes `head` the newest that is known of a repository. A later tree is taken back whole: which of its records
    /// the earlier one held is for a peer to say that has it, and until then nothing of it is shown. An earlier tree
    /// stays, as with any replica that is behind.
    fn stand_still(&mut self, mut repo: Repo, id: &RepoId, head: HeadRef) -> Result<(), StoreError> {
        if repo.known == head && repo.held.is_none_or(|held| !held.head.beats(&head)) {
            return Ok(());
        }
        if repo.held.is_some_and(|held| held.head.beats(&head)) {
            self.drop_repo(&repo)?;
            repo = self.new_repo(repo.community, id, head)?;
        } else {
            self.clear_stage(&repo)?;
            repo.known = head;
        }
        self.save_repo(&repo)?;
        self.dirty = true;
        self.visible = true;
        Ok(())
    }
}
