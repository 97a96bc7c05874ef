//! Files of a home: made private and durable, refused when they are not.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{
    HomeError,
    seal::{self, Content},
};

pub(super) fn exists(path: &Path) -> Result<bool, HomeError> {
    path.try_exists().map_err(HomeError::io(path))
}

/// A new folder, 0700.
pub(super) fn make_dir(path: &Path) -> Result<(), HomeError> {
    DirBuilder::new().mode(0o700).create(path).map_err(HomeError::io(path))
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(path: &Path) -> Result<(), HomeError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(HomeError::io(path))
}

/// A new file, 0600, synced.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), HomeError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(HomeError::io(path))
}

/// Ours, and nobody else may look inside.
pub(super) fn check_private(path: &Path) -> Result<(), HomeError> {
    check(path, &fs::metadata(path).map_err(HomeError::io(path))?)
}

fn check(path: &Path, meta: &fs::Metadata) -> Result<(), HomeError> {
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(HomeError::NotOwned(path.to_owned()));
    }
    match meta.mode() & 0o077 {
        0 => Ok(()),
        _ => Err(HomeError::Exposed(path.to_owned())),
    }
}

pub(super) fn write_key(path: &Path, seed: &[u8; 32]) -> Result<(), HomeError> {
    write_new(path, &seal::plain(seed))
}

/// Puts `text` in place of a file: a cut leaves the old or the new one.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), HomeError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    match fs::remove_file(&fresh) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(HomeError::io(&fresh)(e)),
        _ => {}
    }
    write_new(&fresh, text)?;
    fs::rename(&fresh, path).map_err(HomeError::io(path))?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// Bytes of a file that holds a phrase or a passphrase.
const SECRET: u64 = 4096;

/// A secret of the person's own, from a file that is theirs and that nobody else may read. Errors never quote it.
pub fn read_secret(path: &Path) -> Result<Zeroizing<String>, HomeError> {
    let file = File::open(path).map_err(HomeError::io(path))?;
    check(path, &file.metadata().map_err(HomeError::io(path))?)?;
    let mut text = Zeroizing::new(String::with_capacity(2 * SECRET as usize));
    let read = file.take(SECRET + 1).read_to_string(&mut text).map_err(HomeError::io(path))?;
    if read as u64 > SECRET {
        let why = format!("it is longer than {SECRET} bytes");
        return Err(HomeError::io(path)(io::Error::new(io::ErrorKind::InvalidData, why)));
    }
    Ok(text)
}

/// A key file. Errors never quote what was read.
pub(super) fn read_key(path: &Path) -> Result<Content, HomeError> {
    let damaged = |why: &str| HomeError::Damaged { path: path.to_owned(), why: why.to_owned() };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(damaged("the file is missing")),
        Err(source) => return Err(HomeError::Io { path: path.to_owned(), source }),
    };
    // What was opened, whatever stands under that name by now.
    check(path, &file.metadata().map_err(HomeError::io(path))?)?;
    // Room for all of it, so that nothing is copied elsewhere to make more.
    let mut text = Zeroizing::new(Vec::with_capacity(512));
    file.take(256).read_to_end(&mut text).map_err(HomeError::io(path))?;
    seal::parse(&text).ok_or_else(|| damaged("it is not a key of 64 hexadecimal digits, nor one under a passphrase"))
}
