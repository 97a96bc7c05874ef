//! Going on after the disk failed, without starting anew: another database over the same file, for reading and writing
//! where the disk takes writes again, else for reading alone.

use std::{
    sync::{Arc, PoisonError, TryLockError},
    thread,
    time::{Duration, Instant},
};

use super::{Current, Store, StoreError, disk::Open, meta, roster, tables::Reading, writer::Turn};

/// Pause after a try that failed: each may read the whole file.
const RETRY: Duration = Duration::from_secs(1);
/// How long views of the old database may go on before they are cut off.
const VIEWS: Duration = Duration::from_secs(1);

impl Store {
    /// Looks whether the disk would take a write, opening the file anew if need be; false while it does not. Costs
    /// next to nothing while all is well. Whoever watches the disk is told when that changes.
    pub fn probe(&self) -> bool {
        let mut turn = match self.inner.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            // Whoever writes finds out.
            Err(TryLockError::WouldBlock) => return self.writable(),
        };
        let ready = self.ready(&mut turn);
        self.note_disk(ready.as_ref().err());
        ready.is_ok()
    }

    /// Before anything is written.
    pub(super) fn ready(&self, turn: &mut Turn) -> Result<(), StoreError> {
        self.revive(turn)?;
        if self.current().is_aside() {
            self.resume(turn)?;
        }
        self.disk().check_room(0)
    }

    /// After an error of the disk: a database to read from, at once.
    pub(super) fn revive(&self, turn: &mut Turn) -> Result<(), StoreError> {
        let old = self.current();
        if !old.failed() {
            return Ok(());
        }
        turn.pause()?;
        old.cut();
        let lost = StoreError::ReadOnly("the file was opened anew before it reached the disk".into());
        self.settle(turn, Some(&lost));
        let open = self.disk().open().or_else(|why| {
            turn.tried = Some(Instant::now());
            tracing::debug!(%why, "the store is opened for reading alone");
            self.disk().open_aside()
        });
        self.stand_on(open?)
    }

    /// From reading alone to writing.
    fn resume(&self, turn: &mut Turn) -> Result<(), StoreError> {
        turn.pause()?;
        let old = self.current();
        let open = self.disk().open().map_err(|why| {
            turn.tried = Some(Instant::now());
            StoreError::ReadOnly(why.to_string().into())
        })?;
        self.stand_on(open)?;
        // What views of the old one read may be written over from now on.
        let deadline = Instant::now() + VIEWS;
        while Arc::strong_count(&old) > 1 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        old.cut();
        Ok(())
    }

    fn stand_on(&self, open: Open) -> Result<(), StoreError> {
        let (rosters, generation) = {
            let t = Reading::of(&open.db)?;
            (Arc::new(roster::load(&t)?), meta::counter(&t, "generation")?)
        };
        let current = Current::new(open, rosters);
        *self.inner.current.write().unwrap_or_else(PoisonError::into_inner) = current;
        // A commit that was reported as failed may be there all the same.
        if generation > self.generation() {
            self.tell(generation);
        }
        Ok(())
    }
}

impl Turn {
    fn pause(&self) -> Result<(), StoreError> {
        match self.tried {
            Some(tried) if tried.elapsed() < RETRY => {
                Err(StoreError::ReadOnly("it failed a moment ago and is tried again soon".into()))
            }
            _ => Ok(()),
        }
    }
}
