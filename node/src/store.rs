//! The store: one redb file, one owner, one writer. Blocks, repositories, roster, people, and the indexes pages read.
//!
//! Promises: what a returned call wrote survives a power cut (two-phase commit, synced; see `group`); a disk that takes
//! no writes stops writing, not reading, and writing goes on by itself (`disk`, `reopen`); a [`View`] is one consistent
//! picture, without own commits that are not on the disk yet; whether something from outside is accepted depends only on its bytes, the newest identities and the roster,
//! never on this machine's clock or on the order of arrival. The layout of the file is `tables`; what others may read of
//! it is decided by reach, see `blocks`.

mod advance;
pub mod answers;
mod apply;
mod aside;
mod attest;
pub mod backup;
mod blobs;
mod blocks;
mod commit;
mod digests;
mod disk;
pub mod error;
mod expiring;
mod group;
mod index;
mod intern;
pub(crate) mod keepers;
mod late;
mod likeness;
pub mod lineage;
pub mod lost;
mod mark;
mod meta;
mod migrations;
pub mod notices;
mod open;
mod pack;
mod people;
pub mod pins;
mod proofs;
pub mod quota;
pub mod read_archive;
mod read_community;
mod read_events;
pub mod read_history;
mod read_inbox;
pub mod read_pins;
mod read_records;
mod read_sync;
pub mod reader;
mod reopen;
mod repos;
mod revisions;
mod roster;
mod shelf;
mod sparing;
mod staging;
mod standing;
pub mod succession;
mod superseded;
pub mod sweep;
mod tables;
#[cfg(test)]
pub(crate) mod tests;
mod tidy;
pub mod told;
mod trees;
mod update;
mod verify;
pub mod versions;
mod votes;
mod whereabouts;
pub mod write;
mod writer;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use folkmoot_schemas::{Cid, block::Block};

use disk::{Disk, Open};
use quota::Quotas;
use roster::{Roster, Waiting};
use tables::Reading;
use writer::Turn;

pub use error::StoreError;
pub use reader::{PublicReader, Scope, View};
pub use whereabouts::Reached;
pub use write::{Applied, Batch, OwnCommit, RepoUpdate};

/// Cheap to clone; all clones share one file.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    /// Another one once the file was packed.
    disk: RwLock<Disk>,
    current: RwLock<Current>,
    /// Held by whoever writes.
    turn: Mutex<Turn>,
    /// How many wait for their turn.
    queue: AtomicUsize,
    /// Roster operations and identities that came before what they depend on. Memory only: a stranger's bytes never
    /// reach the disk, and whoever has the missing part offers all of it again.
    waiting: Mutex<BTreeMap<Cid, Waiting>>,
    generation: AtomicU64,
    /// The last write reached the disk, or none was tried yet.
    writable: AtomicBool,
    /// See [`Store::open_briefly`].
    brief: bool,
    listeners: Mutex<Vec<Listener>>,
    watchers: Mutex<Vec<Watcher>>,
    quotas: Mutex<Quotas>,
}

/// What is read from now.
struct Current {
    /// The picture of the last commit, once somebody looked: opening all tables takes longer than most reads. Gone with
    /// the next write, which could not use the pages it frees otherwise. Goes before `open`.
    latest: Mutex<Option<Arc<Reading>>>,
    open: Arc<Open>,
    /// Folded rosters. Replaced in the same moment as the commit that changes them, so that a view never sees one
    /// without the other.
    rosters: Arc<Rosters>,
    /// The same as of the last flush, while own commits wait for the next: until they are on the disk nobody may see
    /// them, or a peer could know a commit that we lost in a power cut and sign another one in the place of.
    durable: Option<(Arc<Reading>, Arc<Rosters>)>,
}

type Rosters = BTreeMap<Cid, Arc<Roster>>;
/// A read transaction, the rosters of the same commit, and the database they are of.
type Picture = (Arc<Reading>, Arc<Rosters>, Arc<Open>);
type Listener = Box<dyn Fn(u64) + Send + Sync>;
type Watcher = Box<dyn Fn(Option<&StoreError>) + Send + Sync>;

impl Current {
    fn new(open: Open, rosters: Arc<Rosters>) -> Self {
        Self { latest: Mutex::default(), open: Arc::new(open), rosters, durable: None }
    }

    fn latest(&self) -> Result<Arc<Reading>, StoreError> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(t) = &*latest {
            return Ok(Arc::clone(t));
        }
        Ok(Arc::clone(latest.insert(Arc::new(Reading::of(&self.open.db)?))))
    }

    /// Whoever looks next opens the tables anew.
    fn pass(&self) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("disk", &self.disk()).finish_non_exhaustive()
    }
}

