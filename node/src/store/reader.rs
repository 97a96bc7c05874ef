//! Reading: a [`View`] is one read transaction with one [`Scope`]; [`PublicReader`] hands out public views only.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use folkmoot_schemas::{
    Audience, Cid, Did, Record, Tid, Uri,
    block::Block,
    charter::Visibility,
    commit::{Commit, HeadRef, RepoId},
    identity::Identity,
    records::rsvp::Rsvp,
    recur::Instance,
    roster::State,
};

use super::StoreError;

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
    pub record: Record,
    pub block: Block,
    /// Microseconds since 1970: the rkey's TID where it is one, else `rev`; a time in the future counts as time of arrival.
    pub created: u64,
    /// `rev`'s time by the same rule; differs from `created` after an edit.
    pub updated: u64,
    /// A field fault: hidden from lists, shown with the reason when asked for by URI.
    pub fault: Option<String>,
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
    /// Of `going`: answered before the last material change.
    pub before_change: u32,
    /// Filled only when `show: names`.
    pub names: Vec<String>,
    /// False: this node is no member, so it cannot know.
    pub known: bool,
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

/// One consistent picture of the store.
#[derive(Debug)]
pub struct View {}

impl View {
    pub fn scope(&self) -> Scope {
        todo!()
    }

    // ---- communities, people -------------------------------------------------------------------------------------
    /// Sorted by name, then id. In scope `Public`: public communities only.
    pub fn communities(&self) -> Result<Vec<Community>, StoreError> {
        todo!()
    }
    pub fn community(&self, _id: &Cid) -> Result<Option<Community>, StoreError> {
        todo!()
    }
    /// Newest identity document known of a person.
    pub fn identity(&self, _did: &Did) -> Result<Option<(Block, Identity)>, StoreError> {
        todo!()
    }
    /// The name a person gave in this community's profile, else the short key.
    pub fn name(&self, _community: &Cid, _did: &Did) -> Result<String, StoreError> {
        todo!()
    }

    // ---- records -------------------------------------------------------------------------------------------------
    pub fn get(&self, _uri: &Uri) -> Result<Lookup, StoreError> {
        todo!()
    }
    /// By short id or an unambiguous beginning of one (≥ 4 characters); `community` None: in all.
    pub fn by_short(&self, _community: Option<&Cid>, _short: &str) -> Result<Lookup, StoreError> {
        todo!()
    }
    /// The current record with this CID, if any.
    pub fn by_cid(&self, _cid: &Cid) -> Result<Option<Entry>, StoreError> {
        todo!()
    }
    /// Current records of one kind, newest `created` first, strictly older than `before` = (created, short id).
    /// Faulty and not-allowed ones (author no member) are left out.
    pub fn list(
        &self,
        _community: &Cid,
        _collection: &str,
        _before: Option<(u64, &str)>,
        _limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        todo!()
    }
    /// Records whose `Kind::about` is `uri` (replies, updates, answers), oldest first.
    pub fn about(&self, _uri: &Uri, _collection: &str) -> Result<Vec<Entry>, StoreError> {
        todo!()
    }
    /// Dates of events in a window of seconds since 1970, in order, at most `limit`; series expanded. `true`: cut.
    pub fn events(
        &self,
        _community: &Cid,
        _window: Range<i64>,
        _limit: usize,
    ) -> Result<(Vec<Occurrence>, bool), StoreError> {
        todo!()
    }
    /// Answers to an event (or to one occurrence: those for it and those for the whole event). Counts and names are
    /// filtered by `show`; the only members-derived fact a public view gives, and only where this node is a member.
    pub fn answers(&self, _event: &Entry, _occurrence: Option<&str>) -> Result<Answers, StoreError> {
        todo!()
    }
    /// The newest live answer per (person, guest name), unfiltered. Scope `Members` only.
    pub fn rsvps(&self, _event: &Uri, _occurrence: Option<&str>) -> Result<Vec<(Entry, Rsvp)>, StoreError> {
        todo!()
    }
    /// Number of current records of a community in this scope.
    pub fn count(&self, _community: &Cid) -> Result<u64, StoreError> {
        todo!()
    }

    // ---- blocks, heads, sync -------------------------------------------------------------------------------------
    /// A block reachable in this scope in this community.
    pub fn block(&self, _community: &Cid, _cid: &Cid) -> Result<Option<Block>, StoreError> {
        todo!()
    }
    /// Any block of the public audience of any public community: `/b/<cid>`, `/ipfs/<cid>`.
    pub fn public_block(&self, _cid: &Cid) -> Result<Option<Block>, StoreError> {
        todo!()
    }
    pub fn charter(&self, _community: &Cid) -> Result<Option<Block>, StoreError> {
        todo!()
    }
    /// All kept roster operations with the identities they link, ancestors first.
    pub fn roster(&self, _community: &Cid) -> Result<(Vec<Block>, Vec<Block>), StoreError> {
        todo!()
    }
    /// Newest identity of each member.
    pub fn people(&self, _community: &Cid) -> Result<BTreeMap<Did, Cid>, StoreError> {
        todo!()
    }
    /// Heads of the repositories in this scope.
    pub fn heads(&self, _community: &Cid) -> Result<Vec<RepoHead>, StoreError> {
        todo!()
    }
    pub fn head_commit(&self, _community: &Cid, _repo: &RepoId) -> Result<Option<(Block, Commit)>, StoreError> {
        todo!()
    }
    /// What changed in a repository since a head; `after` continues a long answer. None: no such repository in scope.
    pub fn delta(
        &self,
        _community: &Cid,
        _repo: &RepoId,
        _since: Option<&HeadRef>,
        _after: Option<&str>,
        _budget: usize,
    ) -> Result<Option<Delta>, StoreError> {
        todo!()
    }
    /// Over known heads; None while any tree or block is lacking.
    pub fn digest(&self, _community: &Cid) -> Result<Option<[u8; 32]>, StoreError> {
        todo!()
    }
    /// Over held heads.
    pub fn snapshot(&self, _community: &Cid) -> Result<Cid, StoreError> {
        todo!()
    }
    /// Everything held that is known.
    pub fn complete(&self, _community: &Cid) -> Result<bool, StoreError> {
        todo!()
    }
    /// Blobs that current records link and that are not here.
    pub fn missing_blobs(&self, _community: &Cid) -> Result<Vec<Cid>, StoreError> {
        todo!()
    }
    /// Counts up with every write that pages could show.
    pub fn generation(&self) -> u64 {
        todo!()
    }
}

/// The gateway's handle: cloneable, public audience only.
#[derive(Debug, Clone)]
pub struct PublicReader {
    #[allow(dead_code, reason = "stub")]
    store: super::Store,
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
