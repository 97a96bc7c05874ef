//! The write transaction. One runs at a time, so everything a [`Writer`] reads stays true until it commits.

use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
    thread,
    time::Instant,
};

use folkmoot_schemas::Cid;
use redb::{Durability, ReadableTable, WriteTransaction};

use super::{
    Rosters, Store, StoreError,
    disk::Open,
    group::{Flush, Group, RECEIVED},
    quota::{Quotas, Tally},
    roster::{Roster, Waiting},
    tables::{Reading, Writing},
};

/// More generations than can be lost between two flushes.
const LEAP: u64 = 1 << 10;

pub(super) struct Writer<'t> {
    pub(super) t: Writing<'t>,
    /// Rosters as of this transaction.
    pub(super) rosters: Arc<Rosters>,
    pub(super) waiting: BTreeMap<Cid, Waiting>,
    /// Sequence number of the newest block.
    pub(super) last_block: u64,
    /// Blocks that lost a hold: see `collect`.
    pub(super) let_go: Vec<u64>,
    /// Blocks that came and that a pin wants.
    pub(super) arrived: Vec<[u8; 33]>,
    /// Blocks that pins lack since they were walked.
    pub(super) lacked: Vec<Cid>,
    /// What is used more, or less, than before.
    pub(super) tally: Tally,
    pub(super) quotas: Quotas,
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

/// What whoever writes holds, and leaves to the next.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) group: Option<Group>,
    /// A thread will flush what was received.
    flusher: bool,
    /// When opening the file anew failed last.
    pub(super) tried: Option<Instant>,
    /// This process has counted a generation.
    counted: bool,
}

/// A commit: the generation it began, and the flush it waits for.
struct Written {
    generation: Option<u64>,
    /// None: it is on the disk.
    flush: Option<Arc<Flush>>,
}

impl Store {
    /// Runs `f` in one write transaction and commits if it wrote anything; an error leaves everything as it was.
    /// Durable when this returns.
    pub(super) fn write<T>(&self, f: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let done = self.take_turn(false, f).and_then(|(value, written)| {
            if let Some(Written { flush: Some(flush), .. }) = &written {
                flush.wait()?;
            }
            Ok((value, written))
        });
        match &done {
            Ok((_, Some(_))) => self.note_disk(None),
            Ok((_, None)) => {}
            Err(why) => self.note_error(why),
        }
        let (value, written) = done?;
        self.tell_of(written);
        Ok(value)
    }

    /// The same for what others can send again: durable within [`RECEIVED`], or with the next write that is.
    pub(super) fn receive<T>(&self, f: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let (value, written) = self.take_turn(true, f).inspect_err(|why| self.note_error(why))?;
        self.tell_of(written);
        Ok(value)
    }

    /// Everything written so far is durable when this returns.
    pub fn flush(&self) -> Result<(), StoreError> {
        let mut turn = self.turn();
        match turn.group {
            Some(_) => self.flush_group(&mut turn),
            None => Ok(()),
        }
    }

    fn take_turn<T>(
        &self,
        received: bool,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, Option<Written>), StoreError> {
        self.inner.queue.fetch_add(1, Ordering::SeqCst);
        let mut leaving = Leaving { store: self, turn: self.turn() };
        self.inner.queue.fetch_sub(1, Ordering::SeqCst);
        self.ready(&mut leaving.turn)?;
        self.transact(&mut leaving.turn, received, f)
    }

