//! Identity documents that a newer one took the place of: they stay while something kept here names them.

use folkmoot_schemas::{Audience, Cid, Did, commit::Commit, identity::Identity, roster::Op};
use redb::ReadableTable;

use super::{
    Rosters, StoreError,
    blobs::HERE,
    blocks::{Why, audience_code, audience_of, cid_of_digest, digest_of},
    intern::{Name, Numbers},
    people::People,
    proofs::{For, Proofs},
    repos::Repos,
    tables::Tables,
    writer::Writer,
};

/// By whom, and which.
type Document = (Did, Cid);

pub(super) trait Superseded: People + Proofs + Repos {
    /// Documents that are not their person's newest and that no roster, head, older version or pin needs.
    fn needless_identities(&self, rosters: &Rosters) -> Result<Vec<Document>, StoreError> {
        let mut needless = Vec::new();
        for row in self.identities().iter()? {
            let (digest, seq) = row?;
            let cid = cid_of_digest(digest.value())?;
            let did = Identity::view(&self.block_named(seq.value(), cid)?)?.did;
            if self.is_needless(rosters, &(did, cid))? {
                needless.push((did, cid));
            }
        }
        Ok(needless)
    }

    fn is_needless(&self, rosters: &Rosters, document: &Document) -> Result<bool, StoreError> {
        let (did, cid) = document;
        let Some(seq) = self.identities().get(&digest_of(cid))?.map(|seq| seq.value()) else { return Ok(false) };
        let superseded = self.newest(did)?.is_some_and(|(block, _)| block.cid() != cid);
        Ok(superseded
            && !self.held_as(seq, HERE, Why::Pinned)?
            && !self.is_named(rosters, document)?
            && !self.is_linked(rosters, document)?)
    }

    /// By a charter or an operation of any community here.
    fn is_named(&self, rosters: &Rosters, (did, cid): &Document) -> Result<bool, StoreError> {
        for roster in rosters.values() {
            if roster.charter.founders.iter().any(|founder| founder.identity == *cid) {
                return Ok(true);
            }
            for block in self.op_blocks(roster.number)? {
                let op = Op::view(&block)?;
                if op.did == *did && op.identity == *cid {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// By the commit of a tree that is held, or of an older version.
    fn is_linked(&self, rosters: &Rosters, (did, cid): &Document) -> Result<bool, StoreError> {
        let Some(number) = self.number(Name::Key(did))? else { return Ok(false) };
        for roster in rosters.values() {
            for repo in self.repos_of(roster.number, Some(number))? {
                let witnessed = self.witnesses().get(repo.number)?.is_some_and(|row| *row.value() == digest_of(cid));
                let linked = match repo.tree() {
                    Some(tree) => Commit::view(&self.block_named(tree.commit, tree.head.cid)?)?.identity == *cid,
                    None => false,
                };
                if witnessed || linked {
                    return Ok(true);
                }
            }
            for (id, _) in self.proofs_of(roster.number, number, For::Versions)? {
                if let Some(proof) = self.proof(id)?
                    && let Some(block) = self.block_in(id, &proof.head.cid)?
                    && Commit::view(&block)?.identity == *cid
                {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Where it may be read.
    fn homes_of(&self, cid: &Cid) -> Result<Vec<(u64, u32, Audience)>, StoreError> {
        let mut homes = Vec::new();
        if let Some(seq) = self.identities().get(&digest_of(cid))?.map(|seq| seq.value()) {
            for row in self.holds().range((seq, 0, 0)..(seq + 1, 0, 0))? {
                let (_, community, why) = row?.0.value();
                if why <= audience_code(Audience::Members) {
                    homes.push((seq, community, audience_of(why)));
                }
            }
        }
        Ok(homes)
    }
}
impl<T: Tables> Superseded for T {}

impl Writer<'_> {
    /// Lets a document go that is needless.
    pub(super) fn let_identity_go(&mut self, did: &Did, cid: &Cid) -> Result<(), StoreError> {
        let rosters = std::sync::Arc::clone(&self.rosters);
        if !self.t.is_needless(&rosters, &(*did, *cid))? {
            return Ok(());
        }
        for (seq, community, audience) in self.t.homes_of(cid)? {
            self.release(seq, community, Why::Reach(audience))?;
        }
        self.t.identities.remove(&digest_of(cid))?;
        self.dirty = true;
        Ok(())
    }
}
