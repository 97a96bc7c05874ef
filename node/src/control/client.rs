//! Blocking client: `moot post` must not pay for a runtime.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::{fs::MetadataExt, net::UnixStream},
    path::Path,
    time::Duration,
};

use super::wire::{self, WireError};
use crate::request::{Reply, Request};

/// Sending never waits on anything but a node that hangs.
const WRITE: Duration = Duration::from_secs(10);
/// The longest a store may take over one request, a bulk import included.
const READ: Duration = Duration::from_secs(120);
/// A large archive on a slow disk: 4 GiB at 1 MiB a second.
const EXPORT: Duration = Duration::from_secs(4096);

#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// No socket, or nobody answers on it.
    #[error("no node is running")]
    Absent,
    #[error("the running node speaks another version: {0}")]
    Version(String),
    #[error("the running node did not answer: {0}")]
    Io(#[from] io::Error),
}

/// One request, one answer.
pub fn request(socket: &Path, request: &Request) -> Result<Reply, ControlError> {
    let mut stream = connect(socket)?;
    stream.set_write_timeout(Some(WRITE))?;
    stream.set_read_timeout(Some(READ + patience(request)))?;
    stream.write_all(&wire::request(request)?)?;

    let mut head = [0; wire::HEAD];
    stream.read_exact(&mut head)?;
    let length = wire::length(head)?;
    let mut bytes = Vec::new();
    stream.take(length as u64).read_to_end(&mut bytes)?;
    wire::read_reply(bytes).map_err(|why| match why {
        WireError::Version(_) | WireError::Empty(_) => ControlError::Version(why.to_string()),
        // A reply this version has no word for is most likely a newer one's.
        WireError::Malformed(why) => ControlError::Version(why.to_string()),
    })
}

/// Does a node listen there?
pub(crate) fn answers(socket: &Path) -> bool {
    connect(socket).is_ok()
}

fn connect(socket: &Path) -> Result<UnixStream, ControlError> {
    check_folder(socket)?;
    UnixStream::connect(socket).map_err(|why| match why.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ControlError::Absent,
        _ => ControlError::Io(why),
    })
}

/// In a folder others can write to, somebody else could listen in the node's place.
fn check_folder(socket: &Path) -> Result<(), ControlError> {
    let folder = socket.parent().unwrap_or(Path::new("."));
    let meta = match fs::metadata(folder) {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Err(ControlError::Absent),
        other => other?,
    };
    if meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o022 != 0 {
        let why = format!("{} can be changed by other users", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why).into());
    }
    Ok(())
}

/// Copying and reading back everything.
const BACKUP: Duration = Duration::from_secs(3600);

/// What a request may take on top: those that wait for the network, or copy the store.
fn patience(request: &Request) -> Duration {
    match request {
        Request::Join { .. } => crate::node::JOIN_WAIT,
        Request::Backup { .. } => BACKUP,
        Request::Sync { wait_s, .. } => Duration::from_secs(u64::from(*wait_s)),
        Request::Export { .. } => EXPORT,
        _ => Duration::ZERO,
    }
}
