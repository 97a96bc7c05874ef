//! Rosters: which operations and identities are kept, and the state they fold into. The fold itself is
//! `folkmoot_schemas::roster`; here its inputs are gathered, its outcome is stored, and what follows from it is done:
//! repositories of who is no member, or of a device that was retired, are dropped.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use folkmoot_schemas::{
    Audience, Cid,
    block::Block,
    charter::{Charter, Visibility},
    identity::Identity,
    key,
    roster::{Folded, Op, State, fold},
};
use redb::ReadableTable;

use super::{
    Applied, Batch, Rosters, StoreError,
    blocks::{Blocks, Why, digest_of},
    intern::{Name, Numbers},
    people::People,
    tables::{Reading, Tables},
    writer::Writer,
};

/// Operations and identities of one community that wait, at most.
const WAITING: usize = 4096;
const WAITING_BYTES: usize = 1024 * 1024;

/// A community's charter and folded state.
#[derive(Debug, Clone)]
pub(super) struct Roster {
    pub(super) number: u32,
    pub(super) charter: Charter,
    pub(super) state: Arc<State>,
}

impl Roster {
    /// Who may read charter, operations and identities.
    pub(super) fn audience(&self) -> Audience {
        match self.charter.visibility {
            Visibility::Public => Audience::Public,
            Visibility::Members => Audience::Members,
        }
    }
}

/// Verified operations and identities that cannot be judged yet.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    ops: BTreeMap<Cid, Block>,
    identities: BTreeMap<Cid, Block>,
}

/// Folds every stored roster anew: at open.
pub(super) fn load(t: &Reading) -> Result<Rosters, StoreError> {
    key::trusting(|| load_stored(t))
}

fn load_stored(t: &Reading) -> Result<Rosters, StoreError> {
    let mut rosters = Rosters::new();
    for row in t.charters().iter()? {
        let (number, seq) = row?;
        let number = number.value();
        let community = t.community_of(number)?;
        let charter = Charter::view(&t.block_named(seq.value(), community)?)?;
        let blocks = t.op_blocks(number)?.into_iter().map(|block| (*block.cid(), block)).collect();
        let folded = refold(t, &community, &charter, &blocks, &BTreeMap::new())?;
        rosters.insert(community, Arc::new(Roster { number, charter, state: Arc::new(folded.state) }));
    }
    Ok(rosters)
}

/// The fold over `ops`, with identities from the store and from `fresh`.
fn refold(
    t: &impl Tables,
    community: &Cid,
    charter: &Charter,
    blocks: &BTreeMap<Cid, Block>,
    fresh: &BTreeMap<Cid, (Block, Identity)>,
) -> Result<Folded, StoreError> {
    let mut ops = BTreeMap::new();
    for (cid, block) in blocks {
        ops.insert(*cid, Op::view(block)?);
    }
    let mut identities = BTreeMap::new();
    for cid in named_identities(charter, ops.values()) {
        if let Some((_, identity)) = fresh.get(&cid) {
            identities.insert(cid, identity.clone());
        } else if let Some(block) = t.identity_block(&cid)? {
            identities.insert(cid, Identity::view(&block)?);
        }
    }
    Ok(fold(community, charter, &ops, |cid| blocks.get(cid).cloned(), |cid| identities.get(cid).cloned()))
}

fn named_identities<'a>(charter: &Charter, ops: impl Iterator<Item = &'a Op>) -> BTreeSet<Cid> {
    charter.founders.iter().map(|founder| founder.identity).chain(ops.map(|op| op.identity)).collect()
}

