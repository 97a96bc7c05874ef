//! A person: a root key and the devices it certified. `data-model` §3 of the format.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Cid},
    error::Error,
    key::{Did, Secret},
    limits, signed,
    structure::{self, Titled},
    tid::Tid,
};

const NAME: &str = "org.folkmoot.identity";

/// Newest valid document wins: highest `seq`, at equal `seq` the smaller CID. The serde form is the block's map
/// without `$type`, `version` and `sig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// did:key of the root key.
    pub did: Did,
    pub seq: u64,
    /// The document this one follows (text CID), null for the first.
    #[serde(with = "crate::block::cid_text_opt")]
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
    pub fn seal(&self, root: &Secret) -> Result<Block, Error> {
        if root.did() != self.did {
            return Err(Error::Signature("identity"));
        }
        self.check()?;
        signed::seal("identity", &Titled::new(NAME, self), root)
    }

    /// Decodes and verifies: size, shape, limits, signature by `did`, no device twice.
    pub fn open(bytes: &[u8]) -> Result<(Block, Self), Error> {
        let (block, identity) = structure::open::<Self>(NAME, bytes, limits::IDENTITY)?;
        identity.check()?;
        signed::verify("identity", &block, &identity.did)?;
        Ok((block, identity))
    }

    /// Same without checking the signature again, for blocks of our own store.
    pub fn view(block: &Block) -> Result<Self, Error> {
        structure::view(NAME, block)
    }

    fn check(&self) -> Result<(), Error> {
        let fault = |why: String| Err(Error::Structure { what: NAME, why });
        if (self.seq == 0) != self.prev.is_none() {
            return fault("the first document has no prev, every later one names the document it follows".into());
        }
        if self.devices.len() > limits::DEVICES {
            return fault(format!("{} devices, {} are allowed", self.devices.len(), limits::DEVICES));
        }
        let mut seen = BTreeSet::new();
        for device in &self.devices {
            structure::one_line(NAME, "the device's name", &device.name, 0, 64)?;
            // The root key lives on paper and signs identity documents only.
            if device.key == self.did || !seen.insert(device.key) {
                return fault(format!("{} cannot be listed (again) as a device", device.key));
            }
        }
        Ok(())
    }

    pub fn certifies(&self, device: &Did) -> bool {
        self.devices.iter().any(|d| d.key == *device)
    }
    /// True when `self` (named `cid`) replaces `other`.
    pub fn beats(&self, cid: &Cid, other: &Self, other_cid: &Cid) -> bool {
        self.seq > other.seq || (self.seq == other.seq && cid.to_bytes() < other_cid.to_bytes())
    }
}
