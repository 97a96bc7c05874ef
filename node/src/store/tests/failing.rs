//! A disk that fails: the file ends as the operations before the failure left it, some of the last ones torn off.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use redb::{Database, StorageBackend};

use super::*;
use crate::store::{StoreError, migrations};

/// Bytes that were written, and those that also survive a power cut.
#[derive(Debug, Clone, Default)]
struct Disk {
    written: Arc<Mutex<Vec<u8>>>,
    synced: Arc<Mutex<Vec<u8>>>,
    /// Writes and syncs left before everything fails.
    left: Arc<AtomicI64>,
}

impl Disk {
    fn with(bytes: Vec<u8>, left: i64) -> Self {
        let bytes = Arc::new(Mutex::new(bytes));
        let synced = Arc::new(Mutex::new(bytes.lock().unwrap().clone()));
        Self { written: bytes, synced, left: Arc::new(AtomicI64::new(left)) }
    }

    fn spend(&self) -> io::Result<()> {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            left if left > 0 => Ok(()),
            _ => Err(io::Error::from(io::ErrorKind::StorageFull)),
        }
    }

    fn store(&self) -> Result<Store, StoreError> {
        let db = Database::builder()
            .create_with_backend(self.clone())
            .map_err(|error| StoreError::from(redb::Error::from(error)))?;
        migrations::migrate(&db, std::path::Path::new("the disk"))?;
        Store::load(db, None)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written.lock().unwrap().len() as u64)
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let start = offset as usize;
        let bytes = self.written.lock().unwrap();
        out.copy_from_slice(bytes.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.spend()?;
        self.written.lock().unwrap().resize(len as usize, 0);
        Ok(())
    }
    fn sync_data(&self) -> io::Result<()> {
        self.spend()?;
        self.synced.lock().unwrap().clone_from(&self.written.lock().unwrap());
        Ok(())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.spend()?;
        let start = offset as usize;
        self.written.lock().unwrap()[start..start + data.len()].copy_from_slice(data);
        Ok(())
    }
}

#[test]
fn what_was_acknowledged_survives_a_disk_that_fails_at_any_write() {
    let ada = Person::new(1);
    let fresh = Disk::with(Vec::new(), i64::MAX);
    let db = Database::builder().create_with_backend(fresh.clone()).unwrap();
    migrations::initialise(&db).unwrap();
    drop(db);
    let community = found(&fresh.store().unwrap(), &ada, Visibility::Public, &[]);
    let start = fresh.synced.lock().unwrap().clone();

    let say = |store: &Store, n: u64, at: u64| {
        let changes = vec![put(post(&format!("post {n}")))];
        let (did, device, audience) = (ada.did(), &ada.device, Audience::Public);
        store.commit_own(OwnCommit { community, did, device, audience, changes, now: at, random: 0 })
    };
    // Far enough apart that the failures fall on every part of a commit; ends when three posts fit.
    for left in (1..).step_by(3) {
        let disk = Disk::with(start.clone(), left);
        let mut acknowledged = 0;
        if let Ok(store) = disk.store() {
            while acknowledged < 3 {
                match say(&store, acknowledged, NOON + acknowledged * SECOND) {
                    Ok(_) => {
                        assert!(store.writable());
                        acknowledged += 1;
                    }
                    Err(error) => {
                        assert!(!store.writable());
                        assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
                        break;
                    }
                }
            }
        }
        for survived in [&disk.written, &disk.synced] {
            let after = Disk::with(survived.lock().unwrap().clone(), i64::MAX);
            let store = after.store().unwrap();
            let kept = texts(&store, Scope::Public, community);
            for n in 0..acknowledged {
                assert!(kept.contains(&format!("post {n}")), "{left}: post {n} of {acknowledged} is lost: {kept:?}");
            }
            // The one that failed may be there all the same; saying it again makes no second one.
            say(&store, acknowledged, NOON + 60 * SECOND).unwrap();
            let mut kept = texts(&store, Scope::Public, community);
            kept.sort();
            let expected: Vec<String> = (0..=acknowledged).map(|n| format!("post {n}")).collect();
            assert_eq!(kept, expected, "{left}");
        }
        if acknowledged == 3 {
            assert!(left > 30, "a commit takes more operations than that");
            return;
        }
    }
}

#[test]
fn a_cut_while_a_store_is_raised_leaves_it_as_it_was_or_raised() {
    let mut cut = 0;
    for left in 1.. {
        let disk = Disk::with(migrations::tests::SCHEMA_1.to_vec(), left);
        let raised = disk.store().is_ok();
        for survived in [&disk.written, &disk.synced] {
            let after = Disk::with(survived.lock().unwrap().clone(), i64::MAX);
            migrations::tests::whole(&after.store().unwrap());
        }
        if raised {
            break;
        }
        cut += 1;
    }
    assert!(cut > 5, "raising takes more operations than {cut}");
}
