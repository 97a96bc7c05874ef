//! The write transaction. redb lets one run at a time, so everything a [`Writer`] reads stays true until it commits.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, atomic::Ordering},
};

use folkmoot_schemas::Cid;
use redb::ReadableTable;

use super::{
    Rosters, Store, StoreError,
    roster::{Roster, Waiting},
    tables::Writing,
};

pub(super) struct Writer<'t> {
    pub(super) t: Writing<'t>,
    /// Rosters as of this transaction.
    pub(super) rosters: Arc<Rosters>,
    pub(super) waiting: BTreeMap<Cid, Waiting>,
    /// Sequence number of the newest block.
    pub(super) last_block: u64,
    /// Blocks that lost a hold: see `collect`.
    pub(super) let_go: Vec<u64>,
    /// Something was written.
    pub(super) dirty: bool,
    /// Something that pages show was written. Implies `dirty`.
    pub(super) visible: bool,
}

impl Writer<'_> {
    pub(super) fn set_roster(&mut self, community: Cid, roster: Roster) {
        Arc::make_mut(&mut self.rosters).insert(community, Arc::new(roster));
    }
}

impl Store {
    /// Runs `f` in one write transaction and commits if it wrote anything; an error leaves everything as it was.
    /// Durable when this returns.
    pub(super) fn write<T>(&self, f: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let done = self.transact(f);
        match &done {
            Ok((_, false)) => {}
            Ok((_, true)) => self.inner.writable.store(true, Ordering::Relaxed),
            Err(why) if why.is_of_disk() => self.inner.writable.store(false, Ordering::Relaxed),
            Err(_) => {}
        }
        done.map(|(value, _)| value)
    }

    /// The outcome, and whether anything was committed.
    fn transact<T>(&self, f: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>) -> Result<(T, bool), StoreError> {
        let inner = &*self.inner;
        let mut txn = inner.db.begin_write()?;
        txn.set_two_phase_commit(true);
        let before = Arc::clone(&inner.rosters.read().unwrap_or_else(PoisonError::into_inner));
        let mut waiting = inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let t = Writing::open(&txn)?;
        let last_block = t.counters.get("blocks")?.map_or(0, |n| n.value());
        let mut w = Writer {
            t,
            rosters: Arc::clone(&before),
            waiting: std::mem::take(&mut waiting),
            last_block,
            let_go: Vec::new(),
            dirty: false,
            visible: false,
        };
        let outcome = f(&mut w).and_then(|value| {
            w.collect()?;
            Ok(value)
        });
        *waiting = std::mem::take(&mut w.waiting);
        drop(waiting);
        let value = outcome?;
        if !w.dirty && !w.visible {
            return Ok((value, false));
        }
        let mut generation = None;
        if w.visible {
            // Counted inside the transaction: the next one may begin before the number is published below.
            let next = w.t.counters.get("generation")?.map_or(0, |n| n.value()) + 1;
            w.t.counters.insert("generation", next)?;
            generation = Some(next);
        }
        if w.last_block != last_block {
            w.t.counters.insert("blocks", w.last_block)?;
        }
        let rosters = Arc::clone(&w.rosters);
        drop(w);
        if Arc::ptr_eq(&before, &rosters) {
            txn.commit()?;
        } else {
            let mut current = inner.rosters.write().unwrap_or_else(PoisonError::into_inner);
            txn.commit()?;
            *current = rosters;
        }
        if let Some(generation) = generation {
            self.tell(generation);
        }
        Ok((value, true))
    }

    /// Writers may come here in another order than they committed; what listeners hear never goes back.
    fn tell(&self, generation: u64) {
        self.inner.generation.fetch_max(generation, Ordering::AcqRel);
        let listeners = self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.generation();
        for listener in listeners.iter() {
            listener(newest);
        }
    }
}
