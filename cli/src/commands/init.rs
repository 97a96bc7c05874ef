use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use folkmoot_node::{
    config::Config,
    home::{Home, HomeError},
    request::{Reply, Request},
};
use folkmoot_schemas::{
    kind::Kind,
    phrase::Phrase,
    records::{profile::Profile, text::clean},
};
use serde_json::json;

use super::recover;
use crate::{
    error::{Error, Result},
    output::Line,
    session::{Session, answer},
};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  moot init --name \"Ada\"\n  moot init --phrase-file ~/folkmoot-phrase.txt\n  moot init --recover --via 'https://moot.example.org/join#…' --lost laptop\n\nThe 12 words are the only way back to this identity. Write them on paper."
)]
pub(crate) struct Args {
    /// Your own name, as communities will show it
    #[arg(long)]
    name: Option<String>,
    /// Name of this machine among your devices, which others rarely see [default: the machine's own]
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Write the 12 words to this new file (0600) instead of the terminal; with --recover: read them from it. Without it and
    /// without a terminal they go to moot-phrase-<end of your did>.txt beside the home
    #[arg(long, value_name = "FILE")]
    phrase_file: Option<PathBuf>,
    /// Take up an identity again by its 12 words
    #[arg(long)]
    recover: bool,
    /// Where to find the identity: any invite link of a community of yours, used up or not, and beside it the address of a
    /// member's node where the link names none that is on; can be given several times
    #[arg(long, value_name = "LINK", requires = "recover")]
    via: Vec<String>,
    /// A device of yours that is lost, by its name or id: it is taken out of the identity, and what it wrote goes over to
    /// this one; "all" means every other one that is not named; can be given several times
    #[arg(long, value_name = "DEVICE", requires = "recover")]
    lost: Vec<String>,
    /// A device of yours that stays; "all" means every other one that is not named; can be given several times. Without a
    /// terminal each is to be named, here or with --lost
    #[arg(long, value_name = "DEVICE", requires = "recover")]
    keep: Vec<String>,
}

pub(crate) fn run(args: Args, session: &Session) -> Result<()> {
    if args.recover {
        let found = recover::Wanted {
            via: &args.via,
            lost: &args.lost,
            keep: &args.keep,
            device: args.device,
            backup: None,
            settings: false,
        };
        return recover::run(found, args.phrase_file.as_deref(), session);
    }
    let home = create(session, args.name.as_deref(), args.device.as_deref(), args.phrase_file.as_deref())?;
    session.out.note(
        Line::new()
            .text("next: ")
            .strong(session.command("community create NAME --public"))
            .text(", or moot join LINK"),
    );
    let me = super::whoami::run(session);
    drop(home);
    me
}

/// Makes an identity and a home for it. The words are shown or written first: a phrase without a home harms nobody, a
/// home without its phrase cannot be recovered.
pub(crate) fn create(session: &Session, name: Option<&str>, device: Option<&str>, file: Option<&Path>) -> Result<Home> {
    match Home::open(&session.dir) {
        Err(HomeError::Absent(_)) => {}
        Ok(home) => return Err(HomeError::Exists(home.dir().to_owned()).into()),
        Err(error) => return Err(error.into()),
    }
    let name = match name {
        Some(name) => Some(clean(name)),
        None if session.out.is_conversation() => {
            Some(clean(&session.out.ask("Your name, as others will see it (Enter leaves it out):")?))
        }
        None => None,
    };
    let name = name.filter(|name| !name.is_empty());
    if let Some(name) = &name {
        check_name(name)?;
    }
    let phrase = Phrase::from_entropy(session.clock.random());
    let words = phrase.words();
    let written = match file {
        Some(path) => Some(path.to_owned()),
        None if session.out.is_conversation() => None,
        None => Some(beside(&session.dir, &phrase)),
    };
    match &written {
        Some(path) => write_new(path, &words)?,
        None => show(session, &words),
    }
    let device = device.map_or_else(device_name, ToOwned::to_owned);
    let home = Home::create(&session.dir, &phrase, &device, &session.clock).inspect_err(|_| {
        if let Some(path) = &written
            && matches!(Home::open(&session.dir), Err(HomeError::Absent(_)))
        {
            // Words of an identity that never came to be.
            let _ = fs::remove_file(path);
        }
    })?;
    if let Some(name) = name {
        Config::set(&home.config_path(), "name", Some(&name))?;
    }
    if let Some(path) = &written {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        session.out.object(&json!({"phrase_file": path}));
        session.out.once(
            Line::new()
                .warn("12 words written to ")
                .strong(path.display().to_string())
                .text(": copy them onto paper and delete the file; they are the only way back to this identity"),
        );
    }
    Ok(home)
}

