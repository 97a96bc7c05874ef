//! Blocks and why they are kept. Bytes stay as long as something holds them: an audience of a community (that is
//! *reach*, what others may be given), a head that is still arriving, or a file added here and not yet linked.
//! What nothing holds is removed in the same transaction; only what is kept for a time (`expiring`) waits for a sweep.

use bytes::Bytes;
use folkmoot_schemas::{
    Audience, Cid,
    block::{Block, DAG_CBOR, cid_of},
};
use redb::ReadableTable;

use super::{
    StoreError,
    pins::Pins,
    repos::Repos,
    tables::{LOWEST, Tables},
    writer::Writer,
};

/// Why a block is held. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Reach(Audience),
    /// Part of a head that is not complete here. Never served.
    Staged,
    /// Added by this node's person, not linked by a record yet. Never served.
    Uploaded,
    /// This node's person wants it kept, see `pins`. Never served for that.
    Pinned,
    /// Part of what is kept for a while beside the trees (`proofs`). Never served for that.
    Kept,
    /// What this device wrote and its removed person may come back to (`shelf`). Served to nobody.
    Shelved,
}

impl Why {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Reach(audience) => audience_code(audience),
            Self::Staged => 2,
            Self::Uploaded => 3,
            Self::Pinned => 4,
            Self::Kept => 5,
            Self::Shelved => 6,
        }
    }
}

pub(super) fn audience_code(audience: Audience) -> u8 {
    match audience {
        Audience::Public => 0,
        Audience::Members => 1,
    }
}

pub(super) fn audience_of(code: u8) -> Audience {
    if code == 0 { Audience::Public } else { Audience::Members }
}

/// Codec and digest. Every CID that passed `check_cid` has exactly this much to say.
pub(super) fn cid_key(cid: &Cid) -> [u8; 33] {
    let mut key = [0; 33];
    // The three codecs we accept are below 256.
    key[0] = cid.codec() as u8;
    let digest = cid.hash().digest();
    let len = digest.len().min(32);
    key[1..=len].copy_from_slice(&digest[..len]);
    key
}

pub(super) fn cid_of_key(key: &[u8]) -> Result<Cid, StoreError> {
    let [codec, digest @ ..] = key else { return Err(StoreError::inconsistent("a CID")) };
    wrap(u64::from(*codec), digest)
}

/// The digest of a dag-cbor CID, as stored.
pub(super) fn digest_of(cid: &Cid) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(&cid_key(cid)[1..]);
    digest
}

/// The dag-cbor CID of a stored digest.
pub(super) fn cid_of_digest(digest: &[u8; 32]) -> Result<Cid, StoreError> {
    wrap(DAG_CBOR, digest)
}

fn wrap(codec: u64, digest: &[u8]) -> Result<Cid, StoreError> {
    const SHA2_256: u64 = 0x12;
    let hash = cid::multihash::Multihash::wrap(SHA2_256, digest).map_err(|_| StoreError::inconsistent("a CID"))?;
    Ok(Cid::new_v1(codec, hash))
}

/// Reading blocks. None of this looks at reach but [`Blocks::reaches`].
pub(super) trait Blocks: Tables {
    fn seq(&self, cid: &Cid) -> Result<Option<u64>, StoreError> {
        Ok(self.cids().get(&cid_key(cid))?.map(|seq| seq.value()))
    }

    /// The block with a CID that is known to be its own.
    fn block_named(&self, seq: u64, cid: Cid) -> Result<Block, StoreError> {
        let row = self.blocks().get(seq)?.ok_or_else(|| StoreError::inconsistent("a block"))?;
        let [_, bytes @ ..] = row.value() else { return Err(StoreError::inconsistent("a block")) };
        Ok(Block::trusted(cid, Bytes::copy_from_slice(bytes)))
    }

    /// A block by its place alone.
    fn block_at(&self, seq: u64) -> Result<Block, StoreError> {
        let row = self.blocks().get(seq)?.ok_or_else(|| StoreError::inconsistent("a block"))?;
        let [codec, bytes @ ..] = row.value() else { return Err(StoreError::inconsistent("a block")) };
        Ok(Block::trusted(cid_of(u64::from(*codec), bytes), Bytes::copy_from_slice(bytes)))
    }

    fn held_as(&self, seq: u64, community: u32, why: Why) -> Result<bool, StoreError> {
        Ok(self.holds().get((seq, community, why.code()))?.is_some())
    }

