//! What a person should hear of: answers to their events, changed plans they had answered, updates, replies, mentions.
//!
//! Not a queue that arriving records fill, but worked out anew from the records that are here: nothing is lost by a
//! crash or comes twice, whatever the order of arrival. What has been read is a mark beside it (`store::told`): an item
//! is new while its mark is missing or of another stamp. Found by the person's own records and the index of what is about
//! them, so the cost does not grow with what others write to each other.
//!
//! Bounded: events until 30 days after they are over, posts of 90 days, and of one author a few hundred items, so that
//! nobody can fill it alone. No answers and posts of those who are out, but that they are out, where that matters; and
//! nothing of one's own.

mod changes;
pub mod dates;
mod gather;
mod hosts;
mod places;
mod polls;
pub mod words;

#[cfg(test)]
mod tests;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use folkmoot_schemas::{
    Cid, Did, Uri,
    records::{admission::Standing, event::Host, rsvp::Rsvp},
};

use crate::store::{
    StoreError, View,
    reader::{Community, Entry},
    told::ItemKey,
};

/// Seconds for which what belongs to an event stays after its last date.
const AFTER: i64 = 30 * 86_400;
/// Seconds for which a post stays.
const POSTS: i64 = 90 * 86_400;
/// Items of one author in one community, the newest.
const OF_ONE: usize = 200;
/// Items in all, the newest.
pub const MOST: usize = 2_000;

/// Something to hear of.
#[derive(Debug, Clone)]
pub struct Item {
    /// Names it on this node: the same for the same thing, whatever became of it.
    pub key: ItemKey,
    /// Another one when there is something new in it.
    pub stamp: u64,
    /// Microseconds since 1970.
    pub at: u64,
    pub community: Cid,
    pub by: Did,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    /// Somebody answered an event of the person's.
    Answer {
        event: Arc<Entry>,
        answer: Box<Entry>,
    },
    /// An event is not as it was when the person answered, or when they wrote it. `since`: phrases; empty where the older
    /// version is not here, or nothing changed that matters. `mine`: their answers that it concerns.
    /// `days`: of a series, by the rule, where nothing but these dates changed.
    Changed {
        event: Arc<Entry>,
        since: Vec<String>,
        mine: Vec<Rsvp>,
        days: Vec<String>,
    },
    /// An event the person answered is no more.
    Deleted {
        event: Uri,
        mine: Box<Rsvp>,
    },
    /// The person was named as a host of an event, or as who keeps its list.
    Named {
        event: Arc<Entry>,
        part: Part,
    },
    /// Who held an event with the person, or was going to one of the person's, is in the community no more.
    Left {
        event: Arc<Entry>,
        /// Their answer; None of a host.
        going: Option<Box<Rsvp>>,
    },
    /// What whoever keeps the list said to an answer of the person's.
    Place {
        event: Arc<Entry>,
        mine: Box<Rsvp>,
        standing: Standing,
    },
    /// Somebody asks everybody, and the person has not voted yet.
    Asked {
        poll: Box<Entry>,
    },
    /// What the person voted on is decided.
    Decided {
        poll: Box<Entry>,
    },
    /// Somebody voted on what the person asked.
    Vote {
        poll: Arc<Entry>,
        vote: Box<Entry>,
    },
    Post {
        post: Box<Entry>,
        why: Why,
        event: Option<Arc<Entry>>,
    },
}

/// What the author of an event made of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub host: Option<Host>,
    pub keeps_list: bool,
}

/// Why a post concerns the person; of several reasons the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// From the hosts, to everybody who answered.
    Update,
    Mention,
    /// To what the person wrote.
    Reply,
    /// In a thread the person wrote in before.
    Thread,
    /// Under an event of the person's.
    About,
}

/// Everything there is, newest first. `now` in seconds since 1970.
pub fn items(view: &View, communities: &[&Community], me: &Did, now: i64) -> Result<Vec<Item>, StoreError> {
    let mut all = Vec::new();
    for community in communities.iter().filter(|community| community.joined) {
        let mut found = gather::gather(view, community, me, now)?;
        found.sort_by_key(|item| (Reverse(item.at), item.key));
        let mut of_one: HashMap<Did, usize> = HashMap::new();
        found.retain(|item| {
            let n = of_one.entry(item.by).or_default();
            *n += 1;
            *n <= OF_ONE
        });
        all.extend(found);
    }
    all.sort_by_key(|item| (Reverse(item.at), item.key));
    all.truncate(MOST);
    Ok(all)
}

/// What marks may stay for.
pub fn keys(items: &[Item]) -> BTreeSet<ItemKey> {
    items.iter().map(|item| item.key).collect()
}

impl Item {
    pub fn is_new(&self, marks: &BTreeMap<ItemKey, u64>) -> bool {
        marks.get(&self.key) != Some(&self.stamp)
    }
}
