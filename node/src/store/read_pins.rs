//! Pins as they stand, and what only they keep. All of it is for this node's person alone: none of these questions is
//! asked for a peer or for pages.

use std::collections::BTreeMap;

use folkmoot_schemas::{Cid, Record, Uri, block::Block, commit::Commit, mst};
use redb::ReadableTable;

use super::{
    StoreError, View,
    blobs::HERE,
    blocks::{Blocks, Why, cid_of_key},
    index,
    pins::{Pins, Target},
    quota::Used,
    read_archive::Proof,
    reader::Entry,
    tables::Tables,
};

/// How a pin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Something stands there, and its head holds it.
    Current(Cid),
    /// It is gone; this is its last version, kept here and given to nobody.
    Kept(Cid),
    /// Nothing of that address has come here.
    Awaited,
    /// A fixed pin.
    Fixed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    pub target: Target,
    /// Empty: none.
    pub name: String,
    /// Microseconds.
    pub added: u64,
    pub standing: Standing,
    /// What is here of it, proof included; of a moving pin by whatever holds it.
    pub blocks: u64,
    pub bytes: u64,
    /// Blocks known to be lacking; what hangs on them is not known yet.
    pub missing: u64,
}

impl Pin {
    pub fn is_complete(&self) -> bool {
        self.missing == 0 && self.standing != Standing::Awaited
    }
}

impl View {
    /// Every pin, oldest first.
    pub fn pins(&self) -> Result<Vec<Pin>, StoreError> {
        let mut lacking: BTreeMap<u32, u64> = BTreeMap::new();
        for row in self.t.pin_wants().iter()? {
            *lacking.entry(row?.0.value().1).or_default() += 1;
        }
        let mut pins = Vec::new();
        for row in self.t.pins().iter()? {
            let (text, value) = row?;
            let (number, added, name) = value.value();
            let target: Target = text.value().parse()?;
            let missing = lacking.get(&number).copied().unwrap_or(0);
            let (standing, blocks, missing) = match &target {
                Target::Fixed(_) => (Standing::Fixed, self.t.pinned_by(number)?, missing),
                Target::Moving(uri) => self.moving(uri, number, missing)?,
            };
            let bytes = blocks.iter().map(|seq| self.t.block_len(*seq)).sum::<Result<u64, _>>()?;
            let name = name.to_owned();
            pins.push(Pin { target, name, added, standing, blocks: blocks.len() as u64, bytes, missing });
        }
        pins.sort_by(|a, b| (a.added, &a.target).cmp(&(b.added, &b.target)));
        Ok(pins)
    }

    fn moving(&self, uri: &Uri, number: u32, missing: u64) -> Result<(Standing, Vec<u64>, u64), StoreError> {
        let last = self.t.pin_last().get(number)?.map(|row| row.value().0);
        if let Some(record) = last {
            return Ok((Standing::Kept(*self.t.block_at(record)?.cid()), self.t.pinned_by(number)?, missing));
        }
        let Some(spot) = self.t.spot(uri, number)? else { return Ok((Standing::Awaited, Vec::new(), 0)) };
        let Some((repo, leaf, record)) = self.t.standing(&spot)? else {
            return Ok((Standing::Awaited, Vec::new(), 0));
        };
        let pieces = self.t.pieces(&repo, &leaf, &record, &uri.path())?;
        Ok((Standing::Current(leaf.cid), pieces.blocks.into_iter().collect(), pieces.missing.len() as u64))
    }

    /// The last version of what is gone, if it was pinned.
    pub fn kept(&self, uri: &Uri) -> Result<Option<Entry>, StoreError> {
        let pin = self.t.pins().get(Target::Moving(uri.clone()).to_string().as_str())?.map(|row| row.value().0);
        let Some(last) = pin.map(|pin| self.t.pin_last().get(pin)).transpose()?.flatten() else { return Ok(None) };
        let (record, commit) = last.value();
        let (block, commit) = (self.t.block_at(record)?, Commit::view(&self.t.block_at(commit)?)?);
        if !self.scope().sees(commit.audience) {
            return Ok(None);
        }
        let (rev, record) = Record::view(&block)?;
        Ok(Some(Entry {
            uri: uri.clone(),
            cid: *block.cid(),
            rev,
            device: commit.device,
            audience: commit.audience,
            record,
            created: index::own_created(&uri.rkey, rev),
            updated: rev.micros(),
            block,
            fault: Some("it is gone; your pin keeps this last version, here alone".into()),
            kept: true,
        }))
    }

    /// Commit and tree nodes that prove a kept version. None: this is none.
    pub(super) fn kept_proof(&self, entry: &Entry) -> Result<Option<Proof>, StoreError> {
        let Some(kept) = self.kept(&entry.uri)?.filter(|kept| kept.cid == entry.cid) else { return Ok(None) };
        let pin = self.t.pins().get(Target::Moving(kept.uri).to_string().as_str())?.map(|row| row.value().0);
        let Some(last) = pin.map(|pin| self.t.pin_last().get(pin)).transpose()?.flatten() else { return Ok(None) };
        let commit = self.t.block_at(last.value().1)?;
        let (mut nodes, mut failed) = (Vec::new(), None);
        let walked = mst::proof_with(&Commit::view(&commit)?.data, &entry.uri.path(), |cid| {
            let node = self.pinned_block(cid).map_err(|error| failed = Some(error)).ok().flatten();
            nodes.extend(node.clone());
            node
        });
        if let Some(error) = failed {
            return Err(error);
        }
        walked?;
        Ok(Some(Proof { commit, nodes }))
    }

    /// A block that a pin keeps.
    pub fn pinned_block(&self, cid: &Cid) -> Result<Option<Block>, StoreError> {
        match self.t.seq(cid)? {
            Some(seq) if self.t.held_as(seq, HERE, Why::Pinned)? => Ok(Some(self.t.block_named(seq, *cid)?)),
            _ => Ok(None),
        }
    }

    /// Blocks that pins lack and that there is room for, at most so many.
    pub fn wanted_by_pins(&self, most: usize) -> Result<Vec<Cid>, StoreError> {
        let mut wanted = Vec::new();
        for row in self.t.pin_wants().iter()? {
            let (key, _) = row?;
            let (file, _) = key.value();
            let cid = cid_of_key(file)?;
            if wanted.last() != Some(&cid) && !self.t.pin_deferred(&self.quotas, file)? {
                wanted.push(cid);
            }
            if wanted.len() >= most {
                break;
            }
        }
        Ok(wanted)
    }
}
