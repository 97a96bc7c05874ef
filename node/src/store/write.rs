//! What goes into the store, as plans: `apply` for what others wrote, `commit_own` for what we write.

use folkmoot_schemas::{
    Audience, Cid, Did, Record, Tid,
    block::Block,
    commit::{HeadRef, RepoId},
    key::Secret,
};

/// Checked blocks of one community, from one answer, archive or announcement. Order does not matter.
#[derive(Debug, Clone)]
pub struct Batch {
    pub community: Cid,
    /// The audience under which the bytes came: what `reach` they get.
    pub audience: Audience,
    pub charter: Option<Block>,
    pub identities: Vec<Block>,
    pub ops: Vec<Block>,
    pub repos: Vec<RepoUpdate>,
    /// Blobs and old versions, asked for by CID.
    pub loose: Vec<Block>,
}

impl Batch {
    pub fn new(community: Cid, audience: Audience) -> Self {
        Self {
            community,
            audience,
            charter: None,
            identities: Vec::new(),
            ops: Vec::new(),
            repos: Vec::new(),
            loose: Vec::new(),
        }
    }
}

/// One repository's news: a commit and what changed in its tree.
#[derive(Debug, Clone)]
pub struct RepoUpdate {
    pub commit: Block,
    /// The head this is a delta from; None: `put` is the whole tree (so far).
    pub since: Option<HeadRef>,
    pub put: Vec<(String, Cid)>,
    pub gone: Vec<String>,
    /// Record blocks named by `put` (those we may already hold can be left out).
    pub blocks: Vec<Block>,
    /// It begins an answer, and joins nothing that came before.
    pub first: bool,
    /// False: more follows by `after`; staged until the last part.
    pub complete: bool,
}

/// What `apply` did.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// Repositories whose held head moved.
    pub advanced: Vec<(RepoId, HeadRef)>,
    /// Newer heads now known whose tree is not here: to be pulled.
    pub wanted: Vec<(RepoId, HeadRef)>,
    /// Newer heads now known whose tree has no room here: not to be pulled before it has.
    pub deferred: Vec<(RepoId, HeadRef)>,
    pub roster_changed: bool,
    pub people_changed: bool,
    /// Roster operations or identities that are named but not here.
    pub missing: Vec<Cid>,
    /// Files that new records link and blocks that pins go on to, and that are not here.
    pub blobs: Vec<Cid>,
    /// What was refused, or had no room, and why: `(cid, reason)`.
    pub refused: Vec<(Cid, String)>,
    /// Tree did not add up against `since`: ask once with null.
    pub mismatched: Vec<RepoId>,
}

impl Applied {
    /// What two batches did together.
    pub fn add(&mut self, other: Self) {
        self.advanced.extend(other.advanced);
        self.wanted.extend(other.wanted);
        self.deferred.extend(other.deferred);
        self.roster_changed |= other.roster_changed;
        self.people_changed |= other.people_changed;
        self.missing.extend(other.missing);
        self.blobs.extend(other.blobs);
        self.refused.extend(other.refused);
        self.mismatched.extend(other.mismatched);
    }
}

/// Changes to one of this device's repositories, as one commit.
#[derive(Debug)]
pub struct OwnCommit<'a> {
    pub community: Cid,
    pub did: Did,
    pub device: &'a Secret,
    pub audience: Audience,
    pub changes: Vec<Change>,
    /// Microseconds, and 10 random bits for the commit's TID.
    pub now: u64,
    pub random: u16,
}

/// One path's change.
#[derive(Debug, Clone)]
pub enum Change {
    /// `rkey` None: the kind's own rkey, or the new rev as TID. `again` false: content equal (but for `rev`) to this
    /// device's record of the last 10 minutes at a fresh TID path returns that record instead.
    Put { rkey: Option<String>, record: Record, again: bool },
    /// Takes over a record that another device of this person wrote, as it is: its block is here, under the same audience.
    Adopt { path: String, cid: Cid, rev: Tid },
    /// Removes the path from this device's repository.
    Remove { path: String },
    /// Puts an older record of this device back as it was.
    Back { path: String, block: Block },
}

#[derive(Debug, Clone)]
pub struct Committed {
    pub commit: Block,
    pub head: HeadRef,
    /// In the order of `changes`: path, CID and rev of each put (also of ones that were returned, not written).
    pub puts: Vec<Put>,
    pub gone: Vec<String>,
    /// Records taken over from other devices.
    pub adopted: u64,
    /// Record blocks written, for the announcement.
    pub blocks: Vec<(String, Block)>,
    /// False when nothing had to be written.
    pub wrote: bool,
}

#[derive(Debug, Clone)]
pub struct Put {
    pub path: String,
    pub cid: Cid,
    pub rev: Tid,
    /// True when an equal record of the last 10 minutes was returned.
    pub existed: bool,
}
