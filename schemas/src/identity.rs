//! A person: a root key and the devices it certified. `data-model` §3 of the format.

use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Cid},
    error::Error,
    key::{Did, Secret},
    tid::Tid,
};

/// Newest valid document wins: highest `seq`, at equal `seq` the smaller CID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// did:key of the root key.
    pub did: Did,
    pub seq: u64,
    /// The document this one follows (text CID), null for the first.
    pub prev: Option<Cid>,
    /// Devices that may sign commits and operations for `did`, in the order they were added. ≤ 32.
    pub devices: Vec<Device>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub key: Did,
    /// ≤ 64 characters, one line.
    pub name: String,
    pub added: Tid,
}

impl Identity {
    /// Signs with the root key. `$type` org.folkmoot.identity, signature kind `identity`.
    pub fn seal(&self, _root: &Secret) -> Result<Block, Error> {
        todo!()
    }
    /// Decodes and verifies: size, shape, limits, signature by `did`, no device twice.
    pub fn open(_bytes: &[u8]) -> Result<(Block, Self), Error> {
        todo!()
    }
    /// Same without checking the signature again, for blocks of our own store.
    pub fn view(_block: &Block) -> Result<Self, Error> {
        todo!()
    }
    pub fn certifies(&self, device: &Did) -> bool {
        self.devices.iter().any(|d| d.key == *device)
    }
    /// True when `self` (named `cid`) replaces `other`.
    pub fn beats(&self, cid: &Cid, other: &Self, other_cid: &Cid) -> bool {
        self.seq > other.seq || (self.seq == other.seq && cid.to_bytes() < other_cid.to_bytes())
    }
}
