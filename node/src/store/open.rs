//! Creating and opening the file. Every refusal names the file and what is wrong with it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{
    StoreError,
    backup::backup_of,
    disk::{Disk, Open},
    migrations::{initialise, migrate},
    pack,
    tables::{Reading, Writing},
};
use crate::place::place;

/// Files that take up to this much of the disk are checked against all their checksums when they are opened: redb trusts
/// a file that was closed in order, and panics over one that was changed since. Costs 1.3 ms per MiB, for every command
/// without a node.
const CHECKED: u64 = 16 * 1024 * 1024;
/// Temporary names that are tried.
const NAMES: u32 = 100;
/// How every redb file begins.
const MAGIC: &[u8; 9] = b"redb\x1A\x0A\xA9\x0D\x0A";

pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    build(path, |_| Ok(()))
}

/// A new store, filled in one transaction, compact, read back, and only then under its name.
pub(super) fn build(
    path: &Path,
    fill: impl FnOnce(&mut Writing<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let io = |e| StoreError::Io(path.to_owned(), e);
    if path.try_exists().map_err(io)? {
        return Err(io(io::ErrorKind::AlreadyExists.into()));
    }
    let fresh = temporary(path)?;
    let built = build_at(&fresh, fill).and_then(|()| place(&fresh, path, false).map_err(io));
    if built.is_err() {
        fs::remove_file(&fresh).ok();
    }
    built
}

fn build_at(fresh: &Path, fill: impl FnOnce(&mut Writing<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
    drop(filled(fresh, fill)?);
    File::open(fresh).and_then(|file| file.sync_all()).map_err(|e| StoreError::Io(fresh.to_owned(), e))
}

/// A new file at `fresh`, read back, synced and open: what it stands on is locked.
pub(super) fn build_locked(
    fresh: &Path,
    fill: impl FnOnce(&mut Writing<'_>) -> Result<(), StoreError>,
) -> Result<(Disk, Open), StoreError> {
    let io = |e| StoreError::Io(fresh.to_owned(), e);
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(fresh).map_err(io)?;
    let (disk, open) = filled(fresh, fill)?;
    File::open(fresh).and_then(|file| file.sync_all()).map_err(io)?;
    Ok((disk, open))
}

fn filled(
    fresh: &Path,
    fill: impl FnOnce(&mut Writing<'_>) -> Result<(), StoreError>,
) -> Result<(Disk, Open), StoreError> {
    let disk = Disk::file(fresh)?;
    let mut open = disk.open()?;
    initialise(&open.db, fill)?;
    open.db.compact().map_err(|why| StoreError::Redb(Box::new(why)))?;
    // Closing writes once more; only then is the file whole.
    drop(open);
    disk.check()?;
    let open = disk.open()?;
    Ok((disk, open))
}

/// A new empty file beside `path`, to build it in. Nobody else's is touched, not even what an earlier cut left: beside a
/// path that a person chose, a name says nothing about whose a file is.
fn temporary(path: &Path) -> Result<PathBuf, StoreError> {
    for n in 0..NAMES {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{n}.new"));
        let fresh = PathBuf::from(name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh) {
            Ok(_) => return Ok(fresh),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(StoreError::Io(fresh, e)),
        }
    }
    Err(StoreError::Io(path.to_owned(), io::ErrorKind::AlreadyExists.into()))
}

/// Is it a file of redb's at all?
pub(super) fn check_magic(disk: &Disk, path: &Path) -> Result<(), StoreError> {
    let mut start = [0; MAGIC.len()];
    match disk.read_start(&mut start) {
        Ok(()) if start == *MAGIC => Ok(()),
        Err(e) if e.kind() != io::ErrorKind::UnexpectedEof => Err(StoreError::Io(path.to_owned(), e)),
        _ => Err(StoreError::Foreign(path.to_owned())),
    }
}

pub(super) fn open(path: &Path) -> Result<(Disk, Open, Reading), StoreError> {
    let disk = Disk::file(path)?;
    check_magic(&disk, path)?;
    fs::remove_file(pack::beside(path)).ok();
    if disk.taken()? <= CHECKED {
        disk.check()?;
    }
    let open = disk.open()?;
    migrate(&open.db, path)?;
    let t = Reading::of(&open.db)?;
    match backup_of(&t)? {
        Some(_) => Err(StoreError::Backup(path.to_owned())),
        None => Ok((disk, open, t)),
    }
}

pub(super) fn in_memory() -> Result<(Disk, Open, Reading), StoreError> {
    let disk = Disk::memory();
    let open = disk.open()?;
    initialise(&open.db, |_| Ok(()))?;
    let t = Reading::of(&open.db)?;
    Ok((disk, open, t))
}

#[cfg(test)]
mod tests {
    use redb::Database;

    use super::*;
    use crate::store::{Store, migrations::SCHEMA};

    #[test]
    fn a_second_owner_is_refused_as_locked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        let _owner = Store::create(&path).unwrap();
        assert!(matches!(Store::open(&path), Err(StoreError::Locked(_))));
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        fs::write(&path, b"precious").unwrap();
        assert!(matches!(Store::create(&path), Err(StoreError::Io(..))));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
    }

    #[test]
    fn foreign_newer_and_missing_files_are_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let text = dir.path().join("text");
        fs::write(&text, b"This is not a database at all, but it is long enough to be one.").unwrap();
        assert!(matches!(Store::open(&text), Err(StoreError::Foreign(_))));

        let empty = dir.path().join("empty");
        fs::write(&empty, b"").unwrap();
        assert!(matches!(Store::open(&empty), Err(StoreError::Foreign(_))));

        let other = dir.path().join("other.redb");
        drop(Database::create(&other).unwrap());
        assert!(matches!(Store::open(&other), Err(StoreError::Foreign(_))));

        let newer = dir.path().join("newer.redb");
        create(&newer).unwrap();
        let db = Database::open(&newer).unwrap();
        let txn = db.begin_write().unwrap();
        Writing::open(&txn).counters.insert("schema", SCHEMA + 1).unwrap();
        txn.commit().unwrap();
        drop(db);
        assert!(
            matches!(Store::open(&newer), Err(StoreError::Newer { found, known: SCHEMA, .. }) if found == SCHEMA + 1)
        );

        assert!(matches!(Store::open(&dir.path().join("none")), Err(StoreError::Io(..))));
    }

    #[test]
    fn a_file_cut_short_is_damaged_not_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        drop(Store::create(&path).unwrap());
        let length = fs::metadata(&path).unwrap().len();
        for keep in [length / 2, 4096, 600, 100] {
            let cut = dir.path().join(format!("cut-{keep}"));
            fs::copy(&path, &cut).unwrap();
            OpenOptions::new().write(true).open(&cut).unwrap().set_len(keep).unwrap();
            let refused = Store::open(&cut);
            assert!(matches!(refused, Err(StoreError::Damaged(_) | StoreError::Foreign(_))), "{keep}: {refused:?}");
        }
    }

    #[test]
    fn bytes_changed_behind_our_back_are_damage_not_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        let store = Store::create(&path).unwrap();
        for n in 0..20 {
            store.put_blob(&folkmoot_schemas::block::Block::raw(vec![n; 3000]), 0).unwrap();
        }
        drop(store);
        let whole = fs::read(&path).unwrap();
        let mut damaged = 0;
        for at in (MAGIC.len()..whole.len() - 64).step_by(4000) {
            let mut bytes = whole.clone();
            bytes[at..at + 64].fill(0x5a);
            let changed = dir.path().join("changed");
            fs::write(&changed, bytes).unwrap();
            match Store::open(&changed) {
                Err(StoreError::Damaged(_)) => damaged += 1,
                // The change fell on a page that is free.
                Ok(store) => assert!(store.size().unwrap().1 == 20),
                Err(other) => panic!("{other:?}"),
            }
        }
        assert!(damaged > 10, "{damaged} of {}", whole.len() / 4000);
    }

    #[test]
    fn what_was_opened_briefly_can_be_left_without_closing_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        drop(Store::create(&path).unwrap());
        // The file as a process leaves it that ends: nothing was closed.
        let left = |store: &Store, n: u8| {
            store.put_blob(&folkmoot_schemas::block::Block::raw(vec![n; 3000]), 0).unwrap();
            let copy = dir.path().join(format!("left-{n}"));
            fs::copy(&path, &copy).unwrap();
            copy
        };
        let opens_at_once =
            |copy: &Path| Database::builder().set_repair_callback(|repair| repair.abort()).open(copy).map(drop).is_ok();
        let store = Store::open_briefly(&path).unwrap();
        for n in 0..3 {
            let copy = left(&store, n);
            assert!(opens_at_once(&copy));
            assert_eq!(Store::open(&copy).unwrap().size().unwrap().1, u64::from(n) + 1);
        }
        drop(store);
        let store = Store::open(&path).unwrap();
        let unclean = left(&store, 3);
        let copy = dir.path().join("copy");
        fs::copy(&unclean, &copy).unwrap();
        assert!(!opens_at_once(&copy), "and one that takes many is repaired,");
        Store::open_briefly(&unclean).unwrap().leave().unwrap();
        assert!(opens_at_once(&unclean), "once");
    }

    #[test]
    fn a_cut_while_creating_leaves_no_store_and_the_next_try_makes_one_and_touches_no_other_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        let others = ["store.redb.new", "store.redb.0.new"].map(|name| dir.path().join(name));
        for other in &others {
            fs::write(other, b"redb, half written").unwrap();
        }
        assert!(matches!(Store::open(&path), Err(StoreError::Io(..))));
        drop(Store::create(&path).unwrap());
        for other in &others {
            assert_eq!(fs::read(other).unwrap(), b"redb, half written");
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "and leaves none");
    }

    #[test]
    fn what_was_put_in_its_place_meanwhile_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        let built = build(&path, |_| {
            fs::write(&path, b"precious").unwrap();
            Ok(())
        });
        assert!(matches!(built, Err(StoreError::Io(_, e)) if e.kind() == io::ErrorKind::AlreadyExists));
        assert_eq!(fs::read(&path).unwrap(), b"precious");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
