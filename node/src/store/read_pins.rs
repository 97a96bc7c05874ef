//! Pins as they stand, and what only they keep. All of it is for this node's person alone: none of these questions is
//! asked for a peer or for pages.

use std::collections::{BTreeMap, btree_map};

use folkmoot_schemas::{
    Audience, Cid, Record, Uri,
    block::{Block, DAG_CBOR},
    commit::Commit,
    mst,
    snapshot::Snapshot,
};
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
    /// It may have no more: what is missing is not fetched.
    pub full: bool,
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
            let full = missing > 0 && self.t.is_full(&self.quotas, number)?;
            pins.push(Pin { target, name, added, standing, blocks: blocks.len() as u64, bytes, missing, full });
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
            revised: Vec::new(),
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

    /// Blocks that pins lack, that there is room for, and that those who read `audience` of a community may be asked for:
    /// at most so many. A question tells who is asked that the block exists.
    pub fn wanted_by_pins(&self, community: &Cid, audience: Audience, most: usize) -> Result<Vec<Cid>, StoreError> {
        let wants = self.t.pin_wants();
        if wants.first()?.is_none() {
            return Ok(Vec::new());
        }
        let targets = self.targets()?;
        let mut origins: BTreeMap<u32, Origin> = BTreeMap::new();
        let mut wanted = Vec::new();
        for row in wants.iter()? {
            let (key, _) = row?;
            let (file, pin) = key.value();
            let cid = cid_of_key(file)?;
            let Some(target) = targets.get(&pin) else { continue };
            let asked = match origins.entry(pin) {
                btree_map::Entry::Occupied(known) => known.into_mut(),
                btree_map::Entry::Vacant(free) => free.insert(self.origin(target, pin)?),
            };
            let typed = *target == Target::Fixed(cid);
            let may = typed || asked.may_be_told(community, audience);
            let room = !self.t.is_full(&self.quotas, pin)? && !self.t.pin_deferred(&self.quotas, file)?;
            if may && room && wanted.last() != Some(&cid) {
                wanted.push(cid);
            }
            if wanted.len() >= most {
                break;
            }
        }
        Ok(wanted)
    }

    fn targets(&self) -> Result<BTreeMap<u32, Target>, StoreError> {
        let rows = self.t.pins().iter()?;
        rows.map(|row| {
            let (text, value) = row?;
            Ok((value.value().0, text.value().parse()?))
        })
        .collect()
    }

    /// Where what hangs on a pin comes from.
    fn origin(&self, target: &Target, pin: u32) -> Result<Origin, StoreError> {
        let root = match target {
            Target::Moving(uri) => {
                let Some(last) = self.t.pin_last().get(pin)? else {
                    return Ok(Origin::Of(vec![(uri.community, Audience::Members)]));
                };
                let commit = Commit::view(&self.t.block_at(last.value().1)?)?;
                return Ok(Origin::Of(vec![(uri.community, commit.audience)]));
            }
            Target::Fixed(root) => root,
        };
        let Some(seq) = self.t.seq(root)? else { return Ok(Origin::Anywhere) };
        if root.codec() == DAG_CBOR {
            let block = self.t.block_named(seq, *root)?;
            if let Ok((_, snapshot)) = Snapshot::open(block.bytes()) {
                let audience = snapshot.repos.keys().map(|repo| repo.audience).max().unwrap_or(Audience::Public);
                return Ok(Origin::Of(vec![(snapshot.community, audience)]));
            }
            if let Ok((_, commit)) = Commit::open(block.bytes()) {
                return Ok(Origin::Of(vec![(commit.community, commit.audience)]));
            }
        }
        let mut found = Vec::new();
        for (id, roster) in self.rosters.iter() {
            for audience in [Audience::Public, Audience::Members] {
                if self.t.reaches(seq, Some(roster.number), audience)? {
                    found.push((*id, audience));
                }
            }
        }
        Ok(if found.is_empty() { Origin::Anywhere } else { Origin::Of(found) })
    }
}

/// Who may learn that a block exists.
enum Origin {
    /// What a person named came from no community of ours.
    Anywhere,
    /// Who reads these audiences.
    Of(Vec<(Cid, Audience)>),
}

impl Origin {
    /// Of what is public, members may be asked too.
    fn may_be_told(&self, community: &Cid, audience: Audience) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Of(origins) => origins.iter().any(|(of, narrowest)| of == community && *narrowest <= audience),
        }
    }
}
