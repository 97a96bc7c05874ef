//! What others wrote, judged in one order, cheapest check first: charter, identities, roster, commits and their trees,
//! files. A batch is one write transaction; what is refused in it is named, the rest is kept.

use super::{
    Applied, Batch, RepoUpdate, Store, StoreError, blobs::Received, blocks::Why, quota::Excess, roster::Roster,
    writer::Writer,
};
use folkmoot_schemas::Audience;

impl Store {
    /// Data from the network or an archive: verified here, in one order, cheapest check first, one transaction.
    /// What is refused is named in the answer; the rest is kept. `now` in microseconds is only the time of arrival.
    /// An unknown community without its charter is `Refused` as a whole.
    pub fn apply(&self, batch: Batch, now: u64) -> Result<Applied, StoreError> {
        self.apply_as(false, batch, now)
    }

    fn apply_as(&self, received: bool, batch: Batch, now: u64) -> Result<Applied, StoreError> {
        match self.run(received, |w| w.apply(&batch, now)) {
            Err(StoreError::OverQuota(_)) => self.apply_singly(received, batch, now),
            done => done,
        }
    }

    fn run<T>(
        &self,
        received: bool,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if received { self.receive(f) } else { self.write(f) }
    }

    /// The same with a transaction for each repository, so that what has no room keeps nothing else out.
    fn apply_singly(&self, received: bool, mut batch: Batch, now: u64) -> Result<Applied, StoreError> {
        let (repos, loose) = (std::mem::take(&mut batch.repos), std::mem::take(&mut batch.loose));
        let (community, audience, identities) = (batch.community, batch.audience, batch.identities.clone());
        let mut all = self.run(received, |w| w.apply(&batch, now))?;
        let parts = repos.into_iter().map(|update| (vec![update], Vec::new())).chain([(Vec::new(), loose)]);
        for (repos, loose) in parts {
            let part = Batch { repos, loose, identities: identities.clone(), ..Batch::new(community, audience) };
            all.add(match self.run(received, |w| w.apply(&part, now)) {
                Err(StoreError::OverQuota(excess)) => self.run(received, |w| w.defer(&part, &excess))?,
                done => done?,
            });
        }
        Ok(all)
    }

    /// The same for what peers sent and hold still: on the disk within a second, so that many share one flush.
    pub fn apply_received(&self, batch: Batch, now: u64) -> Result<Applied, StoreError> {
        self.apply_as(true, batch, now)
    }

    /// A community founded here, or an own roster operation or identity: stored durably, roster folded anew.
    pub fn put_own(&self, batch: Batch, now: u64) -> Result<Applied, StoreError> {
        self.apply(batch, now)
    }
}

impl Writer<'_> {
    fn apply(&mut self, batch: &Batch, now: u64) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let roster = self.take_roster(batch, &mut applied)?;
        if roster.audience() == Audience::Members && batch.audience == Audience::Public {
            let refused = batch.repos.iter().map(|update| &update.commit).chain(&batch.loose);
            applied.refused.extend(refused.map(|b| (*b.cid(), "this community has no public audience".to_owned())));
            return Ok(applied);
        }
        for update in &batch.repos {
            self.take_update(&roster, batch.audience, update, &batch.identities, now, &mut applied)?;
        }
        self.take_files(&roster, batch.audience, &batch.loose, &mut applied)?;
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
            match self.receive_file(roster.number, audience, block)? {
                Received::Taken => applied.blobs.retain(|cid| cid != block.cid()),
                Received::PutOff => applied.refused.push((*block.cid(), "there is no room for it here".into())),
                Received::Unwanted => match self.receive_pinned(block)? {
                    Some(true) => {}
                    Some(false) => applied.refused.push((*block.cid(), "there is no room for it here".into())),
                    None if self.holds(roster, audience, block)? => {}
                    None => applied.refused.push((*block.cid(), "no record here links it".into())),
                },
            }
        }
        self.give_to_pins()?;
        applied.blobs.append(&mut self.lacked);
        Ok(())
    }

    /// Notes the heads of updates whose trees had no room.
    fn defer(&mut self, batch: &Batch, excess: &Excess) -> Result<Applied, StoreError> {
        let mut applied = Applied::default();
        let Some(roster) = self.rosters.get(&batch.community).cloned() else { return Ok(applied) };
        for RepoUpdate { commit, .. } in &batch.repos {
            self.put_off_update(&roster, batch.audience, commit, &batch.identities, excess, &mut applied)?;
        }
        Ok(applied)
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
