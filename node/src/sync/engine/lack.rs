//! What is lacking here and offered there, and how long to leave alone what could not be had.

use std::collections::{BTreeMap, BTreeSet};

use folkmoot_schemas::{
    Audience, Cid, Did,
    commit::{HeadRef, RepoId},
};

use super::SECOND;

const FIRST_PAUSE: u64 = 30 * SECOND;
const LONGEST_PAUSE: u64 = 3600 * SECOND;
/// Fruitless things remembered per peer; beyond it the oldest names are forgotten and tried again.
const REMEMBERED: usize = 1024;

/// Lost heads that one pull may be about.
pub(super) const LOST: usize = 64;
/// Things of each sort that one pull may be about.
const MOST: usize = 8192;

/// A head that a peer holds.
pub type Offer = (RepoId, HeadRef);

/// Things of one community to be had from one peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lack {
    pub charter: bool,
    /// Roster operations: the peer's heads that are not known here.
    pub roster: BTreeSet<Cid>,
    /// People whose identity document there differs from ours, and which it is there.
    pub people: BTreeMap<Did, Cid>,
    pub repos: BTreeMap<RepoId, HeadRef>,
    /// Blobs, under the audience whose records link them: reach follows from how bytes came.
    pub blobs: BTreeSet<(Audience, Cid)>,
    /// Heads of our own repositories that the peer keeps something of.
    pub lost: BTreeMap<(RepoId, Cid), HeadRef>,
}

impl Lack {
    pub fn is_empty(&self) -> bool {
        !self.charter
            && self.roster.is_empty()
            && self.people.is_empty()
            && self.repos.is_empty()
            && self.blobs.is_empty()
            && self.lost.is_empty()
    }

    /// Takes the other's in, as far as there is room: a list costs its sender nothing, and what is left out is found
    /// again by the next comparison.
    pub fn add(&mut self, other: Self) {
        self.charter |= other.charter;
        self.roster.extend(other.roster);
        self.people.extend(other.people);
        self.repos.extend(other.repos);
        self.blobs.extend(other.blobs);
        self.lost.extend(other.lost);
        while self.lost.len() > LOST {
            self.lost.pop_last();
        }
        trim(&mut self.roster, BTreeSet::len, BTreeSet::pop_last);
        trim(&mut self.people, BTreeMap::len, BTreeMap::pop_last);
        trim(&mut self.repos, BTreeMap::len, BTreeMap::pop_last);
        trim(&mut self.blobs, BTreeSet::len, BTreeSet::pop_last);
    }

    /// Everything but blobs, at most so many repositories and people; the rest stays.
    pub(super) fn take(&mut self, repos: usize, people: usize) -> Self {
        let mut taken = Self {
            charter: std::mem::take(&mut self.charter),
            roster: std::mem::take(&mut self.roster),
            lost: std::mem::take(&mut self.lost),
            ..Self::default()
        };
        while taken.repos.len() < repos
            && let Some((repo, head)) = self.repos.pop_first()
        {
            taken.repos.insert(repo, head);
        }
        while taken.people.len() < people
            && let Some((did, cid)) = self.people.pop_first()
        {
            taken.people.insert(did, cid);
        }
        taken
    }

    /// At most so many blobs of one audience.
    pub(super) fn take_blobs(&mut self, most: usize) -> Option<(Audience, Self)> {
        let audience = self.blobs.first()?.0;
        let blobs: BTreeSet<_> = self.blobs.iter().filter(|(of, _)| *of == audience).take(most).copied().collect();
        self.blobs.retain(|blob| !blobs.contains(blob));
        Some((audience, Self { blobs, ..Self::default() }))
    }
}

fn trim<C, T>(things: &mut C, len: impl Fn(&C) -> usize, mut pop: impl FnMut(&mut C) -> Option<T>) {
    while len(things) > MOST {
        pop(things);
    }
}

/// Pause that doubles from 30 s to 1 h.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub(super) until: u64,
    pause: u64,
}

impl Backoff {
    pub(super) fn first(now: u64) -> Self {
        Self { until: now + FIRST_PAUSE, pause: FIRST_PAUSE }
    }

    /// The first that is over at once.
    pub(super) fn none(now: u64) -> Self {
        Self { until: now, pause: FIRST_PAUSE }
    }

    pub(super) fn longer(self, now: u64) -> Self {
        let pause = (self.pause * 2).min(LONGEST_PAUSE);
        Self { until: now + pause, pause }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    Op(Cid),
    Person(Did, Cid),
    Head(RepoId, Cid),
    Blob(Audience, Cid),
    Lost(RepoId, Cid),
}

/// What a peer offered and did not deliver, or delivered and we refused. Exactly these things are left alone for a
/// while; a newer head of the same repository is another thing.
#[derive(Debug, Default)]
pub(super) struct Fruitless(BTreeMap<(Cid, Thing), Backoff>);

impl Fruitless {
    /// Takes out what is to be left alone now.
    pub(super) fn filter(&self, now: u64, community: Cid, lack: &mut Lack) {
        let rests = |thing| self.0.get(&(community, thing)).is_some_and(|backoff| now < backoff.until);
        lack.roster.retain(|cid| !rests(Thing::Op(*cid)));
        lack.people.retain(|did, cid| !rests(Thing::Person(*did, *cid)));
        lack.repos.retain(|repo, head| !rests(Thing::Head(*repo, head.cid)));
        lack.blobs.retain(|(audience, cid)| !rests(Thing::Blob(*audience, *cid)));
        lack.lost.retain(|(repo, cid), _| !rests(Thing::Lost(*repo, *cid)));
    }

    pub(super) fn note(&mut self, now: u64, community: Cid, lack: &Lack) {
        let things = (lack.roster.iter().map(|cid| Thing::Op(*cid)))
            .chain(lack.people.iter().map(|(did, cid)| Thing::Person(*did, *cid)))
            .chain(lack.repos.iter().map(|(repo, head)| Thing::Head(*repo, head.cid)))
            .chain(lack.blobs.iter().map(|(audience, cid)| Thing::Blob(*audience, *cid)))
            .chain(lack.lost.keys().map(|(repo, cid)| Thing::Lost(*repo, *cid)));
        for thing in things {
            self.0
                .entry((community, thing))
                .and_modify(|backoff| *backoff = backoff.longer(now))
                .or_insert_with(|| Backoff::first(now));
        }
        while self.0.len() > REMEMBERED {
            self.0.pop_first();
        }
    }

    /// A changed roster may make acceptable what was refused.
    pub(super) fn forget(&mut self, community: &Cid) {
        self.0.retain(|(of, _), _| of != community);
    }
}
