//! The immutable founding document; its CID is the community's id.

use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Cid},
    error::Error,
    key::{Did, Secret},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    Public,
    Members,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charter {
    /// 1–64 characters, one line.
    pub name: String,
    pub nonce: [u8; 16],
    pub visibility: Visibility,
    /// When, as the founder's clock said: a TID.
    pub created: crate::tid::Tid,
    /// In rank order; each signs. At least one, at most 16.
    pub founders: Vec<Founder>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Founder {
    pub did: Did,
    pub device: Did,
    /// Link: the identity document that certifies `device`.
    pub identity: Cid,
}

impl Charter {
    /// `$type` org.folkmoot.charter, signature kind `charter`; `sigs` in the order of `founders`, over the map without `sigs`.
    pub fn seal(&self, _devices: &[&Secret]) -> Result<Block, Error> {
        todo!()
    }
    /// Decodes; verifies limits and every founder's signature.
    pub fn open(_bytes: &[u8]) -> Result<(Block, Self), Error> {
        todo!()
    }
    pub fn view(_block: &Block) -> Result<Self, Error> {
        todo!()
    }
}
