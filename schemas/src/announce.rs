//! What travels by gossip and by `notify`: a new head with what it changed, as far as it fits.

use bytes::Bytes;

use crate::{block::Cid, error::Error};

/// `$type` org.folkmoot.announce. Every byte string is the exact bytes of a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announce {
    pub commit: Option<Bytes>,
    /// `[path, bytes]` of records put by this commit; left out as a whole when they exceed 8 KiB together.
    pub records: Vec<(String, Bytes)>,
    /// Paths removed by this commit.
    pub gone: Vec<String>,
    pub identity: Option<Bytes>,
    pub ops: Vec<Bytes>,
}

impl Announce {
    /// ≤ 16 KiB; drops inline records when they do not fit.
    pub fn encode(&self) -> Result<Bytes, Error> {
        todo!()
    }
    pub fn decode(_bytes: &[u8]) -> Result<Self, Error> {
        todo!()
    }
    /// First 20 bytes of the derived id of the sorted CIDs of commit, identity and ops: copies of the same news collapse.
    pub fn message_id(&self) -> [u8; 20] {
        todo!()
    }
}

/// Gossip topic of a community: `folkmoot/1/<cid>`.
pub fn topic(community: &Cid) -> String {
    format!("folkmoot/1/{community}")
}
