//! Reading: a [`View`] is one read transaction with one [`Scope`]; [`PublicReader`] hands out public views only.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use folkmoot_schemas::{
    Audience, Cid, Did, Record, Tid, Uri,
    block::Block,
    charter::Visibility,
    commit::{HeadRef, RepoId},
    limits,
    records::revision::Right,
    recur::Instance,
    roster::State,
};
use redb::ReadableTable;

use super::{
    Rosters, StoreError,
    disk::Open,
    meta::counter,
    quota::Quotas,
    repos::{Repo, Repos},
    roster::Roster,
    tables::{Reading, Tables},
};

/// Which audience a view may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Public,
    Members,
}

/// A community as pages and lists need it.
#[derive(Debug, Clone)]
pub struct Community {
    pub id: Cid,
    pub name: String,
    pub visibility: Visibility,
    /// Describe fields, members, invites, heads.
    pub state: Arc<State>,
    /// We are a member (and may see the members audience).
    pub joined: bool,
}

/// A current record.
#[derive(Debug, Clone)]
pub struct Entry {
    pub uri: Uri,
    pub cid: Cid,
    pub rev: Tid,
    pub device: Did,
    pub audience: Audience,
    /// What it says. Of an event that others changed (`revised`), as they have it; `block` is the author's record.
    pub record: Record,
    pub block: Block,
    /// Microseconds since 1970: the rkey's TID where it is one, else `rev`; a time in the future counts as time of arrival.
    pub created: u64,
    /// `rev`'s time by the same rule, or a later one of `revised`; differs from `created` after an edit.
    pub updated: u64,
    /// A field beyond its limits, or more than its author's role allows: hidden from lists, shown with the reason when asked for by URI.
    pub fault: Option<String>,
    /// Nothing stands there any more: only a pin keeps this version, for this home's person alone.
    pub kept: bool,
    /// Of an event: what co-hosts and stewards changed in this very version, the last one first.
    pub revised: Vec<Revised>,
}

/// A revision that counts, by whom.
#[derive(Debug, Clone)]
pub struct Revised {
    pub uri: Uri,
    pub cid: Cid,
    pub rev: Tid,
    pub device: Did,
    pub right: Right,
    /// As in [`Entry`].
    pub updated: u64,
}

impl Entry {
    /// Names what is shown: the last revision that counts, else the record itself. What an answer has seen.
    pub fn shown_cid(&self) -> Cid {
        self.revised.first().map_or(self.cid, |last| last.cid)
    }

    /// Of the record, and of what is shown instead where others changed it.
    pub fn bytes(&self) -> usize {
        let shown = if self.revised.is_empty() { 0 } else { self.record.size().unwrap_or(limits::RECORD) };
        self.block.bytes().len() + shown
    }

    /// When what is shown was written, by its writer's clock.
    pub fn shown_rev(&self) -> Tid {
        self.revised.iter().map(|one| one.rev).fold(self.rev, Tid::max)
    }

    /// Newest first; of one moment by the bits their short ids spell (which is not the order of the ids as text).
    /// Every list is in this order, so that its last entry says where the next part begins.
    pub fn order(&self) -> (std::cmp::Reverse<u64>, [u8; 10]) {
        (std::cmp::Reverse(self.created), super::index::short(&self.uri.to_string()))
    }
}

/// One date of an event, with its record.
#[derive(Debug, Clone)]
pub struct Occurrence {
    pub entry: Arc<Entry>,
    pub instance: Instance,
}

/// What a lookup found.
#[derive(Debug, Clone)]
pub enum Lookup {
    Found(Box<Entry>),
    /// It was here and was deleted or withheld: 410.
    Gone(Uri),
    /// More than one record starts like this (short ids given with fewer than 16 characters).
    Ambiguous(Vec<Uri>),
    Absent,
}

