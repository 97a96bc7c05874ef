//! Answering `pull` and `blocks`: parts of about 1 MiB, up to 8 MiB in all.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{Audience, Cid, block::Block, car, charter::Charter, limits, roster::Op};

use super::{Admitted, Performer};
use crate::{
    store::{StoreError, View, lost::LostPart, reader::Delta},
    sync::{
        engine::{Ask, Proof},
        message::{Blocks, DeltaHead, End, Fault, Frame, LostHead, OwnHead, Part, Pull, Want},
    },
};

/// A part is closed when it has reached this size.
const PART: usize = 1024 * 1024;
/// What names and CIDs around a block take in a part.
const AROUND: usize = 160;

impl Performer {
    /// The whole answer, or the one frame that refuses it.
    pub fn serve(&self, ask: &Ask, proof: Option<&Proof>) -> Result<Vec<Frame>, StoreError> {
        let answer = match ask {
            Ask::Pull(pull) => self.serve_pull(pull, proof)?,
            Ask::Blocks(blocks) => self.serve_blocks(blocks, proof)?,
        };
        Ok(answer.unwrap_or_else(|| vec![Frame::Error(Fault::absent())]))
    }

    fn serve_pull(&self, pull: &Pull, proof: Option<&Proof>) -> Result<Option<Vec<Frame>>, StoreError> {
        let Some(admitted) = self.admit(&pull.community, pull.audience, proof)? else { return Ok(None) };
        let (view, community) = (&admitted.view, &admitted.community);
        let mut parts = Parts::new(usize::try_from(pull.max).unwrap_or(limits::PULL_ANSWER));
        let mut people: BTreeSet<Cid> = BTreeSet::new();
        let (ops, identities) = view.roster(&pull.community)?;
        let identities: BTreeMap<Cid, Block> = identities.into_iter().map(|block| (*block.cid(), block)).collect();

        let of_asker = |named: &&OwnHead| proof.is_some_and(|p| p.did == named.did && p.device == named.device);
        for named in pull.known.iter().filter(of_asker) {
            if view.lost_heads(&pull.community, &named.repo())?.contains(&named.head) {
                self.store.release_lost(&pull.community, &named.repo(), &named.head)?;
            }
        }
        for named in pull.lost.iter().filter(of_asker) {
            let mut lost = view.lost_parts(&pull.community, &named.repo(), &named.head)?.into_iter().peekable();
            while let Some(part) = lost.next() {
                parts.lost(named, part, lost.peek().is_none())?;
            }
        }
        if pull.charter
            && let Some(charter) = view.charter(&pull.community)?
        {
            people.extend(Charter::view(&charter)?.founders.iter().map(|founder| founder.identity));
            parts.charter(charter);
        }
        for did in pull.people.iter().filter(|did| community.state.is_member(did)) {
            if let Some((block, _)) = view.identity(did)? {
                people.remove(block.cid());
                parts.identity(block);
            }
        }
        let wanted = match &pull.roster {
            Some(held) => unknown_ops(ops, held)?,
            None => Vec::new(),
        };
        people.extend(wanted.iter().map(|(_, op)| op.identity));
        for block in people.iter().filter_map(|cid| identities.get(cid)) {
            parts.identity(block.clone());
        }
        for (block, _) in wanted {
            parts.op(block);
        }
        for want in &pull.want {
            if !admitted.shows(&want.did) || (want.audience == Audience::Members && pull.audience == Audience::Public) {
                continue;
            }
            if !community.state.is_member(&want.did)
                && let Some(block) = view.witness(&pull.community, &want.repo())?
            {
                parts.witness(block);
            }
            if parts.is_full() || !serve_repo(view, &pull.community, want, &mut parts)? {
                return Ok(Some(parts.finish(true)));
            }
        }
        Ok(Some(parts.finish(false)))
    }

    fn serve_blocks(&self, blocks: &Blocks, proof: Option<&Proof>) -> Result<Option<Vec<Frame>>, StoreError> {
        let Some(Admitted { view, only, .. }) = self.admit(&blocks.community, blocks.audience, proof)? else {
            return Ok(None);
        };
        let mut parts = Parts::new(limits::PULL_ANSWER);
        // Whose file it is cannot be told from its CID; it is fetched once there is a device.
        if only.is_some() {
            return Ok(Some(parts.finish(false)));
        }
        let mut snapshot = None;
        for cid in &blocks.cids {
            if parts.is_full() {
                return Ok(Some(parts.finish(true)));
            }
            if let Some(block) = view.block(&blocks.community, cid)? {
                parts.loose(block);
                continue;
            }
            // Made once for a request: it takes work, and whoever asks pays nothing.
            let current = match snapshot.take() {
                Some(made) => made,
                None => view.snapshot_block(&blocks.community)?,
            };
            if current.cid() == cid {
                parts.loose(current.clone());
            }
            snapshot = Some(current);
        }
        Ok(Some(parts.finish(false)))
    }
}

