//! What the imports into a community know that no record says: `imports/<community>.json` in the home, 0600, for this
//! device alone. Nothing sends it. Without it an import does what the first one did.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
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
    Act, Step, Subject,
    known::{Known, Was},
};
use crate::{
    error::{Error, Result},
    ics::{CalledOff, Reading},
    kept,
    session::Session,
};

/// Characters of the secret: 32 bytes.
const SECRET: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Seconds since 1970 of this import.
    #[serde(skip)]
    pub(super) now: i64,
    /// Goes into every mark, so that no two homes have the same one for an address.
    secret: String,
    /// Who answered by mail, by UID.
    guests: BTreeMap<String, Guests>,
    /// Cancellations of what had not come yet, the oldest first.
    called_off: Vec<CalledOff>,
    /// By key, what was here after the last import: what is missing since was deleted.
    made: BTreeMap<String, Was>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Guests {
    /// When the last one was added.
    added: i64,
    /// By the mark of their address.
    names: BTreeMap<String, String>,
    #[serde(skip)]
    taken: Taken,
}

/// The names, so that a thousand guests of one name are not looked through for each of them.
#[derive(Debug, Clone, Default)]
struct Taken {
    /// As [`folded`].
    names: HashSet<String>,
    /// By a name that several have: the last number behind it.
    numbers: HashMap<String, usize>,
}

