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
    /// `$type`.
    pub const NAME: &'static str = NAME;

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
            structure::one_line(NAME, "the device's name", &device.name, 0, limits::DEVICE_NAME)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{DAG_CBOR, cid_of};

    fn root() -> Secret {
        Secret::from_seed([1; 32])
    }

    fn device(seed: u8) -> Device {
        let key = Secret::from_seed([seed; 32]).did();
        Device { key, name: "laptop".into(), added: Tid::new(1_700_000_000_000_000, 0) }
    }

    fn identity(seq: u64, devices: Vec<Device>) -> Identity {
        Identity { did: root().did(), seq, prev: (seq > 0).then(|| cid_of(DAG_CBOR, b"before")), devices }
    }

    #[test]
    fn an_identity_reads_back_and_names_its_forerunner_as_text() {
        for seq in [0, 1] {
            let identity = identity(seq, vec![device(2), device(3)]);
            let block = identity.seal(&root()).unwrap();
            assert_eq!(Identity::open(block.bytes()).unwrap(), (block.clone(), identity.clone()));
            assert_eq!(block.links().unwrap(), []);
            assert!(identity.certifies(&device(3).key) && !identity.certifies(&device(4).key));
        }
    }

    #[test]
    fn only_the_root_key_signs_and_it_is_no_device() {
        assert_eq!(identity(0, vec![]).seal(&Secret::from_seed([9; 32])), Err(Error::Signature("identity")));
        assert!(identity(0, vec![device(1)]).seal(&root()).is_err());
    }

    #[test]
    fn a_document_signed_by_another_key_is_refused() {
        let forged =
            signed::seal("identity", &Titled::new(NAME, &identity(0, vec![device(9)])), &Secret::from_seed([9; 32]));
        assert_eq!(Identity::open(forged.unwrap().bytes()), Err(Error::Signature("identity")));
    }

    #[test]
    fn devices_are_few_named_in_one_line_and_listed_once() {
        assert!(identity(0, vec![device(2), device(2)]).seal(&root()).is_err());
        assert!(identity(0, (2..35).map(device).collect()).seal(&root()).is_err());
        assert!(identity(0, (2..34).map(device).collect()).seal(&root()).is_ok());
        assert!(identity(0, vec![Device { name: "two\nlines".into(), ..device(2) }]).seal(&root()).is_err());
    }

    #[test]
    fn the_first_document_alone_follows_none() {
        assert!(Identity { prev: None, ..identity(1, vec![]) }.seal(&root()).is_err());
        assert!(Identity { prev: identity(1, vec![]).prev, ..identity(0, vec![]) }.seal(&root()).is_err());
    }
}
