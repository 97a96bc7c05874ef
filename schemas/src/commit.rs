//! A repository's signed root: one person, one device, one community, one audience.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Cid},
    error::Error,
    key::{Did, Secret},
    tid::Tid,
};

/// Who a repository is for. Access control, not encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    Public,
    Members,
}

impl Audience {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Members => "members",
        }
    }
}
impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl FromStr for Audience {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "public" => Ok(Self::Public),
            "members" => Ok(Self::Members),
            _ => Err(Error::Syntax { what: "audience", why: format!("{text:?} is neither public nor members") }),
        }
    }
}

/// Names one repository. In maps its key is `did/device/audience`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoId {
    pub did: Did,
    pub device: Did,
    pub audience: Audience,
}
impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.did, self.device, self.audience)
    }
}
impl FromStr for RepoId {
    type Err = Error;
    fn from_str(_text: &str) -> Result<Self, Error> {
        todo!()
    }
}

/// `{rev, cid}`: a commit by name, the cid as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadRef {
    pub rev: Tid,
    #[serde(with = "crate::block::cid_text")]
    pub cid: Cid,
}

impl HeadRef {
    /// The one order: the greatest rev; at equal rev the smaller CID.
    pub fn beats(&self, other: &Self) -> bool {
        self.rev > other.rev || (self.rev == other.rev && self.cid.to_bytes() < other.cid.to_bytes())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub did: Did,
    pub device: Did,
    /// Text in the block.
    pub community: Cid,
    pub audience: Audience,
    pub rev: Tid,
    /// Link: root of the MST.
    pub data: Cid,
    /// Link: the newest identity document the author knew.
    pub identity: Cid,
    /// Number of records in the tree.
    pub count: u64,
    pub prev: Option<HeadRef>,
}

impl Commit {
    pub fn repo(&self) -> RepoId {
        RepoId { did: self.did, device: self.device, audience: self.audience }
    }
    /// `$type` org.folkmoot.commit, signature kind `commit`, signed by the device key.
    pub fn seal(&self, _device: &Secret) -> Result<Block, Error> {
        todo!()
    }
    /// Decodes and verifies size, shape and the signature by `device` (not membership, not the tree).
    pub fn open(_bytes: &[u8]) -> Result<(Block, Self), Error> {
        todo!()
    }
    pub fn view(_block: &Block) -> Result<Self, Error> {
        todo!()
    }
}