impl Writer<'_> {
    /// Charter, identities and operations of a batch. Answers the community's roster as it is afterwards.
    pub(super) fn take_roster(&mut self, batch: &Batch, applied: &mut Applied) -> Result<Arc<Roster>, StoreError> {
        let community = batch.community;
        let known = self.rosters.get(&community).cloned();
        let (charter_block, charter) = match (&known, &batch.charter) {
            (Some(roster), _) => (None, roster.charter.clone()),
            (None, Some(block)) if *block.cid() == community => {
                let (block, charter) = Charter::open(block.bytes())?;
                if *block.cid() != community {
                    return Err(StoreError::Refused("these are not the bytes of the charter".into()));
                }
                (Some(block), charter)
            }
            (None, Some(_)) => return Err(StoreError::Refused("this charter is another community's".into())),
            (None, None) => return Err(StoreError::Refused(format!("the community {community} is not known here"))),
        };

        if let Some(roster) = known.as_ref().filter(|_| batch.ops.is_empty() && batch.identities.is_empty()) {
            return Ok(Arc::clone(roster));
        }
        let mut fresh = self.fresh_identities(batch, applied)?;
        let stored: BTreeMap<Cid, Block> = match &known {
            Some(roster) => self.t.op_blocks(roster.number)?.into_iter().map(|block| (*block.cid(), block)).collect(),
            None => BTreeMap::new(),
        };
        let new_ops = self.fresh_ops(batch, &stored, applied);
        if let Some(roster) = known.as_ref().filter(|_| fresh.is_empty() && new_ops.is_empty()) {
            return Ok(Arc::clone(roster));
        }

        let waiting = self.waiting.remove(&community).unwrap_or_default();
        for (cid, block) in waiting.identities {
            if let Ok(identity) = Identity::view(&block) {
                fresh.entry(cid).or_insert((block, identity));
            }
        }
        let mut blocks = stored.clone();
        blocks.extend(waiting.ops);
        blocks.extend(new_ops.clone());
        let folded = refold(&self.t, &community, &charter, &blocks, &fresh)?;
        applied.missing.extend(&folded.missing);
        for cid in new_ops.keys() {
            if let Some(why) = folded.state.void.get(cid).filter(|_| !folded.state.kept.contains(cid)) {
                applied.refused.push((*cid, why.clone()));
            }
        }
        self.keep_waiting(community, &blocks, &fresh, &folded);

        let number = self.intern(Name::Community(&community))?;
        let mut state = folded.state;
        // What is not stored leaves no trace: the state is that of the stored operations, as at the next open.
        state.void.retain(|cid, _| state.kept.contains(cid));
        let roster = Roster { number, charter, state: Arc::new(state) };
        if let Some(block) = &charter_block {
            let seq = self.put_block(block)?;
            self.hold_once(seq, number, Why::Reach(roster.audience()))?;
            self.t.charters.insert(number, seq)?;
            self.dirty = true;
        }
        self.keep_ops(&roster, &stored, &blocks)?;
        let kept: Vec<Op> =
            roster.state.kept.iter().filter_map(|cid| blocks.get(cid)).map(Op::view).collect::<Result<_, _>>()?;
        let named = named_identities(&roster.charter, kept.iter());
        let renewed = self.keep_identities(&roster, fresh, &named)?;

        applied.people_changed |= !renewed.is_empty();
        let changed = known.as_ref().is_none_or(|before| before.state != roster.state);
        applied.roster_changed |= changed;
        if changed {
            self.visible = true;
            self.set_roster(community, roster.clone());
        }
        self.drop_outsiders(&roster, &renewed)?;
        self.visible |= !renewed.is_empty();
        Ok(self.rosters.get(&community).cloned().unwrap_or_else(|| Arc::new(roster)))
    }

    /// Identities of a batch that are not stored yet and whose signature holds.
    fn fresh_identities(
        &self,
        batch: &Batch,
        applied: &mut Applied,
    ) -> Result<BTreeMap<Cid, (Block, Identity)>, StoreError> {
        let mut fresh = BTreeMap::new();
        for block in &batch.identities {
            if self.t.identities.get(&digest_of(block.cid()))?.is_some() {
                continue;
            }
            match Identity::open(block.bytes()) {
                Ok((block, identity)) => {
                    fresh.insert(*block.cid(), (block, identity));
                }
                Err(why) => applied.refused.push((*block.cid(), why.to_string())),
            }
        }
        Ok(fresh)
    }

    /// Operations of a batch that are not stored yet and whose signature holds.
    fn fresh_ops(&self, batch: &Batch, stored: &BTreeMap<Cid, Block>, applied: &mut Applied) -> BTreeMap<Cid, Block> {
        let waiting = self.waiting.get(&batch.community);
        let mut fresh = BTreeMap::new();
        for block in &batch.ops {
            if stored.contains_key(block.cid()) || waiting.is_some_and(|w| w.ops.contains_key(block.cid())) {
                continue;
            }
            match Op::open(block.bytes()) {
                Ok((block, op)) if op.community == batch.community => {
                    fresh.insert(*block.cid(), block);
                }
                Ok(_) => applied.refused.push((*block.cid(), "an operation of another community".into())),
                Err(why) => applied.refused.push((*block.cid(), why.to_string())),
            }
        }
        fresh
    }

    /// Holds in memory what the fold could not judge, as far as there is room.
    fn keep_waiting(
        &mut self,
        community: Cid,
        blocks: &BTreeMap<Cid, Block>,
        fresh: &BTreeMap<Cid, (Block, Identity)>,
        folded: &Folded,
    ) {
        let mut waiting = Waiting::default();
        let mut bytes = 0;
        for (cid, block) in blocks {
            if folded.state.kept.contains(cid) || folded.state.void.contains_key(cid) {
                continue;
            }
            bytes += block.bytes().len();
            if waiting.ops.len() >= WAITING || bytes > WAITING_BYTES {
                break;
            }
            waiting.ops.insert(*cid, block.clone());
        }
        for op in waiting.ops.values().filter_map(|block| Op::view(block).ok()) {
            if let Some((block, _)) = fresh.get(&op.identity) {
                bytes += block.bytes().len();
                if bytes <= WAITING_BYTES {
                    waiting.identities.insert(op.identity, block.clone());
                }
            }
        }
        if !waiting.ops.is_empty() {
            self.waiting.insert(community, waiting);
        }
    }

    /// Makes the stored operations those that the state keeps.
    fn keep_ops(
        &mut self,
        roster: &Roster,
        stored: &BTreeMap<Cid, Block>,
        blocks: &BTreeMap<Cid, Block>,
    ) -> Result<(), StoreError> {
        let why = Why::Reach(roster.audience());
        for cid in &roster.state.kept {
            if let Some(block) = blocks.get(cid).filter(|_| !stored.contains_key(cid)) {
                let seq = self.put_block(block)?;
                self.hold_once(seq, roster.number, why)?;
                self.t.ops.insert((roster.number, &digest_of(cid)), seq)?;
                self.dirty = true;
            }
        }
        for cid in stored.keys().filter(|cid| !roster.state.kept.contains(cid)) {
            let seq = self.t.ops.remove((roster.number, &digest_of(cid)))?.map(|seq| seq.value());
            if let Some(seq) = seq {
                self.release(seq, roster.number, why)?;
                self.dirty = true;
            }
        }
        Ok(())
    }
}
