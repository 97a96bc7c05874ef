//! The indexes pages read. A row exists per *entry of a repository*, so keeping them needs nothing but that repository;
//! where a person's devices overlap, readers ask which entry wins. Records with a fault, and tombstones, have no row
//! but their short id.

use folkmoot_schemas::{Cid, Did, Record, Tid, Uri, derive, record::KINDS, records::event::Event, recur, uri};
use redb::ReadableTable;

use super::{StoreError, blocks::audience_code, repos::Repo, tables::Tables, writer::Writer};

/// Events no longer than this (seconds) are found by their start alone: 60 days and some hours is the longest single
/// event. Series, and what a moved occurrence stretches, are few and looked through.
pub(super) const SHORT: i64 = 62 * 86_400;
/// Beside whether it is long, in the row of a revision: its rkey is another's.
pub(super) const REVISION: u8 = 2;
/// How far a span may be off, in seconds: it is computed as if all-day events and unknown zones were in UTC, and no zone
/// is further from that. So neither another zone of the community nor newer zone data makes the index miss an event.
pub(super) const ZONES: i64 = 26 * 3_600;

/// Clocks differ by some seconds and pages show none; besides, the records of one commit take consecutive TIDs, of which
/// a large import has more than fit in a microsecond. Only what lies further ahead of arrival counts as future.
const SLACK: u64 = 10_000_000;

/// Where an entry stands, with what its keys are made of.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) repo: &'a Repo,
    pub(super) community: &'a Cid,
    pub(super) collection: u32,
    pub(super) path: &'a str,
    pub(super) rkey: &'a str,
    /// Short id of its URI.
    pub(super) short: [u8; 10],
}

/// `moot://<community>/<did>/`: what the URIs of a repository begin with.
pub(super) fn prefix(community: &Cid, did: &Did) -> String {
    format!("moot://{community}/{did}/")
}

/// The 80 bits that a short id spells.
pub(super) fn short(uri: &str) -> [u8; 10] {
    let mut short = [0; 10];
    short.copy_from_slice(&derive::digest(&[Some(uri)])[..10]);
    short
}

/// Of one moment, lists give the smaller short id first, and they read backwards.
pub(super) fn inverted(short: &[u8; 10]) -> [u8; 10] {
    short.map(|byte| !byte)
}

/// Why pages hide this record, if they do. A pure function of its bytes and path.
pub(super) fn fault(record: &Record, path: &str, size: usize) -> Option<String> {
    let (collection, rkey) = uri::check_path(path).ok()?;
    match record {
        Record::Unknown { name, .. } if KINDS.contains(&name.as_str()) => {
            return Some("its fields do not have the shape of this kind".into());
        }
        Record::Tombstone(_) => return None,
        _ => {}
    }
    if record.name() != collection {
        return Some(format!("$type: is {}, but it stands under {collection}", record.name()));
    }
    if size > record.limit() {
        return Some(format!("is {size} bytes long, {} are allowed", record.limit()));
    }
    match record.rkey() {
        Some(due) if due != rkey => return Some(format!("rkey: must be {due}")),
        _ => {}
    }
    record.check().err().map(|fault| fault.to_string())
}

/// When a record was created, by its own word: the TID of its rkey, else its rev.
pub(super) fn own_created(rkey: &str, rev: Tid) -> u64 {
    rkey.parse::<Tid>().map_or(rev.micros(), Tid::micros)
}

/// Times that pages show: a record's own, unless they lay in the future when it came.
pub(super) trait Times: Tables {
    fn times(&self, repo: u32, collection: u32, rkey: &str, rev: Tid) -> Result<(u64, u64), StoreError> {
        Ok(match self.early().get((repo, collection, rkey.as_bytes()))? {
            Some(row) => row.value(),
            None => (own_created(rkey, rev), rev.micros()),
        })
    }
}
impl<T: Tables> Times for T {}

