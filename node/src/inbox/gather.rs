//! Finding what concerns a person in one community.

use std::{
    collections::{BTreeMap, HashMap, hash_map},
    sync::Arc,
};

use folkmoot_schemas::{
    Did, Record, Uri, derive,
    kind::Kind,
    limits,
    records::{
        event::Plans,
        poll::Poll,
        post::{Post, PostKind},
        profile::Profile,
        rsvp::Rsvp,
        venue::Venue,
        vote::Vote,
    },
    roster::{Role, State},
};

use super::{
    AFTER, Item, OF_ONE, POSTS, What, Why,
    changes::{self, Answered, Changes},
    dates,
};
use crate::store::{
    StoreError, View,
    reader::{Community, Entry, Lookup},
    told::ItemKey,
};

/// The person's own posts, newest, whose threads are followed.
const OWN_POSTS: usize = 1_000;
/// What else of theirs others reply to, beside their answers; of each kind as many. What is said of their events is
/// found with those.
const OWN: [&str; 4] = [Poll::NAME, Vote::NAME, Venue::NAME, Profile::NAME];
/// Answers to one event that are looked at, newest.
pub(super) const ANSWERS: usize = 1_000;
/// Posts about one thing that are looked at, newest.
const ABOUT: usize = 5 * OF_ONE;

pub(super) struct Gathering<'a> {
    pub(super) view: &'a View,
    pub(super) community: &'a Community,
    pub(super) state: &'a State,
    pub(super) me: Did,
    /// Microseconds.
    pub(super) since: u64,
    items: Vec<Item>,
    posts: HashMap<Uri, (Why, Entry, Option<Arc<Entry>>)>,
}

pub(super) fn gather(view: &View, community: &Community, me: &Did, now: i64) -> Result<Vec<Item>, StoreError> {
    let since = micros(now - POSTS);
    let mut gathering = Gathering {
        view,
        community,
        state: &community.state,
        me: *me,
        since,
        items: Vec::new(),
        posts: HashMap::new(),
    };
    let events: BTreeMap<Uri, Arc<Entry>> =
        view.not_over(&community.id, now - AFTER)?.into_iter().map(|e| (e.uri.clone(), Arc::new(e))).collect();
    let mut answered: BTreeMap<Uri, Vec<(Entry, Rsvp)>> = BTreeMap::new();
    let own = view.by_person(&community.id, me, Rsvp::NAME, usize::MAX)?;
    let mut answers: Vec<_> = own.iter().map(|entry| (entry.updated, entry.uri.clone())).collect();
    answers.sort_unstable_by(|a, b| b.cmp(a));
    answers.truncate(OWN_POSTS);
    for entry in own {
        if let Record::Rsvp(rsvp) = &entry.record {
            let rsvp = Rsvp::clone(rsvp);
            answered.entry(rsvp.event.clone()).or_default().push((entry, rsvp));
        }
    }
    for (uri, event) in &events {
        let mut mine = answered.remove(uri).unwrap_or_default();
        if !mine.iter().any(|(_, rsvp)| rsvp.guest_name.is_none()) {
            mine.extend(view.vote_as_answer(event, me)?);
        }
        let hosting = gathering.is_host(event, me);
        let held_since = gathering.named(event)?;
        if hosting {
            gathering.answers(event)?;
            gathering.left(event, held_since)?;
        }
        if hosting || !mine.is_empty() {
            gathering.posts_about(event, hosting)?;
        }
        gathering.places(event, &mine)?;
        gathering.changed(event, mine, hosting)?;
    }
    // What is left is over, or is no more.
    for (uri, mine) in answered {
        gathering.deleted(uri, mine)?;
    }
    gathering.threads(answers.into_iter().map(|(_, uri)| uri))?;
    gathering.mentions()?;
    gathering.polls(now)?;
    Ok(gathering.into_items())
}

fn micros(seconds: i64) -> u64 {
    u64::try_from(seconds).unwrap_or_default().saturating_mul(1_000_000)
}

pub(super) fn key(kind: &str, uri: &Uri) -> ItemKey {
    let mut key = ItemKey::default();
    key.copy_from_slice(&derive::digest(&[Some(kind), Some(&uri.to_string())])[..10]);
    key
}

