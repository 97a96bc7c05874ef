//! What an event was, for everybody: the versions that are kept here and counted, in the order in which they were laid over
//! each other.
//!
//! A version counts if whoever wrote it still answers for it (`versions`), and somebody else's only if they might write it
//! by the very record of the author's that it was made from: rights that came later make nothing of what was written before.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use folkmoot_schemas::{
    Cid, Did, Record, Tid, Uri,
    block::Block,
    kind::Kind,
    records::{
        event::Event,
        revision::{Revision, Right},
    },
    roster::State,
};

use super::{
    StoreError, View,
    intern::{Name, Numbers},
    lineage::Origin,
    reader::Entry,
    repos::Repos,
    versions::OldVersion,
};

/// People whose changes are looked for, those with the newest first.
const PEOPLE: usize = 16;

/// The author's, with rev and cid.
type Own = Vec<(Tid, Cid, Event)>;

/// One version of an event, by whom.
#[derive(Debug, Clone)]
pub struct EventVersion {
    pub rev: Tid,
    pub cid: Cid,
    pub did: Did,
    pub written: Written,
    /// The version that it changed, where that is among them.
    pub base: Option<Cid>,
    /// A later one of its author's was written without knowing of it.
    pub set_aside: bool,
}

#[derive(Debug, Clone)]
pub enum Written {
    /// The author's.
    Own(Box<Event>),
    /// To be laid over what stood before it.
    Revision(Right, Box<Revision>),
}

impl View {
    /// Oldest first: each record of the author's, then what others made of that one. Where the author's clock was ahead of
    /// theirs, theirs comes after it all the same.
    pub fn event_history(&self, event: &Entry) -> Result<Vec<EventVersion>, StoreError> {
        let Some(roster) = self.roster_in_scope(&event.uri.community) else { return Ok(Vec::new()) };
        let (own, origins) = self.own_versions(event)?;
        let set_aside: BTreeSet<&Cid> = origins.values().flat_map(|origin| &origin.apart).collect();
        let mut revisions = self.counted_revisions(event, &own, &roster.state)?;
        let mut all: Vec<EventVersion> = Vec::new();
        // What the last that was laid over a version of the author's is.
        let mut laid: BTreeMap<Cid, Vec<(Tid, Cid)>> = BTreeMap::new();
        for (rev, cid, record) in own {
            let base = origins.get(&cid).and_then(|origin| origin.base);
            let over = base.and_then(|base| laid.get(&base)?.iter().rfind(|(at, _)| *at < rev));
            all.push(EventVersion {
                rev,
                cid,
                did: event.uri.did,
                written: Written::Own(Box::new(record)),
                base: over.map(|(_, cid)| *cid).or(base),
                set_aside: set_aside.contains(&cid),
            });
            let mut of_it = revisions.remove(&cid).unwrap_or_default();
            of_it.sort_by_key(|one| (Right::rank(&one.did, one.rev, &roster.state), Reverse(one.cid.to_bytes())));
            of_it.dedup_by_key(|one| one.cid);
            let mut before = cid;
            for one in &mut of_it {
                one.base = Some(std::mem::replace(&mut before, one.cid));
            }
            laid.insert(cid, of_it.iter().map(|one| (one.rev, one.cid)).collect());
            all.extend(of_it);
        }
        Ok(all)
    }

    /// Is there more than one version of it? As far as that is known without a look at proofs.
    pub fn was_changed(&self, event: &Entry) -> Result<bool, StoreError> {
        Ok(!event.revised.is_empty() || self.has_vouched_versions(&event.uri, event.audience)?)
    }

