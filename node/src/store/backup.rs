//! A backup: the store as of one moment, in a store file of its own, with the settings beside it.
//!
//! It holds no key: whoever restores it becomes a new device, so that two restored backups never write one repository.
//! Nor the seeds of invites, the addresses of this machine and those of members' nodes. `meta` marks it, and as a home's store it is refused.

use std::{fs, path::Path};

use redb::{ReadableTable, ReadableTableMetadata};

use super::{
    Store, StoreError, attest,
    blocks::{Blocks, Row},
    disk::{Disk, Open},
    migrations, open,
    tables::{Reading, Tables, Writing},
};

const MADE: &str = "backup/made";
const DEVICE: &str = "backup/device";
const CONFIG: &str = "backup/config";
/// What `meta` holds for this machine alone; `node/` and `reached/` say where other members live.
const LEFT_OUT: [&str; 5] = ["seed/", "addresses", "backup/", "node/", "reached/"];

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Microseconds since 1970.
    pub made: u64,
    /// did:key of the device that made it, as text.
    pub device: String,
    /// `config.toml`, where there was one.
    pub config: Option<String>,
}

impl Store {
    /// Writes a consistent copy to a new file (0600), under a temporary name until it is whole, synced and read back.
    /// Reading and writing go on meanwhile. Its size in bytes.
    pub fn backup_to(&self, path: &Path, backup: &Backup) -> Result<u64, StoreError> {
        let (from, _, _open) = self.reading()?;
        open::build(path, |to| {
            from.copy_into(to)?;
            leave_out(to)?;
            to.meta.insert(MADE, backup.made.to_be_bytes().as_slice())?;
            to.meta.insert(DEVICE, backup.device.as_bytes())?;
            if let Some(config) = &backup.config {
                to.meta.insert(CONFIG, config.as_bytes())?;
            }
            Ok(())
        })?;
        Ok(fs::metadata(path).map_err(|e| StoreError::Io(path.to_owned(), e))?.len())
    }
}

/// What a backup says of itself. Whether all of it is whole, only [`restore`] tells.
pub fn look(from: &Path) -> Result<Backup, StoreError> {
    Ok(opened(from)?.1)
}

/// Makes a new store at `to` of the backup at `from`, which is only read. It holds no device of its own: its owner has
/// to put a new one into the identity before anything is written.
pub fn restore(from: &Path, to: &Path) -> Result<Backup, StoreError> {
    let (source, backup) = opened(from)?;
    let t = Reading::of(&source.db)?;
    check_blocks(&t, from)?;
    attest::attest(&t)?;
    open::build(to, |to| {
        t.copy_into(to)?;
        leave_out(to)
    })?;
    recount(to, backup.made)?;
    Ok(backup)
}

fn opened(from: &Path) -> Result<(Open, Backup), StoreError> {
    let disk = Disk::read_only(from)?;
    open::check_magic(&disk, from)?;
    let source = disk.open_aside()?;
    // In memory: the file stays as it is.
    migrations::migrate(&source.db, from)?;
    match backup_of(&Reading::of(&source.db)?)? {
        Some(backup) => Ok((source, backup)),
        None => Err(StoreError::NoBackup(from.to_owned())),
    }
}

/// Who may be given a block stands in counts that nobody signs: they are worked out anew from the trees.
fn recount(path: &Path, now: u64) -> Result<(), StoreError> {
    let store = Store::open(path)?;
    let recounted = match store.mark(&mut || ()) {
        Ok(wrong) if wrong.is_empty() => Ok(()),
        Ok(_) => store.sweep(now, &mut || ()).map(drop),
        Err(error) => Err(error),
    };
    drop(store);
    if recounted.is_err() {
        fs::remove_file(path).ok();
    }
    recounted
}

pub(super) fn backup_of(t: &Reading) -> Result<Option<Backup>, StoreError> {
    let text = |key: &str| -> Result<Option<String>, StoreError> {
        Ok(t.meta().get(key)?.map(|row| String::from_utf8_lossy(row.value()).into_owned()))
    };
    let Some(made) = t.meta().get(MADE)?.map(|row| row.value().to_vec()) else { return Ok(None) };
    let made = made.try_into().map(u64::from_be_bytes).map_err(|_| StoreError::inconsistent("the time of a backup"))?;
    Ok(Some(Backup { made, device: text(DEVICE)?.unwrap_or_default(), config: text(CONFIG)? }))
}

fn leave_out(to: &mut Writing<'_>) -> Result<(), StoreError> {
    Ok(to.meta.retain(|key, _| !LEFT_OUT.iter().any(|prefix| key.starts_with(prefix)))?)
}

