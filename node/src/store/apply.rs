//! What others wrote, judged in one order, cheapest check first: charter, identities, roster, commits and their trees,
//! files. A batch is one write transaction; what is refused in it is named, the rest is kept.

use super::{Applied, Batch, Store, StoreError, blocks::Why, roster::Roster, writer::Writer};
use folkmoot_schemas::Audience;

impl Store {
    /// Data from the network or an archive: verified here, in one order, cheapest check first, one transaction.
    /// What is refused is named in the answer; the rest is kept. `now` in microseconds is only the time of arrival.
    /// An unknown community without its charter is `Refused` as a whole.
    pub fn apply(&self, batch: Batch, now: u64) -> Result<Applied, StoreError> {
        self.write(|w| w.apply(batch, now))
    }

    /// The same for what peers sent and hold still: on the disk within a second, so that many share one flush.
    pub fn apply_received(&self, batch: Batch, now: u64) -> Result<Applied, StoreError> {
        self.receive(|w| w.apply(batch, now))
    }

    /// A community founded here, or an own roster operation or identity: stored durably, roster folded anew.
    pub fn put_own(&self, batch: Batch, now: u64) -> Result<Applied, StoreError> {
        self.apply(batch, now)
    }
}

impl Writer<'_> {
    fn apply(&mut self, batch: Batch, now: u64) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let roster = self.take_roster(&batch, &mut applied)?;
        if roster.audience() == Audience::Members && batch.audience == Audience::Public {
            let refused = batch.repos.iter().map(|update| &update.commit).chain(&batch.loose);
            applied.refused.extend(refused.map(|b| (*b.cid(), "this community has no public audience".to_owned())));
            return Ok(applied);
        }
        let Batch { audience, repos, loose, .. } = batch;
        for update in repos {
            self.take_update(&roster, audience, update, now, &mut applied)?;
        }
        self.take_files(&roster, audience, &loose, &mut applied)?;
        Ok(applied)
    }

    fn take_files(
        &mut self,
        roster: &Roster,
        audience: Audience,
        loose: &[folkmoot_schemas::block::Block],
        applied: &mut Applied,
    ) -> Result<(), StoreError> {
        for block in loose {
            if self.receive_file(roster.number, audience, block)? {
                applied.blobs.retain(|cid| cid != block.cid());
            } else if !self.holds(roster, audience, block)? {
                applied.refused.push((*block.cid(), "no record here links it".into()));
            }
        }
        Ok(())
    }

    fn holds(
        &self,
        roster: &Roster,
        audience: Audience,
        block: &folkmoot_schemas::block::Block,
    ) -> Result<bool, StoreError> {
        use super::blocks::Blocks;
        match self.t.seq(block.cid())? {
            Some(seq) => self.t.held_as(seq, roster.number, Why::Reach(audience)),
            None => Ok(false),
        }
    }
}
