//! How a command reaches the data: through the control socket when a node runs, else by opening the store itself and
//! calling the same code. redb lets one process own the file, so both ways exist and the answer is the same.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use folkmoot_node::{
    clock::Clock,
    config::Config,
    control::client::{self, ControlError},
    home::{self, Home, HomeError},
    node::{Local, NodeError},
    request::{CommunityInfo, Reply, Request},
    store::StoreError,
};
use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    output::Output,
};

/// Takes the one kind of answer a request has; anything else would be a bug of ours.
macro_rules! answer {
    ($reply:expr, $pattern:pat => $value:expr) => {
        match $reply {
            $pattern => Ok($value),
            other => Err($crate::error::Error::bug(format!("the node gave an unexpected answer: {other:?}"))),
        }
    };
}
pub(crate) use answer;

/// How long two commands at the same moment wait for each other.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
pub(crate) const PAUSE: Duration = Duration::from_millis(40);

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Session {
    /// The home folder, whether it exists or not.
    pub(crate) dir: PathBuf,
    /// `--home`, as it was typed.
    home_flag: Option<PathBuf>,
    /// `--community`: reading commands look into all communities without it.
    pub(crate) named_community: Option<String>,
    /// The same, else the one of `moot use`.
    pub(crate) community: Option<String>,
    pub(crate) out: Output,
    pub(crate) clock: Clock,
    /// Opened once, so that a passphrase is asked for once.
    home: RefCell<Option<Home>>,
    /// Kept open between the requests of one command.
    local: RefCell<Option<Local>>,
    /// The settings it began with, for the first that needs them: every command without a node is, and reads them once.
    begun: RefCell<Option<Config>>,
}

impl Session {
    /// And the settings it begins with; fails when they cannot be read.
    pub(crate) fn new(
        home_flag: Option<PathBuf>,
        named_community: Option<String>,
        out: Output,
        clock: Clock,
    ) -> Result<(Self, Config)> {
        let named = || std::env::var_os("MOOT_HOME").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let mut session = Self {
            dir: home_flag.clone().or_else(named).unwrap_or_else(Home::default_dir),
            home_flag,
            named_community,
            community: None,
            out,
            clock,
            home: RefCell::default(),
            local: RefCell::default(),
            begun: RefCell::default(),
        };
        let config = session.config()?;
        session.begun.replace(Some(config.clone()));
        session.community = session.named_community.as_deref().or(config.community()).map(ToOwned::to_owned);
        Ok((session, config))
    }

    /// The settings as they are now: file and environment over the defaults.
    pub(crate) fn config(&self) -> Result<Config> {
        Ok(Config::load(&self.dir.join("config.toml"), |name| std::env::var(name).ok())?)
    }

    pub(crate) fn home(&self) -> Result<Home> {
        if let Some(home) = &*self.home.borrow() {
            return Ok(home.clone());
        }
        let home = Home::open(&self.dir)?;
        self.home.replace(Some(home.clone()));
        Ok(home)
    }

    /// Has the device key opened, where it is under a passphrase: by the file the settings name, else by the person.
    pub(crate) fn unlock(&self, home: &Home) -> Result<()> {
        if !matches!(home.device_key(), Err(HomeError::Sealed)) {
            return Ok(());
        }
        match self.config()?.passphrase_file() {
            // As an editor leaves it: with a line break.
            Some(path) => Ok(home.unlock(read_secret(path, "the passphrase")?.trim_end_matches(['\r', '\n']))?),
            None if self.out.is_conversation() => {
                let asked = || self.out.ask_hidden("Passphrase of this device's key:");
                unlock_by_asking(home, asked, || self.out.once("that is not the passphrase; try again"))
            }
            None => Err(HomeError::Sealed.into()),
        }
    }

