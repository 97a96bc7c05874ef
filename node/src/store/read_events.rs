//! Events by time, and who comes.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use folkmoot_schemas::{
    Cid, Did, Record, Uri,
    kind::Kind,
    records::{
        event::{Event, RsvpMode, ShowAnswers},
        revision::Revision,
        rsvp::{Answer, Rsvp, ShowName},
    },
    recur,
};
use redb::ReadableTable;

use super::{
    Scope, StoreError, View,
    index::{REVISION, SHORT, ZONES},
    intern::{Name, Numbers},
    reader::{Answers, Entry, Occurrence},
    tables::{LOWEST, Tables},
};

/// Candidate dates one question may look at, all series together; a single one never more than `recur::BUDGET`.
const BUDGET: usize = 400_000;

impl View {
    /// Dates of events in a window of seconds since 1970, in order, at most `limit`; series expanded. `true`: cut.
    pub fn events(
        &self,
        community: &Cid,
        window: Range<i64>,
        limit: usize,
    ) -> Result<(Vec<Occurrence>, bool), StoreError> {
        let Some(roster) = self.roster_in_scope(community) else { return Ok((Vec::new(), false)) };
        let zone = roster.state.describe.zone.as_deref().unwrap_or("UTC");
        let entries = self.planned(community, window.clone())?;
        let budget = (BUDGET / entries.len().max(1)).clamp(500, recur::BUDGET as usize) as u32;
        let (mut found, mut cut) = (Vec::new(), false);
        for entry in entries {
            let entry = Arc::new(entry);
            let Record::Event(event) = &entry.record else { continue };
            let expansion = recur::expand(event, window.clone(), zone, budget);
            cut |= expansion.cut;
            found.extend(
                expansion.instances.into_iter().map(|instance| Occurrence { entry: Arc::clone(&entry), instance }),
            );
        }
        found.sort_by(|a, b| {
            (a.instance.from, a.instance.to, &a.entry.uri).cmp(&(b.instance.from, b.instance.to, &b.entry.uri))
        });
        cut |= found.len() > limit;
        found.truncate(limit);
        Ok((found, cut))
    }

    /// Events that are not over at `from` (seconds since 1970), series that may go on among them.
    pub fn not_over(&self, community: &Cid, from: i64) -> Result<Vec<Entry>, StoreError> {
        self.planned(community, from..i64::MAX)
    }

    /// Events that may have a date in a window.
    fn planned(&self, community: &Cid, window: Range<i64>) -> Result<Vec<Entry>, StoreError> {
        let (Some(roster), Some(number)) =
            (self.roster_in_scope(community), self.t.number(Name::Collection(Event::NAME))?)
        else {
            return Ok(Vec::new());
        };
        let revisions = self.t.number(Name::Collection(Revision::NAME))?;
        let (from, to) = (window.start.saturating_sub(ZONES), window.end.saturating_add(ZONES));
        // A set: where newer zone data moved a start, a row of the old one may still be there beside the new.
        let mut rows = BTreeSet::new();
        let short = from.saturating_sub(SHORT);
        for (kind, first) in [(0, short), (1, i64::MIN), (REVISION, short), (REVISION | 1, i64::MIN)] {
            let range = (roster.number, kind, first, 0, LOWEST)..(roster.number, kind, to, 0, LOWEST);
            for row in self.t.events().range(range)? {
                let (key, end) = row?;
                let (_, _, _, repo, rkey) = key.value();
                if end.value() >= from {
                    rows.insert((kind & REVISION, repo, String::from_utf8_lossy(rkey).into_owned()));
                }
            }
        }
        let mut entries = Vec::new();
        let mut known = BTreeSet::new();
        // Events come first; a revision adds the one that it moved into the window.
        for (kind, repo, rkey) in rows {
            let entry = match (kind, revisions) {
                (REVISION, Some(revisions)) => self.revised_by(community, repo, revisions, &rkey)?,
                (REVISION, None) => None,
                _ => self.listed(self.scope(), community, repo, Event::NAME, number, &rkey)?,
            };
            entries.extend(entry.filter(|entry| known.insert(entry.uri.clone())));
        }
        Ok(entries)
    }