/// All of a repository's news that still fits; false: not all of it did.
fn serve_repo(view: &View, community: &Cid, want: &Want, parts: &mut Parts) -> Result<bool, StoreError> {
    let repo = want.repo();
    let mut after = want.after.clone();
    while let Some(delta) = view.delta(community, &repo, want.since.as_ref(), after.as_deref(), PART)? {
        after.clone_from(&delta.more);
        parts.delta(want, delta);
        if after.is_none() {
            break;
        }
        if parts.is_full() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Operations that are neither among `held` nor ancestors of one of them.
fn unknown_ops(ops: Vec<Block>, held: &[Cid]) -> Result<Vec<(Block, Op)>, StoreError> {
    let mut known: BTreeSet<Cid> = held.iter().copied().collect();
    let mut unknown = Vec::new();
    // Ancestors stand first: backwards, each operation is met before those it names.
    for block in ops.into_iter().rev() {
        let op = Op::view(&block)?;
        if known.contains(block.cid()) {
            known.extend(op.deps);
        } else {
            unknown.push((block, op));
        }
    }
    unknown.reverse();
    Ok(unknown)
}

/// Parts as they fill.
struct Parts {
    frames: Vec<Frame>,
    part: Part,
    blocks: Vec<Block>,
    seen: BTreeSet<Cid>,
    size: usize,
    total: usize,
    max: usize,
}

impl Parts {
    fn new(max: usize) -> Self {
        Self {
            frames: Vec::new(),
            part: Part::default(),
            blocks: Vec::new(),
            seen: BTreeSet::new(),
            size: 0,
            total: 0,
            max: max.min(limits::PULL_ANSWER),
        }
    }

    fn is_full(&self) -> bool {
        self.total >= self.max
    }

    fn charter(&mut self, block: Block) {
        self.part.charter = Some(*block.cid());
        self.put(block);
    }

    fn identity(&mut self, block: Block) {
        if !self.seen.contains(block.cid()) {
            self.part.identities.push(*block.cid());
            self.put(block);
        }
    }

    /// Stays in one part with the commit it speaks for, which comes next.
    fn witness(&mut self, block: Block) {
        if !self.seen.contains(block.cid()) {
            self.part.identities.push(*block.cid());
            self.hold(block);
        }
    }

    fn op(&mut self, block: Block) {
        self.part.ops.push(*block.cid());
        self.put(block);
    }

    fn loose(&mut self, block: Block) {
        self.part.loose.push(*block.cid());
        self.put(block);
    }

    fn delta(&mut self, want: &Want, delta: Delta) {
        let Delta { commit, since, put, gone, blocks, more } = delta;
        let names = put.iter().map(|(path, _)| path).chain(&gone);
        let around: usize = names.map(|path| path.len() + 48).sum();
        self.part.deltas.push(DeltaHead {
            did: want.did,
            device: want.device,
            audience: want.audience,
            commit: *commit.cid(),
            since,
            put,
            gone,
            more,
        });
        self.size += around;
        self.total += around;
        // A part stands on its own: the delta and all its blocks stay together, and only then may it be closed.
        for block in blocks {
            self.hold(block);
        }
        self.put(commit);
    }

    fn lost(&mut self, named: &OwnHead, lost: LostPart, last: bool) -> Result<(), StoreError> {
        let LostPart { commit, put, gone, blocks } = lost;
        self.part.lost.push(LostHead {
            did: named.did,
            device: named.device,
            audience: named.audience,
            commit,
            put,
            gone,
            last,
        });
        for block in blocks {
            self.hold(block);
        }
        self.close();
        Ok(())
    }

    fn hold(&mut self, block: Block) {
        if self.seen.insert(*block.cid()) {
            self.size += block.bytes().len() + AROUND;
            self.total += block.bytes().len() + AROUND;
            self.blocks.push(block);
        }
    }

    fn put(&mut self, block: Block) {
        self.hold(block);
        if self.size >= PART {
            self.close();
        }
    }

    fn close(&mut self) {
        let mut part = std::mem::take(&mut self.part);
        part.car = car::to_vec(&[], &std::mem::take(&mut self.blocks));
        self.seen.clear();
        self.size = 0;
        self.frames.push(Frame::Part(part));
    }

    fn finish(mut self, more: bool) -> Vec<Frame> {
        if !self.blocks.is_empty() {
            self.close();
        }
        self.frames.push(Frame::End(End { more }));
        self.frames
    }
}