    /// Asks the running node, else our own store. While another command holds the store and no node listens yet, both
    /// are tried again for five seconds.
    pub(crate) fn ask(&self, request: &Request) -> Result<Reply> {
        if let Some(local) = &*self.local.borrow() {
            return answered(local.request(request.clone()));
        }
        let home = self.home()?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match client::request(&home.socket_path(), request) {
                Ok(reply) => return answered(reply),
                Err(ControlError::Absent) => {}
                Err(error) => return Err(unreachable_node(&error)),
            }
            self.unlock(&home)?;
            let begun = self.begun.take();
            let config = begun.map_or_else(|| self.config(), Ok)?;
            match Local::open(&home, self.clock.clone(), &config) {
                Ok(local) => {
                    let reply = local.request(request.clone());
                    self.local.replace(Some(local));
                    return answered(reply);
                }
                Err(error) if is_locked(&error) && Instant::now() < deadline => thread::sleep(PAUSE),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The community a command speaks about: `named`, else the chosen one, else the only one. A name counts when it or
    /// its CID begins so and no other does.
    pub(crate) fn pick_community(&self, named: Option<&str>) -> Result<CommunityInfo> {
        let all = answer!(self.ask(&Request::Communities)?, Reply::Communities(all) => all)?;
        let Some(wanted) = named.or(self.community.as_deref()) else {
            return match <[_; 1]>::try_from(all) {
                Ok([only]) => Ok(only),
                Err(all) if all.is_empty() => Err(Error::refused("could not tell which community: there is none yet")
                    .hint("moot community create NAME --public, or moot join LINK")),
                Err(all) => Err(several("there are several", &all)),
            };
        };
        let lower = wanted.to_lowercase();
        let exact = |info: &&CommunityInfo| info.cid == wanted || info.name.to_lowercase() == lower;
        let begins =
            |info: &&CommunityInfo| info.cid.starts_with(&lower) || info.name.to_lowercase().starts_with(&lower);
        let mut found: Vec<CommunityInfo> = all.iter().filter(exact).cloned().collect();
        if found.is_empty() {
            found = all.iter().filter(begins).cloned().collect();
        }
        match <[_; 1]>::try_from(found) {
            Ok([one]) => Ok(one),
            Err(found) if found.is_empty() => Err(several(&format!("there is no {wanted:?} here"), &all)),
            Err(found) => Err(several(&format!("{wanted:?} could be any of these"), &found)),
        }
    }

    /// Why what was written last has not reached anybody yet.
    pub(crate) fn not_sent(&self) -> &'static str {
        match self.local.borrow().is_some() {
            true => "  (not sent yet: no node is running)",
            false => "  (not sent yet: no peer is connected)",
        }
    }

    /// A command as it is to be typed to act on this home again.
    pub(crate) fn command(&self, rest: &str) -> String {
        match &self.home_flag {
            Some(dir) => format!("moot --home {} {rest}", quoted(&dir.display().to_string())),
            None => format!("moot {rest}"),
        }
    }

    /// Lets go of the store and the settings, before a person thinks in an editor or a node is started in this process.
    pub(crate) fn release(&self) {
        self.begun.replace(None);
        self.local.replace(None);
    }

    /// The last a process does with it: closing the store in order would take as long as a short command.
    pub(crate) fn leave(self) -> Result<()> {
        match self.local.into_inner() {
            Some(local) => Ok(local.leave()?),
            None => Ok(()),
        }
    }

    /// Asks the running node only; None when there is none.
    pub(crate) fn ask_node(&self, request: &Request) -> Result<Option<Reply>> {
        self.release();
        match client::request(&self.home()?.socket_path(), request) {
            Ok(reply) => answered(reply).map(Some),
            Err(ControlError::Absent) => Ok(None),
            Err(error) => Err(unreachable_node(&error)),
        }
    }
}

/// For a shell, where it needs it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A person mistypes what they cannot see.
const PASSPHRASE_TRIES: u32 = 3;

fn unlock_by_asking(home: &Home, ask: impl Fn() -> Result<Zeroizing<String>>, wrong: impl Fn()) -> Result<()> {
    for _ in 1..PASSPHRASE_TRIES {
        match home.unlock(&ask()?) {
            Err(HomeError::Passphrase) => wrong(),
            other => return Ok(other?),
        }
    }
    Ok(home.unlock(&ask()?)?)
}

/// From a file that only its owner can read. `what`: "the passphrase".
pub(crate) fn read_secret(path: &Path, what: &str) -> Result<Zeroizing<String>> {
    home::read_secret(path).map_err(|error| {
        let said = Error::refused(format!("could not read {what}: {error}"));
        match error {
            HomeError::Exposed(_) => said.hint(format!("chmod 0600 {}", path.display())),
            HomeError::NotOwned(_) => said.hint("copy it to a file of your own, for you alone: chmod 0600"),
            _ => said.hint("check the name of the file, and that it holds nothing else"),
        }
    })
}

fn several(why: &str, them: &[CommunityInfo]) -> Error {
    let said = Error::refused(format!("could not tell which community: {why}"));
    let said = them.iter().fold(said, |said, info| said.because(format!("{}  {}", info.name, info.cid)));
    said.hint("name it with --community, or choose one with moot use")
}

/// A failure is an error here.
pub(crate) fn answered(reply: Reply) -> Result<Reply> {
    match reply {
        Reply::Failed(failure) => Err(failure.into()),
        reply => Ok(reply),
    }
}

pub(crate) fn is_locked(error: &NodeError) -> bool {
    matches!(error, NodeError::Home(HomeError::Store(StoreError::Locked(_))))
}

fn unreachable_node(error: &ControlError) -> Error {
    let said = Error::network(format!("could not reach the running node: {error}"));
    match error {
        ControlError::Version(_) => said.hint("stop it and start it again with this version: moot serve"),
        _ => said.hint("try again; if it stays so, stop the node and start it again: moot serve"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::cell::Cell;

    use folkmoot_schemas::phrase::Phrase;

    use super::*;

    #[test]
    fn a_passphrase_may_be_mistyped_twice() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Clock::system();
        let path = dir.path().join("home");
        Home::create(&path, &Phrase::from_entropy([7; 16]), "laptop", &clock)
            .and_then(|home| home.seal(Some("four grey geese"), &clock))
            .unwrap();
        for (wrong, opens) in [(0, true), (2, true), (3, false)] {
            let (asked, told) = (Cell::new(0), Cell::new(0));
            let ask = || {
                asked.set(asked.get() + 1);
                let word = if asked.get() > wrong { "four grey geese" } else { "four gray geese" };
                Ok(Zeroizing::new(word.to_owned()))
            };
            let home = Home::open(&path).unwrap();
            let done = unlock_by_asking(&home, ask, || told.set(told.get() + 1));
            assert_eq!((done.is_ok(), home.device_key().is_ok()), (opens, opens), "{wrong} wrong");
            assert_eq!((asked.get(), told.get()), ((wrong + 1).min(3), wrong.min(2)), "{wrong} wrong");
        }
    }
}
