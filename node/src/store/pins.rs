//! Pins: what this person wants kept, whatever becomes of it elsewhere. A pin is one more reason to hold a block, never
//! one to serve it.
//!
//! A **moving** pin names a URI and goes with what stands there. As long as something does, its head holds it and the
//! pin holds nothing; in the moment it would be lost (deleted, its repository dropped) the pin takes hold of the last
//! version: record, files, and the proof that its author signed it, i.e. commit, tree nodes on the way, identity.
//! A **fixed** pin names a CID and holds what hangs on it by links (`schemas::follow`). What is not here is wanted: it
//! is asked for like a missing file, and taken whatever way it comes.

use std::{collections::BTreeSet, fmt};

use folkmoot_schemas::{
    Cid, Record, Uri,
    block::{Block, DAG_CBOR, parse_cid},
    commit::{Commit, HeadRef},
    follow::follow,
    limits, mst,
};
use redb::ReadableTable;

use super::{
    Store, StoreError,
    blobs::{HERE, files},
    blocks::{Blocks, Why, cid_key, cid_of_key},
    intern::{Name, Numbers},
    people::People,
    quota::Quotas,
    repos::{Leaf, Repo, Repos},
    tables::{LOWEST, Tables},
    writer::Writer,
};

/// What a pin names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Whatever stands there, and what stood there last.
    Moving(Uri),
    /// This block and what hangs on it.
    Fixed(Cid),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moving(uri) => uri.fmt(f),
            Self::Fixed(cid) => cid.fmt(f),
        }
    }
}

impl std::str::FromStr for Target {
    type Err = folkmoot_schemas::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.starts_with("moot://") {
            true => text.parse().map(Self::Moving),
            false => parse_cid(text).map(Self::Fixed),
        }
    }
}

impl Store {
    /// Adds a pin, or gives it another name when it is there already. False: it was.
    pub fn pin(&self, target: &Target, name: &str, now: u64) -> Result<bool, StoreError> {
        self.write(|w| w.pin(target, name, now))
    }

    /// Adds a pin of a block that is made when it is asked for, and stores that first.
    pub fn pin_block(&self, block: &Block, name: &str, now: u64) -> Result<bool, StoreError> {
        self.write(|w| {
            w.put_block(block)?;
            w.pin(&Target::Fixed(*block.cid()), name, now)
        })
    }

    /// Takes a pin away; what nothing else holds goes with it. False: there was none.
    pub fn unpin(&self, target: &Target) -> Result<bool, StoreError> {
        self.write(|w| w.unpin(target))
    }
}

/// What a block of a pin counts beside its bytes: its rows here.
const AROUND: u64 = 256;

/// Where a moving pin looks.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) pin: u32,
    community: u32,
    did: u32,
    collection: u32,
    rkey: String,
}

/// A version of a record with its proof.
#[derive(Debug)]
pub(super) struct Pieces {
    pub(super) record: u64,
    pub(super) commit: u64,
    /// Both, and everything else that is here.
    pub(super) blocks: BTreeSet<u64>,
    /// Files that are not.
    pub(super) missing: Vec<Cid>,
}

pub(super) trait Pins: People + Repos {
    /// The version that counts among a person's devices, deletions included.
    fn version(
        &self,
        community: u32,
        did: u32,
        collection: u32,
        rkey: &str,
    ) -> Result<Option<(Repo, Leaf, Record)>, StoreError> {
        let mut repos = self.repos_of(community, Some(did))?;
        repos.retain(|repo| repo.held.is_some());
        let Some((repo, leaf)) = self.first_of(&repos, collection, rkey)? else { return Ok(None) };
        let (_, record) = Record::view(&self.block_named(leaf.seq, leaf.cid)?)?;
        Ok(Some((repo, leaf, record)))
    }

    /// The same where it is something to keep.
    fn standing(&self, spot: &Spot) -> Result<Option<(Repo, Leaf, Record)>, StoreError> {
        let version = self.version(spot.community, spot.did, spot.collection, &spot.rkey)?;
        Ok(version.filter(|(_, _, record)| !matches!(record, Record::Tombstone(_))))
    }

    fn spot(&self, uri: &Uri, pin: u32) -> Result<Option<Spot>, StoreError> {
        let (Some(community), Some(did), Some(collection)) = (
            self.number(Name::Community(&uri.community))?,
            self.number(Name::Key(&uri.did))?,
            self.number(Name::Collection(&uri.collection))?,
        ) else {
            return Ok(None);
        };
        Ok(Some(Spot { pin, community, did, collection, rkey: uri.rkey.clone() }))
    }

