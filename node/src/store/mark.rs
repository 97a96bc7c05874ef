//! The full mark: what has to be held, worked out anew from what the store says it has (trees, rosters, pins), and
//! compared with the counts that are kept from write to write. A difference is a bug of ours or of the disk; it is named
//! and put right.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{Record, roster::Op};
use redb::ReadableTable;

use super::{
    Rosters, StoreError,
    blobs::{HERE, files},
    blocks::{Blocks, Row, Why, audience_code, cid_key, digest_of},
    expiring::{self, Expiries, Expiring},
    people::People,
    pins::Pins,
    proofs::{ProofId, ProofOf, Proofs},
    quota::{ALL, BYTES, NODE, Used},
    repos::{Repo, Repos},
    tables::{LOWEST, Tables, Writing},
    trees::{TREE_NODE, Trees},
    writer::Writer,
};

/// Rows between two calls of `pace`.
const STRIDE: u64 = 2048;

type Hold = (u64, u32, u8);
type Link = (u32, u8, [u8; 33]);
type Linker = (u32, [u8; 33], u32, u8);
type Spot = (u64, u32, u32, Vec<u8>);

/// What the counts have to be.
#[derive(Debug, Default)]
pub(super) struct Due {
    holds: BTreeMap<Hold, u32>,
    links: BTreeMap<Link, u32>,
    linkers: BTreeMap<Linker, u32>,
    missing: BTreeSet<Link>,
    usage: BTreeMap<(u32, u32), u64>,
    /// Bytes of each proof, and of all of whom.
    proofs: BTreeMap<ProofId, u64>,
    spare: BTreeMap<(u32, u32), u64>,
    pins: BTreeMap<u32, u64>,
    bytes: u64,
}

/// What is otherwise than it has to be.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) due: Due,
    holds: Vec<(Hold, u32)>,
    /// In a tree and not among the places.
    unplaced: Vec<Spot>,
    /// Among the places and in no tree.
    misplaced: Vec<Spot>,
    /// Held by nothing.
    pub(super) loose: Vec<u64>,
    /// One line for each difference.
    pub(super) said: Vec<String>,
}

/// Called now and then, so that a mark in the background leaves the machine to others.
pub(super) type Pace<'a> = &'a mut dyn FnMut();

pub(super) fn mark(t: &impl Tables, rosters: &Rosters, pace: Pace<'_>) -> Result<Found, StoreError> {
    let mut marking = Marking { t, pace, rows: 0, repos: repos(t)?, nodes: BTreeSet::new(), found: Found::default() };
    marking.rosters(rosters)?;
    marking.trees()?;
    marking.others()?;
    marking.usage()?;
    marking.compare()?;
    Ok(marking.found)
}

fn repos(t: &impl Tables) -> Result<BTreeMap<u32, Repo>, StoreError> {
    let mut all = BTreeMap::new();
    for row in t.repo_keys().iter()? {
        let number = row?.0.value();
        all.extend(t.repo_at(number)?.map(|repo| (number, repo)));
    }
    Ok(all)
}

struct Marking<'m, T> {
    t: &'m T,
    pace: Pace<'m>,
    rows: u64,
    repos: BTreeMap<u32, Repo>,
    /// Nodes of trees, and the repository of each.
    nodes: BTreeSet<(u64, u32)>,
    found: Found,
}