impl Store {
    /// Under a temporary name, committed, synced, renamed: a cut leaves either no store or one that opens.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        open::create(path)?;
        Self::open(path)
    }

    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::load(open::open(path)?, false)
    }

    /// For a process that may end without closing the file: every commit says which pages are free (redb's quick
    /// repair), so that whoever opens it next need not find out, and closing would only commit once more. What that
    /// adds to a commit is less than a close, but too much for a store that takes many. See [`Self::leave`].
    pub fn open_briefly(path: &Path) -> Result<Self, StoreError> {
        Self::load(open::open(path)?, true)
    }

    /// For a process that ends now: makes durable what is not yet, and leaves the file as it is, locked until then.
    /// Closes it in order where it was not opened for that, or had to be repaired: each opening would repair it again.
    pub fn leave(self) -> Result<(), StoreError> {
        self.flush()?;
        if self.inner.brief && !self.current().was_repaired() {
            std::mem::forget(self);
        }
        Ok(())
    }

    pub fn in_memory() -> Result<Self, StoreError> {
        Self::load(open::in_memory()?, false)
    }

    fn load((disk, open, t): (Disk, Open, Reading), brief: bool) -> Result<Self, StoreError> {
        let (rosters, generation) = (Arc::new(roster::load(&t)?), meta::counter(&t, "generation")?);
        let current = Current { latest: Mutex::new(Some(Arc::new(t))), ..Current::new(open, rosters) };
        Ok(Self {
            inner: Arc::new(Inner {
                disk: RwLock::new(disk),
                current: RwLock::new(current),
                turn: Mutex::default(),
                queue: AtomicUsize::new(0),
                waiting: Mutex::default(),
                generation: AtomicU64::new(generation),
                writable: AtomicBool::new(true),
                brief,
                listeners: Mutex::default(),
                watchers: Mutex::default(),
                quotas: Mutex::default(),
            }),
        })
    }

    /// One read transaction: a consistent picture however long it is held.
    pub fn view(&self, scope: Scope) -> Result<View, StoreError> {
        View::new(scope, self.reading()?, self.quotas())
    }

    /// One read transaction, the rosters of the same commit, and the database they are of.
    fn reading(&self) -> Result<Picture, StoreError> {
        if self.current().failed() {
            self.revive(&mut self.turn())?;
        }
        // Under the lock, so that transaction and rosters are of the same commit.
        let current = self.inner.current.read().unwrap_or_else(PoisonError::into_inner);
        let open = Arc::clone(&current.open);
        if let Some((t, rosters)) = &current.durable {
            return Ok((Arc::clone(t), Arc::clone(rosters), open));
        }
        Ok((current.latest()?, Arc::clone(&current.rosters), open))
    }

    fn disk(&self) -> Disk {
        self.inner.disk.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn current(&self) -> Arc<Open> {
        Arc::clone(&self.inner.current.read().unwrap_or_else(PoisonError::into_inner).open)
    }

    /// Handle for the gateway: public audience only.
    pub fn public_reader(&self) -> PublicReader {
        PublicReader { store: self.clone() }
    }

    /// A file's bytes, stored before the record that links it is published. `now` in microseconds: without such a record
    /// they go after a day.
    pub fn put_blob(&self, block: &Block, now: u64) -> Result<(), StoreError> {
        self.write(|w| w.upload(block, now))
    }

    /// Counts up with every write that pages could show. For caches and ETags; also across restarts.
    pub fn generation(&self) -> u64 {
        self.inner.generation.load(Ordering::Acquire)
    }

    /// Did the disk take the last write, and is there room for another? What was refused for its content does not count.
    pub fn writable(&self) -> bool {
        self.inner.writable.load(Ordering::Relaxed)
    }

    /// Calls `f` after every such write, from the writing thread: must not block.
    pub fn on_change(&self, f: Listener) {
        self.inner.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(f);
    }

    /// Calls `f` when the disk begins to refuse what is written, with the reason, and when it takes it again. Must not
    /// block.
    pub fn on_disk_change(&self, f: Watcher) {
        self.inner.watchers.lock().unwrap_or_else(PoisonError::into_inner).push(f);
    }

    /// (bytes on disk, blocks).
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        use redb::ReadableTableMetadata;
        use tables::Tables;
        let (t, _, _open) = self.reading()?;
        let disk = self.disk();
        let bytes = if disk.path().is_some() { disk.taken()? } else { 0 };
        Ok((bytes, t.blocks().len()?))
    }
}
