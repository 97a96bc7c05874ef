//! Making a home so that a cut leaves none or a whole one.
//!
//! Where nothing is yet, everything is built in a sibling folder which is then renamed. Where the folder is already
//! there (a mount point, or one with only settings in it) it is built in `.new-…` inside and moved: the store first,
//! the keys last. A store whose keys still lie in `.new-…` is such a cut and is cleared away.

use std::{
    ffi::OsStr,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use folkmoot_schemas::key::Secret;

use super::{CONFIG, DEVICE, Home, HomeError, KEYS, PEER, RESTORED, STORE, files, meta};
use crate::{
    clock::Clock,
    place::place,
    store::{Store, backup},
};

const NEW: &str = ".new-";

/// A home that is not in its place yet: keys and store are there, whose home it is may still be to be found out. Dropped
/// before [`NewHome::place`]: nothing is left of it.
#[derive(Debug)]
pub struct NewHome {
    target: PathBuf,
    temporary: Home,
    /// Built inside the folder that is to be the home, not beside it.
    inside: bool,
    placed: bool,
    /// `config.toml` of the home that was backed up.
    settings: Option<String>,
}

impl NewHome {
    /// Makes a fresh device key, a peer key and a store: of the backup `from`, else an empty one.
    pub fn build(dir: &Path, from: Option<&Path>, device_name: &str, clock: &Clock) -> Result<Self, HomeError> {
        let target = std::path::absolute(dir).map_err(HomeError::io(dir))?;
        if files::exists(&target.join(KEYS).join(DEVICE))? {
            return Err(HomeError::Exists(target));
        }
        let tag = data_encoding::HEXLOWER.encode(&clock.random::<8>());
        let inside = files::exists(&target)?;
        let temporary = if inside { make_room(&target, &tag)? } else { sibling(&target, &tag)? };
        let mut new = Self { target, temporary: Home::at(temporary), inside, placed: false, settings: None };
        new.fill(from, device_name, clock)?;
        Ok(new)
    }

    /// Keeps the settings that came with a backup, under `config.toml` or, for the person to read first, beside it: they
    /// name addresses that are dialled and files that are read, and a backup has been where others may have changed it.
    /// Answers where they will lie; None: there are none. Settings that are here already stay.
    pub fn keep_settings(&self, in_use: bool) -> Result<Option<PathBuf>, HomeError> {
        let Some(settings) = &self.settings else { return Ok(None) };
        let in_use = in_use && !files::exists(&self.target.join(CONFIG))?;
        let name = if in_use { CONFIG } else { RESTORED };
        files::write_new(&self.temporary.dir().join(name), settings)?;
        Ok(Some(self.target.join(name)))
    }

    /// The home where it is now.
    pub fn home(&self) -> &Home {
        &self.temporary
    }

    fn fill(&mut self, from: Option<&Path>, device_name: &str, clock: &Clock) -> Result<(), HomeError> {
        let dir = &self.temporary.dir().to_owned();
        files::make_dir(dir)?;
        let keys = dir.join(KEYS);
        files::make_dir(&keys)?;
        files::write_key(&keys.join(DEVICE), &Secret::from_seed(clock.random()).seed())?;
        files::write_key(&keys.join(PEER), &clock.random())?;
        files::sync_dir(&keys)?;
        let path = dir.join(STORE);
        let store = match from {
            Some(from) => {
                self.settings = backup::restore(from, &path)?.config;
                Store::open(&path)?
            }
            None => Store::create(&path)?,
        };
        store.set_meta(meta::DEVICE_NAME, Some(device_name.as_bytes()))?;
        // Not the device of the home that `from` was copied of.
        store.set_meta(meta::DEVICE, Some(self.temporary.device_key()?.did().to_string().as_bytes()))?;
        drop(store);
        files::sync_dir(dir)
    }

    /// Moves it to where it is to be; durable when this returns.
    pub fn place(mut self) -> Result<Home, HomeError> {
        let (from, to) = (self.temporary.dir(), &self.target);
        files::sync_dir(from)?;
        if self.inside {
            for name in [RESTORED, CONFIG] {
                let settings = from.join(name);
                if files::exists(&settings)? {
                    place(&settings, &to.join(name), name == RESTORED).map_err(HomeError::io(&to.join(name)))?;
                }
            }
            for name in [STORE, KEYS] {
                fs::rename(from.join(name), to.join(name)).map_err(HomeError::io(&to.join(name)))?;
                files::sync_dir(to)?;
                files::sync_dir(from)?;
            }
            self.placed = true;
            clear(to, NEW)?;
        } else {
            fs::rename(from, to).map_err(|source| match source.kind() {
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => HomeError::Exists(to.clone()),
                _ => HomeError::Io { path: to.clone(), source },
            })?;
            self.placed = true;
            let (parent, prefix) = beside(to)?;
            files::sync_dir(parent)?;
            // What an earlier cut left behind; whoever still builds there would be told that the home exists.
            clear(parent, &prefix)?;
        }
        Home::open(to)
    }
}

impl Drop for NewHome {
    fn drop(&mut self) {
        if !self.placed {
            // Left behind only if the file system refuses; the next try clears it.
            fs::remove_dir_all(self.temporary.dir()).ok();
        }
    }
}

/// The folder that holds the home, and how the names of homes being built there begin.
fn beside(dir: &Path) -> Result<(&Path, String), HomeError> {
    match (dir.parent(), dir.file_name().and_then(OsStr::to_str)) {
        (Some(parent), Some(name)) => Ok((parent, format!(".{name}{NEW}"))),
        _ => Err(HomeError::Occupied(dir.to_owned())),
    }
}

fn sibling(dir: &Path, tag: &str) -> Result<PathBuf, HomeError> {
    let (parent, prefix) = beside(dir)?;
    fs::create_dir_all(parent).map_err(HomeError::io(parent))?;
    Ok(parent.join(format!("{prefix}{tag}")))
}

fn make_room(dir: &Path, tag: &str) -> Result<PathBuf, HomeError> {
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
    Ok(dir.join(format!("{NEW}{tag}")))
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
