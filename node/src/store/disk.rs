//! What the database stands on: a file that stays open and locked for as long as the store lives.
//!
//! After an I/O error redb takes nothing more, and reads only what it has in memory, until its file is opened anew. So
//! each database is given an [`Access`] to the disk, which notices the first error and can be cut off; the next database
//! gets another over the same, still locked file. Where the disk takes no writes a database can stand [`aside`](super::aside):
//! what redb writes to recover is kept in memory, and reading goes on.

use std::{
    fs::{self, File, OpenOptions},
    io,
    ops::Bound,
    os::unix::fs::MetadataExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use folkmoot_schemas::limits;
use redb::{
    Database, DatabaseError, StorageBackend, StorageError,
    backends::{FileBackend, InMemoryBackend},
};

use super::{StoreError, aside::Aside, sparing::Sparing};

/// A process that somebody starts holds a copy of all their locks until it has become another program. So a lock counts as
/// taken only after this.
const STARTING: Duration = Duration::from_millis(100);

/// A file, memory, or in tests a disk that fails.
pub(super) trait Medium: StorageBackend {
    /// Bytes that may still be written, as far as can be known beforehand.
    fn room(&self) -> io::Result<u64>;

    /// Bytes it takes of the disk. A file grows by doubling its length; what was never written to takes nothing.
    fn taken(&self) -> io::Result<u64> {
        self.len()
    }
}

#[derive(Debug, Clone)]
pub(super) struct Disk {
    medium: Arc<dyn Medium>,
    /// For messages, and to measure; None: in memory.
    path: Option<PathBuf>,
}

/// A database, and what it stands on.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) db: Database,
    access: Access,
    /// Which pages are free had to be found out, and is written down when this is closed, or with a quick repair.
    repaired: Arc<AtomicBool>,
}

impl Disk {
    /// Locks the file; whoever else tries is told so.
    pub(super) fn file(path: &Path) -> Result<Self, StoreError> {
        let deadline = Instant::now() + STARTING;
        loop {
            match Self::try_file(path) {
                Err(StoreError::Locked(_)) if Instant::now() < deadline => thread::sleep(STARTING / 20),
                done => return done,
            }
        }
    }

    fn try_file(path: &Path) -> Result<Self, StoreError> {
        let io = |e| StoreError::Io(path.to_owned(), e);
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
        let same = file.try_clone().map_err(io)?;
        let backend = FileBackend::new(same).map_err(|e| database(path, e))?;
        match backend.try_lock_range(Bound::Unbounded, Bound::Unbounded) {
            // Its owner may have put another file in its place (`pack`) since it was opened: then nobody would read
            // what is written here.
            Ok(true) if !is_at(&file, path).map_err(io)? => Err(StoreError::Locked(path.to_owned())),
            Ok(true) => Ok(Self::over(OnDisk { backend, file }).named(path)),
            Ok(false) => Err(StoreError::Locked(path.to_owned())),
            Err(why) => Err(io(io::Error::other(format!("{why:?}")))),
        }
    }

    /// The same file after it was renamed.
    pub(super) fn named(self, path: &Path) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// For a database that stands aside. Not locked.
    pub(super) fn read_only(path: &Path) -> Result<Self, StoreError> {
        let io = |e| StoreError::Io(path.to_owned(), e);
        let file = File::open(path).map_err(io)?;
        let same = file.try_clone().map_err(io)?;
        let backend = FileBackend::new(same).map_err(|e| database(path, e))?;
        Ok(Self::over(OnDisk { backend, file }).named(path))
    }

    pub(super) fn memory() -> Self {
        Self::over(InMemory(InMemoryBackend::new()))
    }

    pub(super) fn over(medium: impl Medium) -> Self {
        Self { medium: Arc::new(Sparing::over(medium)), path: None }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(super) fn len(&self) -> Result<u64, StoreError> {
        self.medium.len().map_err(|e| self.io(e))
    }

    pub(super) fn taken(&self) -> Result<u64, StoreError> {
        self.medium.taken().map_err(|e| self.io(e))
    }

    pub(super) fn read_start(&self, out: &mut [u8]) -> io::Result<()> {
        self.medium.read(0, out)
    }

    /// Room for so many more bytes? Refuses before anything is written, so that a full disk does not cost us the database.
    pub(super) fn check_room(&self, more: u64) -> Result<(), StoreError> {
        match self.medium.room() {
            Ok(room) if room < more.saturating_add(limits::DISK_RESERVE) => {
                Err(StoreError::Full { path: self.name(), room })
            }
            // A file system that cannot say is believed when it refuses.
            _ => Ok(()),
        }
    }

    pub(super) fn open(&self) -> Result<Open, StoreError> {
        self.database(false, None)
    }

    /// Against all checksums. Aside: what is damaged stays as it was found, and nothing has to be synced.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.database(true, Some(Aside::new(self.len()?))).map(|open| open.cut())
    }

    /// For reading alone: nothing reaches the disk.
    pub(super) fn open_aside(&self) -> Result<Open, StoreError> {
        self.database(false, Some(Aside::new(self.len()?)))
    }

