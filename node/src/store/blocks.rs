//! Blocks and why they are kept. Bytes stay as long as something holds them: an audience of a community (that is
//! *reach*, what others may be given), a head that is still arriving, or a file added here and not yet linked.
//! What nothing holds is removed in the same transaction; only what is kept for a time (`expiring`) waits for a sweep.

use bytes::Bytes;
use folkmoot_schemas::{
    Audience, Cid,
    block::{Block, DAG_CBOR, cid_of},
};
use redb::{ReadableTable, ReadableTableMetadata};

use super::{
    StoreError,
    digests::{Walk, digest_key},
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

/// A row of `blocks`. Structures are short, and hashed anew where their CID is asked for; a file may be long, so that
/// its digest stands before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'r> {
    codec: u8,
    digest: Option<&'r [u8; 32]>,
    pub(super) bytes: &'r [u8],
}

impl<'r> Row<'r> {
    pub(super) fn read(value: &'r [u8]) -> Result<Self, StoreError> {
        let inconsistent = || StoreError::inconsistent("a block");
        let (&codec, rest) = value.split_first().ok_or_else(inconsistent)?;
        if u64::from(codec) == DAG_CBOR {
            return Ok(Self { codec, digest: None, bytes: rest });
        }
        let (digest, bytes) = rest.split_first_chunk().ok_or_else(inconsistent)?;
        Ok(Self { codec, digest: Some(digest), bytes })
    }

    fn write(block: &Block) -> Vec<u8> {
        let key = cid_key(block.cid());
        let file = block.cid().codec() != DAG_CBOR;
        let header = if file { &key[..] } else { &key[..1] };
        [header, block.bytes()].concat()
    }

    pub(super) fn cid(&self) -> Result<Cid, StoreError> {
        match self.digest {
            Some(digest) => wrap(u64::from(self.codec), digest),
            None => Ok(cid_of(DAG_CBOR, self.bytes)),
        }
    }

    /// By its bytes alone.
    pub(super) fn is_sound(&self) -> Result<bool, StoreError> {
        Ok(self.cid()? == cid_of(u64::from(self.codec), self.bytes))
    }
}

/// Reading blocks. None of this looks at reach but [`Blocks::reaches`].
pub(super) trait Blocks: Tables {
    fn seq(&self, cid: &Cid) -> Result<Option<u64>, StoreError> {
        self.seq_of(&cid_key(cid))
    }

    fn seq_of(&self, key: &[u8; 33]) -> Result<Option<u64>, StoreError> {
        // What is looked for is mostly what came last, and looking through the large table reads pages of it.
        match self.seq_among(self.young(), key)? {
            None => self.seq_among(self.digests(), key),
            young => Ok(young),
        }
    }

    fn seq_among(&self, table: &impl ReadableTable<(u64, u64), ()>, key: &[u8; 33]) -> Result<Option<u64>, StoreError> {
        let start = digest_key(key);
        for row in table.range((start, 0)..=(start, u64::MAX))? {
            let seq = row?.0.value().1;
            if cid_key(&self.cid_at(seq)?) == *key {
                return Ok(Some(seq));
            }
        }
        Ok(None)
    }

    fn cid_at(&self, seq: u64) -> Result<Cid, StoreError> {
        let row = self.blocks().get(seq)?.ok_or_else(|| StoreError::inconsistent("a block"))?;
        Row::read(row.value())?.cid()
    }

    /// The block with a CID that is known to be its own.
    fn block_named(&self, seq: u64, cid: Cid) -> Result<Block, StoreError> {
        let row = self.blocks().get(seq)?.ok_or_else(|| StoreError::inconsistent("a block"))?;
        Ok(Block::trusted(cid, Bytes::copy_from_slice(Row::read(row.value())?.bytes)))
    }

    /// A block by its place alone.
    fn block_at(&self, seq: u64) -> Result<Block, StoreError> {
        let row = self.blocks().get(seq)?.ok_or_else(|| StoreError::inconsistent("a block"))?;
        let row = Row::read(row.value())?;
        Ok(Block::trusted(row.cid()?, Bytes::copy_from_slice(row.bytes)))
    }