impl PartialEq for Taken {
    /// It says nothing that the names do not.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Taken {}

impl Guests {
    /// The name, with a number behind it where another guest has it already.
    fn free(&mut self, name: &str) -> String {
        let taken = &mut self.taken;
        if taken.names.len() < self.names.len() {
            taken.names = self.names.values().map(|name| folded(name)).collect();
        }
        let alike = folded(name);
        let mut free = name.to_owned();
        if taken.names.contains(&alike) {
            let number = taken.numbers.entry(alike.clone()).or_insert(1);
            while taken.names.contains(&folded(&free)) {
                *number += 1;
                free = numbered(name, *number);
            }
        }
        taken.names.insert(folded(&free));
        free
    }
}

fn numbered(name: &str, number: usize) -> String {
    let number = format!(" ({number})");
    let room = limits::PERSON_NAME - number.len();
    name.chars().take(room).collect::<String>().trim_end().to_owned() + &number
}

impl Memory {
    pub(super) fn read(session: &Session, community: &CommunityInfo) -> Result<Self> {
        let path = path(session, community);
        let unreadable = |why: &str| {
            Error::refused(format!("could not read what earlier imports left: {why}"))
                .because(path.display().to_string())
                .hint("mend the file or move it away: without it guests of one name are taken for one, and what was deleted comes again")
        };
        let now = session.clock.seconds();
        let text = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::new(&session.clock.random(), now));
            }
            Ok(meta) if meta.len() > limits::CALENDAR_MEMORY as u64 => return Err(unreadable("it is too long")),
            _ => fs::read_to_string(&path).map_err(|error| unreadable(&error.to_string()))?,
        };
        Self::parse(&text, now).map_err(|why| unreadable(&why))
    }

    fn parse(text: &str, now: i64) -> Result<Self, String> {
        let memory: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        // Everybody could work out the marks that a known one makes.
        match memory.secret.len() == SECRET {
            true => Ok(Self { now, ..memory }),
            false => Err("its secret is not whole".into()),
        }
    }

    pub(super) fn new(random: &[u8; 32], now: i64) -> Self {
        let secret = HEXLOWER.encode(random);
        Self { now, secret, guests: BTreeMap::new(), called_off: Vec::new(), made: BTreeMap::new() }
    }

    /// Writes what is not `noted` yet.
    pub(super) fn write(&mut self, noted: &mut Self, session: &Session, community: &CommunityInfo) -> Result<()> {
        self.forget(limits::CALENDAR_GUESTS, limits::CALENDAR_MADE);
        if self == noted {
            return Ok(());
        }
        let path = path(session, community);
        let written = self.fit(limits::CALENDAR_MEMORY).and_then(|bytes| kept::put(&path, &bytes));
        written.map_err(|error| {
            Error::refused(format!("could not note on this device what was imported: {error}"))
                .because(path.display().to_string())
                .hint("what was imported is published; make room there and import the file again")
        })?;
        noted.clone_from(self);
        Ok(())
    }

    /// As it is written, in at most so many bytes: what would not fit is forgotten, the oldest first.
    fn fit(&mut self, most: usize) -> io::Result<Vec<u8>> {
        loop {
            let bytes = serde_json::to_vec(self)?;
            let guests: usize = self.guests.values().map(|guests| guests.names.len()).sum();
            if bytes.len() <= most || guests + self.made.len() + self.called_off.len() == 0 {
                return Ok(bytes);
            }
            self.forget(guests / 4 * 3, self.made.len() / 4 * 3);
            self.called_off.drain(..self.called_off.len().div_ceil(4));
        }
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
                Some(event) => drop(self.made.insert(key.clone(), Was::of(event))),
            }
        }
    }

    /// Puts what earlier imports could not call off beside what the files say now.
    pub(super) fn bring(&self, reading: &mut Reading) {
        self.called_off.iter().for_each(|off| drop(reading.called_off.join(off.clone())));
    }

    /// What still waits for what it calls off. The same message again has waited since the first time.
    pub(super) fn wait(&mut self, mut waiting: Vec<CalledOff>) {
        waiting.sort_by_key(|off| off.since.unwrap_or(self.now));
        let mut seen = HashSet::new();
        waiting.retain(|off| seen.insert(format!("{:?}", CalledOff { since: None, ..off.clone() })));
        waiting.drain(..waiting.len().saturating_sub(limits::CALENDAR_CALLED_OFF));
        let since = |off: CalledOff| CalledOff { since: off.since.or(Some(self.now)), ..off };
        self.called_off = waiting.into_iter().map(since).collect();
    }

    /// The name under which a guest of this UID is answered for: as before, else the one that the mail has. Another guest of
    /// that name has it already: then a number stands behind it. `spelled`: a name as it is among the answers. True: this
    /// device meets the address for the first time.
    pub(super) fn guest(
        &mut self,
        uid: &str,
        address: Option<&str>,
        name: &str,
        spelled: impl Fn(&str) -> String,
    ) -> (String, bool) {
        let Some(address) = address else { return (spelled(name), false) };
        let mark = derive::id(&[Some(&self.secret), Some(uid), Some(address)], 26);
        let guests = self.guests.entry(uid.to_owned()).or_default();
        if let Some(name) = guests.names.get(&mark) {
            return (spelled(name), false);
        }
        let name = spelled(&guests.free(name));
        guests.names.insert(mark, name.clone());
        guests.added = self.now;
        (name, true)
    }

    /// Keeps at most so many guests, those of the events whose last one was added the longest ago going first, and so many
    /// imported events, those that have been over the longest going first.
    fn forget(&mut self, guests: usize, made: usize) {
        let mut all: usize = self.guests.values().map(|guests| guests.names.len()).sum();
        if all > guests {
            let mut uids: Vec<(i64, String)> = self.guests.iter().map(|(uid, of)| (of.added, uid.clone())).collect();
            uids.sort();
            for (_, uid) in uids {
                if all > guests {
                    all -= self.guests.remove(&uid).map_or(0, |gone| gone.names.len());
                }
            }
        }
        let surplus = self.made.len().saturating_sub(made);
        if surplus > 0 {
            let mut keys: Vec<(i64, String)> = self.made.iter().map(|(key, was)| (was.ends(), key.clone())).collect();
            keys.sort();
            keys.iter().take(surplus).for_each(|(_, key)| drop(self.made.remove(key)));
        }
    }
}