/// Counts, and names as far as the event's `show` and the person's `show` allow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// Heads, guests included.
    pub going: u32,
    pub maybe: u32,
    pub interested: u32,
    pub not_going: u32,
    /// Of `going`: answered to another plan than the one that stands, and to that one. Who was declined is in neither.
    pub before_change: u32,
    pub confirmed: u32,
    /// Filled only when `show: names`.
    pub names: Vec<String>,
    /// False: this node is no member, so it cannot know.
    pub known: bool,
    /// There are only so many places, or each has to be given: until there is a list, saying yes is not having one.
    pub needs_list: bool,
    pub listed: Option<Listed>,
}

/// People by the list of whoever keeps it, as far as their answers stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listed {
    /// Have a place.
    pub admitted: u32,
    pub waiting: u32,
}

/// A repository's heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoHead {
    pub repo: RepoId,
    /// Newest signed commit we know of.
    pub known: HeadRef,
    /// Newest whose tree we hold.
    pub held: Option<HeadRef>,
}

/// What a `pull` of one repository gives: everything since a head, in path order, up to a byte budget.
#[derive(Debug, Clone)]
pub struct Delta {
    pub commit: Block,
    /// None when the asked-for `since` is not known here: then `put` is the whole tree.
    pub since: Option<HeadRef>,
    pub put: Vec<(String, Cid)>,
    pub gone: Vec<String>,
    pub blocks: Vec<Block>,
    /// The last path given, when more follows.
    pub more: Option<String>,
}

/// One consistent picture of the store. The questions it answers are in `read_community`, `read_records`,
/// `read_events` and `read_sync`; every one of them goes through [`View::roster_in_scope`] and [`Scope::sees`].
#[derive(Debug)]
pub struct View {
    scope: Scope,
    pub(super) t: Arc<Reading>,
    pub(super) rosters: Arc<Rosters>,
    /// Whose home this is.
    pub(super) me: Option<Did>,
    pub(super) quotas: Quotas,
    /// Repositories per (community, person): asked for again with every row of a list.
    repos: Mutex<HashMap<PersonKey, Arc<[Repo]>>>,
    /// The database that `t` reads from.
    _open: Arc<Open>,
}

/// Numbers of a community and a person.
type PersonKey = (u32, u32);

impl Scope {
    pub(super) fn sees(self, audience: Audience) -> bool {
        self == Self::Members || audience == Audience::Public
    }
}

impl View {
    pub(super) fn new(scope: Scope, (t, rosters, open): super::Picture, quotas: Quotas) -> Result<Self, StoreError> {
        let me = t.meta().get("me")?.and_then(|did| std::str::from_utf8(did.value()).ok()?.parse().ok());
        Ok(Self { scope, t, rosters, me, quotas, repos: Mutex::default(), _open: open })
    }

    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Counts up with every write that pages could show.
    pub fn generation(&self) -> u64 {
        counter(&self.t, "generation").unwrap_or_default()
    }

    /// The community, if this view may know of it.
    pub(super) fn roster_in_scope(&self, community: &Cid) -> Option<&Arc<Roster>> {
        self.rosters.get(community).filter(|roster| self.scope.sees(roster.audience()))
    }

    /// One person's repositories with a tree here that `scope` sees.
    pub(super) fn repos_of_person(&self, scope: Scope, community: u32, did: u32) -> Result<Vec<Repo>, StoreError> {
        let mut cache = self.repos.lock().unwrap_or_else(PoisonError::into_inner);
        let all = match cache.get(&(community, did)) {
            Some(all) => Arc::clone(all),
            None => {
                let all: Arc<[Repo]> = self.t.repos_of(community, Some(did))?.into();
                cache.insert((community, did), Arc::clone(&all));
                all
            }
        };
        Ok(all.iter().filter(|repo| repo.held.is_some() && scope.sees(repo.audience)).cloned().collect())
    }
}

/// The gateway's handle: cloneable, public audience only.
#[derive(Debug, Clone)]
pub struct PublicReader {
    pub(super) store: super::Store,
}

impl PublicReader {
    /// One read transaction for one request; call it on a blocking thread.
    pub fn view(&self) -> Result<View, StoreError> {
        self.store.view(Scope::Public)
    }
    pub fn generation(&self) -> u64 {
        self.store.generation()
    }
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        self.store.size()
    }
}