    /// Record, files and proof of a version that stands in the tree held of `repo`.
    fn pieces(&self, repo: &Repo, leaf: &Leaf, record: &Record, path: &str) -> Result<Pieces, StoreError> {
        let held = repo.held.ok_or_else(|| StoreError::inconsistent("a tree"))?;
        let commit = Commit::view(&self.block_named(held.commit, held.head.cid)?)?;
        let mut pieces = Pieces {
            record: leaf.seq,
            commit: held.commit,
            blocks: [leaf.seq, held.commit].into(),
            missing: Vec::new(),
        };
        let mut failure = None;
        let mut node = |cid: &Cid| match self.seq(cid) {
            Ok(seq) => {
                pieces.blocks.insert(seq?);
                self.block_named(seq?, *cid).map_err(|error| failure = Some(error)).ok()
            }
            Err(error) => {
                failure = Some(error);
                None
            }
        };
        let proof = mst::proof_with(&commit.data, path, &mut node);
        if let Some(error) = failure {
            return Err(error);
        }
        proof?;
        for cid in files(record) {
            match self.seq(&cid)? {
                Some(seq) => drop(pieces.blocks.insert(seq)),
                None => pieces.missing.push(cid),
            }
        }
        if let Some(block) = self.witness(&commit, Some(repo.number))? {
            pieces.blocks.extend(self.seq(block.cid())?);
        }
        Ok(pieces)
    }

    /// What a pin holds by itself.
    fn pinned_by(&self, pin: u32) -> Result<Vec<u64>, StoreError> {
        self.pinned().range((pin, 0)..(pin + 1, 0))?.map(|row| Ok(row?.0.value().1)).collect()
    }

    /// What a block counts for a pin, in bytes.
    fn pin_cost(&self, seq: u64) -> Result<u64, StoreError> {
        Ok(self.block_len(seq)?.saturating_add(AROUND))
    }

    /// True: nothing more is fetched for this pin.
    fn is_full(&self, quotas: &Quotas, pin: u32) -> Result<bool, StoreError> {
        let Some(quota) = quotas.pin else { return Ok(false) };
        let bytes = self.pin_bytes().get(pin)?.map_or(0, |n| n.value());
        Ok(bytes.saturating_add(limits::BLOB_ACCEPTED as u64 + AROUND) > quota)
    }

