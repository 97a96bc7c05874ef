//! Events by time.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use folkmoot_schemas::{
    Cid, Record,
    kind::Kind,
    records::{event::Event, revision::Revision},
    recur,
};
use redb::ReadableTable;

use super::{
    StoreError, View,
    index::{REVISION, SHORT, ZONES},
    intern::{Name, Numbers},
    reader::{Entry, Occurrence},
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
        self.events_where(community, window, limit, |_| true)
    }

    /// The same, of those that are `wanted`: so that what is not takes up no room.
    pub fn events_where(
        &self,
        community: &Cid,
        window: Range<i64>,
        limit: usize,
        wanted: impl Fn(&Occurrence) -> bool,
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
            let dates = expansion.instances.into_iter();
            found.extend(dates.map(|instance| Occurrence { entry: Arc::clone(&entry), instance }).filter(&wanted));
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
}