    fn database(&self, check: bool, aside: Option<Aside>) -> Result<Open, StoreError> {
        let access = Access(Arc::new(Opened {
            medium: Arc::clone(&self.medium),
            aside,
            connected: RwLock::new(true),
            failed: AtomicBool::new(false),
        }));
        let mut builder = Database::builder();
        let repaired = Arc::new(AtomicBool::new(false));
        let repairs = Arc::clone(&repaired);
        builder
            .set_cache_size(limits::STORE_CACHE)
            .set_check_integrity_on_open(check)
            .set_repair_callback(move |_| repairs.store(true, Ordering::Relaxed));
        let path = self.name();
        // redb panics over some files whose bytes were changed behind its back.
        let db = catch_unwind(AssertUnwindSafe(|| builder.create_with_backend(access.clone())))
            .map_err(|_| StoreError::Damaged(format!("{} cannot be read", path.display())))?
            .map_err(|e| database(&path, e))?;
        Ok(Open { db, access, repaired })
    }

    fn name(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| "memory".into())
    }

    fn io(&self, error: io::Error) -> StoreError {
        StoreError::Io(self.name(), error)
    }
}

impl Open {
    /// Something went wrong with the disk: this database is of no further use.
    pub(super) fn failed(&self) -> bool {
        self.access.0.failed.load(Ordering::Acquire)
    }

    pub(super) fn was_repaired(&self) -> bool {
        self.repaired.load(Ordering::Relaxed)
    }

    /// It takes nothing: what is written to it is forgotten.
    pub(super) fn is_aside(&self) -> bool {
        self.access.0.aside.is_some()
    }

    /// Nothing of it reaches the disk any more, and what still reads from it fails instead of reading what another
    /// database has written since. Returns once nothing is under way.
    pub(super) fn cut(&self) {
        self.access.0.failed.store(true, Ordering::Release);
        *self.access.0.connected.write().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

/// What one database may do with the disk.
#[derive(Debug, Clone)]
struct Access(Arc<Opened>);

#[derive(Debug)]
struct Opened {
    medium: Arc<dyn Medium>,
    aside: Option<Aside>,
    /// Held while the disk is used.
    connected: RwLock<bool>,
    failed: AtomicBool,
}

impl Access {
    fn run<T>(&self, act: impl FnOnce(&Opened) -> io::Result<T>) -> io::Result<T> {
        let connected = self.0.connected.read().unwrap_or_else(PoisonError::into_inner);
        let done = match *connected {
            true => act(&self.0),
            false => Err(io::Error::other("the file was opened anew")),
        };
        if done.is_err() {
            self.0.failed.store(true, Ordering::Release);
        }
        done
    }
}

impl StorageBackend for Access {
    fn len(&self) -> io::Result<u64> {
        self.run(|o| o.aside.as_ref().map_or_else(|| o.medium.len(), |aside| Ok(aside.len())))
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.run(|o| match &o.aside {
            Some(aside) => aside.read(&*o.medium, offset, out),
            None => o.medium.read(offset, out),
        })
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.run(|o| match &o.aside {
            Some(aside) => aside.set_len(len),
            None => o.medium.set_len(len),
        })
    }
    fn sync_data(&self) -> io::Result<()> {
        self.run(|o| o.aside.as_ref().map_or_else(|| o.medium.sync_data(), |_| Ok(())))
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.run(|o| match &o.aside {
            Some(aside) => aside.write(&*o.medium, offset, data),
            None => o.medium.write(offset, data),
        })
    }
}

#[derive(Debug)]
struct OnDisk {
    backend: FileBackend,
    /// The same open file.
    file: File,
}

impl StorageBackend for OnDisk {
    fn len(&self) -> io::Result<u64> {
        self.backend.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.backend.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.backend.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.backend.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.backend.write(offset, data)
    }
}

impl Medium for OnDisk {
    fn room(&self) -> io::Result<u64> {
        let disk = rustix::fs::fstatvfs(&self.file)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn taken(&self) -> io::Result<u64> {
        /// Of `st_blocks`, whatever the file system's own blocks are.
        const UNIT: u64 = 512;
        Ok(self.file.metadata()?.blocks().saturating_mul(UNIT))
    }
}

#[derive(Debug)]
struct InMemory(InMemoryBackend);

impl StorageBackend for InMemory {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

impl Medium for InMemory {
    fn room(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let (there, here) = (fs::metadata(path)?, file.metadata()?);
    Ok((there.dev(), there.ino()) == (here.dev(), here.ino()))
}

pub(super) fn database(path: &Path, error: DatabaseError) -> StoreError {
    let damaged = |why: &dyn std::fmt::Display| StoreError::Damaged(format!("{}: {why}", path.display()));
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => StoreError::Locked(path.to_owned()),
        DatabaseError::Storage(StorageError::Io(e)) if e.kind() == io::ErrorKind::InvalidData => damaged(&e),
        DatabaseError::Storage(StorageError::Io(e)) if e.kind() == io::ErrorKind::UnexpectedEof => damaged(&e),
        DatabaseError::Storage(StorageError::Io(e)) => StoreError::Io(path.to_owned(), e),
        DatabaseError::Storage(StorageError::Corrupted(_)) => damaged(&"its bytes do not match their checksums"),
        DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted => damaged(&error),
        other => StoreError::Redb(Box::new(other)),
    }
}
