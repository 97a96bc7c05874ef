//! A disk that fails: the file ends as the operations before the failure left it, some of the last ones torn off; reading
//! goes on, and writing when the disk is mended. And what many writers at once cost it.

use std::{
    io,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use redb::{Database, StorageBackend};

use super::*;
use crate::store::{StoreError, disk, migrations, tables};

/// Bytes that were written, and those that also survive a power cut.
#[derive(Debug, Clone, Default)]
struct Disk {
    written: Arc<Mutex<Vec<u8>>>,
    synced: Arc<Mutex<Vec<u8>>>,
    /// Writes and syncs left before everything fails.
    left: Arc<AtomicI64>,
    room: Arc<AtomicU64>,
    syncs: Arc<AtomicU64>,
    /// Milliseconds a sync takes.
    slow: Arc<AtomicU64>,
}

impl Disk {
    fn with(bytes: Vec<u8>, left: i64) -> Self {
        let bytes = Arc::new(Mutex::new(bytes));
        let synced = Arc::new(Mutex::new(bytes.lock().unwrap().clone()));
        let left = Arc::new(AtomicI64::new(left));
        let room = Arc::new(AtomicU64::new(u64::MAX));
        Self { written: bytes, synced, left, room, syncs: Arc::default(), slow: Arc::default() }
    }

    fn spend(&self) -> io::Result<()> {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            left if left > 0 => Ok(()),
            _ => Err(io::Error::from(io::ErrorKind::StorageFull)),
        }
    }

    fn store(&self) -> Result<Store, StoreError> {
        let disk = disk::Disk::over(self.clone());
        let open = disk.open()?;
        migrations::migrate(&open.db, std::path::Path::new("the disk"))?;
        let t = tables::Reading::of(&open.db)?;
        Store::load((disk, open, t), false)
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
        self.syncs.fetch_add(1, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(self.slow.load(Ordering::SeqCst)));
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

impl disk::Medium for Disk {
    fn room(&self) -> io::Result<u64> {
        Ok(self.room.load(Ordering::SeqCst))
    }
}

/// A community of Ada's, on a disk that is well.
struct Desk {
    ada: Person,
    community: Cid,
    disk: Disk,
}

impl Desk {
    fn new() -> Self {
        let ada = Person::new(1);
        let fresh = Disk::with(Vec::new(), i64::MAX);
        let db = Database::builder().create_with_backend(fresh.clone()).unwrap();
        migrations::initialise(&db, |_| Ok(())).unwrap();
        drop(db);
        let community = found(&fresh.store().unwrap(), &ada, Visibility::Public, &[]);
        let start = fresh.synced.lock().unwrap().clone();
        Self { ada, community, disk: Disk::with(start, i64::MAX) }
    }

    /// Post `n`, said at `at`.
    fn say(&self, store: &Store, n: u64, at: u64) -> Result<Committed, StoreError> {
        let changes = vec![put(post(&format!("post {n}")))];
        let (did, device, audience) = (self.ada.did(), &self.ada.device, Audience::Public);
        let community = self.community;
        store.commit_own(OwnCommit { community, did, device, audience, changes, now: at, random: 0 })
    }

    fn texts(&self, store: &Store) -> Vec<String> {
        let mut texts = texts(store, Scope::Public, self.community);
        texts.sort();
        texts
    }
}

fn posts(numbers: std::ops::Range<u64>) -> Vec<String> {
    let mut posts: Vec<_> = numbers.map(|n| format!("post {n}")).collect();
    posts.sort();
    posts
}

#[test]
fn what_was_acknowledged_survives_a_disk_that_fails_at_any_write() {
    let desk = Desk::new();
    let start = desk.disk.synced.lock().unwrap().clone();
    // Far enough apart that the failures fall on every part of a commit; ends when three posts fit.
    for left in (1..).step_by(3) {
        let disk = Disk::with(start.clone(), left);
        let mut acknowledged = 0;
        if let Ok(store) = disk.store() {
            while acknowledged < 3 {
                match desk.say(&store, acknowledged, NOON + acknowledged * SECOND) {
                    Ok(_) => {
                        assert!(store.writable());
                        acknowledged += 1;
                    }
                    Err(error) => {
                        assert!(!store.writable());
                        assert!(matches!(error, StoreError::ReadOnly(_)), "{error:?}");
                        // The disk takes nothing at all now, and all of it is read none the less.
                        let seen = desk.texts(&store);
                        assert!(posts(0..acknowledged).iter().all(|post| seen.contains(post)), "{left}: {seen:?}");
                        break;
                    }
                }
            }
        }
        for survived in [&disk.written, &disk.synced] {
            let after = Disk::with(survived.lock().unwrap().clone(), i64::MAX);
            let store = after.store().unwrap();
            let kept = desk.texts(&store);
            for post in posts(0..acknowledged) {
                assert!(kept.contains(&post), "{left}: {post} of {acknowledged} is lost: {kept:?}");
            }
            // The one that failed may be there all the same; saying it again makes no second one.
            desk.say(&store, acknowledged, NOON + 60 * SECOND).unwrap();
            assert_eq!(desk.texts(&store), posts(0..acknowledged + 1), "{left}");
        }
        if acknowledged == 3 {
            assert!(left > 30, "a commit takes more operations than that");
            return;
        }
    }
}

#[test]
fn a_disk_that_fails_is_read_on_and_written_again_by_itself_when_it_is_mended() {
    let desk = Desk::new();
    let store = desk.disk.store().unwrap();
    desk.say(&store, 0, NOON).unwrap();
    let mut said = 1;
    for operations in [0, 1, 4, 9] {
        desk.disk.left.store(operations, Ordering::SeqCst);
        let seen_before = store.generation();
        desk.say(&store, said, NOON + said * SECOND).unwrap_err();
        assert!(!store.writable() && !store.probe());
        assert!(posts(0..said).iter().all(|post| desk.texts(&store).contains(post)));
        let view = store.view(Scope::Public).unwrap();

        desk.disk.left.store(i64::MAX, Ordering::SeqCst);
        let mended = Instant::now();
        while !store.probe() {
            assert!(mended.elapsed() < Duration::from_secs(10));
            thread::sleep(Duration::from_millis(50));
        }
        assert!(store.writable());
        drop(view);
        desk.say(&store, said, NOON + said * SECOND + 1).unwrap();
        said += 1;
        assert_eq!(desk.texts(&store), posts(0..said));
        assert!(store.generation() > seen_before);
    }
    drop(store);
    let after = Disk::with(desk.disk.synced.lock().unwrap().clone(), i64::MAX);
    assert_eq!(desk.texts(&after.store().unwrap()), posts(0..said));
}

#[test]
fn a_full_disk_is_found_out_before_anything_is_written() {
    let desk = Desk::new();
    let store = desk.disk.store().unwrap();
    desk.say(&store, 0, NOON).unwrap();
    let before = desk.disk.written.lock().unwrap().clone();
    desk.disk.room.store(folkmoot_schemas::limits::DISK_RESERVE - 1, Ordering::SeqCst);
    let refused = desk.say(&store, 1, NOON + SECOND).unwrap_err();
    assert!(matches!(refused, StoreError::Full { .. }), "{refused:?}");
    assert!(!store.writable() && !store.probe());
    assert_eq!(desk.texts(&store), posts(0..1));
    assert!(before == *desk.disk.written.lock().unwrap());
    desk.disk.room.store(folkmoot_schemas::limits::DISK_RESERVE, Ordering::SeqCst);
    assert!(store.probe() && store.writable());
    desk.say(&store, 1, NOON + SECOND).unwrap();
    assert_eq!(desk.texts(&store), posts(0..2));
}

/// Every writer says `each` posts, one after the other, all writers at once; what they were told, by post.
fn at_once(desk: &Desk, store: &Store, writers: u64, each: u64) -> Vec<(u64, Result<Committed, StoreError>)> {
    let start = Barrier::new(writers as usize);
    let said = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for writer in 0..writers {
            let (start, said) = (&start, &said);
            scope.spawn(move || {
                start.wait();
                for n in writer * each..(writer + 1) * each {
                    let done = desk.say(store, n, NOON + n);
                    said.lock().unwrap().push((n, done));
                }
            });
        }
    });
    said.into_inner().unwrap()
}