impl Writer<'_> {
    /// Adds the rows of a record that now stands at `place`, but for its short id. `now`: time of arrival, microseconds.
    pub(super) fn index(
        &mut self,
        place: &Place<'_>,
        rev: Tid,
        record: &Record,
        size: usize,
        now: u64,
    ) -> Result<(), StoreError> {
        let Place { repo, collection, rkey, short, .. } = *place;
        let (number, community) = (repo.number, repo.community);
        let (latest, mut created, mut updated) = (now.saturating_add(SLACK), own_created(rkey, rev), rev.micros());
        if created > latest || updated > latest {
            (created, updated) = (created.min(now), updated.min(now));
            self.t.early.insert((number, collection, rkey.as_bytes()), (created, updated))?;
        }
        if matches!(record, Record::Tombstone(_)) {
            self.t.graves.insert((number, collection, rkey.as_bytes()), ())?;
            return Ok(());
        }
        if fault(record, place.path, size).is_some() {
            return Ok(());
        }
        self.t.by_time.insert((community, collection, created, &inverted(&short), number), rkey.as_bytes())?;
        if let Some((event, whose)) = planned(record) {
            let (start, end) = recur::span(event, "UTC");
            let end = end.unwrap_or(i64::MAX);
            let long = u8::from(end.saturating_sub(start) > SHORT);
            self.t.events.insert((community, whose | long, start, number, rkey.as_bytes()), end)?;
        }
        for subject in subjects(record, place.community) {
            self.t.about.insert((community, &subject, collection, created, number, rkey.as_bytes()), ())?;
        }
        Ok(())
    }

    /// Takes away the rows that `index` made for the same record; short ids stay, so that a page can say "gone".
    pub(super) fn unindex(&mut self, place: &Place<'_>, rev: Tid, record: &Record) -> Result<(), StoreError> {
        let Place { repo, collection, rkey, short, .. } = *place;
        let (number, community) = (repo.number, repo.community);
        let (created, _) = self.t.times(number, collection, rkey, rev)?;
        self.t.early.remove((number, collection, rkey.as_bytes()))?;
        if matches!(record, Record::Tombstone(_)) {
            self.t.graves.remove((number, collection, rkey.as_bytes()))?;
        }
        self.t.by_time.remove((community, collection, created, &inverted(&short), number))?;
        if let Some((event, whose)) = planned(record) {
            let (start, _) = recur::span(event, "UTC");
            for long in [0, 1] {
                self.t.events.remove((community, whose | long, start, number, rkey.as_bytes()))?;
            }
        }
        for subject in subjects(record, place.community) {
            self.t.about.remove((community, &subject, collection, created, number, rkey.as_bytes()))?;
        }
        Ok(())
    }

    /// In key order, since the keys are random (see `put_blocks`).
    pub(super) fn remember_shorts(&mut self, places: &[Place<'_>]) -> Result<(), StoreError> {
        let mut places: Vec<&Place<'_>> = places.iter().collect();
        places.sort_by_key(|place| place.short);
        places.into_iter().try_for_each(|place| self.remember_short(place))
    }

    /// Short ids are 80 bits of a hash: of two URIs made to collide, the first keeps it.
    fn remember_short(&mut self, place: &Place<'_>) -> Result<(), StoreError> {
        let Place { repo, collection, rkey, ref short, .. } = *place;
        let seen = 1 << audience_code(repo.audience);
        // Mostly nothing was there, and one search does.
        let row = self.t.shorts.insert(short, (repo.community, repo.did, collection, seen, rkey.as_bytes()))?;
        let before = row.map(|row| {
            let (community, did, collection, seen, rkey) = row.value();
            (community, did, collection, seen, rkey.to_vec())
        });
        let Some((c, d, k, before, r)) = before else { return Ok(()) };
        let same = (c, d, k, r.as_slice()) == (repo.community, repo.did, collection, rkey.as_bytes());
        let seen = if same { before | seen } else { before };
        self.t.shorts.insert(short, (c, d, k, seen, r.as_slice()))?;
        Ok(())
    }
}

/// The plan in a record that is found by its time: an event, or a revision of one, whose rows are marked.
fn planned(record: &Record) -> Option<(&Event, u8)> {
    match record {
        Record::Event(event) => Some((event, 0)),
        Record::Revision(revision) => Some((&revision.event, REVISION)),
        _ => None,
    }
}

/// What a record speaks about, if that is in its own community, and the people it speaks to.
fn subjects(record: &Record, community: &Cid) -> Vec<[u8; 10]> {
    let about = record.about().filter(|uri: &Uri| uri.community == *community).map(|uri| short(&uri.to_string()));
    let mentions = record.as_post().map(|post| post.mentions.as_slice()).unwrap_or_default();
    about.into_iter().chain(mentions.iter().map(|mention| short(&mention.did.to_string()))).collect()
}
