//! The texts of calendar files: named one by one, found in folders, or read from stdin.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use folkmoot_schemas::limits;

use crate::error::{Error, Result};

/// Files of one import.
const FILES: usize = 10_000;
/// Folders within folders.
const DEPTH: usize = 8;

/// Files as they are to be read: those that are no folder, and what the folders hold, by name. `-` is stdin. And what was
/// not looked into.
pub(super) fn all(named: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<String>)> {
    let (mut files, mut said) = (Vec::new(), Vec::new());
    for path in named {
        if path.is_dir() {
            let before = files.len();
            look_into(path, DEPTH, &mut files, &mut said).map_err(|why| failed(path, &why.to_string()))?;
            if files.len() == before && said.is_empty() {
                return Err(failed(path, "it is a folder without a calendar file").hint("calendar files end in .ics"));
            }
        } else {
            files.push(path.clone());
        }
    }
    if files.len() > FILES {
        return Err(Error::refused(format!("could not import: these are more than {FILES} files"))
            .hint("import one folder after the other"));
    }
    Ok((files, said))
}

/// Hidden files and links to folders are passed over: the one are no calendars, the other may lead in a circle.
fn look_into(folder: &Path, depth: usize, files: &mut Vec<PathBuf>, said: &mut Vec<String>) -> io::Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entries.len() == FILES {
            said.push(format!("{} holds more than {FILES} entries: not all of it was looked at", folder.display()));
            break;
        }
        entries.push((entry.path(), entry.file_type()?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let calendar = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("ics"));
        if hidden || files.len() > FILES {
            continue;
        }
        if kind.is_dir() {
            match depth {
                0 => said.push(format!("{} was not looked into: it lies {DEPTH} folders deep", path.display())),
                _ => look_into(&path, depth - 1, files, said)?,
            }
        } else if calendar && path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

pub(super) fn load(path: &Path) -> Result<String> {
    let unreadable = |error: io::Error| {
        failed(path, &error.to_string()).hint("give the path of an .ics file or of a folder, or - for stdin")
    };
    let mut bytes = Vec::new();
    let limit = limits::CALENDAR_FILE as u64 + 1;
    if path.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(unreadable)?;
    }
    String::from_utf8(bytes)
        .map_err(|_| failed(path, "it is not UTF-8 text").hint("convert it first, e.g. iconv -f latin1 -t utf-8"))
}

fn failed(path: &Path, why: &str) -> Error {
    Error::refused(format!("could not read {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_lies_too_deep_is_named() {
        let home = tempfile::tempdir().unwrap();
        let mut deep = home.path().to_owned();
        for n in 0..=DEPTH {
            deep.push(n.to_string());
            fs::create_dir(&deep).unwrap();
            fs::write(deep.join("a.ics"), "").unwrap();
        }
        let (files, said) = all(&[home.path().to_owned()]).unwrap();
        assert_eq!(files.len(), DEPTH);
        assert_eq!(said, [format!("{} was not looked into: it lies 8 folders deep", deep.display())]);
    }

    #[test]
    fn a_folder_with_more_entries_than_are_looked_at_is_named() {
        let home = tempfile::tempdir().unwrap();
        for n in 0..=FILES {
            fs::write(home.path().join(format!("{n}.txt")), "").unwrap();
        }
        let (files, said) = all(&[home.path().to_owned()]).unwrap();
        assert!(files.is_empty() && said[0].contains("more than 10000 entries"), "{said:?}");
    }
}
