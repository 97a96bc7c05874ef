//! Leaves out what would change nothing. redb writes its header at each step of opening and waits for the disk each time,
//! mostly with the same bytes, and a wait is what a short command takes longest for.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use redb::StorageBackend;

use super::disk::Medium;

/// What is remembered of the start at most, in bytes: redb's header is shorter, and written as a whole.
const HEADER: usize = 512;

#[derive(Debug)]
pub(super) struct Sparing<M> {
    medium: M,
    /// Held while something is written or synced, so that nobody takes a sync for done that is still under way.
    written: Mutex<Written>,
}

/// What is known of the medium.
#[derive(Debug, Default)]
struct Written {
    /// All that was written is on the disk. Not known at first: whoever had the file before may have been killed.
    synced: bool,
    /// What stands at its start; empty: not known.
    header: Vec<u8>,
}

impl<M> Sparing<M> {
    pub(super) fn over(medium: M) -> Self {
        Self { medium, written: Mutex::default() }
    }

    /// After an error nothing is known: a page that could not be written may be taken for clean by the system.
    fn change(&self, act: impl FnOnce(&mut Written) -> io::Result<()>) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut written).inspect_err(|_| *written = Written::default())
    }
}

impl<M: StorageBackend> StorageBackend for Sparing<M> {
    fn len(&self) -> io::Result<u64> {
        self.medium.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if offset > 0 {
            return self.medium.read(offset, out);
        }
        self.change(|written| {
            self.medium.read(0, out)?;
            if out.len() > written.header.len() {
                written.header = out[..out.len().min(HEADER)].to_vec();
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(|written| {
            *written = Written::default();
            self.medium.set_len(len)
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|written| {
            if !written.synced {
                self.medium.sync_data()?;
                written.synced = true;
            }
            Ok(())
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(|written| {
            if offset == 0 && written.header == data {
                return Ok(());
            }
            written.synced = false;
            self.medium.write(offset, data)?;
            if offset == 0 {
                written.header = data[..data.len().min(HEADER)].to_vec();
            } else if offset < written.header.len() as u64 {
                written.header.clear();
            }
            Ok(())
        })
    }
}

impl<M: Medium> Medium for Sparing<M> {
    fn room(&self) -> io::Result<u64> {
        self.medium.room()
    }

    fn taken(&self) -> io::Result<u64> {
        self.medium.taken()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use redb::backends::InMemoryBackend;

    use super::*;

    /// Notes what reaches it, and can fail.
    #[derive(Debug, Clone, Default)]
    struct Noting {
        bytes: Arc<InMemoryBackend>,
        seen: Arc<Mutex<Vec<String>>>,
        fails: Arc<AtomicBool>,
    }

    impl Noting {
        fn note(&self, what: String) -> io::Result<()> {
            self.seen.lock().unwrap().push(what);
            if self.fails.load(Ordering::Relaxed) { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
        }

        fn seen(&self) -> Vec<String> {
            std::mem::take(&mut self.seen.lock().unwrap())
        }
    }

    impl StorageBackend for Noting {
        fn len(&self) -> io::Result<u64> {
            self.bytes.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.bytes.read(offset, out)
        }
        fn set_len(&self, len: u64) -> io::Result<()> {
            self.note(format!("length {len}"))?;
            self.bytes.set_len(len)
        }
        fn sync_data(&self) -> io::Result<()> {
            self.note("sync".into())
        }
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.note(format!("write {} at {offset}", data.len()))?;
            self.bytes.write(offset, data)
        }
    }

    #[test]
    fn only_what_changes_something_reaches_the_disk() {
        let disk = Noting::default();
        let spared = Sparing::over(disk.clone());
        spared.set_len(10_000).unwrap();
        disk.seen();
        let header = |n: u8| spared.write(0, &[n; 320]).and_then(|()| spared.sync_data()).map(|()| disk.seen());
        let whole = ["write 320 at 0", "sync"];
        assert_eq!(header(1).unwrap(), whole);
        assert_eq!(header(1).unwrap(), [""; 0], "the same once more");
        assert_eq!(header(2).unwrap(), whole, "another");
        spared.write(4096, &[3; 4096]).unwrap();
        assert_eq!(header(2).unwrap(), ["write 4096 at 4096", "sync"], "the same, behind another page");
        spared.write(300, &[3; 100]).unwrap();
        assert_eq!(header(2).unwrap(), ["write 100 at 300", "write 320 at 0", "sync"], "the same, in part overwritten");
        spared.set_len(20_000).unwrap();
        assert_eq!(header(2).unwrap(), ["length 20000", "write 320 at 0", "sync"]);
    }

    #[test]
    fn after_an_error_nothing_is_taken_for_written() {
        let disk = Noting::default();
        let spared = Sparing::over(disk.clone());
        spared.set_len(10_000).unwrap();
        spared.write(0, &[1; 320]).unwrap();
        disk.fails.store(true, Ordering::Relaxed);
        spared.sync_data().unwrap_err();
        spared.sync_data().unwrap_err();
        disk.fails.store(false, Ordering::Relaxed);
        disk.seen();
        spared.write(0, &[1; 320]).unwrap();
        spared.sync_data().unwrap();
        assert_eq!(disk.seen(), ["write 320 at 0", "sync"]);
        spared.sync_data().unwrap();
        disk.fails.store(true, Ordering::Relaxed);
        spared.write(4096, &[2; 320]).unwrap_err();
        disk.fails.store(false, Ordering::Relaxed);
        disk.seen();
        spared.sync_data().unwrap();
        assert_eq!(disk.seen(), ["sync"], "part of it may have been written");
    }

    #[test]
    fn a_file_that_its_owner_may_have_left_half_written_is_synced_once_when_it_is_opened() {
        let disk = Noting::default();
        let open = || redb::Database::builder().create_with_backend(Sparing::over(disk.clone())).unwrap();
        let db = open();
        let mut txn = db.begin_write().unwrap();
        txn.set_quick_repair(true);
        txn.open_table(redb::TableDefinition::<u64, u64>::new("rows")).unwrap().insert(1, 1).unwrap();
        txn.commit().unwrap();
        std::mem::forget(db);
        disk.seen();
        let db = open();
        assert_eq!(disk.seen(), ["sync"], "its header stays as it was");
        std::mem::forget(db);
    }
}
