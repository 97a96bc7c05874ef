//! The store: one redb file, one owner, one writer. Blocks, repositories, roster, people, and the indexes pages read.
//!
//! Promises: what a returned call wrote survives a power cut (two-phase commit, synced); a [`View`] is one consistent
//! picture; whether something from outside is accepted depends only on its bytes, the newest identities and the roster,
//! never on this machine's clock or on the order of arrival. The layout of the file is `tables`; what others may read of
//! it is decided by reach, see `blocks`.

mod advance;
mod apply;
mod blobs;
mod blocks;
mod commit;
pub mod error;
mod index;
mod intern;
mod meta;
mod migrations;
mod open;
mod people;
mod read_community;
mod read_events;
mod read_records;
mod read_sync;
pub mod reader;
mod repos;
mod roster;
mod staging;
mod tables;
#[cfg(test)]
mod tests;
mod trees;
mod update;
mod verify;
pub mod write;
mod writer;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use folkmoot_schemas::{Cid, block::Block};
use redb::{Database, ReadableDatabase};

use roster::{Roster, Waiting};
use tables::Reading;

pub use error::StoreError;
pub use reader::{PublicReader, Scope, View};
pub use write::{Applied, Batch, OwnCommit, RepoUpdate};

/// Cheap to clone; all clones share one file.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: Database,
    /// None: in memory.
    path: Option<PathBuf>,
    /// Folded rosters. Replaced in the same moment as the commit that changes them, so that a view never sees one
    /// without the other.
    rosters: RwLock<Arc<Rosters>>,
    /// Roster operations and identities that came before what they depend on. Memory only: a stranger's bytes never
    /// reach the disk, and whoever has the missing part offers all of it again.
    waiting: Mutex<BTreeMap<Cid, Waiting>>,
    generation: AtomicU64,
    /// The last write reached the disk, or none was tried yet.
    writable: AtomicBool,
    listeners: Mutex<Vec<Listener>>,
}

type Rosters = BTreeMap<Cid, Arc<Roster>>;
type Listener = Box<dyn Fn(u64) + Send + Sync>;

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.inner.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Under a temporary name, committed, synced, renamed: a cut leaves either no store or one that opens.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        open::create(path)?;
        Self::open(path)
    }

    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::load(open::open(path)?, Some(path.to_owned()))
    }

    pub fn in_memory() -> Result<Self, StoreError> {
        Self::load(open::in_memory()?, None)
    }

    fn load(db: Database, path: Option<PathBuf>) -> Result<Self, StoreError> {
        let (rosters, generation) = {
            let t = Reading::open(&db.begin_read()?)?;
            (roster::load(&t)?, meta::counter(&t, "generation")?)
        };
        Ok(Self {
            inner: Arc::new(Inner {
                db,
                path,
                rosters: RwLock::new(Arc::new(rosters)),
                waiting: Mutex::default(),
                generation: AtomicU64::new(generation),
                writable: AtomicBool::new(true),
                listeners: Mutex::default(),
            }),
        })
    }

    /// One read transaction: a consistent picture however long it is held.
    pub fn view(&self, scope: Scope) -> Result<View, StoreError> {
        // Under the lock, so that transaction and rosters are of the same commit.
        let current = self.inner.rosters.read().unwrap_or_else(PoisonError::into_inner);
        let txn = self.inner.db.begin_read()?;
        let rosters = Arc::clone(&current);
        drop(current);
        View::new(scope, Reading::open(&txn)?, rosters)
    }

    /// Handle for the gateway: public audience only.
    pub fn public_reader(&self) -> PublicReader {
        PublicReader { store: self.clone() }
    }

    /// A file's bytes, stored before the record that links it is published.
    pub fn put_blob(&self, block: &Block) -> Result<(), StoreError> {
        self.write(|w| w.upload(block))
    }

    /// Counts up with every write that pages could show. For caches and ETags; also across restarts.
    pub fn generation(&self) -> u64 {
        self.inner.generation.load(Ordering::Acquire)
    }

    /// Did the disk take the last write? What was refused for its content does not count.
    pub fn writable(&self) -> bool {
        self.inner.writable.load(Ordering::Relaxed)
    }

    /// Calls `f` after every such write, from the writing thread: must not block.
    pub fn on_change(&self, f: Box<dyn Fn(u64) + Send + Sync>) {
        self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(f);
    }

    /// (bytes on disk, blocks).
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        use redb::ReadableTableMetadata;
        use tables::Tables;
        let t = Reading::open(&self.inner.db.begin_read()?)?;
        let bytes = match &self.inner.path {
            Some(path) => path.metadata().map_err(|e| StoreError::Io(path.clone(), e))?.len(),
            None => 0,
        };
        Ok((bytes, t.blocks().len()?))
    }
}