/// The words of an identity that is there already are written nowhere.
pub(crate) fn mind_the_words(session: &Session, file: Option<&Path>) {
    if file.is_some() {
        let why = "this home has an identity already, whose 12 words were shown or written when it was made";
        session.out.note(Line::new().warn("--phrase-file has no effect: ").text(why));
    }
}

/// A name is written into the profile of every community: what a profile refuses is refused before anything is made.
pub(crate) fn check_name(name: &str) -> Result<()> {
    Profile { name: clean(name), ..Profile::default() }
        .check()
        .map_err(|fault| Error::refused(format!("could not take that name: {fault}")).hint("choose a shorter one"))
}

/// Without a name others see the end of a key.
pub(crate) fn mind_the_name(session: &Session) -> Result<()> {
    let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?;
    if me.name.is_none() && session.config()?.name().is_none() {
        session.out.note("others see a piece of your key instead of a name: moot profile set --name \"…\"");
    }
    Ok(())
}

fn show(session: &Session, words: &str) {
    let out = &session.out;
    out.once(
        Line::new()
            .warn("Write these 12 words on paper. They are shown once and are the only way back to your identity."),
    );
    let words: Vec<&str> = words.split_whitespace().collect();
    for (row, four) in words.chunks(4).enumerate() {
        let cells = four.iter().enumerate().map(|(at, word)| format!("{:>2} {word:<10}", row * 4 + at + 1));
        out.once(Line::new().text("  ").strong(cells.collect::<String>().trim_end()));
    }
    out.once("");
}

/// `moot-phrase-<end of the did>.txt` in the folder that holds the home.
fn beside(home: &Path, phrase: &Phrase) -> PathBuf {
    let did = phrase.root().did().to_string();
    let end: String = did.chars().skip(did.chars().count().saturating_sub(8)).collect();
    let absolute = std::path::absolute(home).unwrap_or_else(|_| home.to_owned());
    absolute.parent().unwrap_or(Path::new(".")).join(format!("moot-phrase-{end}.txt"))
}

fn write_new(path: &Path, words: &str) -> Result<()> {
    let failed = |error: io::Error| {
        Error::refused(format!("could not write the 12 words to {}: {error}", path.display()))
            .hint("nothing was made; name a new file with --phrase-file")
    };
    let open = || -> io::Result<fs::File> {
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
    };
    open().and_then(|file| fill(file, path, words)).map_err(failed)
}

/// Where that fails, the file goes again: it is ours, and words of no identity would stand in the way of the next try.
fn fill(mut file: fs::File, path: &Path, words: &str) -> io::Result<()> {
    let mut write = || -> io::Result<()> {
        writeln!(file, "{words}")?;
        file.sync_all()?;
        // Its name, too, is on the disk before any home is.
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(folder)?.sync_all()
    };
    write().inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
}

/// What the machine calls itself; a person can rename the device later.
pub(crate) fn device_name() -> String {
    let named = fs::read_to_string("/etc/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    named
        .map(|n| n.trim().chars().filter(|c| !c.is_control()).take(64).collect::<String>())
        .filter(|n| !n.is_empty())
        .unwrap_or_else(|| "device".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_found_no_room_leave_no_file_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.txt");
        fs::write(&path, "abandon aban").unwrap();
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        assert!(fill(full, &path, "abandon abandon").is_err());
        assert!(!path.exists());
        write_new(&path, "abandon abandon").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "abandon abandon\n");
        assert!(write_new(&path, "other").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "abandon abandon\n", "what was there stays");
    }
}