    /// Answers to an event (or to one occurrence: those for it and those for the whole event). Counts and names are
    /// filtered by `show`; the only members-derived fact a public view gives, and only where this node is a member.
    pub fn answers(&self, event: &Entry, occurrence: Option<&str>) -> Result<Answers, StoreError> {
        let mut answers = Answers::default();
        let (Some(roster), Record::Event(fields)) = (self.roster_in_scope(&event.uri.community), &event.record) else {
            return Ok(answers);
        };
        let rules = fields.rsvp.clone().unwrap_or_default();
        let hidden = rules.show == ShowAnswers::Hosts && self.scope() == Scope::Public;
        if !self.joined(roster) || hidden || matches!(rules.mode, RsvpMode::None | RsvpMode::External) {
            return Ok(answers);
        }
        answers.known = true;
        for (entry, rsvp) in self.live_answers(&event.uri, occurrence)? {
            let tally = match rsvp.status {
                Answer::Going => &mut answers.going,
                Answer::Maybe => &mut answers.maybe,
                Answer::Interested => &mut answers.interested,
                Answer::NotGoing => &mut answers.not_going,
            };
            *tally = tally.saturating_add(rsvp.count);
            if rsvp.status != Answer::Going {
                continue;
            }
            if rsvp.seen_sequence < fields.sequence {
                answers.before_change = answers.before_change.saturating_add(rsvp.count);
            }
            if rules.show == ShowAnswers::Names && rsvp.show == ShowName::Names {
                answers.names.push(match &rsvp.guest_name {
                    Some(guest) => guest.clone(),
                    None => self.name(&event.uri.community, &entry.uri.did)?,
                });
            }
        }
        answers.names.sort();
        Ok(answers)
    }

    /// The newest live answer per (person, guest name), unfiltered. Empty in scope `Public`.
    pub fn rsvps(&self, event: &Uri, occurrence: Option<&str>) -> Result<Vec<(Entry, Rsvp)>, StoreError> {
        match self.scope() {
            Scope::Public => Ok(Vec::new()),
            Scope::Members => self.live_answers(event, occurrence),
        }
    }

    /// For an occurrence, an answer to that date stands before the same person's answer to the whole event. One person
    /// has one record per (event, occurrence, guest): the rkey is derived from them, and others have a fault.
    ///
    /// A series has one occurrence a day, so an answer stays with its date when the time of day moves; one that names
    /// the time as it is now stands before it, else the newest.
    fn live_answers(&self, event: &Uri, occurrence: Option<&str>) -> Result<Vec<(Entry, Rsvp)>, StoreError> {
        let mut live: BTreeMap<(Did, Option<String>), (Entry, Rsvp)> = BTreeMap::new();
        let rank = |entry: &Entry, rsvp: &Rsvp| {
            (rsvp.occurrence.is_some(), rsvp.occurrence.as_deref() == occurrence, entry.updated, entry.rev)
        };
        for entry in self.about_in(Scope::Members, event, Rsvp::NAME)? {
            let Record::Rsvp(rsvp) = &entry.record else { continue };
            let rsvp = Rsvp::clone(rsvp);
            if rsvp.occurrence.is_some() && rsvp.occurrence.as_deref().map(date) != occurrence.map(date) {
                continue;
            }
            let key = (entry.uri.did, rsvp.guest_name.clone());
            let overruled = live.get(&key).is_some_and(|(e, r)| rank(e, r) > rank(&entry, &rsvp));
            if !overruled {
                live.insert(key, (entry, rsvp));
            }
        }
        self.let_votes_stand_in(event, &mut live)?;
        Ok(live.into_values().collect())
    }
}

/// The date an occurrence's name begins with, with or without a time behind it.
fn date(occurrence: &str) -> &str {
    occurrence.split_once('T').map_or(occurrence, |(date, _)| date)
}
