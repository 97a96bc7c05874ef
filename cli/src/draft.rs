//! What is being written in the person's editor: a file for its owner alone, in `drafts/` of the home, until it is
//! published. Nothing that was typed is lost, and no two editors share a file: whoever writes in one holds its lock, and
//! the next takes another number.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::{
    editor,
    error::{Error, Result},
    session::Session,
};

/// Of one name at a time.
const MOST: usize = 9;

#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) path: PathBuf,
    lock: PathBuf,
    /// Held while this lives. None: the file system knows no locks.
    _held: Option<File>,
}

impl Draft {
    /// And what it says: a draft of that name that was kept before and nobody has open, else `text`.
    pub(crate) fn new(session: &Session, (name, extension): (&str, &str), text: &str) -> Result<(Self, String)> {
        let folder = session.dir.join("drafts");
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|error| failed("make", &folder, &error))?;
        let path = |n: usize| match n {
            1 => folder.join(format!("{name}.{extension}")),
            n => folder.join(format!("{name}-{n}.{extension}")),
        };
        for path in (1..=MOST).map(path).filter(|path| path.exists()) {
            let Some(draft) = Self::take(path)? else { continue };
            // Somebody's words all the same: nothing is laid over what cannot be read.
            let before = draft.read().map_err(|error| error.hint("mend the file, or move it away"))?;
            if !before.trim().is_empty() {
                session
                    .out
                    .note(format!("going on with your draft: {} (emptied, it is forgotten)", draft.path.display()));
                return Ok((draft, before));
            }
        }
        for path in (1..=MOST).map(path) {
            if let Some(draft) = Self::take(path)? {
                draft.write(text)?;
                return Ok((draft, text.to_owned()));
            }
        }
        Err(Error::refused(format!("could not open an editor: {MOST} of this kind are open already"))
            .hint("finish one of them first"))
    }

    /// None: somebody writes in it.
    fn take(path: PathBuf) -> Result<Option<Self>> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".lock");
        let lock = path.with_file_name(name);
        loop {
            let open = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock);
            let file = open.map_err(|error| failed("open", &lock, &error))?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(_)) => return Ok(Some(Self { path, lock, _held: None })),
                // Whoever held it before may have removed this very file: then it locks nobody out.
                Ok(()) if is_at(&file, &lock) => return Ok(Some(Self { path, lock, _held: Some(file) })),
                Ok(()) => {}
            }
        }
    }

    pub(crate) fn write(&self, text: &str) -> Result<()> {
        let open = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path);
        open.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| failed("write", &self.path, &error))
    }

    pub(crate) fn read(&self) -> Result<String> {
        editor::read(&self.path).map_err(|error| failed("read", &self.path, &error))
    }

    /// Left behind only if the file system refuses; it holds nothing that was not meant to be published.
    pub(crate) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }

    /// Says where what was written is, unless that is `untouched`, which nobody typed and need not be kept.
    pub(crate) fn kept(&self, error: Error, untouched: &str) -> Error {
        if self.read().is_ok_and(|text| text == untouched || text.trim().is_empty()) {
            self.remove();
            return error;
        }
        error.because(format!("what you wrote is kept: {}", self.path.display()))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.lock);
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(a), Ok(b)) if same(&a, &b))
}

fn failed(verb: &str, path: &Path, error: &io::Error) -> Error {
    Error::refused(format!("could not {verb} the draft: {error}")).because(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(home: &tempfile::TempDir) -> Session {
        let out = crate::output::Output::new(false, true);
        Session::new(Some(home.path().to_owned()), None, out, folkmoot_node::clock::Clock::system()).unwrap().0
    }

    const NAME: (&str, &str) = ("event", "txt");

    #[test]
    fn a_draft_that_cannot_be_read_is_not_written_over() {
        let home = tempfile::tempdir().unwrap();
        let session = session(&home);
        let path = Draft::new(&session, NAME, "name:\n").unwrap().0.path.clone();
        let long = vec![b'x'; 1024 * 1024 + 1];
        for kept in [&b"name: Caf\xe9 night\n"[..], &long] {
            fs::write(&path, kept).unwrap();
            assert!(Draft::new(&session, NAME, "name:\n").is_err());
            assert_eq!(fs::read(&path).unwrap(), kept);
        }
    }

    #[test]
    fn who_writes_at_once_writes_in_files_of_their_own_and_finds_them_again() {
        let home = tempfile::tempdir().unwrap();
        let session = session(&home);
        let open = || Draft::new(&session, NAME, "name:\n").unwrap();
        let ((one, _), (two, shown)) = (open(), open());
        assert!(one.path != two.path && shown == "name:\n");
        one.write("name: One\n").unwrap();
        two.write("name: Two\n").unwrap();
        drop(two);
        let (again, shown) = open();
        assert_eq!(shown, "name: Two\n", "the first is still being written in");
        again.remove();
        drop((one, again));
        assert_eq!(open().1, "name: One\n");
    }

    #[test]
    fn what_nobody_typed_is_not_kept() {
        let home = tempfile::tempdir().unwrap();
        let session = session(&home);
        let (draft, _) = Draft::new(&session, NAME, "name:\n").unwrap();
        assert_eq!(draft.kept(Error::refused("x"), "name:\n").detail.len(), 0);
        assert!(!draft.path.exists());
        draft.write("name: Gig\n").unwrap();
        assert!(draft.kept(Error::refused("x"), "name:\n").detail[0].contains("event.txt"));
    }
}