#[test]
fn writers_at_the_same_moment_share_a_flush_and_each_is_durable_when_told_so() {
    let desk = Desk::new();
    let store = desk.disk.store().unwrap();
    let syncs = || desk.disk.syncs.load(Ordering::SeqCst);
    desk.say(&store, 1000, NOON - SECOND).unwrap();
    let before = syncs();
    desk.say(&store, 1001, NOON - SECOND).unwrap();
    let alone = syncs() - before;
    assert!(alone >= 2, "two-phase commit");

    desk.disk.slow.store(3, Ordering::SeqCst);
    let before = syncs();
    let said = at_once(&desk, &store, 16, 4);
    assert!(said.iter().all(|(_, done)| done.is_ok()));
    let shared = syncs() - before;
    assert!(shared < 64 * alone / 3, "{shared} syncs for 64 commits, {alone} for one");
    // The power goes now, before anything is closed in order.
    let after = Disk::with(desk.disk.synced.lock().unwrap().clone(), i64::MAX);
    let kept = desk.texts(&after.store().unwrap());
    assert_eq!(kept.len(), 64 + 2);
    assert_eq!(after.store().unwrap().view(Scope::Public).unwrap().generation(), store.generation());
}

#[test]
fn nobody_sees_an_own_commit_before_it_is_on_the_disk() {
    let desk = Desk::new();
    let store = desk.disk.store().unwrap();
    desk.disk.slow.store(10, Ordering::SeqCst);
    thread::scope(|scope| {
        let writing = scope.spawn(|| assert!(at_once(&desk, &store, 16, 2).iter().all(|(_, done)| done.is_ok())));
        while !writing.is_finished() {
            let seen = desk.texts(&store);
            let after = Disk::with(desk.disk.synced.lock().unwrap().clone(), i64::MAX);
            let durable = desk.texts(&after.store().unwrap());
            assert!(seen.iter().all(|post| durable.contains(post)), "{seen:?} was seen, {durable:?} is durable");
        }
    });
    assert_eq!(desk.texts(&store), posts(0..32));
}