    fn transact<T>(
        &self,
        turn: &mut Turn,
        received: bool,
        f: impl FnOnce(&mut Writer<'_>) -> Result<T, StoreError>,
    ) -> Result<(T, Option<Written>), StoreError> {
        let inner = &*self.inner;
        let (open, before) = {
            let current = inner.current.read().unwrap_or_else(PoisonError::into_inner);
            // While somebody looks redb frees nothing right after a commit, which a process that ends would do in vain.
            if !inner.brief {
                current.pass();
            }
            (Arc::clone(&current.open), Arc::clone(&current.rosters))
        };
        let mut txn = self.begin(&open)?;
        let mut waiting = inner.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let t = Writing::open(&txn);
        let last_block = t.counters.get("blocks")?.map_or(0, |n| n.value());
        let mut w = Writer {
            t,
            rosters: Arc::clone(&before),
            waiting: std::mem::take(&mut waiting),
            last_block,
            let_go: Vec::new(),
            arrived: Vec::new(),
            lacked: Vec::new(),
            tally: Tally::default(),
            quotas: self.quotas(),
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
            return Ok((value, None));
        }
        let mut generation = None;
        if w.visible {
            // Counted inside the transaction: the next one may begin before the number is published.
            let newest = self.generation().max(w.t.counters.get("generation")?.map_or(0, |n| n.value()));
            // Numbers of commits that were seen and then lost in a power cut are not given again.
            let next = newest + if turn.counted { 1 } else { LEAP };
            w.t.counters.insert("generation", next)?;
            generation = Some(next);
        }
        if w.last_block != last_block {
            w.t.counters.insert("blocks", w.last_block)?;
        }
        let rosters = Arc::clone(&w.rosters);
        drop(w);
        let others = match received {
            // It would be hidden with the own commits that wait.
            true => turn.group.as_ref().is_none_or(|group| !group.is_awaited()),
            false => inner.queue.load(Ordering::SeqCst) > 0,
        };
        let shared = others && Group::takes_more(turn.group.as_ref(), received);
        if shared {
            if !received {
                self.hide_what_follows(&open, &before)?;
            }
            txn.set_durability(Durability::None).map_err(|why| StoreError::Redb(Box::new(why)))?;
        }
        let committed = match Arc::ptr_eq(&before, &rosters) {
            true => {
                let committed = txn.commit();
                inner.current.read().unwrap_or_else(PoisonError::into_inner).pass();
                committed
            }
            false => {
                let mut current = inner.current.write().unwrap_or_else(PoisonError::into_inner);
                let committed = txn.commit();
                current.pass();
                committed.inspect(|()| current.rosters = rosters)
            }
        }
        .map_err(StoreError::from);
        if !shared {
            // With it, all that were waiting are on the disk, or none is.
            self.settle(turn, committed.as_ref().err());
        }
        committed?;
        turn.counted |= generation.is_some();
        let flush = shared.then(|| Group::join(&mut turn.group, received));
        Ok((value, Some(Written { generation, flush })))
    }

    fn begin(&self, open: &Open) -> Result<WriteTransaction, StoreError> {
        let mut txn = open.db.begin_write()?;
        txn.set_two_phase_commit(true);
        txn.set_quick_repair(self.inner.brief);
        Ok(txn)
    }

    /// Until the next flush views are of this moment.
    fn hide_what_follows(&self, open: &Open, rosters: &Arc<Rosters>) -> Result<(), StoreError> {
        let mut current = self.inner.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.durable.is_none() {
            current.durable = Some((Arc::new(Reading::of(&open.db)?), Arc::clone(rosters)));
        }
        Ok(())
    }

    /// After a flush: shows what it made durable, and tells all who wait how it went.
    pub(super) fn settle(&self, turn: &mut Turn, trouble: Option<&StoreError>) {
        if trouble.is_none() {
            self.inner.current.write().unwrap_or_else(PoisonError::into_inner).durable = None;
        }
        Group::settle(&mut turn.group, trouble);
    }

    pub(super) fn flush_group(&self, turn: &mut Turn) -> Result<(), StoreError> {
        let flush = || Ok(self.begin(&self.current())?.commit()?);
        let flushed: Result<(), StoreError> = flush();
        self.settle(turn, flushed.as_ref().err());
        if let Err(why) = &flushed {
            self.note_error(why);
        }
        flushed
    }

    /// Flushes what was received, in a while.
    fn flush_soon(&self, turn: &mut Turn) {
        if std::mem::replace(&mut turn.flusher, true) {
            return;
        }
        let store = Arc::downgrade(&self.inner);
        let flusher = thread::Builder::new().name("flush".into()).spawn(move || {
            thread::sleep(RECEIVED);
            // A store that was closed meanwhile has flushed.
            let Some(inner) = store.upgrade() else { return };
            let store = Self { inner };
            let mut turn = store.turn();
            turn.flusher = false;
            if turn.group.is_some() {
                // Whoever writes next is told of a failure.
                store.flush_group(&mut turn).ok();
            }
        });
        if flusher.is_err() {
            turn.flusher = false;
            self.flush_group(turn).ok();
        }
    }

    pub(super) fn turn(&self) -> MutexGuard<'_, Turn> {
        self.inner.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_of(&self, written: Option<Written>) {
        if let Some(Written { generation: Some(generation), .. }) = written {
            self.tell(generation);
        }
    }

    /// Writers may come here in another order than they committed; what listeners hear never goes back.
    pub(super) fn tell(&self, generation: u64) {
        self.inner.generation.fetch_max(generation, Ordering::AcqRel);
        let listeners = self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.generation();
        for listener in listeners.iter() {
            listener(newest);
        }
    }

    fn note_error(&self, why: &StoreError) {
        if why.is_of_disk() {
            self.note_disk(Some(why));
        }
    }

    /// Loud once, however often it fails.
    pub(super) fn note_disk(&self, trouble: Option<&StoreError>) {
        let was = self.inner.writable.swap(trouble.is_none(), Ordering::Relaxed);
        if was != trouble.is_none() {
            let watchers = self.inner.watchers.lock().unwrap_or_else(PoisonError::into_inner);
            watchers.iter().for_each(|watcher| watcher(trouble));
        }
    }
}

/// Passes the turn on. However a write ends: somebody may have left the flush to us.
struct Leaving<'s> {
    store: &'s Store,
    turn: MutexGuard<'s, Turn>,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if self.store.inner.queue.load(Ordering::SeqCst) > 0 {
            return;
        }
        match &self.turn.group {
            // Those who wait are told how it went.
            Some(group) if group.is_awaited() => drop(self.store.flush_group(&mut self.turn)),
            Some(_) => self.store.flush_soon(&mut self.turn),
            None => {}
        }
    }
}
