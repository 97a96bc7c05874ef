//! Where the control socket lies. A Unix socket's path may have about 107 bytes; a deep home puts it elsewhere and
//! says where in a file, so that a command started with another environment finds it too.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{HomeError, files};

const SOCKET: &str = "moot.sock";
const NAMED: &str = "socket";
const LONGEST: usize = 100;

pub(super) fn path(dir: &Path) -> PathBuf {
    let near = dir.join(SOCKET);
    if near.as_os_str().len() <= LONGEST { near } else { named(dir).unwrap_or_else(|| far(dir)) }
}

pub(super) fn prepare(dir: &Path) -> Result<PathBuf, HomeError> {
    let near = dir.join(SOCKET);
    if near.as_os_str().len() <= LONGEST {
        return Ok(near);
    }
    let path = far(dir);
    let folder = path.parent().unwrap_or(dir);
    match files::make_dir(folder) {
        Err(HomeError::Io { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    // In a shared /tmp somebody may have made this folder before us.
    if !fs::symlink_metadata(folder).map_err(HomeError::io(folder))?.is_dir() {
        return Err(HomeError::NotOwned(folder.to_owned()));
    }
    files::check_private(folder)?;
    if named(dir).as_ref() != Some(&path) {
        let name = dir.join(NAMED);
        fs::write(&name, format!("{}\n", path.display())).map_err(HomeError::io(&name))?;
    }
    Ok(path)
}

fn named(dir: &Path) -> Option<PathBuf> {
    let mut text = String::new();
    fs::File::open(dir.join(NAMED)).ok()?.take(256).read_to_string(&mut text).ok()?;
    let path = PathBuf::from(text.trim_end());
    (path.is_absolute() && path.as_os_str().len() <= LONGEST).then_some(path)
}

fn far(dir: &Path) -> PathBuf {
    let hash = Sha256::digest(dir.as_os_str().as_encoded_bytes());
    let hash = data_encoding::HEXLOWER.encode(&hash[..8]);
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime
        .filter(|r| r.is_absolute() && r.is_dir())
        .map(|r| r.join(format!("moot-{hash}")).join(SOCKET))
        .filter(|p| p.as_os_str().len() <= LONGEST)
        .unwrap_or_else(|| {
            PathBuf::from(format!("/tmp/moot-{}-{hash}", rustix::process::geteuid().as_raw())).join(SOCKET)
        })
}
