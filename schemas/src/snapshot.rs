//! Digest and snapshot: equal replicas, equal CIDs. No timestamps.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    block::{Block, Cid},
    commit::RepoId,
    error::Error,
    key::Did,
};

/// What a replica of a community is, for one audience (`members` contains everything, public included).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The charter.
    pub community: Cid,
    pub roster: BTreeSet<Cid>,
    /// Newest identity document of each member.
    pub people: BTreeMap<Did, Cid>,
    /// Held heads.
    pub repos: BTreeMap<RepoId, Cid>,
}

impl Snapshot {
    /// `$type` org.folkmoot.snapshot; all CIDs are links; ≤ 1 MiB.
    pub fn encode(&self) -> Result<Block, Error> {
        todo!()
    }
    pub fn open(_bytes: &[u8]) -> Result<(Block, Self), Error> {
        todo!()
    }
    /// sha256(dag-cbor([roster heads, people, repos])) with sorted parts; call it with *known* heads in `repos`.
    pub fn digest(&self) -> [u8; 32] {
        todo!()
    }
}
