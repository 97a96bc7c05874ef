//! Events as those who may change them have changed them: the one place where a view becomes more than what its author
//! wrote. Every list, page and lookup goes through it, on every node with the same outcome, since it depends on records
//! and the roster alone.

use std::cmp::Reverse;

use folkmoot_schemas::{
    Cid, Record,
    kind::Kind,
    records::revision::{Revision, Right},
};
use redb::ReadableTable;

use super::{
    StoreError, View, index,
    intern::{Name, Numbers},
    reader::{Entry, Lookup, Revised},
    repos::Repos,
    tables::{LOWEST, Tables},
};

impl View {
    /// An event with what counts of its revisions laid over it: the last one of a co-host, then what a steward said
    /// after that. Other records, and what is hidden, as they are.
    pub(super) fn revised(&self, mut entry: Entry) -> Result<Entry, StoreError> {
        for (right, found) in self.revisions(&entry)? {
            let (Record::Event(base), Record::Revision(revision)) = (&entry.record, &found.record) else { continue };
            let record = Record::from(revision.over(base, right));
            // With what it may not change, it can come to more than a record may be.
            if record.size()? > record.limit() {
                continue;
            }
            entry.record = record;
            entry.updated = entry.updated.max(found.updated);
            let Entry { uri, cid, rev, device, updated, .. } = found;
            entry.revised.insert(0, Revised { uri, cid, rev, device, right, updated });
        }
        Ok(entry)
    }

    /// Those that count, in the order in which they are laid over each other.
    fn revisions(&self, event: &Entry) -> Result<Vec<(Right, Entry)>, StoreError> {
        if !self.has_revisions(event)? {
            return Ok(Vec::new());
        }
        let mut written = self.written_revisions(event)?;
        written.retain(|(_, found)| {
            let revision = found.record.as_revision();
            found.fault.is_none() && revision.is_some_and(|r| r.of == event.uri && r.seen == event.cid)
        });
        let Some(roster) = self.roster_in_scope(&event.uri.community) else { return Ok(Vec::new()) };
        let rank = |found: &Entry| Right::rank(&found.uri.did, found.rev, &roster.state);
        written.sort_by_key(|(_, found)| (Reverse(rank(found)), found.cid.to_bytes()));
        let host = written.iter().position(|(right, _)| *right == Right::Host);
        let since = written.iter().take(host.unwrap_or(written.len()));
        let steward = since.into_iter().position(|(right, _)| *right == Right::Steward);
        Ok([host, steward].into_iter().flatten().filter_map(|at| written.get(at).cloned()).collect())
    }

    /// What each of those who may change the event, or could, has written of it, whether it counts or not. Of the event's own
    /// audience, so that members and strangers see the same.
    pub fn written_revisions(&self, event: &Entry) -> Result<Vec<(Right, Entry)>, StoreError> {
        let (Some(roster), Some(collection), Record::Event(own)) = (
            self.roster_in_scope(&event.uri.community),
            self.t.number(Name::Collection(Revision::NAME))?,
            Record::view(&event.block)?.1,
        ) else {
            return Ok(Vec::new());
        };
        let (rkey, mut written) = (Revision::key(&event.uri), Vec::new());
        for (did, right) in Right::all(&event.uri, &own, &roster.state) {
            let Some(did) = self.t.number(Name::Key(&did))? else { continue };
            let mut repos = self.repos_of_person(self.scope(), roster.number, did)?;
            repos.retain(|repo| repo.audience == event.audience);
            if let Some((repo, leaf)) = self.t.first_of(&repos, collection, &rkey)? {
                let found = self.entry(&event.uri.community, &repo, Revision::NAME, collection, &rkey, leaf)?;
                written.push((right, found));
            }
        }
        Ok(written)
    }

    /// Somebody has written one, with a right to or not: of nearly all events nobody has, and nothing more is asked.
    fn has_revisions(&self, event: &Entry) -> Result<bool, StoreError> {
        let (Record::Event(_), None) = (&event.record, &event.fault) else { return Ok(false) };
        let (Some(roster), Some(number)) =
            (self.roster_in_scope(&event.uri.community), self.t.number(Name::Collection(Revision::NAME))?)
        else {
            return Ok(false);
        };
        let short = index::short(&event.uri.to_string());
        let range = (roster.number, &short, number, 0, 0, LOWEST)..(roster.number, &short, number + 1, 0, 0, LOWEST);
        Ok(self.t.about().range(range)?.next().transpose()?.is_some())
    }

    /// The event as the revision at an index row has it, if that one counts.
    pub(super) fn revised_by(
        &self,
        community: &Cid,
        repo: u32,
        collection: u32,
        rkey: &str,
    ) -> Result<Option<Entry>, StoreError> {
        let Some(found) = self.listed(self.scope(), community, repo, Revision::NAME, collection, rkey)? else {
            return Ok(None);
        };
        let Record::Revision(revision) = &found.record else { return Ok(None) };
        let Lookup::Found(event) = self.get(&revision.of)? else { return Ok(None) };
        let counts = event.fault.is_none() && event.revised.iter().any(|one| one.uri == found.uri);
        Ok(counts.then_some(*event))
    }

    /// How much of somebody else's event this home's person may change.
    pub fn right(&self, event: &Entry) -> Result<Option<Right>, StoreError> {
        let (Some(me), Some(roster)) = (self.me, self.roster_in_scope(&event.uri.community)) else { return Ok(None) };
        // Of an event that somebody changed, only the author's record hands out rights.
        let own = match event.revised.is_empty() {
            true => None,
            false => Some(Record::view(&event.block)?.1),
        };
        let own = own.as_ref().unwrap_or(&event.record).as_event();
        Ok(own.and_then(|own| Right::of(&me, &event.uri, own, &roster.state)))
    }
}
