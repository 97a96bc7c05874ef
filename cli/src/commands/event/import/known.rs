//! What a community has already, as calendar files name it.

use std::collections::{BTreeMap, HashMap};

use folkmoot_gateway::calendar;
use folkmoot_node::request::{CommunityInfo, Item, Reply, Request};
use folkmoot_schemas::{kind::Kind, records::event::Event};

use crate::{
    commands::post::parse_uri,
    error::Result,
    record,
    session::{Session, answer},
};

#[derive(Debug)]
pub(super) struct Known {
    /// This person.
    pub(super) me: String,
    /// Ours that came from calendar files, by their key.
    imported: BTreeMap<String, (Item, Event)>,
    /// What others imported, by its key.
    theirs: HashMap<String, Item>,
    /// All events, by the UID under which we hand them out.
    ours: HashMap<String, (Item, Event)>,
}

/// What a UID, or one date of it, stands for here.
#[derive(Debug)]
pub(super) enum Held<'a> {
    Nothing,
    /// An event of ours that follows a calendar file.
    Imported(&'a Item, &'a Event),
    /// Somebody else imported it.
    Theirs(&'a Item),
    /// It was planned here; the file is an echo of that.
    Here(&'a Item),
}

impl Known {
    pub(super) fn read(session: &Session, community: &CommunityInfo) -> Result<Self> {
        let me = answer!(session.ask(&Request::Whoami)?, Reply::Whoami(me) => me)?.did;
        let mut known = Self { me, imported: BTreeMap::new(), theirs: HashMap::new(), ours: HashMap::new() };
        for item in record::list(session, Some(&community.cid), Event::NAME, usize::MAX)? {
            let record = record::open(&item)?;
            let Some(event) = record.as_event().cloned() else { continue };
            match event.source.as_ref().filter(|s| s.kind == "ics").and_then(|s| s.uid.clone()) {
                Some(key) if item.did == known.me => {
                    known.imported.insert(key, (item.clone(), event.clone()));
                }
                Some(key) => {
                    known.theirs.insert(key, item.clone());
                }
                None => {}
            }
            known.ours.insert(calendar::uid(&parse_uri(&item.uri)?), (item, event));
        }
        Ok(known)
    }

    pub(super) fn get(&self, key: &str) -> Held<'_> {
        // The date of a series that could only be kept as single dates.
        let uid = key.split_once('#').map_or(key, |(uid, _)| uid);
        if let Some((item, event)) = self.imported.get(key) {
            Held::Imported(item, event)
        } else if let Some((item, _)) = self.ours.get(uid) {
            Held::Here(item)
        } else {
            self.theirs.get(key).map_or(Held::Nothing, Held::Theirs)
        }
    }

    /// Events of ours that came from this UID: one, or its single dates.
    pub(super) fn imported(&self, uid: &str) -> Vec<(&str, &Item, &Event)> {
        let dates = format!("{uid}#");
        let whole = self.imported.get_key_value(uid);
        let dates = self.imported.range(dates.clone()..).take_while(|(key, _)| key.starts_with(&dates));
        whole.into_iter().chain(dates).map(|(key, (item, event))| (key.as_str(), item, event)).collect()
    }

    /// The event that people answer under this UID.
    pub(super) fn answered(&self, uid: &str) -> Option<(&Item, &Event)> {
        let found = self.ours.get(uid).or_else(|| self.imported.get(uid));
        found.map(|(item, event)| (item, event))
    }
}