impl<T: Tables> Marking<'_, T> {
    fn step(&mut self) {
        self.rows += 1;
        if self.rows.is_multiple_of(STRIDE) {
            (self.pace)();
        }
    }

    fn due(&mut self, seq: u64, community: u32, why: Why) {
        *self.found.due.holds.entry((seq, community, why.code())).or_default() += 1;
    }

    fn once(&mut self, seq: u64, community: u32, why: Why) {
        self.found.due.holds.insert((seq, community, why.code()), 1);
    }

    /// Charters, operations and the identities they name. Other identities stay where they were given.
    fn rosters(&mut self, rosters: &Rosters) -> Result<(), StoreError> {
        for row in self.t.identities().iter()? {
            let (_, seq) = row?;
            let seq = seq.value();
            for row in self.t.holds().range((seq, 0, 0)..(seq + 1, 0, 0))? {
                let (_, community, why) = row?.0.value();
                if why <= audience_code(folkmoot_schemas::Audience::Members) {
                    self.found.due.holds.insert((seq, community, why), 1);
                }
            }
        }
        for (community, roster) in rosters {
            let why = Why::Reach(roster.audience());
            let charter = self.t.charters().get(roster.number)?.map(|seq| seq.value());
            if let Some(seq) = charter {
                self.once(seq, roster.number, why);
            } else {
                self.found.said.push(format!("the charter of {community} is not here"));
            }
            let mut named: BTreeSet<_> = roster.charter.founders.iter().map(|founder| founder.identity).collect();
            for block in self.t.op_blocks(roster.number)? {
                self.step();
                named.insert(Op::view(&block)?.identity);
                if let Some(seq) = self.t.seq(block.cid())? {
                    self.once(seq, roster.number, why);
                }
            }
            for did in roster.state.members.keys() {
                named.extend(self.t.newest(did)?.map(|(block, _)| *block.cid()));
            }
            for cid in named {
                if let Some(block) = self.t.identity_block(&cid)?
                    && let Some(seq) = self.t.seq(block.cid())?
                {
                    self.once(seq, roster.number, why);
                }
            }
        }
        Ok(())
    }

    /// Commits, nodes, records and what they link.
    fn trees(&mut self) -> Result<(), StoreError> {
        for repo in self.repos.clone().into_values() {
            if let Some(held) = repo.tree() {
                self.due(held.commit, repo.community, Why::Reach(repo.audience));
            }
        }
        for repo in self.repos.clone().into_values() {
            for cid in self.t.node_cids(&repo)? {
                self.step();
                let seq = self.t.seq(&cid)?.ok_or_else(|| StoreError::inconsistent("a node of a tree"))?;
                self.nodes.insert((seq, repo.number));
                if self.t.places().get((seq, repo.number, TREE_NODE.0, TREE_NODE.1))?.is_none() {
                    self.found.unplaced.push((seq, repo.number, TREE_NODE.0, TREE_NODE.1.to_vec()));
                }
            }
        }
        for row in self.t.leaves().iter()? {
            let (key, value) = row?;
            self.step();
            let ((number, collection, rkey), (seq, ..)) = (key.value(), value.value());
            let Some(repo) = self.repos.get(&number) else { continue };
            if self.t.places().get((seq, number, collection, rkey))?.is_none() {
                self.found.unplaced.push((seq, number, collection, rkey.to_vec()));
            }
            let (_, record) = Record::view(&self.t.block_at(seq)?)?;
            let audience = audience_code(repo.audience);
            for cid in files(&record) {
                let file = cid_key(&cid);
                *self.found.due.links.entry((repo.community, audience, file)).or_default() += 1;
                *self.found.due.linkers.entry((repo.community, file, repo.did, audience)).or_default() += 1;
            }
        }
        for (link, _) in self.found.due.links.clone() {
            let (community, code, file) = link;
            let seq = self.t.seq_of(&file)?;
            match seq.filter(|seq| self.found_there(*seq, community, code, &file).unwrap_or(false)) {
                Some(seq) => {
                    self.found.due.holds.insert((seq, community, code), 1);
                }
                None => {
                    self.found.due.missing.insert(link);
                }
            }
        }
        Ok(())
    }

    /// That a file's bytes came under an audience shows in nothing but the hold they got.
    fn found_there(&self, seq: u64, community: u32, code: u8, file: &[u8; 33]) -> Result<bool, StoreError> {
        Ok(self.t.holds().get((seq, community, code))?.is_some()
            && self.t.missing().get((community, code, file))?.is_none())
    }

    /// What is on its way, added, pinned, kept for a time; and what a later version holds for reasons of its own.
    fn others(&mut self) -> Result<(), StoreError> {
        for row in self.t.staged().iter()? {
            let (key, value) = row?;
            self.step();
            let (repo, seq) = (self.repos.get(&key.value().0), value.value().0);
            if let Some(repo) = repo.filter(|_| seq != 0) {
                let community = repo.community;
                self.due(seq, community, Why::Staged);
            }
        }
        for row in self.t.pinned().iter()? {
            let (pin, seq) = row?.0.value();
            self.step();
            self.due(seq, HERE, Why::Pinned);
            *self.found.due.pins.entry(pin).or_default() += self.t.pin_cost(seq)?;
        }
        self.proofs()?;
        for row in self.t.holds().iter()? {
            let (key, count) = row?;
            self.step();
            let (seq, community, why) = key.value();
            if why == Why::Uploaded.code() {
                self.once(seq, community, Why::Uploaded);
            } else if why > Why::Kept.code() {
                self.found.due.holds.insert((seq, community, why), count.value());
            }
        }
        Ok(())
    }

    fn proofs(&mut self) -> Result<(), StoreError> {
        for row in self.t.proofs().iter()? {
            let Some(id) = ProofId::read(row?.0.value()) else { continue };
            let mut bytes = 0;
            for seq in self.t.blocks_of(id)? {
                self.step();
                self.due(seq, id.community, Why::Kept);
                bytes += self.t.block_len(seq)?;
            }
            let due = &mut self.found.due;
            due.proofs.insert(id, bytes);
            for whom in [(id.community, id.person), (id.community, ALL), (NODE, ALL)] {
                *due.spare.entry(whom).or_default() += bytes;
            }
        }
        self.found.due.spare.retain(|_, bytes| *bytes > 0);
        Ok(())
    }

    fn usage(&mut self) -> Result<(), StoreError> {
        let mut whose: (u64, BTreeSet<(u32, u32)>) = (0, BTreeSet::new());
        // Places that are lacking count as if they were there.
        let lacking = self.found.unplaced.iter().filter_map(|(seq, repo, ..)| Some((*seq, self.repos.get(repo)?)));
        let lacking: BTreeSet<_> = lacking.map(|(seq, repo)| (seq, (repo.community, repo.did))).collect();
        let mut placed = BTreeSet::new();
        for row in self.t.places().iter()? {
            let (key, _) = row?;
            self.step();
            let (seq, number, collection, rkey) = key.value();
            let stands = match collection == TREE_NODE.0 {
                true => self.nodes.contains(&(seq, number)),
                false => self.t.leaves().get((number, collection, rkey))?.is_some_and(|row| row.value().0 == seq),
            };
            let Some(repo) = self.repos.get(&number).filter(|_| stands) else {
                self.found.misplaced.push((seq, number, collection, rkey.to_vec()));
                continue;
            };
            let who = (repo.community, repo.did);
            if whose.0 != seq {
                whose = (seq, BTreeSet::new());
            }
            if lacking.contains(&(seq, who)) {
                placed.insert((seq, who));
            }
            if whose.1.insert(who) {
                self.fill(who, self.t.block_len(seq)?);
            }
        }
        for (seq, who) in lacking.difference(&placed) {
            self.fill(*who, self.t.block_len(*seq)?);
        }
        let linkers: Vec<Linker> = self.found.due.linkers.keys().copied().collect();
        let mut counted = BTreeSet::new();
        for (community, file, did, code) in linkers {
            let here = !self.found.due.missing.contains(&(community, code, file));
            if here
                && counted.insert((community, did, file))
                && let Some(seq) = self.t.seq_of(&file)?
            {
                self.fill((community, did), self.t.block_len(seq)?);
            }
        }
        Ok(())
    }

    fn fill(&mut self, (community, did): (u32, u32), bytes: u64) {
        *self.found.due.usage.entry((community, did)).or_default() += bytes;
        *self.found.due.usage.entry((community, ALL)).or_default() += bytes;
    }

    fn compare(&mut self) -> Result<(), StoreError> {
        let t = self.t;
        let mut held = BTreeSet::new();
        let mut extra = Vec::new();
        for row in t.holds().iter()? {
            let (key, count) = row?;
            self.step();
            held.insert(key.value().0);
            match self.found.due.holds.get(&key.value()) {
                Some(due) if *due == count.value() => {}
                due => extra.push((key.value(), due.copied().unwrap_or(0), count.value())),
            }
        }
        for (hold, due) in &self.found.due.holds {
            if t.holds().get(*hold)?.is_none() {
                extra.push((*hold, *due, 0));
            }
        }
        for (hold, due, counted) in extra {
            self.found.said.push(format!("block {} is held {counted} times instead of {due} ({hold:?})", hold.0));
            self.found.holds.push((hold, due));
        }
        self.blocks(&held)?;
        for (spots, what) in [(&self.found.unplaced, "has no place"), (&self.found.misplaced, "is in no tree")] {
            self.found
                .said
                .extend(spots.iter().map(|(seq, repo, ..)| format!("block {seq} of repository {repo} {what}")));
        }
        let due = &self.found.due;
        let mut said = Vec::new();
        differ(
            &mut said,
            "links",
            t.links().iter()?.map(|row| row.map(|(k, v)| (link(k.value()), v.value()))),
            due.links.clone(),
        )?;
        differ(
            &mut said,
            "linkers",
            t.linkers().iter()?.map(|row| {
                row.map(|(k, v)| {
                    let (community, file, did, code) = k.value();
                    ((community, *file, did, code), v.value())
                })
            }),
            due.linkers.clone(),
        )?;
        let missing = due.missing.iter().map(|link| (*link, ())).collect();
        differ(
            &mut said,
            "missing files",
            t.missing().iter()?.map(|row| row.map(|(k, _)| (link(k.value()), ()))),
            missing,
        )?;
        differ(
            &mut said,
            "usage",
            t.usage().iter()?.map(|row| row.map(|(k, v)| (k.value(), v.value()))),
            due.usage.clone(),
        )?;
        differ(
            &mut said,
            "older versions and lost states",
            t.spare().iter()?.map(|row| row.map(|(k, v)| (k.value(), v.value()))),
            due.spare.clone(),
        )?;
        differ(
            &mut said,
            "pins",
            t.pin_bytes().iter()?.map(|row| row.map(|(k, v)| (k.value(), v.value()))),
            due.pins.clone(),
        )?;
        for (id, bytes) in &due.proofs {
            if t.proof(*id)?.is_some_and(|proof| proof.bytes != *bytes) {
                said.push(format!("proof {} has {bytes} bytes, and not what was counted", id.number));
            }
        }
        if t.block_bytes()? != due.bytes {
            said.push(format!("all blocks have {} bytes instead of {}", due.bytes, t.block_bytes()?));
        }
        self.found.said.extend(said);
        Ok(())
    }
}