impl Gathering<'_> {
    pub(super) fn is_me(&self, did: &Did) -> bool {
        self.state.today(did) == self.me
    }

    pub(super) fn is_host(&self, event: &Entry, did: &Did) -> bool {
        dates::is_host(self.state, event, did)
    }

    /// Whose updates reach everybody who answered: the hosts', and those of whoever keeps the community in order.
    fn speaks_for(&self, event: &Entry, did: &Did) -> bool {
        self.is_host(event, did) || self.state.role(&self.state.today(did)).is_some_and(|role| role >= Role::Moderator)
    }

    pub(super) fn push(&mut self, key: ItemKey, stamp: u64, at: u64, by: Did, what: What) {
        // Of a TID the low bits tell versions apart, and what is larger is no integer on the wire.
        let stamp = stamp & limits::INTEGER as u64;
        self.items.push(Item { key, stamp, at, community: self.community.id, by, what });
    }

    fn answers(&mut self, event: &Arc<Entry>) -> Result<(), StoreError> {
        let uri = &event.uri;
        for answer in self.view.about_since(&uri.community, &uri.to_string(), Rsvp::NAME, 0, (ANSWERS, OF_ONE))? {
            let Some(rsvp) = answer.record.as_rsvp().filter(|rsvp| rsvp.event == *uri) else { continue };
            // For guests hosts alone answer.
            let guest = rsvp.guest_name.is_some() && !self.is_host(event, &answer.uri.did);
            if guest || self.is_me(&answer.uri.did) {
                continue;
            }
            let (key, stamp) = (key("answer", &answer.uri), answer.rev.as_u64());
            let (at, by) = (answer.updated, self.state.today(&answer.uri.did));
            self.push(key, stamp, at, by, What::Answer { event: Arc::clone(event), answer: Box::new(answer) });
        }
        Ok(())
    }

    /// `mine`: the person's answers to it.
    fn changed(&mut self, event: &Arc<Entry>, mine: Vec<(Entry, Rsvp)>, hosting: bool) -> Result<(), StoreError> {
        let Record::Event(newer) = &event.record else { return Ok(()) };
        let last = event.revised.first();
        let by = last.map_or(event.uri.did, |last| last.uri.did);
        // Their own changes are no news to them.
        if self.is_me(&by) {
            return Ok(());
        }
        let by = self.state.today(&by);
        let (shown, mut plans) = (event.shown_cid(), Plans::of(newer));
        // What became of a single date is for who answered a whole series as well.
        let whole = |rsvp: &Rsvp| newer.recur.is_some() && rsvp.occurrence.is_none() && rsvp.seen != shown;
        let before =
            |rsvp: &Rsvp| rsvp.seen_sequence != newer.sequence || whole(rsvp) || plans.outdates(rsvp, rsvp.day());
        let mut answered = Answered::new();
        for (_, rsvp) in &mine {
            if let Some(day) = rsvp.day() {
                answered.entry(rsvp.guest_name.clone()).or_default().insert(day.to_owned());
            }
        }
        let mine: Vec<Rsvp> = mine.into_iter().map(|(_, rsvp)| rsvp).filter(before).collect();
        let changed = match mine.is_empty() {
            true => None,
            false => changes::since(self.view, event, newer, mine, &answered, |did| self.is_me(did))?,
        };
        if let Some(Changes { said: since, mine, days }) = changed {
            let stamp = newer.plan_stamp();
            let what = What::Changed { event: Arc::clone(event), since, mine, days };
            self.push(key("changed", &event.uri), stamp, event.updated, by, what);
        } else if let (true, Some(last)) = (hosting, last) {
            // Whoever holds an event hears of every change that is not their own.
            let since = changes::for_host(self.view, event, newer, |did| self.is_me(did))?;
            let what = What::Changed { event: Arc::clone(event), since, mine: Vec::new(), days: Vec::new() };
            self.push(key("changed", &event.uri), last.rev.as_u64(), event.updated, by, what);
        }
        Ok(())
    }

    fn deleted(&mut self, uri: Uri, mine: Vec<(Entry, Rsvp)>) -> Result<(), StoreError> {
        // Nothing says when it was deleted; what was answered long ago is over.
        let newest = mine.into_iter().max_by_key(|(entry, _)| entry.updated);
        let Some((entry, mine)) = newest.filter(|(entry, _)| entry.updated >= self.since) else { return Ok(()) };
        if self.is_me(&uri.did) || !matches!(self.view.get(&uri)?, Lookup::Gone(_)) {
            return Ok(());
        }
        let by = self.state.today(&uri.did);
        self.push(key("deleted", &uri), 0, entry.updated, by, What::Deleted { event: uri, mine: Box::new(mine) });
        Ok(())
    }

    fn posts_about(&mut self, event: &Arc<Entry>, hosting: bool) -> Result<(), StoreError> {
        for post in self.view.about_since(
            &event.uri.community,
            &event.uri.to_string(),
            Post::NAME,
            self.since,
            (ABOUT, OF_ONE),
        )? {
            if post.record.about().as_ref() != Some(&event.uri) {
                continue;
            }
            let update = post.record.as_post().is_some_and(|post| post.kind == PostKind::Update);
            if update && self.speaks_for(event, &post.uri.did) {
                self.post(Why::Update, post, Some(event));
            } else if hosting {
                self.post(Why::About, post, Some(event));
            }
        }
        Ok(())
    }

    /// What others wrote after the person, where the person wrote: in threads, and under what is theirs.
    fn threads(&mut self, answers: impl Iterator<Item = Uri>) -> Result<(), StoreError> {
        let mut roots: BTreeMap<Uri, u64> = answers.map(|own| (own, 0)).collect();
        for did in self.dids() {
            for own in self.view.by_person(&self.community.id, &did, Post::NAME, OWN_POSTS)? {
                let root =
                    own.record.as_post().and_then(|post| post.reply.as_ref()).map(|reply| reply.root.uri.clone());
                let first = roots.entry(root.unwrap_or(own.uri)).or_insert(own.created);
                *first = own.created.min(*first);
            }
            let answers = (did != self.me).then_some(Rsvp::NAME);
            for collection in OWN.into_iter().chain(answers) {
                let own = self.view.by_person(&self.community.id, &did, collection, OWN_POSTS)?;
                roots.extend(own.into_iter().map(|own| (own.uri, 0)));
            }
        }
        for (root, first) in roots {
            if root.community != self.community.id {
                continue;
            }
            let since = first.max(self.since);
            for post in self.view.about_since(&root.community, &root.to_string(), Post::NAME, since, (ABOUT, OF_ONE))? {
                let Some(reply) = post.record.as_post().and_then(|post| post.reply.as_ref()) else { continue };
                if reply.root.uri != root {
                    continue;
                }
                let why = if self.is_me(&reply.parent.uri.did) { Why::Reply } else { Why::Thread };
                self.post(why, post, None);
            }
        }
        Ok(())
    }

    /// The person's: earlier ones, and that of today.
    fn dids(&self) -> Vec<Did> {
        let mut dids = self.state.formerly(&self.me);
        dids.push(self.me);
        dids
    }

    fn mentions(&mut self) -> Result<(), StoreError> {
        for did in self.dids() {
            for post in
                self.view.about_since(&self.community.id, &did.to_string(), Post::NAME, self.since, (ABOUT, OF_ONE))?
            {
                if post.record.as_post().is_some_and(|post| post.mentions.iter().any(|mention| mention.did == did)) {
                    self.post(Why::Mention, post, None);
                }
            }
        }
        Ok(())
    }

    /// A post is one item, for the best reason.
    fn post(&mut self, why: Why, post: Entry, event: Option<&Arc<Entry>>) {
        if self.is_me(&post.uri.did) {
            return;
        }
        match self.posts.entry(post.uri.clone()) {
            hash_map::Entry::Vacant(place) => {
                place.insert((why, post, event.cloned()));
            }
            hash_map::Entry::Occupied(mut place) => {
                let (before, _, about) = place.get_mut();
                *before = why.min(*before);
                *about = about.take().or_else(|| event.cloned());
            }
        }
    }

    fn into_items(mut self) -> Vec<Item> {
        for (uri, (why, post, event)) in std::mem::take(&mut self.posts) {
            // An update that is corrected is news; a slip of the pen in a reply is none.
            let (stamp, at) = match why {
                Why::Update => (post.rev.as_u64(), post.updated),
                _ => (0, post.created),
            };
            let by = self.state.today(&uri.did);
            self.push(key("post", &uri), stamp, at, by, What::Post { post: Box::new(post), why, event });
        }
        self.items
    }
}