fn path(session: &Session, community: &CommunityInfo) -> PathBuf {
    session.dir.join("imports").join(format!("{}.json", community.cid))
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::when::{Start, parse_date};

    use super::*;
    use crate::commands::event::answers::spelled;

    #[test]
    fn guests_go_by_their_address_and_who_has_a_name_by_that() {
        let mut memory = Memory::new(&[1; 32], 1);
        let (rose, other) = (Some("rose@example.org"), Some("r@example.com"));
        let guest = |memory: &mut Memory, address, name: &str, held: &[&str]| {
            let held = held.iter().map(|held| (*held).to_owned());
            memory.guest("gig", address, name, |name| spelled(held.clone(), name.to_owned())).0
        };
        // By hand there is a Rose already.
        assert_eq!(guest(&mut memory, rose, "ROSE", &["Rose"]), "Rose");
        assert_eq!(guest(&mut memory, other, "Rose", &["Rose"]), "Rose (2)");
        assert_eq!(guest(&mut memory, Some("third@example.org"), "rose", &[]), "rose (3)");
        // Whatever they call themselves later; and an event of other guests knows nothing of it.
        assert_eq!(guest(&mut memory, rose, "R. Smith", &["Rose", "Rose (2)"]), "Rose");
        assert_eq!(guest(&mut memory, other, "Rose", &[]), "Rose (2)");
        assert_eq!(memory.guest("choir", other, "Rose", ToOwned::to_owned), ("Rose".to_owned(), true));
        assert_eq!(guest(&mut memory, None, "rose (2)", &["Rose (2)"]), "Rose (2)");
        let long = "ä".repeat(limits::PERSON_NAME);
        memory.guest("long", rose, &long, ToOwned::to_owned);
        assert_eq!(memory.guest("long", other, &long, ToOwned::to_owned).0.chars().count(), limits::PERSON_NAME);
        let written = serde_json::to_string(&memory).unwrap();
        assert!(!written.contains('@') && written.contains("Rose"), "{written}");
        assert_eq!(Memory::parse(&written, 1).unwrap(), memory);
    }

    #[test]
    fn what_does_not_fit_is_forgotten_the_oldest_first_and_what_is_written_can_be_read() {
        let mut memory = Memory::new(&[1; 32], 1);
        memory.guest("gig", Some("rose@example.org"), "Rose", ToOwned::to_owned);
        memory.guest("choir", Some("rose@example.org"), "Rose", ToOwned::to_owned);
        // It comes first by its name, and somebody was added last.
        let mut memory = Memory { now: 2, ..memory };
        memory.guest("a", Some("rose@example.org"), "Rose", ToOwned::to_owned);
        memory.guest("choir", Some("r@example.org"), "Rose", ToOwned::to_owned);
        for day in 1..=28 {
            let event = Event::new("Gig", Start::Date { date: parse_date(&format!("2027-01-{day:02}")).unwrap() });
            memory.made.insert(format!("{}", 99 - day), Was::of(&event));
        }
        memory.forget(3, 2);
        assert_eq!(memory.guests.keys().collect::<Vec<_>>(), ["a", "choir"]);
        assert_eq!(memory.made.keys().collect::<Vec<_>>(), ["71", "72"]);
        let all = serde_json::to_vec(&memory).unwrap().len();
        for most in [all, all - 1, all / 2, 200] {
            let bytes = memory.fit(most).unwrap();
            assert!(bytes.len() <= most, "{most}");
            assert_eq!(Memory::parse(std::str::from_utf8(&bytes).unwrap(), 2).unwrap(), memory);
        }
    }

    #[test]
    fn a_file_without_its_secret_is_not_read() {
        let memory = Memory::new(&[1; 32], 1);
        let written = serde_json::to_string(&memory).unwrap();
        assert!(Memory::parse("{}", 1).is_err());
        assert!(Memory::parse(&written.replace(&memory.secret, ""), 1).unwrap_err().contains("secret"));
        for field in ["secret", "guests", "called_off", "made"] {
            assert!(Memory::parse(&written.replace(field, "lost"), 1).unwrap_err().contains(field), "{field}");
        }
    }
}