    /// True when the block came, or was written here, under this audience of this community.
    /// `community` None: of any.
    fn reaches(&self, seq: u64, community: Option<u32>, audience: Audience) -> Result<bool, StoreError> {
        let code = audience_code(audience);
        for row in self.holds().range((seq, 0, 0)..(seq + 1, 0, 0))? {
            let (key, _) = row?;
            let (_, of, why) = key.value();
            if why == code && community.is_none_or(|c| c == of) {
                return Ok(true);
            }
        }
        for row in self.places().range((seq, 0, 0, LOWEST)..(seq + 1, 0, 0, LOWEST))? {
            let (key, _) = row?;
            let Some(repo) = self.repo_at(key.value().1)? else { continue };
            if repo.audience == audience && community.is_none_or(|c| c == repo.community) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
impl<T: Tables> Blocks for T {}

impl Writer<'_> {
    /// Stores the bytes if they are not here, and says where. Without a hold they do not outlive the transaction's end.
    pub(super) fn put_block(&mut self, block: &Block) -> Result<u64, StoreError> {
        let key = cid_key(block.cid());
        if let Some(seq) = self.t.cids.get(&key)? {
            return Ok(seq.value());
        }
        self.last_block += 1;
        self.put_bytes(self.last_block, block)?;
        self.t.cids.insert(&key, self.last_block)?;
        Ok(self.last_block)
    }

    /// The same for many at once, numbered in the order given. Their rows in `cids`, whose keys are random, are written
    /// in key order: a large import would otherwise come back to every page of that table again and again.
    pub(super) fn put_blocks(&mut self, blocks: &[&Block]) -> Result<Vec<u64>, StoreError> {
        let mut keys: Vec<_> = (self.last_block + 1..).zip(blocks).map(|(seq, b)| (cid_key(b.cid()), seq)).collect();
        let first = self.last_block + 1;
        self.last_block += blocks.len() as u64;
        keys.sort_unstable();
        let mut seqs: Vec<u64> = (first..=self.last_block).collect();
        for (key, seq) in keys {
            let known = self.t.cids.get(&key)?.map(|seq| seq.value());
            match known {
                Some(known) => seqs[(seq - first) as usize] = known,
                None => drop(self.t.cids.insert(&key, seq)?),
            }
        }
        for ((seq, fresh), block) in seqs.iter().zip(first..).zip(blocks) {
            if *seq == fresh {
                self.put_bytes(fresh, block)?;
            }
        }
        Ok(seqs)
    }

    fn put_bytes(&mut self, seq: u64, block: &Block) -> Result<(), StoreError> {
        let key = cid_key(block.cid());
        let mut value = Vec::with_capacity(block.bytes().len() + 1);
        value.push(key[0]);
        value.extend_from_slice(block.bytes());
        self.t.blocks.insert(seq, value.as_slice())?;
        self.tally.bytes += block.bytes().len() as i64;
        if self.t.is_wanted(&key)? {
            self.arrived.push(key);
        }
        Ok(())
    }

    pub(super) fn hold(&mut self, seq: u64, community: u32, why: Why) -> Result<(), StoreError> {
        let key = (seq, community, why.code());
        let count = self.t.holds.get(key)?.map_or(0, |n| n.value());
        self.t.holds.insert(key, count.saturating_add(1))?;
        Ok(())
    }

    /// Like `hold`, for what is never let go again: the roster.
    pub(super) fn hold_once(&mut self, seq: u64, community: u32, why: Why) -> Result<(), StoreError> {
        if !self.t.held_as(seq, community, why)? {
            self.hold(seq, community, why)?;
        }
        Ok(())
    }

    /// Takes one hold back; the bytes go at the end of the transaction if it was the last.
    pub(super) fn release(&mut self, seq: u64, community: u32, why: Why) -> Result<(), StoreError> {
        let key = (seq, community, why.code());
        let count = self.t.holds.get(key)?.map_or(0, |n| n.value());
        if count > 1 {
            self.t.holds.insert(key, count - 1)?;
        } else {
            self.t.holds.remove(key)?;
            self.let_go.push(seq);
        }
        Ok(())
    }

    /// Removes what was let go and is held by nothing. Last thing before commit: a block that only moved within the
    /// transaction is held again by then.
    pub(super) fn collect(&mut self) -> Result<(), StoreError> {
        self.give_to_pins()?;
        self.make_room()?;
        self.remove_let_go()?;
        while self.make_room_in_all()? {
            self.remove_let_go()?;
        }
        self.settle_usage()
    }

    fn remove_let_go(&mut self) -> Result<(), StoreError> {
        let mut let_go = std::mem::take(&mut self.let_go);
        let_go.sort_unstable();
        let_go.dedup();
        for seq in let_go {
            let held = self.t.holds.range((seq, 0, 0)..(seq + 1, 0, 0))?.next().is_some();
            let placed = self.t.places.range((seq, 0, 0, LOWEST)..(seq + 1, 0, 0, LOWEST))?.next().is_some();
            if held || placed {
                continue;
            }
            let removed = self.t.blocks.remove(seq)?.and_then(|row| match row.value() {
                [codec, bytes @ ..] => Some((cid_key(&cid_of(u64::from(*codec), bytes)), bytes.len() as i64)),
                [] => None,
            });
            if let Some((key, bytes)) = removed {
                self.t.cids.remove(&key)?;
                self.tally.bytes -= bytes;
            }
        }
        Ok(())
    }
}