    /// Is there room in some pin that wants this block?
    fn has_room_for(&self, quotas: &Quotas, key: &[u8; 33]) -> Result<bool, StoreError> {
        for row in self.pin_wants().range((key, 0)..=(key, u32::MAX))? {
            if !self.is_full(quotas, row?.0.value().1)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Does any pin want a block?
    fn is_wanted(&self, key: &[u8; 33]) -> Result<bool, StoreError> {
        Ok(self.pin_wants().range((key, 0)..=(key, u32::MAX))?.next().is_some())
    }
}
impl<T: Tables> Pins for T {}

impl Writer<'_> {
    fn pin(&mut self, target: &Target, name: &str, now: u64) -> Result<bool, StoreError> {
        let text = target.to_string();
        self.dirty = true;
        let before = self.t.pins.get(text.as_str())?.map(|row| (row.value().0, row.value().1));
        if let Some((number, added)) = before {
            self.t.pins.insert(text.as_str(), (number, added, name))?;
            return Ok(false);
        }
        let last = self.t.counters.get("pins")?.map_or(0, |n| n.value());
        let number = u32::try_from(last + 1).map_err(|_| StoreError::Refused("the store is full of pins".into()))?;
        self.t.counters.insert("pins", u64::from(number))?;
        self.t.pins.insert(text.as_str(), (number, now, name))?;
        match target {
            Target::Fixed(cid) => self.walk(number, *cid)?,
            Target::Moving(uri) => {
                if !self.rosters.contains_key(&uri.community) {
                    return Err(StoreError::Refused("the community of this address is not known here".into()));
                }
                self.intern(Name::Key(&uri.did))?;
                self.intern(Name::Collection(&uri.collection))?;
                if let Some(spot) = self.t.spot(uri, number)? {
                    let rkey = spot.rkey.as_bytes();
                    self.t.pin_paths.insert((spot.community, spot.did, spot.collection, rkey), number)?;
                }
            }
        }
        Ok(true)
    }

    fn unpin(&mut self, target: &Target) -> Result<bool, StoreError> {
        let number = self.t.pins.remove(target.to_string().as_str())?.map(|row| row.value().0);
        let Some(number) = number else { return Ok(false) };
        if let Target::Moving(uri) = target
            && let Some(spot) = self.t.spot(uri, number)?
        {
            self.t.pin_paths.remove((spot.community, spot.did, spot.collection, spot.rkey.as_bytes()))?;
        }
        self.let_pin_go(number)?;
        self.dirty = true;
        Ok(true)
    }

    /// Gives back all that a pin holds or wants.
    fn let_pin_go(&mut self, pin: u32) -> Result<(), StoreError> {
        for seq in self.t.pinned_by(pin)? {
            self.t.pinned.remove((pin, seq))?;
            self.release(seq, HERE, Why::Pinned)?;
        }
        self.t.pin_bytes.remove(pin)?;
        self.t.pin_wants.retain(|(_, of), ()| of != pin)?;
        self.t.pin_last.remove(pin)?;
        Ok(())
    }

    /// False: it holds that block already.
    fn take(&mut self, pin: u32, seq: u64) -> Result<bool, StoreError> {
        if self.t.pinned.insert((pin, seq), ())?.is_some() {
            return Ok(false);
        }
        let bytes = self.t.pin_bytes.get(pin)?.map_or(0, |n| n.value());
        self.t.pin_bytes.insert(pin, bytes.saturating_add(self.t.pin_cost(seq)?))?;
        self.hold(seq, HERE, Why::Pinned)?;
        Ok(true)
    }

    /// Holds a block and what hangs on it, all of it in this transaction, so that nothing goes meanwhile.
    fn walk(&mut self, pin: u32, root: Cid) -> Result<(), StoreError> {
        let mut todo = vec![root];
        while let Some(cid) = todo.pop() {
            let Some(seq) = self.t.seq(&cid)? else {
                self.t.pin_wants.insert((&cid_key(&cid), pin), ())?;
                self.lacked.push(cid);
                continue;
            };
            if self.take(pin, seq)? {
                // A file that says it has parts and cannot be read has none.
                todo.extend(follow(&self.t.block_named(seq, cid)?).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// Before the end of the transaction: blocks that came go to the pins that wanted them.
    pub(super) fn give_to_pins(&mut self) -> Result<(), StoreError> {
        for key in std::mem::take(&mut self.arrived) {
            let mut pins = Vec::new();
            for row in self.t.pin_wants.range((&key, 0)..=(&key, u32::MAX))? {
                pins.push(row?.0.value().1);
            }
            for pin in pins {
                self.t.pin_wants.remove((&key, pin))?;
                self.walk(pin, cid_of_key(&key)?)?;
            }
            self.not_put_off_for_pin(&key)?;
        }
        Ok(())
    }

    /// Takes a block that a pin wants and nothing else here does. None: no pin wants it; false: there is no room.
    pub(super) fn receive_pinned(&mut self, block: &Block) -> Result<Option<bool>, StoreError> {
        let key = cid_key(block.cid());
        let most = if block.cid().codec() == DAG_CBOR { limits::SNAPSHOT } else { limits::BLOB_ACCEPTED };
        if block.bytes().len() > most || !self.t.is_wanted(&key)? {
            return Ok(None);
        }
        if !self.t.has_room_for(&self.quotas, &key)? {
            return Ok(Some(false));
        }
        let bytes = block.bytes().len() as u64;
        self.dirty = true;
        if self.node_excess(bytes)?.is_some() {
            self.put_off_for_pin(&key, bytes)?;
            return Ok(Some(false));
        }
        self.put_block(block)?;
        Ok(Some(true))
    }

    /// Moving pins on any of these paths of a repository's person.
    pub(super) fn spots<'p>(
        &self,
        repo: &Repo,
        paths: impl IntoIterator<Item = &'p str>,
    ) -> Result<Vec<Spot>, StoreError> {
        let (community, did) = (repo.community, repo.did);
        let mut spots = Vec::new();
        if self.t.pin_paths.range((community, did, 0, LOWEST)..(community, did + 1, 0, LOWEST))?.next().is_none() {
            return Ok(spots);
        }
        for path in paths {
            let Some((collection, rkey)) = path.split_once('/') else { continue };
            let Some(collection) = self.t.number(Name::Collection(collection))? else { continue };
            if let Some(pin) = self.t.pin_paths.get((community, did, collection, rkey.as_bytes()))? {
                spots.push(Spot { pin: pin.value(), community, did, collection, rkey: rkey.to_owned() });
            }
        }
        Ok(spots)
    }

    /// Before trees change: takes hold of what stands there, lest it be lost.
    pub(super) fn keep(&mut self, spots: &[Spot]) -> Result<(), StoreError> {
        for spot in spots {
            if self.t.pin_last.get(spot.pin)?.is_some() {
                continue;
            }
            let Some((repo, leaf, record)) = self.t.standing(spot)? else { continue };
            let path = format!("{}/{}", self.t.collection_of(spot.collection)?, spot.rkey);
            let pieces = self.t.pieces(&repo, &leaf, &record, &path)?;
            self.t.pin_last.insert(spot.pin, (pieces.record, pieces.commit))?;
            for seq in pieces.blocks {
                self.take(spot.pin, seq)?;
            }
            for cid in pieces.missing {
                self.t.pin_wants.insert((&cid_key(&cid), spot.pin), ())?;
            }
        }
        Ok(())
    }

    /// Afterwards: lets go of the older version where one as new or newer stands.
    pub(super) fn go_along(&mut self, spots: &[Spot]) -> Result<(), StoreError> {
        for spot in spots {
            let last = self.t.pin_last.get(spot.pin)?.map(|row| row.value().0);
            let (Some(last), Some((_, leaf, _))) = (last, self.t.standing(spot)?) else { continue };
            let (rev, _) = Record::view(&self.t.block_at(last)?)?;
            let kept = HeadRef { rev, cid: *self.t.block_at(last)?.cid() };
            if !kept.beats(&HeadRef { rev: leaf.rev, cid: leaf.cid }) {
                self.let_pin_go(spot.pin)?;
            }
        }
        Ok(())
    }
}