    /// The author's, oldest first; the one that counts is the last, whatever it says of its time.
    fn own_versions(&self, event: &Entry) -> Result<(Own, BTreeMap<Cid, Origin>), StoreError> {
        let (standing, older) = self.versions_at(&event.uri, event)?;
        let origins = self.origins(&event.uri, &standing, &older)?;
        let mut own = Vec::new();
        for block in blocks(&standing, &older) {
            if let Ok((rev, Record::Event(found))) = Record::view(block)
                && found.check().is_ok()
            {
                own.push((rev, *block.cid(), *found));
            }
        }
        own.sort_by_key(|(rev, cid, _)| (*cid == event.cid, *rev, Reverse(cid.to_bytes())));
        own.dedup_by_key(|(_, cid, _)| *cid);
        Ok((own, origins))
    }

    /// By the author's record they were made from.
    fn counted_revisions(
        &self,
        event: &Entry,
        own: &[(Tid, Cid, Event)],
        state: &State,
    ) -> Result<BTreeMap<Cid, Vec<EventVersion>>, StoreError> {
        let mut counted: BTreeMap<Cid, Vec<EventVersion>> = BTreeMap::new();
        for uri in self.revisers(event, own, state)? {
            let did = uri.did;
            let (standing, older) = self.versions_at(&uri, event)?;
            for block in blocks(&standing, &older) {
                let Ok((rev, Record::Revision(revision))) = Record::view(block) else { continue };
                let seen = own.iter().find(|(_, cid, _)| *cid == revision.seen);
                let right = seen.and_then(|(_, _, seen)| Right::ever(&did, &event.uri, seen, state));
                let Some(right) = right.filter(|_| revision.of == event.uri && revision.check().is_ok()) else {
                    continue;
                };
                let cid = *block.cid();
                // Of who is out, or was not yet what they are, only what everybody is shown today.
                let stood = state.members.get(&did).is_some_and(|member| rev >= member.since);
                if stood || event.revised.iter().any(|one| one.cid == cid) {
                    let written = Written::Revision(right, revision);
                    let version = EventVersion { rev, cid, did, written, base: None, set_aside: false };
                    counted.entry(seen.map_or(event.cid, |(_, cid, _)| *cid)).or_default().push(version);
                }
            }
        }
        Ok(counted)
    }

    /// Revisions of those who might write one of some version, the last changed first.
    fn revisers(&self, event: &Entry, own: &[(Tid, Cid, Event)], state: &State) -> Result<Vec<Uri>, StoreError> {
        let (Some(roster), Some(collection)) =
            (self.roster_in_scope(&event.uri.community), self.t.number(Name::Collection(Revision::NAME))?)
        else {
            return Ok(Vec::new());
        };
        let (key, mut seen, mut found) = (Revision::key(&event.uri), BTreeSet::new(), Vec::new());
        for (repo, rkey) in self.about_rows(roster.number, &event.uri, collection)? {
            let Some(repo) = self.t.repo_at(repo)?.filter(|repo| rkey == key && repo.audience == event.audience) else {
                continue;
            };
            let did = self.t.key_of(repo.did)?;
            let may = || own.iter().any(|(_, _, own)| Right::ever(&did, &event.uri, own, state).is_some());
            if seen.insert(did)
                && may()
                && let Some(leaf) = self.t.leaf(repo.number, collection, &rkey)?
            {
                found.push((leaf.rev, Uri::new(event.uri.community, did, Revision::NAME, &rkey)?));
            }
        }
        found.sort_by(|a, b| b.cmp(a));
        Ok(found.into_iter().take(PEOPLE).map(|(_, uri)| uri).collect())
    }

    /// What stands at a path and what stood there, for the audience of the event.
    fn versions_at(&self, uri: &Uri, event: &Entry) -> Result<(Vec<Entry>, Vec<OldVersion>), StoreError> {
        let mut standing = self.standing(uri)?;
        standing.retain(|one| one.fault.is_none() && one.audience == event.audience);
        Ok((standing, self.vouched_versions(uri, event.audience)?))
    }
}

fn blocks<'v>(standing: &'v [Entry], older: &'v [OldVersion]) -> impl Iterator<Item = &'v Block> {
    standing.iter().map(|one| &one.block).chain(older.iter().map(|old| &old.block))
}
