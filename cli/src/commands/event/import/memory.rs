//! What the imports into a community know that no record says: `imports/<community>.json` in the home, 0600, for this
//! device alone. Nothing sends it. Without it an import does what the first one did.

use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::PathBuf,
};

use data_encoding::HEXLOWER;
use folkmoot_node::request::CommunityInfo;
use folkmoot_schemas::{
    derive, limits,
    records::{event::Event, text::folded},
};
use serde::{Deserialize, Serialize};

use super::{
    super::answers::spelled,
    Act, Step, Subject,
    known::{Known, Was},
};
use crate::{
    error::{Error, Result},
    ics::{CalledOff, Reading},
    kept,
    session::Session,
};

/// Bytes of the file: more than all of these take.
const FILE: u64 = 128 * 1024 * 1024;
/// Guests by mail that are remembered.
const GUESTS: usize = 20_000;
/// Cancellations that are.
const CALLED_OFF: usize = 1_000;
/// Imported events that are.
const MADE: usize = 50_000;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// Goes into every mark, so that no two homes have the same one for an address.
    secret: String,
    /// By UID: guests who answered by mail, by the mark of their address.
    guests: BTreeMap<String, BTreeMap<String, String>>,
    /// Cancellations of what had not come yet, the oldest first.
    called_off: Vec<CalledOff>,
    /// By key, what was here after the last import: what is missing since was deleted.
    made: BTreeMap<String, Was>,
}

impl Memory {
    pub(super) fn read(session: &Session, community: &CommunityInfo) -> Result<Self> {
        let path = path(session, community);
        let unreadable = |why: &str| {
            Error::refused(format!("could not read what earlier imports left: {why}"))
                .because(path.display().to_string())
                .hint("mend the file or move it away: without it guests of one name are taken for one")
        };
        let text = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::new(&session.clock.random())),
            Ok(meta) if meta.len() > FILE => return Err(unreadable("it is too long")),
            _ => fs::read_to_string(&path).map_err(|error| unreadable(&error.to_string()))?,
        };
        serde_json::from_str(&text).map_err(|error| unreadable(&error.to_string()))
    }

    pub(super) fn new(random: &[u8; 32]) -> Self {
        Self { secret: HEXLOWER.encode(random), ..Self::default() }
    }

    /// Writes what is not `noted` yet.
    pub(super) fn write(&mut self, noted: &mut Self, session: &Session, community: &CommunityInfo) -> Result<()> {
        self.forget(GUESTS);
        if self == noted {
            return Ok(());
        }
        let path = path(session, community);
        kept::put(&path, &serde_json::to_vec(self).unwrap_or_default()).map_err(|error| {
            Error::refused(format!("could not note on this device what was imported: {error}"))
                .because(path.display().to_string())
                .hint("what was imported is published; make room there and import the file again")
        })?;
        noted.clone_from(self);
        Ok(())
    }

    pub(super) fn made(&self) -> &BTreeMap<String, Was> {
        &self.made
    }

    /// What is here now: what was before, and what an import made of it.
    pub(super) fn note(&mut self, known: &Known, steps: &[Step]) {
        let mut now: BTreeMap<&String, Option<&Event>> = known.all_imported().map(|(key, e)| (key, Some(e))).collect();
        for step in steps {
            match (&step.subject, step.act) {
                (Subject::Event { key, .. }, Act::Replaced) => drop(now.insert(key, None)),
                (Subject::Event { key, event }, Act::Added | Act::Changed) => drop(now.insert(key, Some(event))),
                _ => {}
            }
        }
        for (key, event) in now {
            match event {
                None => drop(self.made.remove(key)),
                Some(event) if self.made.len() < MADE || self.made.contains_key(key) => {
                    self.made.insert(key.clone(), Was::of(event));
                }
                Some(_) => {}
            }
        }
    }

    /// Puts what earlier imports could not call off beside what the files say now.
    pub(super) fn bring(&self, reading: &mut Reading) {
        for off in &self.called_off {
            reading.called_off.join(CalledOff { earlier: true, ..off.clone() });
        }
    }

    /// What still waits for what it calls off.
    pub(super) fn wait(&mut self, mut waiting: Vec<CalledOff>) {
        waiting.sort_by_key(|off| !off.earlier);
        let waiting = waiting.into_iter().map(|off| CalledOff { earlier: false, ..off });
        let mut seen = HashSet::new();
        let mut once: Vec<CalledOff> = waiting.filter(|off| seen.insert(format!("{off:?}"))).collect();
        once.drain(..once.len().saturating_sub(CALLED_OFF));
        self.called_off = once;
    }

    /// The name under which a guest of this UID is answered for: as before, else the one that the mail has. Another guest of
    /// that name has it already: then a number stands behind it. `held`: the names there are among the answers.
    pub(super) fn guest(&mut self, uid: &str, address: Option<&str>, name: &str, held: &[&str]) -> String {
        let spelled = |name: &str| spelled(held.iter().map(|held| (*held).to_owned()), name.to_owned());
        let Some(address) = address else { return spelled(name) };
        let mark = derive::id(&[Some(&self.secret), Some(uid), Some(address)], 26);
        let guests = self.guests.entry(uid.to_owned()).or_default();
        if let Some(name) = guests.get(&mark) {
            return spelled(name);
        }
        let names: HashSet<String> = guests.values().map(|name| folded(name)).collect();
        let numbered = |n: usize| {
            let number = format!(" ({n})");
            let room = limits::PERSON_NAME - number.len();
            name.chars().take(room).collect::<String>().trim_end().to_owned() + &number
        };
        let mut free = std::iter::once(name.to_owned()).chain((2..).map(numbered));
        let name = spelled(&free.find(|name| !names.contains(&folded(name))).unwrap_or_default());
        guests.insert(mark, name.clone());
        name
    }

    /// Keeps the marks of at most so many guests.
    fn forget(&mut self, most: usize) {
        let mut all: usize = self.guests.values().map(BTreeMap::len).sum();
        while all > most {
            let Some((_, gone)) = self.guests.pop_first() else { break };
            all -= gone.len();
        }
    }
}