/// Their bytes, and those that neither `held` names nor a place.
impl<T: Tables> Marking<'_, T> {
    fn blocks(&mut self, held: &BTreeSet<u64>) -> Result<(), StoreError> {
        for row in self.t.blocks().iter()? {
            let (seq, value) = row?;
            self.step();
            let seq = seq.value();
            self.found.due.bytes += Row::read(value.value())?.bytes.len() as u64;
            let places = (seq, 0, 0, LOWEST)..(seq + 1, 0, 0, LOWEST);
            if !held.contains(&seq) && self.t.places().range(places)?.next().is_none() {
                self.found.loose.push(seq);
                self.found.said.push(format!("block {seq} is held by nothing"));
            }
        }
        Ok(())
    }
}

fn link((community, code, file): (u32, u8, &[u8; 33])) -> Link {
    (community, code, *file)
}

/// One line if a table is not as it has to be.
fn differ<K: Ord, V: PartialEq>(
    said: &mut Vec<String>,
    what: &str,
    rows: impl Iterator<Item = Result<(K, V), redb::StorageError>>,
    mut due: BTreeMap<K, V>,
) -> Result<(), StoreError> {
    let mut wrong = 0;
    for row in rows {
        let (key, value) = row?;
        wrong += usize::from(due.remove(&key).is_none_or(|due| due != value));
    }
    wrong += due.len();
    if wrong > 0 {
        said.push(format!("{what}: {wrong} counts were wrong"));
    }
    Ok(())
}

