//! What short streams carry: requests for repositories or blocks, and the parts of an answer.

use folkmoot_schemas::{
    Audience, Cid, Did,
    commit::{HeadRef, RepoId},
};
use serde::{Deserialize, Serialize};

/// Asks for news of one community. Everything the server has is given in one answer up to `max` bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    pub community: Cid,
    /// `members` needs a completed hello.
    pub audience: Audience,
    /// Roster heads the asker holds: operations that are not their ancestors are wanted. Null: no operations wanted.
    #[serde(deserialize_with = "Option::deserialize")]
    pub roster: Option<Vec<Cid>>,
    /// The charter is lacking.
    pub charter: bool,
    /// People whose newest identity document is wanted.
    pub people: Vec<Did>,
    pub want: Vec<Want>,
    pub max: u64,
    /// Heads of the asker's own repositories of which it wants back what was lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<OwnHead>,
    /// Heads of its own that it knows: nothing of them has to be kept for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<OwnHead>,
}

/// A head of one of the asker's repositories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnHead {
    pub did: Did,
    pub device: Did,
    pub audience: Audience,
    pub head: HeadRef,
}

impl OwnHead {
    pub fn new(repo: &RepoId, head: HeadRef) -> Self {
        Self { did: repo.did, device: repo.device, audience: repo.audience, head }
    }

    pub fn repo(&self) -> RepoId {
        RepoId { did: self.did, device: self.device, audience: self.audience }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    pub did: Did,
    pub device: Did,
    pub audience: Audience,
    /// The head the asker holds; null: the whole tree.
    #[serde(deserialize_with = "Option::deserialize")]
    pub since: Option<HeadRef>,
    /// The last path of an unfinished answer.
    #[serde(deserialize_with = "Option::deserialize")]
    pub after: Option<String>,
}

impl Want {
    pub fn repo(&self) -> RepoId {
        RepoId { did: self.did, device: self.device, audience: self.audience }
    }
}

/// Asks for blocks by CID, as far as they are in reach of the audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    pub community: Cid,
    pub audience: Audience,
    pub cids: Vec<Cid>,
}

/// A piece of an answer. The lists say what each block is; the blocks themselves are in `car`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charter: Option<Cid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<Cid>,
    /// Ancestors first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ops: Vec<Cid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deltas: Vec<DeltaHead>,
    /// Blocks that were asked for by CID.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loose: Vec<Cid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<LostHead>,
    /// A whole CARv1 archive.
    #[serde(with = "serde_bytes")]
    pub car: Vec<u8>,
}

/// What changed in one repository. Exists on the wire only: the tree is rebuilt from it and compared with the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeltaHead {
    pub did: Did,
    pub device: Did,
    pub audience: Audience,
    pub commit: Cid,
    /// Null although a head was given: that head is not known to the server, `put` is the whole tree.
    #[serde(deserialize_with = "Option::deserialize")]
    pub since: Option<HeadRef>,
    pub put: Vec<(String, Cid)>,
    pub gone: Vec<String>,
    /// The last path given, when more follows: the `after` of the next request.
    #[serde(deserialize_with = "Option::deserialize")]
    pub more: Option<String>,
}

impl DeltaHead {
    pub fn repo(&self) -> RepoId {
        RepoId { did: self.did, device: self.device, audience: self.audience }
    }
}

/// Of what a head had and a later one lost: entries, and paths it had removed. The archive holds the commit, the nodes
/// that prove both, and the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostHead {
    pub did: Did,
    pub device: Did,
    pub audience: Audience,
    pub commit: Cid,
    pub put: Vec<(String, Cid)>,
    pub gone: Vec<String>,
    /// Nothing more of this head follows.
    pub last: bool,
}

impl LostHead {
    pub fn repo(&self) -> RepoId {
        RepoId { did: self.did, device: self.device, audience: self.audience }
    }
}

/// The answer is finished. `more`: it reached its size, some of what was wanted was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub more: bool,
}
