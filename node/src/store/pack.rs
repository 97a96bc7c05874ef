//! Packing: writing the file anew, row after row, once much of it is empty. A database gives back only what lies at the
//! end of its file, and pages that were filled in no order stay half empty.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use super::{Current, Store, StoreError, open};
use crate::place::place;

/// What has to come of it, in bytes.
const WORTH: u64 = 4 * 1024 * 1024;
/// And as a share of what the file takes: a sixteenth.
const SHARE: u64 = 16;

/// Where the file is written anew. Whoever has the lock of the store may clear it away: a cut left it.
pub(super) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".packing");
    PathBuf::from(name)
}

impl Store {
    /// Packs the file if that is worth it and it takes at most `longest` bytes, and answers how many less it takes.
    /// Who reads goes on, and keeps the old file until done; who writes waits: two seconds for 100 MiB on a fast disk.
    /// There has to be room for both files.
    pub fn pack(&self, longest: u64) -> Result<u64, StoreError> {
        // Before anybody waits: this reads the whole file.
        let Some(filled) = self.worth(longest)? else { return Ok(0) };
        let mut turn = self.turn();
        self.ready(&mut turn)?;
        if turn.group.is_some() {
            self.flush_group(&mut turn)?;
        }
        let disk = self.disk();
        let Some(path) = disk.path() else { return Ok(0) };
        let before = disk.taken()?;
        let (t, rosters) = {
            let current = self.inner.current.read().unwrap_or_else(PoisonError::into_inner);
            (current.latest()?, Arc::clone(&current.rosters))
        };
        disk.check_room(filled)?;
        let fresh = beside(path);
        fs::remove_file(&fresh).ok();
        let built = open::build_locked(&fresh, |to| t.copy_into(to));
        let (packed, open) = built.inspect_err(|_| drop(fs::remove_file(&fresh)))?;
        let after = packed.taken()?;
        let mut current = self.inner.current.write().unwrap_or_else(PoisonError::into_inner);
        let placed = place(&fresh, path, true).map_err(|why| StoreError::Io(path.to_owned(), why));
        if placed.is_err() && fresh.exists() {
            fs::remove_file(&fresh).ok();
            return placed.map(|()| 0);
        }
        // From here on the new file is the store, even if its name is not known to be on the disk yet.
        *self.inner.disk.write().unwrap_or_else(PoisonError::into_inner) = packed.named(path);
        *current = Current::new(open, rosters);
        drop(current);
        placed?;
        tracing::info!(before, after, "the store was packed");
        Ok(before.saturating_sub(after))
    }

    /// About how many bytes it would take, if that is worth it.
    fn worth(&self, longest: u64) -> Result<Option<u64>, StoreError> {
        let disk = self.disk();
        let taken = disk.taken()?;
        if disk.path().is_none() || taken > longest {
            return Ok(None);
        }
        let (t, _, _open) = self.reading()?;
        let filled = t.filled()?;
        Ok(Some(filled).filter(|filled| taken.saturating_sub(*filled) >= WORTH.max(taken / SHARE)))
    }
}
