//! What travels by gossip and by `notify`: a new head with what it changed, as far as it fits.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::{
    block::{Block, Cid, DAG_CBOR, cid_of},
    derive,
    error::Error,
    limits,
    structure::{self, Titled},
    uri::check_path,
};

const NAME: &str = "org.folkmoot.announce";

/// `$type` org.folkmoot.announce. Every byte string is the exact bytes of a block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announce {
    pub commit: Option<Bytes>,
    /// `[path, bytes]` of records put by this commit.
    pub records: Vec<(String, Bytes)>,
    /// Paths removed by this commit.
    pub gone: Vec<String>,
    pub identity: Option<Bytes>,
    pub ops: Vec<Bytes>,
}

/// As encoded: what is empty is absent.
#[derive(Serialize, Deserialize)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<ByteBuf>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    records: Vec<(String, ByteBuf)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gone: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    identity: Option<ByteBuf>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ops: Vec<ByteBuf>,
}

impl Announce {
    /// At most 16 KiB. What the commit changed (`records` and `gone`) goes along when it fits in 8 KiB together;
    /// otherwise both stay out, since half a change is of no use: whoever hears of the head then pulls.
    pub fn encode(&self) -> Result<Bytes, Error> {
        self.check()?;
        let buf = |bytes: &Bytes| ByteBuf::from(bytes.to_vec());
        let inline = self.records.iter().map(|(path, bytes)| path.len() + bytes.len()).sum::<usize>()
            + self.gone.iter().map(String::len).sum::<usize>();
        let fits = inline <= limits::ANNOUNCE_INLINE;
        let wire = Wire {
            commit: self.commit.as_ref().map(buf),
            records: self.records.iter().filter(|_| fits).map(|(path, bytes)| (path.clone(), buf(bytes))).collect(),
            gone: self.gone.iter().filter(|_| fits).cloned().collect(),
            identity: self.identity.as_ref().map(buf),
            ops: self.ops.iter().map(buf).collect(),
        };
        let block = Block::encode(&Titled::new(NAME, &wire))?;
        let size = block.bytes().len();
        if size > limits::ANNOUNCE {
            let why = format!("{size} bytes, {} are allowed", limits::ANNOUNCE);
            return Err(Error::Structure { what: NAME, why });
        }
        Ok(block.bytes().clone())
    }

    /// Checks size and shape. The blocks inside are still unchecked bytes: each goes through its own `open`.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let (_, wire) = structure::open::<Wire>(NAME, bytes, limits::ANNOUNCE)?;
        let bytes = |buf: ByteBuf| Bytes::from(buf.into_vec());
        let announce = Self {
            commit: wire.commit.map(bytes),
            records: wire.records.into_iter().map(|(path, buf)| (path, bytes(buf))).collect(),
            gone: wire.gone,
            identity: wire.identity.map(bytes),
            ops: wire.ops.into_iter().map(bytes).collect(),
        };
        announce.check()?;
        Ok(announce)
    }

    /// First 20 bytes of the derived id of the sorted CIDs (as text) of commit, identity and ops: the same news,
    /// told by whomever and with or without records inline, has one id.
    pub fn message_id(&self) -> [u8; 20] {
        let mut cids: Vec<String> = self
            .commit
            .iter()
            .chain(&self.identity)
            .chain(&self.ops)
            .map(|bytes| cid_of(DAG_CBOR, bytes).to_string())
            .collect();
        cids.sort_unstable();
        let parts: Vec<Option<&str>> = cids.iter().map(|cid| Some(cid.as_str())).collect();
        let mut id = [0; 20];
        id.copy_from_slice(&derive::digest(&parts)[..20]);
        id
    }

    fn check(&self) -> Result<(), Error> {
        let fault = |why: &str| Err(Error::Structure { what: NAME, why: why.into() });
        if self.commit.is_none() && self.identity.is_none() && self.ops.is_empty() {
            return fault("it announces nothing");
        }
        if self.commit.is_none() && !(self.records.is_empty() && self.gone.is_empty()) {
            return fault("records without the commit that covers them");
        }
        for path in self.records.iter().map(|(path, _)| path).chain(&self.gone) {
            check_path(path)?;
        }
        Ok(())
    }
}

/// Gossip topic of a community: `folkmoot/1/<cid>`.
pub fn topic(community: &Cid) -> String {
    format!("folkmoot/1/{community}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announce(record: usize) -> Announce {
        Announce {
            commit: Some(Bytes::from_static(b"commit")),
            records: vec![("org.folkmoot.post/3k5q2xkwq2222".into(), Bytes::from(vec![7; record]))],
            gone: vec!["org.folkmoot.post/3k5q2xkwq2223".into()],
            identity: None,
            ops: vec![Bytes::from_static(b"operation")],
        }
    }

    #[test]
    fn what_fits_travels_along() {
        let announce = announce(300);
        assert_eq!(Announce::decode(&announce.encode().unwrap()), Ok(announce));
    }

    #[test]
    fn a_change_that_does_not_fit_stays_out_as_a_whole_and_the_news_keeps_its_id() {
        let large = announce(limits::ANNOUNCE_INLINE);
        let sent = Announce::decode(&large.encode().unwrap()).unwrap();
        assert_eq!(sent, Announce { records: vec![], gone: vec![], ..large.clone() });
        assert_eq!(sent.message_id(), large.message_id());
    }

    #[test]
    fn the_id_follows_commit_identity_and_operations_in_any_order() {
        let [a, b] = ["a", "b"].map(Bytes::from);
        let ops = |ops: Vec<Bytes>| Announce { ops, ..Announce::default() };
        assert_eq!(ops(vec![a.clone(), b.clone()]).message_id(), ops(vec![b.clone(), a.clone()]).message_id());
        assert_ne!(ops(vec![a.clone(), b]).message_id(), ops(vec![a]).message_id());
    }

    #[test]
    fn nothing_too_much_and_bad_paths_are_refused() {
        assert!(Announce::default().encode().is_err());
        assert!(Announce { commit: None, ..announce(3) }.encode().is_err());
        assert!(Announce { gone: vec!["nowhere".into()], ..announce(3) }.encode().is_err());
        let operation = Bytes::from(vec![0; limits::ROSTER_OP]);
        assert!(Announce { ops: vec![operation.clone(), operation], ..Announce::default() }.encode().is_err());
    }
}
