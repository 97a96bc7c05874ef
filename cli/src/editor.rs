//! Text as people give it: words on the command line, `-` for stdin, or their editor on a terminal.

use std::{
    env, fs,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    process::Command,
};

use folkmoot_schemas::records::text::clean;

use crate::{
    error::{Error, Result},
    session::Session,
};

/// More than any record can hold; stdin is not read beyond it.
const MOST: u64 = 1024 * 1024;

/// The text of a new or changed record. `current` is what an editor starts with.
pub(crate) fn text(words: &[String], current: &str, session: &Session) -> Result<String> {
    let given = match words {
        [dash] if dash == "-" => stdin()?,
        [] if session.out.is_conversation() => {
            session.release();
            edit(current, session)?
        }
        [] => {
            return Err(Error::usage("could not read the text: none was given")
                .hint("write it behind the command, or give - to read it from stdin"));
        }
        words => words.join(" "),
    };
    let cleaned = clean(&given);
    if cleaned.is_empty() {
        return Err(
            Error::refused("could not publish: the text is empty").hint("nothing was published; give some words")
        );
    }
    Ok(cleaned)
}

pub(crate) fn stdin() -> Result<String> {
    let mut text = String::new();
    let read = io::stdin().lock().take(MOST + 1).read_to_string(&mut text);
    match read {
        Ok(n) if n as u64 > MOST => Err(Error::refused("could not read the text from stdin: it is longer than 1 MiB")
            .hint("`moot limits` lists every limit")),
        Ok(_) => Ok(text),
        Err(error) => Err(Error::refused(format!("could not read the text from stdin: {error}"))),
    }
}

/// Opens `$VISUAL`, `$EDITOR` or vi on a private file and reads what was saved.
fn edit(current: &str, session: &Session) -> Result<String> {
    let failed = |what: &str, error: io::Error| Error::refused(format!("could not open an editor: {what}: {error}"));
    let name = format!("moot-{}.md", u64::from_le_bytes(session.clock.random::<8>()));
    let path = env::temp_dir().join(name);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| file.write_all(current.as_bytes()).map(|()| file))
        .map_err(|error| failed(&path.display().to_string(), error))?;
    file.flush().map_err(|error| failed(&path.display().to_string(), error))?;
    drop(file);

    let text = open(&path).and_then(|()| read(&path).map_err(|error| failed(&path.display().to_string(), error)));
    // Left behind only if the file system refuses; it holds nothing that was not meant to be published.
    let _ = fs::remove_file(&path);
    let text = text?;
    if !current.is_empty() && text == current {
        return Err(Error::refused("could not publish the change: nothing was changed")
            .hint("change the text in the editor and save it"));
    }
    Ok(text)
}

/// Opens `$VISUAL`, `$EDITOR` or vi on a file and waits until it is closed.
pub(crate) fn open(path: &Path) -> Result<()> {
    let editor = env::var("VISUAL").or_else(|_| env::var("EDITOR")).unwrap_or_else(|_| "vi".into());
    // Editors are often set with options ("code --wait"), so the first word is the program.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = Command::new(program).args(words).arg(path).status().map_err(|error| {
        Error::refused(format!("could not open an editor: {program}: {error}"))
            .hint("name one that is installed, e.g. export EDITOR=nano")
    })?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::refused(format!(
            "could not read the text: {program} ended with an error, nothing was published"
        ))),
    }
}

/// What was saved, all of it or nothing.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(MOST + 1).read_to_string(&mut text)?;
    match text.len() as u64 > MOST {
        true => Err(io::Error::new(io::ErrorKind::InvalidData, "it is longer than 1 MiB")),
        false => Ok(text),
    }
}