    /// 0: it is not here.
    fn block_len(&self, seq: u64) -> Result<u64, StoreError> {
        match self.blocks().get(seq)? {
            Some(row) => Ok(Row::read(row.value())?.bytes.len() as u64),
            None => Ok(0),
        }
    }

    /// The repositories in whose trees a block stands, calling `each` for every one until it answers false. However
    /// often it stands in one, that is one step.
    fn each_repo_with(
        &self,
        seq: u64,
        mut each: impl FnMut(u32) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut from = 0;
        while let Some(row) = self.places().range((seq, from, 0, LOWEST)..(seq + 1, 0, 0, LOWEST))?.next() {
            let number = row?.0.value().1;
            if !each(number)? {
                break;
            }
            from = number + 1;
        }
        Ok(())
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
        let mut reaches = false;
        self.each_repo_with(seq, |number| {
            reaches = self
                .repo_at(number)?
                .is_some_and(|repo| repo.audience == audience && community.is_none_or(|c| c == repo.community));
            Ok(!reaches)
        })?;
        Ok(reaches)
    }
}
impl<T: Tables> Blocks for T {}

/// Where a block that was given is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) seq: u64,
    /// It was not here before: nothing holds it yet.
    pub(super) fresh: bool,
}

impl Writer<'_> {
    /// Stores the bytes if they are not here, and says where. Without a hold they do not outlive the transaction's end.
    pub(super) fn put_block(&mut self, block: &Block) -> Result<u64, StoreError> {
        Ok(self.put_blocks(&[block])?[0].seq)
    }

    /// The same for many at once, numbered in the order given.
    pub(super) fn put_blocks(&mut self, blocks: &[&Block]) -> Result<Vec<Stored>, StoreError> {
        let wanted = !self.t.pin_wants.is_empty()?;
        let mut stored = vec![Stored { seq: 0, fresh: false }; blocks.len()];
        let mut keys: Vec<([u8; 33], usize)> = blocks.iter().map(|block| cid_key(block.cid())).zip(0..).collect();
        keys.sort_unstable();
        let mut before = None;
        let mut walks = (Walk::over(&self.t.young), Walk::over(&self.t.digests));
        let mut added = Vec::new();
        for (key, at) in &keys {
            let row = digest_key(key);
            let here = walks.0.has(row)? | walks.1.has(row)?;
            let here = if here { self.t.seq_of(key)? } else { None };
            // Of several equal ones the first is stored.
            stored[*at] = match (before, here) {
                (Some((last, seq)), _) if last == key => Stored { seq, fresh: false },
                (_, Some(seq)) => Stored { seq, fresh: false },
                (_, None) => Stored { seq: self.last_block + 1 + *at as u64, fresh: true },
            };
            before = Some((key, stored[*at].seq));
            if stored[*at].fresh {
                added.push((row, stored[*at].seq));
            }
        }
        self.add_digests(&added)?;
        for (Stored { seq, .. }, block) in stored.iter().zip(blocks).filter(|(stored, _)| stored.fresh) {
            self.t.blocks.insert(seq, Row::write(block).as_slice())?;
            self.tally.bytes += block.bytes().len() as i64;
            if wanted {
                let key = cid_key(block.cid());
                if self.t.is_wanted(&key)? {
                    self.arrived.push(key);
                }
            }
        }
        self.last_block += blocks.len() as u64;
        Ok(stored)
    }

    pub(super) fn hold(&mut self, seq: u64, community: u32, why: Why) -> Result<(), StoreError> {
        let key = (seq, community, why.code());
        // Most are the first, and take one search.
        let count = self.t.holds.insert(key, 1)?.map(|n| n.value());
        if let Some(count) = count {
            self.t.holds.insert(key, count.saturating_add(1))?;
        }
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
        self.settle_digests()?;
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
            let removed = match self.t.blocks.remove(seq)? {
                Some(row) => Some(Row::read(row.value()).and_then(|row| Ok((row.cid()?, row.bytes.len())))?),
                None => None,
            };
            if let Some((cid, bytes)) = removed {
                self.drop_digest((digest_key(&cid_key(&cid)), seq))?;
                self.tally.bytes -= bytes as i64;
            }
        }
        Ok(())
    }
}