#[test]
fn a_flush_that_fails_fails_all_who_waited_for_it_and_each_may_try_again() {
    let desk = Desk::new();
    let store = desk.disk.store().unwrap();
    desk.disk.slow.store(3, Ordering::SeqCst);
    // Some commits pass, then the disk takes nothing.
    desk.disk.left.store(200, Ordering::SeqCst);
    let said = at_once(&desk, &store, 16, 4);
    let failed = said.iter().filter(|(_, done)| done.is_err()).count();
    assert!(failed > 1, "{failed}");
    let after = Disk::with(desk.disk.synced.lock().unwrap().clone(), i64::MAX);
    let kept = desk.texts(&after.store().unwrap());
    for (n, done) in &said {
        assert!(done.is_err() || kept.contains(&format!("post {n}")), "post {n} was acknowledged and is lost");
    }
    desk.disk.left.store(i64::MAX, Ordering::SeqCst);
    while !store.probe() {
        thread::sleep(Duration::from_millis(50));
    }
    for (n, _) in &said {
        desk.say(&store, *n, NOON + SECOND + n).unwrap();
    }
    assert_eq!(desk.texts(&store), posts(0..64));
}

#[test]
fn what_was_received_is_on_the_disk_within_a_second_and_with_the_next_own_write_at_the_latest() {
    let desk = Desk::new();
    let other = Disk::with(desk.disk.synced.lock().unwrap().clone(), i64::MAX);
    let (store, author) = (desk.disk.store().unwrap(), other.store().unwrap());
    let receive = |n: u64| {
        desk.say(&author, n, NOON + n * SECOND).unwrap();
        let mut batch = Batch::new(desk.community, Audience::Public);
        batch.repos.push(update(&author, desk.community, Audience::Public));
        store.apply_received(batch, ARRIVAL).unwrap();
        assert!(desk.texts(&store).contains(&format!("post {n}")));
    };
    let durable = || {
        let after = Disk::with(desk.disk.synced.lock().unwrap().clone(), i64::MAX);
        desk.texts(&after.store().unwrap()).len()
    };
    (0..5).for_each(receive);
    let received = Instant::now();
    while durable() < 5 {
        assert!(received.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(20));
    }
    receive(5);
    store.set_meta("own", Some(b"fact")).unwrap();
    assert_eq!(durable(), 6);
    receive(6);
    store.flush().unwrap();
    assert_eq!(durable(), 7);
    receive(7);
    drop(store);
    assert_eq!(durable(), 8);
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