impl Writer<'_> {
    /// Makes every count what it has to be. Blocks that should be here and are not cannot be made: files among them
    /// are missing from now on, and fetched.
    pub(super) fn mend(&mut self, found: Found) -> Result<(), StoreError> {
        let Found { due, holds, unplaced, misplaced, loose, .. } = found;
        for (hold, count) in holds {
            match count {
                0 => drop(self.t.holds.remove(hold)?),
                count => drop(self.t.holds.insert(hold, count)?),
            }
            self.let_go.push(hold.0);
        }
        for (seq, repo, collection, rkey) in unplaced {
            self.t.places.insert((seq, repo, collection, rkey.as_slice()), ())?;
        }
        for (seq, repo, collection, rkey) in misplaced {
            self.t.places.remove((seq, repo, collection, rkey.as_slice()))?;
            self.let_go.push(seq);
        }
        self.let_go.extend(loose);
        self.t.links.retain(|_, _| false)?;
        for ((community, code, file), count) in &due.links {
            self.t.links.insert((*community, *code, file), count)?;
        }
        self.t.missing.retain(|_, ()| false)?;
        for (community, code, file) in &due.missing {
            self.t.missing.insert((*community, *code, file), ())?;
        }
        count_anew(&mut self.t, &due)?;
        self.dirty = true;
        self.visible = true;
        Ok(())
    }

    /// Added files and unfinished repositories of a time that gave them no end get one.
    pub(super) fn give_ends(&mut self, now: u64) -> Result<(), StoreError> {
        let mut endless = Vec::new();
        for row in self.t.holds.iter()? {
            let (seq, _, why) = row?.0.value();
            if why == Why::Uploaded.code() && !self.t.expires(Expiring::Upload(seq))? {
                endless.push((Expiring::Upload(seq), expiring::UPLOAD));
            }
        }
        for row in self.t.stages.iter()? {
            let what = Expiring::Stage(row?.0.value());
            if !self.t.expires(what)? {
                endless.push((what, expiring::STAGE));
            }
        }
        for (what, time) in endless {
            self.keep_until(what, now.saturating_add(time))?;
        }
        Ok(())
    }
}

