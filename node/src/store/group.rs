//! One flush for several commits: who sees others waiting leaves the flush to the last of them and waits for it.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::StoreError;

/// Commits that one flush may make durable, and how long the first of them waits for company.
const COMMITS: u32 = 64;
const PATIENCE: Duration = Duration::from_millis(100);
/// The same for what was received: whoever sent it has it still.
pub(super) const RECEIVED: Duration = Duration::from_secs(1);

/// Commits that are in the database and not yet on the disk.
#[derive(Debug)]
pub(super) struct Group {
    flush: Arc<Flush>,
    commits: u32,
    since: Instant,
    awaited: bool,
}

impl Group {
    /// May another commit wait for the flush of these?
    pub(super) fn takes_more(group: Option<&Self>, received: bool) -> bool {
        group.is_none_or(|g| g.commits < COMMITS && g.since.elapsed() < if received { RECEIVED } else { PATIENCE })
    }

    pub(super) fn join(group: &mut Option<Self>, received: bool) -> Arc<Flush> {
        let new = || Self { flush: Arc::default(), commits: 0, since: Instant::now(), awaited: false };
        let group = group.get_or_insert_with(new);
        group.commits += 1;
        group.awaited |= !received;
        Arc::clone(&group.flush)
    }

    /// Somebody waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        self.awaited
    }

    /// Tells all who wait that they are on the disk, or why they may not be.
    pub(super) fn settle(group: &mut Option<Self>, trouble: Option<&StoreError>) {
        if let Some(Self { flush, .. }) = group.take() {
            flush.end(trouble.map_or(Ok(()), |why| Err(why.cause())));
        }
    }
}

/// What those who share it wait for.
#[derive(Debug, Default)]
pub(super) struct Flush {
    outcome: Mutex<Option<Result<(), String>>>,
    ended: Condvar,
}

impl Flush {
    pub(super) fn wait(&self) -> Result<(), StoreError> {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*outcome {
                Some(Ok(())) => return Ok(()),
                Some(Err(why)) => return Err(StoreError::ReadOnly(why.clone().into())),
                None => outcome = self.ended.wait(outcome).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn end(&self, with: Result<(), String>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(with);
        self.ended.notify_all();
    }
}
