//! Frames of `/folkmoot/sync/1`.
//!
//! A frame is a DAG-CBOR map with one key, its kind: `{"heads": {…}}`. The kind can be read from the first bytes, so
//! that each kind has its own size limit, checked before anything is decoded. Length prefixes belong to the stream.
//!
//! **Session stream** (one per pair of peers, for as long as they are connected): `open` each way, then `hello`,
//! `welcome`, `overtaken`, `heads`, `listing`, `notify`, `nodes` in any order. **Short stream** (one per request, opened by
//! the asker): `pull` or `blocks`; the answer is any number of `part` frames and one `end`, or an `error`. Each `part`
//! stands on its own: the blocks it names travel in it as a small CARv1, so it can be checked and stored before the next
//! arrives.

mod hello;
mod listing;
mod transfer;

use bytes::Bytes;
use folkmoot_schemas::{Cid, Error, block::Block, error::Refusal, limits};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

pub use hello::{Answer, Binding, Hello, Open, Overtaken, Welcome, tag};
pub use listing::{Ask, Heads, Listed, Listing, Row};
pub use transfer::{Blocks, DeltaHead, End, LostHead, OwnHead, Part, Pull, Want};

/// Version of the protocol that this code speaks; a peer with a newer one answers in ours.
pub const VERSION: u64 = 3;
/// From this version on a peer takes `nodes`; an older one would end the session.
pub const NODES: u64 = 2;
/// The same for `overtaken`.
pub const OVERTAKEN: u64 = 3;
/// The largest frame of a session stream.
pub const SESSION_FRAME: usize = 256 * 1024;
/// Devices in one `nodes` frame, and the bytes it may have.
pub const NODES_TOLD: usize = 24;
const NODES_FRAME: usize = NODES_TOLD * (limits::WHEREABOUTS + 8) + 64;
/// The largest frame that opens a stream: `open`, `pull` or `blocks`.
pub const FIRST_FRAME: usize = 160 * 1024;
/// The largest `part`; one blob of the largest accepted size fits into it.
pub const PART_FRAME: usize = limits::BLOB_ACCEPTED * 2;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Frame {
    Open(Open),
    Hello(Box<Hello>),
    Welcome(Welcome),
    Overtaken(Overtaken),
    Heads(Heads),
    Listing(Listing),
    Notify(Notify),
    Nodes(Nodes),
    Pull(Pull),
    Blocks(Blocks),
    Part(Part),
    End(End),
    Error(Fault),
}

/// An announcement of the members audience, between peers that both completed `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    pub community: Cid,
    #[serde(with = "serde_bytes")]
    pub announce: Vec<u8>,
}

/// What devices of members said of where their nodes are, each as its device signed it. Only between peers that both
/// completed `hello` in a community of those devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nodes {
    pub said: Vec<ByteBuf>,
}

/// Ends a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {text}")]
pub struct Fault {
    /// `absent`, `busy` or `malformed`.
    pub code: String,
    pub text: String,
}

impl Fault {
    /// Unknown, or not for this peer: one answer for both.
    pub fn absent() -> Self {
        Self { code: "absent".into(), text: "there is nothing here for you".into() }
    }
    pub fn busy() -> Self {
        Self { code: "busy".into(), text: "too many requests at once".into() }
    }
    pub fn malformed() -> Self {
        Self { code: "malformed".into(), text: "this frame was not expected here".into() }
    }
}

impl Frame {
    pub fn encode(&self) -> Result<Bytes, Error> {
        Ok(Block::encode(self)?.bytes().clone())
    }

    /// Reads the kind, checks its limit, then decodes through the one door.
    pub fn decode(bytes: &Bytes) -> Result<Self, Error> {
        let limit = kind(bytes).and_then(limit).ok_or_else(|| Refusal::Shape("not a frame of this protocol".into()))?;
        Ok(Block::decode::<Self>(bytes.clone(), limit)?.1)
    }
}

/// The only key of the map, when it is a short text.
fn kind(bytes: &[u8]) -> Option<&str> {
    let [0xa1, head, rest @ ..] = bytes else { return None };
    let length = usize::from(head.checked_sub(0x60).filter(|n| *n < 24)?);
    std::str::from_utf8(rest.get(..length)?).ok()
}

/// Bytes a frame of this kind may have; None for a kind we do not know.
fn limit(kind: &str) -> Option<usize> {
    Some(match kind {
        "open" | "welcome" | "end" => 512,
        "hello" => limits::IDENTITY + limits::ROSTER_OP + 1024,
        "overtaken" => limits::IDENTITY + 256,
        "heads" => 48 * 1024,
        "listing" => SESSION_FRAME,
        "notify" => limits::ANNOUNCE + 512,
        "nodes" => NODES_FRAME,
        "pull" => FIRST_FRAME,
        "blocks" => 16 * 1024,
        "part" => PART_FRAME,
        "error" => 1024,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_its_encoding() {
        let frame = Frame::Open(Open { nonce: [7; 32], version: VERSION });
        let bytes = frame.encode().unwrap();
        assert_eq!(kind(&bytes), Some("open"));
        assert_eq!(Frame::decode(&bytes).unwrap(), frame);
    }

    #[test]
    fn a_frame_beyond_the_limit_of_its_kind_is_refused_before_decoding() {
        let frame = Frame::Error(Fault { code: "busy".into(), text: "x".repeat(2000) });
        let refused = Frame::decode(&frame.encode().unwrap());
        assert!(matches!(refused, Err(Error::Decode(Refusal::Size { limit: 1024, .. }))), "{refused:?}");
    }

    #[test]
    fn bytes_that_are_no_frame_are_refused() {
        for bytes in [&b""[..], b"\xa1", b"\xa1\x64open", b"\xa0", b"\xa1\x63foo\xa0", b"\xa1\x78\x04open\xa0"] {
            assert!(Frame::decode(&Bytes::copy_from_slice(bytes)).is_err(), "{bytes:x?}");
        }
    }
}