/// Who links what, and what everybody fills.
fn count_anew(t: &mut Writing<'_>, due: &Due) -> Result<(), StoreError> {
    t.linkers.retain(|_, _| false)?;
    for ((community, file, did, code), count) in &due.linkers {
        t.linkers.insert((*community, file, *did, *code), count)?;
    }
    t.usage.retain(|_, _| false)?;
    for (who, bytes) in &due.usage {
        t.usage.insert(*who, bytes)?;
    }
    t.spare.retain(|_, _| false)?;
    for (who, bytes) in &due.spare {
        t.spare.insert(*who, bytes)?;
    }
    t.pin_bytes.retain(|_, _| false)?;
    for (pin, bytes) in &due.pins {
        t.pin_bytes.insert(*pin, bytes)?;
    }
    for (id, bytes) in &due.proofs {
        if let Some(ProofOf { repo, head, .. }) = t.proof(*id)? {
            t.proofs.insert(id.key(), (*bytes, repo, head.rev.as_u64(), &digest_of(&head.cid)))?;
        }
    }
    t.counters.insert(BYTES, due.bytes)?;
    Ok(())
}

/// The same for a store of an earlier schema, which did not count all of it.
pub(super) fn derive_usage(t: &mut Writing<'_>) -> Result<(), StoreError> {
    let mut pace = || ();
    let mut marking =
        Marking { t: &*t, pace: &mut pace, rows: 0, repos: repos(t)?, nodes: BTreeSet::new(), found: Found::default() };
    marking.trees()?;
    marking.others()?;
    marking.usage()?;
    marking.blocks(&BTreeSet::new())?;
    let due = marking.found.due;
    count_anew(t, &due)
}
