//! The sweep: lets go of what was kept for a time only, and checks by a full mark that exactly that is held which has to
//! be. What nothing holds any more goes in the write that let it go; the sweep is for the rest.

use std::collections::{BTreeMap, BTreeSet};

use redb::ReadableTable;

use super::{
    Store, StoreError, advance,
    blocks::{Blocks, Why},
    expiring::Expiries,
    mark,
    quota::Used,
    superseded::Superseded,
    tables::{LOWEST, Tables},
};

/// Things that one transaction lets go of: others want to write too.
const BATCH: usize = 64;

/// What a sweep did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// What is over, by sort and number.
    pub expired: BTreeMap<&'static str, u64>,
    /// Counts that were wrong, one line each.
    pub mended: Vec<String>,
    /// What is free by it.
    pub blocks: u64,
    pub bytes: u64,
    /// Bytes by which the file itself is shorter, see [`Store::pack`].
    pub packed: u64,
}

impl Store {
    /// Lets go of what is over by `now` (microseconds), in small transactions, calling `pace` between them.
    pub fn sweep_expired(&self, now: u64, pace: &mut dyn FnMut()) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let many = advance::remember_too_much(&*self.reading()?.0)?;
        for repo in many {
            self.write(|w| w.forget_oldest(repo))?;
            pace();
        }
        loop {
            let (expired, blocks, bytes) = self.write(|w| {
                let due = w.t.due(now, BATCH)?;
                let before = w.amount()?;
                for what in &due {
                    w.expire(*what)?;
                }
                w.collect()?;
                let after = w.amount()?;
                Ok((due, before.0 - after.0, before.1 - after.1))
            })?;
            swept.blocks += blocks;
            swept.bytes += bytes;
            for what in &expired {
                *swept.expired.entry(what.name()).or_default() += 1;
            }
            if expired.len() < BATCH {
                return Ok(swept);
            }
            pace();
        }
    }

    /// The same, and the full mark: read beside whoever writes, repaired only where something is wrong.
    pub fn sweep(&self, now: u64, pace: &mut dyn FnMut()) -> Result<Swept, StoreError> {
        let mut swept = self.sweep_expired(now, pace)?;
        self.sweep_identities(&mut swept)?;
        if self.mark(pace)?.is_empty() {
            self.write(|w| w.give_ends(now))?;
            return Ok(swept);
        }
        let (said, blocks, bytes) = self.write(|w| {
            let rosters = std::sync::Arc::clone(&w.rosters);
            let found = mark::mark(&w.t, &rosters, &mut || ())?;
            let said = found.said.clone();
            if said.is_empty() {
                return Ok((said, 0, 0));
            }
            w.mend(found)?;
            w.give_ends(now)?;
            let before = w.amount()?;
            w.collect()?;
            let after = w.amount()?;
            Ok((said, before.0 - after.0, before.1 - after.1))
        })?;
        for line in &said {
            tracing::warn!(line, "a count of the store was wrong and was mended");
        }
        swept.mended = said;
        swept.blocks += blocks;
        swept.bytes += bytes;
        Ok(swept)
    }

    /// Those that nothing names any more since something else went.
    fn sweep_identities(&self, swept: &mut Swept) -> Result<(), StoreError> {
        let needless = {
            let (t, rosters, _open) = self.reading()?;
            t.needless_identities(&rosters)?
        };
        if needless.is_empty() {
            return Ok(());
        }
        let (before, after) = self.write(|w| {
            let before = w.amount()?;
            needless.iter().try_for_each(|(did, cid)| w.let_identity_go(did, cid))?;
            w.collect()?;
            Ok((before, w.amount()?))
        })?;
        swept.blocks += before.0 - after.0;
        swept.bytes += before.1 - after.1;
        Ok(())
    }

    /// What a sweep at `now` would do; `checked`: with the full mark. Writes nothing.
    pub fn would_sweep(&self, now: u64, checked: bool) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let (t, rosters, _open) = self.reading()?;
        let mut given_back: BTreeMap<(u64, u32, u8), u32> = BTreeMap::new();
        for what in t.due(now, usize::MAX)? {
            *swept.expired.entry(what.name()).or_default() += 1;
            for (seq, community, why) in t.holds_of(what)? {
                *given_back.entry((seq, community, why.code())).or_default() += 1;
            }
        }
        if checked {
            for (_, cid) in t.needless_identities(&rosters)? {
                for (seq, community, audience) in t.homes_of(&cid)? {
                    *given_back.entry((seq, community, Why::Reach(audience).code())).or_default() += 1;
                }
            }
        }
        let mut free: BTreeSet<u64> = BTreeSet::new();
        for (seq, ..) in given_back.keys() {
            let mut held = t.places().range((*seq, 0, 0, LOWEST)..(*seq + 1, 0, 0, LOWEST))?.next().is_some();
            for row in t.holds().range((*seq, 0, 0)..(*seq + 1, 0, 0))? {
                let (key, count) = row?;
                held |= given_back.get(&key.value()).copied().unwrap_or(0) < count.value();
            }
            if !held {
                free.insert(*seq);
            }
        }
        if checked {
            let found = mark::mark(&*t, &rosters, &mut || ())?;
            swept.mended = found.said;
            free.extend(found.loose);
        }
        for seq in free {
            swept.blocks += 1;
            swept.bytes += t.block_len(seq)?;
        }
        Ok(swept)
    }

    /// The full mark over one picture of the store: what is wrong, one line each.
    pub fn mark(&self, pace: &mut dyn FnMut()) -> Result<Vec<String>, StoreError> {
        let (t, rosters, _open) = self.reading()?;
        Ok(mark::mark(&*t, &rosters, pace)?.said)
    }
}

impl super::writer::Writer<'_> {
    /// Blocks and their bytes, as of now in this transaction.
    fn amount(&self) -> Result<(u64, u64), StoreError> {
        use redb::ReadableTableMetadata;
        Ok((self.t.blocks.len()?, self.t.block_bytes()?.saturating_add_signed(self.tally.bytes)))
    }
}
