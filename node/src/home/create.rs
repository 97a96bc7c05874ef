//! Making a home so that a cut leaves none or a whole one.
//!
//! Where nothing is yet, everything is built in a sibling folder which is then renamed. Where the folder is already
//! there (a mount point, or one with only settings in it) it is built in `.new-…` inside and moved: the store first,
//! the keys last. A store whose keys still lie in `.new-…` is such a cut and is cleared away.

use std::{ffi::OsStr, fs, io, os::unix::fs::PermissionsExt, path::Path};

use folkmoot_schemas::{
    Tid,
    identity::{Device, Identity},
    key::Secret,
};

use super::{CONFIG, DEVICE, HomeError, KEYS, PEER, STORE, files, meta};
use crate::{clock::Clock, store::Store};

const NEW: &str = ".new-";

pub(super) fn create(dir: &Path, root: &Secret, device_name: &str, clock: &Clock) -> Result<(), HomeError> {
    if files::exists(&dir.join(KEYS).join(DEVICE))? {
        return Err(HomeError::Exists(dir.to_owned()));
    }
    let tag = data_encoding::HEXLOWER.encode(&clock.random::<8>());
    match files::exists(dir)? {
        true => inside(dir, &tag, root, device_name, clock),
        false => beside(dir, &tag, root, device_name, clock),
    }
}

fn beside(dir: &Path, tag: &str, root: &Secret, device_name: &str, clock: &Clock) -> Result<(), HomeError> {
    let (Some(parent), Some(name)) = (dir.parent(), dir.file_name().and_then(OsStr::to_str)) else {
        return Err(HomeError::Occupied(dir.to_owned()));
    };
    fs::create_dir_all(parent).map_err(HomeError::io(parent))?;
    let prefix = format!(".{name}{NEW}");
    let temporary = parent.join(format!("{prefix}{tag}"));
    let built = build(&temporary, root, device_name, clock).and_then(|()| {
        fs::rename(&temporary, dir).map_err(|source| match source.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => HomeError::Exists(dir.to_owned()),
            _ => HomeError::Io { path: dir.to_owned(), source },
        })
    });
    if built.is_err() {
        fs::remove_dir_all(&temporary).ok();
    }
    built?;
    files::sync_dir(parent)?;
    // What an earlier cut left behind; whoever still builds there would be told that the home exists.
    clear(parent, &prefix)
}

fn inside(dir: &Path, tag: &str, root: &Secret, device_name: &str, clock: &Clock) -> Result<(), HomeError> {
    if is_leftover(dir)? {
        remove_file(&dir.join(STORE))?;
    }
    if files::exists(&dir.join(STORE))? {
        return Err(HomeError::Damaged { path: dir.to_owned(), why: "it has a store but no keys".into() });
    }
    for entry in fs::read_dir(dir).map_err(HomeError::io(dir))? {
        let name = entry.map_err(HomeError::io(dir))?.file_name();
        if name != CONFIG && !is_new(&name, NEW) {
            return Err(HomeError::Occupied(dir.to_owned()));
        }
    }
    clear(dir, NEW)?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(HomeError::io(dir))?;
    let temporary = dir.join(format!("{NEW}{tag}"));
    build(&temporary, root, device_name, clock)?;
    for name in [STORE, KEYS] {
        let to = dir.join(name);
        fs::rename(temporary.join(name), &to).map_err(HomeError::io(&to))?;
        files::sync_dir(dir)?;
        files::sync_dir(&temporary)?;
    }
    clear(dir, NEW)
}

/// A create inside this folder was cut: the keys never reached their place.
pub(super) fn is_leftover(dir: &Path) -> Result<bool, HomeError> {
    if !files::exists(dir)? {
        return Ok(false);
    }
    for entry in fs::read_dir(dir).map_err(HomeError::io(dir))? {
        let entry = entry.map_err(HomeError::io(dir))?;
        if is_new(&entry.file_name(), NEW) && files::exists(&entry.path().join(KEYS))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn build(dir: &Path, root: &Secret, device_name: &str, clock: &Clock) -> Result<(), HomeError> {
    files::make_dir(dir)?;
    let keys = dir.join(KEYS);
    files::make_dir(&keys)?;
    let device = Secret::from_seed(clock.random());
    files::write_key(&keys.join(DEVICE), &device.seed())?;
    files::write_key(&keys.join(PEER), &clock.random())?;
    files::sync_dir(&keys)?;

    let added = Tid::new(clock.micros(), clock.tid_bits());
    let devices = vec![Device { key: device.did(), name: device_name.to_owned(), added }];
    let identity = Identity { did: root.did(), seq: 0, prev: None, devices }.seal(root)?;
    let store = Store::create(&dir.join(STORE))?;
    store.set_meta(meta::ME, Some(root.did().to_string().as_bytes()))?;
    store.set_meta(meta::DEVICE_NAME, Some(device_name.as_bytes()))?;
    store.set_meta(meta::IDENTITY, Some(identity.bytes()))?;
    drop(store);
    files::sync_dir(dir)
}

fn is_new(name: &OsStr, prefix: &str) -> bool {
    name.to_str().is_some_and(|n| n.starts_with(prefix))
}

/// Removes the folders of cut creations.
fn clear(dir: &Path, prefix: &str) -> Result<(), HomeError> {
    for entry in fs::read_dir(dir).map_err(HomeError::io(dir))? {
        let entry = entry.map_err(HomeError::io(dir))?;
        if is_new(&entry.file_name(), prefix) {
            fs::remove_dir_all(entry.path()).map_err(HomeError::io(&entry.path()))?;
        }
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<(), HomeError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(HomeError::Io { path: path.to_owned(), source: e }),
        _ => Ok(()),
    }
}
