//! Text as people give it: words on the command line, `-` for stdin, or their editor on a terminal.

use std::{
    env, fs,
    io::{self, Read},
    path::Path,
    process::Command,
};

use folkmoot_schemas::records::text::clean;

use crate::{
    draft::Draft,
    error::{Error, Result},
    session::Session,
};

/// More than any record can hold; stdin is not read beyond it.
const MOST: u64 = 1024 * 1024;

/// Gives the text of a new or changed record to `act`, which publishes it. What comes from an editor, which begins with
/// `current`, is kept in a draft of that `name` until it is.
pub(crate) fn publish(
    words: &[String],
    (name, current): (&str, &str),
    session: &Session,
    act: impl FnOnce(String) -> Result<()>,
) -> Result<()> {
    match words {
        [dash] if dash == "-" => act(cleaned(&stdin()?)?),
        [] if session.out.is_conversation() => {
            let (draft, _) = Draft::new(session, (name, "md"), current)?;
            session.release();
            let done = open(&draft.path).and_then(|()| draft.read()).and_then(|text| {
                if !current.is_empty() && text == current {
                    return Err(Error::refused("could not publish the change: nothing was changed")
                        .hint("change the text in the editor and save it"));
                }
                act(cleaned(&text)?)
            });
            done.map_err(|error| draft.kept(error, current))?;
            draft.remove();
            Ok(())
        }
        [] => Err(Error::usage("could not read the text: none was given")
            .hint("write it behind the command, or give - to read it from stdin")),
        words => act(cleaned(&words.join(" "))?),
    }
}

fn cleaned(text: &str) -> Result<String> {
    match clean(text) {
        empty if empty.is_empty() => {
            Err(Error::refused("could not publish: the text is empty").hint("nothing was published; give some words"))
        }
        text => Ok(text),
    }
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