/// Every block is what its CID says, and every CID names one.
fn check_blocks(t: &Reading, path: &Path) -> Result<(), StoreError> {
    let damaged = || StoreError::Damaged(format!("a block in {} is not what its CID says", path.display()));
    let mut blocks = 0;
    for row in t.blocks().iter()? {
        let (seq, value) = row?;
        let row = Row::read(value.value())?;
        if !row.is_sound()? || t.seq(&row.cid()?)? != Some(seq.value()) {
            return Err(damaged());
        }
        blocks += 1;
    }
    match t.digests().len()? + t.young().len()? {
        all if all == blocks => Ok(()),
        _ => Err(damaged()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::store::migrations::tests::{SCHEMA_1, whole};

    fn sample(dir: &tempfile::TempDir) -> (Store, Backup) {
        let path = dir.path().join("store.redb");
        fs::write(&path, SCHEMA_1).unwrap();
        let store = Store::open(&path).unwrap();
        for key in ["seed/1", "addresses", "node/1", "reached/1", "peer/1"] {
            store.set_meta(key, Some(b"value")).unwrap();
        }
        let backup = Backup { made: 7, device: "did:key:z6Mk".into(), config: Some("zone = \"UTC\"\n".into()) };
        (store, backup)
    }

    fn content(store: &Store) -> Vec<String> {
        store.reading().unwrap().0.dump().unwrap()
    }

    #[test]
    fn a_backup_restores_to_the_same_store_without_what_belongs_to_the_machine() {
        let dir = tempfile::tempdir().unwrap();
        let (store, about) = sample(&dir);
        let (file, again) = (dir.path().join("backup"), dir.path().join("again.redb"));
        let bytes = store.backup_to(&file, &about).unwrap();
        assert_eq!(bytes, fs::metadata(&file).unwrap().len());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let before = fs::read(&file).unwrap();

        assert_eq!(restore(&file, &again).unwrap(), about);
        assert!(before == fs::read(&file).unwrap(), "a backup is only read");
        let restored = Store::open(&again).unwrap();
        whole(&restored);
        let mine: Vec<_> = content(&store)
            .into_iter()
            .filter(|row| {
                !["seed/1", "addresses", "node/1", "reached/1"].iter().any(|key| row.contains(&format!("{key:?}")))
            })
            .collect();
        assert_eq!(content(&store).len() - mine.len(), 4);
        assert_eq!(content(&restored), mine);
        assert!(restored.meta("peer/1").unwrap().is_some());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3, "nothing is left lying about");
    }

    #[test]
    fn a_backup_never_replaces_a_file_and_is_no_home_s_store() {
        let dir = tempfile::tempdir().unwrap();
        let (store, about) = sample(&dir);
        let file = dir.path().join("backup");
        fs::write(&file, "precious").unwrap();
        assert!(matches!(store.backup_to(&file, &about), Err(StoreError::Io(..))));
        assert_eq!(fs::read(&file).unwrap(), b"precious");
        fs::remove_file(&file).unwrap();
        store.backup_to(&file, &about).unwrap();
        assert!(matches!(Store::open(&file), Err(StoreError::Backup(_))));
        drop(store);
        let plain = dir.path().join("store.redb");
        assert!(matches!(restore(&plain, &dir.path().join("to")), Err(StoreError::NoBackup(_))));
    }

    #[test]
    fn a_backup_that_was_changed_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        let (store, about) = sample(&dir);
        let (file, changed) = (dir.path().join("backup"), dir.path().join("changed"));
        store.backup_to(&file, &about).unwrap();
        let whole = fs::read(&file).unwrap();
        let at = whole.windows(14).position(|w| w == b"Summer concert").unwrap();
        let mut bytes = whole.clone();
        bytes[at] = b'B';
        fs::write(&changed, bytes).unwrap();
        assert!(matches!(restore(&changed, &dir.path().join("to")), Err(StoreError::Damaged(_))));
        for keep in [whole.len() / 2, 5000, 100, 0] {
            fs::write(&changed, &whole[..keep]).unwrap();
            let refused = restore(&changed, &dir.path().join("to"));
            assert!(matches!(refused, Err(StoreError::Damaged(_) | StoreError::Foreign(_))), "{keep}: {refused:?}");
            let looked = look(&changed);
            assert!(matches!(looked, Err(StoreError::Damaged(_) | StoreError::Foreign(_))), "{keep}: {looked:?}");
        }
        assert!(!dir.path().join("to").exists());
    }

    #[test]
    fn a_backup_taken_while_others_write_is_of_one_moment() {
        let dir = tempfile::tempdir().unwrap();
        let (store, about) = sample(&dir);
        let count = |store: &Store| store.metas("n/").unwrap().len();
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                for n in 0..60 {
                    // One after the other, so a copy of one moment has no gap.
                    store.set_meta(&format!("n/{n:03}"), Some(&[0; 2000])).unwrap();
                }
            });
            let mut taken = 0;
            while !writing.is_finished() {
                let least = count(&store);
                let (file, to) = (dir.path().join(format!("b{taken}")), dir.path().join(format!("s{taken}")));
                store.backup_to(&file, &about).unwrap();
                restore(&file, &to).unwrap();
                let names = Store::open(&to).unwrap().metas("n/").unwrap();
                assert!(names.len() >= least);
                assert!(names.iter().enumerate().all(|(n, (name, _))| *name == format!("n/{n:03}")));
                taken += 1;
            }
            assert!(taken > 0);
        });
    }
}
