//! Moving a finished file to its name.

use std::{fs::File, io, path::Path};

use rustix::fs::{CWD, RenameFlags, rename, renameat_with};

/// `from` and `to` are in one folder. What stands at `to` is replaced only with `force`; the name is on the disk when
/// this returns.
pub fn place(from: &Path, to: &Path, force: bool) -> io::Result<()> {
    if force {
        rename(from, to)?;
    } else {
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // A file system without that kind of renaming.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if !to.try_exists()? => rename(from, to)?,
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            other => other?,
        }
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_only_where_that_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("new"), dir.path().join("archive.car"));
        fs::write(&to, "old").unwrap();
        fs::write(&from, "new").unwrap();
        assert_eq!(place(&from, &to, false).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"old");
        place(&from, &to, true).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"new");
        fs::write(&from, "other").unwrap();
        fs::remove_file(&to).unwrap();
        place(&from, &to, false).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"other");
    }
}
