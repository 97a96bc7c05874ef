//! What is kept for a time beside the trees of now: older versions (`versions`) and what a head lost (`lost`), each with
//! the commit and the tree nodes that prove it. A proof holds its blocks and serves them to nobody; it counts for its
//! author and for the node, and stands in nobody's way: where there is too little room, proofs go, the oldest first.

use folkmoot_schemas::{Cid, block::Block, commit::HeadRef};
use redb::ReadableTable;

use super::{
    StoreError,
    blocks::{Blocks, Why, cid_of_digest, digest_of},
    expiring::Expiring,
    repos::{Held, Repo},
    tables::Tables,
    trees::Trees,
    writer::Writer,
};

/// What a proof is for. As stored; the first goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum For {
    Versions,
    Lost,
}

/// The key of a proof. Numbers grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ProofId {
    pub(super) community: u32,
    pub(super) person: u32,
    pub(super) purpose: For,
    pub(super) number: u64,
}

type Key = (u32, u32, u8, u64);

impl ProofId {
    pub(super) fn key(self) -> Key {
        (self.community, self.person, self.purpose as u8, self.number)
    }

    /// None: of a later version.
    pub(super) fn read((community, person, purpose, number): Key) -> Option<Self> {
        let purpose = match purpose {
            0 => For::Versions,
            1 => For::Lost,
            _ => return None,
        };
        Some(Self { community, person, purpose, number })
    }
}

/// Which commit it is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProofOf {
    pub(super) bytes: u64,
    pub(super) repo: u32,
    pub(super) head: HeadRef,
}

pub(super) trait Proofs: Trees + Blocks {
    fn proof(&self, id: ProofId) -> Result<Option<ProofOf>, StoreError> {
        let Some(row) = self.proofs().get(id.key())? else { return Ok(None) };
        let (bytes, repo, rev, digest) = row.value();
        let head = HeadRef { rev: folkmoot_schemas::Tid::from_u64(rev)?, cid: cid_of_digest(digest)? };
        Ok(Some(ProofOf { bytes, repo, head }))
    }

    /// What it holds.
    fn blocks_of(&self, id: ProofId) -> Result<Vec<u64>, StoreError> {
        self.proven().range((id.number, 0)..=(id.number, u64::MAX))?.map(|row| Ok(row?.0.value().1)).collect()
    }

    /// One of its blocks, by bytes that are hashed again. None: it holds none of that name.
    fn block_in(&self, id: ProofId, cid: &Cid) -> Result<Option<Block>, StoreError> {
        let Some(seq) = self.seq(cid)? else { return Ok(None) };
        if self.proven().get((id.number, seq))?.is_none() {
            return Ok(None);
        }
        Ok(Some(self.block_at(seq)?).filter(|block| block.cid() == cid))
    }

    /// A person's in a community, as they go.
    fn proofs_of(&self, community: u32, person: u32, purpose: For) -> Result<Vec<(ProofId, u64)>, StoreError> {
        let key = |number| (community, person, purpose as u8, number);
        let rows = self.proofs().range(key(0)..=key(u64::MAX))?;
        rows.map(|row| {
            let (key, value) = row?;
            let number = key.value().3;
            Ok((ProofId { community, person, purpose, number }, value.value().0))
        })
        .collect()
    }

    /// All of one community, or of all, as they go.
    fn oldest_proofs(&self, community: Option<u32>) -> Result<Vec<(ProofId, u64)>, StoreError> {
        let (from, to) = community.map_or((0, u32::MAX), |community| (community, community));
        let mut all = Vec::new();
        for row in self.proofs().range((from, 0, 0, 0)..=(to, u32::MAX, u8::MAX, u64::MAX))? {
            let (key, value) = row?;
            all.extend(ProofId::read(key.value()).map(|id| (id, value.value().0)));
        }
        all.sort_by_key(|(id, _)| (id.purpose, id.number));
        Ok(all)
    }
}
impl<T: Tables> Proofs for T {}

impl Writer<'_> {
    /// Begins a proof by the commit of the tree held.
    pub(super) fn new_proof(
        &mut self,
        repo: &Repo,
        held: &Held,
        purpose: For,
        until: u64,
    ) -> Result<ProofId, StoreError> {
        let number = self.t.counters.get("proofs")?.map_or(0, |n| n.value()) + 1;
        self.t.counters.insert("proofs", number)?;
        let id = ProofId { community: repo.community, person: repo.did, purpose, number };
        let HeadRef { rev, cid } = held.head;
        self.t.proofs.insert(id.key(), (0, repo.number, rev.as_u64(), &digest_of(&cid)))?;
        self.prove(id, held.commit)?;
        self.keep_until(Expiring::Proof(id), until)?;
        Ok(id)
    }

    /// Holds a block as part of a proof, once more.
    pub(super) fn prove(&mut self, id: ProofId, seq: u64) -> Result<(), StoreError> {
        let times = self.t.proven.get((id.number, seq))?.map_or(0, |n| n.value());
        self.t.proven.insert((id.number, seq), times.saturating_add(1))?;
        if times == 0 {
            self.hold(seq, id.community, Why::Kept)?;
            let bytes = self.t.block_len(seq)?;
            self.weigh(id, bytes as i64)?;
        }
        Ok(())
    }

    /// The counterpart.
    pub(super) fn unprove(&mut self, id: ProofId, seq: u64) -> Result<(), StoreError> {
        let times = self.t.proven.get((id.number, seq))?.map_or(0, |n| n.value());
        if times > 1 {
            self.t.proven.insert((id.number, seq), times - 1)?;
            return Ok(());
        }
        self.t.proven.remove((id.number, seq))?;
        let bytes = self.t.block_len(seq)?;
        self.weigh(id, -(bytes as i64))?;
        self.release(seq, id.community, Why::Kept)
    }

    fn weigh(&mut self, id: ProofId, bytes: i64) -> Result<(), StoreError> {
        if let Some(ProofOf { bytes: before, repo, head }) = self.t.proof(id)? {
            let row = (before.saturating_add_signed(bytes), repo, head.rev.as_u64(), &digest_of(&head.cid));
            self.t.proofs.insert(id.key(), row)?;
        }
        self.charge_spare(id.community, id.person, bytes);
        self.dirty = true;
        Ok(())
    }

    /// Lets go of a proof and of all it proves.
    pub(super) fn drop_proof(&mut self, id: ProofId) -> Result<(), StoreError> {
        match id.purpose {
            For::Versions => self.forget_rows(id)?,
            For::Lost => self.forget_lost(id)?,
        }
        for seq in self.t.blocks_of(id)? {
            self.release(seq, id.community, Why::Kept)?;
        }
        self.t.proven.retain_in((id.number, 0)..=(id.number, u64::MAX), |_, _| false)?;
        if let Some(proof) = self.t.proof(id)? {
            self.charge_spare(id.community, id.person, -(proof.bytes as i64));
        }
        self.t.proofs.remove(id.key())?;
        self.stays(Expiring::Proof(id))?;
        self.dirty = true;
        Ok(())
    }
}
