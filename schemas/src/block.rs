//! A block is a CID and the exact bytes it names; [`Block::decode`] is the only door from outside bytes to values.

use bytes::Bytes;
pub use cid::Cid;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::Error;

/// Multicodec of structures and records.
pub const DAG_CBOR: u64 = 0x71;
/// Multicodec of file bytes.
pub const RAW: u64 = 0x55;
/// Multicodec of UnixFS nodes.
pub const DAG_PB: u64 = 0x70;

/// A CID with the exact bytes it names. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    cid: Cid,
    bytes: Bytes,
}

impl Block {
    /// Encodes a value of ours as strict DAG-CBOR. Fails only for values that break the rules (floats, depth …).
    pub fn encode<T: Serialize>(_value: &T) -> Result<Self, Error> {
        todo!()
    }

    /// A `raw` block: the bytes of a file.
    pub fn raw(_bytes: impl Into<Bytes>) -> Self {
        todo!()
    }

    /// The one door. Size cap first, then the strict scan (canonical, no floats, integers, depth, links), then hash
    /// and typed decode. Invariant: accepted bytes re-encode to the same bytes.
    pub fn decode<T: DeserializeOwned>(_bytes: impl Into<Bytes>, _limit: usize) -> Result<(Self, T), Error> {
        todo!()
    }

    /// Takes bytes that claim to be `cid`: re-hashes, checks the CID rule, and scans DAG-CBOR as strictly as `decode`.
    pub fn verify(_cid: &Cid, _bytes: impl Into<Bytes>, _limit: usize) -> Result<Self, Error> {
        todo!()
    }

    /// A block read back from our own store, hashed when it was written.
    pub fn trusted(cid: Cid, bytes: impl Into<Bytes>) -> Self {
        Self { cid, bytes: bytes.into() }
    }

    /// Typed view of a block that was already scanned; unknown fields are ignored.
    pub fn view<T: DeserializeOwned>(&self) -> Result<T, Error> {
        todo!()
    }

    /// CIDs of all real links (tag 42) in a DAG-CBOR block, in order of appearance; none for `raw`.
    pub fn links(&self) -> Result<Vec<Cid>, Error> {
        todo!()
    }

    pub fn cid(&self) -> &Cid {
        &self.cid
    }

    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

/// CIDv1, dag-cbor, sha2-256 of `bytes`.
pub fn cid_of(_codec: u64, _bytes: &[u8]) -> Cid {
    todo!()
}

/// The CID rule: v1, sha2-256 of 32 bytes, one of our three codecs. Use on every CID from outside.
pub fn check_cid(_cid: &Cid) -> Result<(), Error> {
    todo!()
}

/// Parses the text form of a CID under the CID rule: lower-case base32 only.
pub fn parse_cid(_text: &str) -> Result<Cid, Error> {
    todo!()
}

/// serde as CID *text* (for references that must not be followed): `#[serde(with = "block::cid_text")]`.
pub mod cid_text {
    use super::Cid;
    use serde::{Deserializer, Serializer};
    pub fn serialize<S: Serializer>(_cid: &Cid, _s: S) -> Result<S::Ok, S::Error> {
        todo!()
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(_d: D) -> Result<Cid, D::Error> {
        todo!()
    }
}

/// serde as CID text or null.
pub mod cid_text_opt {
    use super::Cid;
    use serde::{Deserializer, Serializer};
    pub fn serialize<S: Serializer>(_cid: &Option<Cid>, _s: S) -> Result<S::Ok, S::Error> {
        todo!()
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(_d: D) -> Result<Option<Cid>, D::Error> {
        todo!()
    }
}