fn path(session: &Session, community: &CommunityInfo) -> PathBuf {
    session.dir.join("imports").join(format!("{}.json", community.cid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_go_by_their_address_and_who_has_a_name_by_that() {
        let mut memory = Memory::new(&[1; 32]);
        let (rose, other) = (Some("rose@example.org"), Some("r@example.com"));
        // By hand there is a Rose already.
        assert_eq!(memory.guest("gig", rose, "ROSE", &["Rose"]), "Rose");
        assert_eq!(memory.guest("gig", other, "Rose", &["Rose"]), "Rose (2)");
        assert_eq!(memory.guest("gig", Some("third@example.org"), "rose", &[]), "rose (3)");
        // Whatever they call themselves later; and an event of other guests knows nothing of it.
        assert_eq!(memory.guest("gig", rose, "R. Smith", &["Rose", "Rose (2)"]), "Rose");
        assert_eq!(memory.guest("gig", other, "Rose", &[]), "Rose (2)");
        assert_eq!(memory.guest("choir", other, "Rose", &[]), "Rose");
        assert_eq!(memory.guest("gig", None, "rose (2)", &["Rose (2)"]), "Rose (2)");
        let long = "ä".repeat(limits::PERSON_NAME);
        memory.guest("long", rose, &long, &[]);
        assert_eq!(memory.guest("long", other, &long, &[]).chars().count(), limits::PERSON_NAME);
        let mut fewer = memory.clone();
        fewer.forget(5);
        assert_eq!(fewer.guests.keys().collect::<Vec<_>>(), ["gig", "long"]);
        let written = serde_json::to_string(&memory).unwrap();
        assert!(!written.contains('@') && written.contains("Rose"), "{written}");
        assert_eq!(serde_json::from_str::<Memory>(&written).unwrap(), memory);
    }
}
