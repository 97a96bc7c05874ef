//! `moot://<community>/<did>/<collection>/<rkey>` and the short ids people see.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{block::Cid, error::Error, key::Did};

/// Where a record lives, stable over its revisions.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri {
    pub community: Cid,
    pub did: Did,
    /// NSID of the kind, e.g. `org.folkmoot.post`.
    pub collection: String,
    pub rkey: String,
}

impl Uri {
    /// Checks the syntax of collection (NSID) and rkey (atproto record key).
    pub fn new(_community: Cid, _did: Did, _collection: &str, _rkey: &str) -> Result<Self, Error> {
        todo!()
    }
    /// `<collection>/<rkey>`: the key in the repository's tree.
    pub fn path(&self) -> String {
        format!("{}/{}", self.collection, self.rkey)
    }
    /// First 16 base32 characters of sha256([uri]).
    pub fn short_id(&self) -> String {
        todo!()
    }
}

/// Splits and checks `<collection>/<rkey>`: NSID syntax, record-key syntax, total ≤ 512 bytes.
pub fn check_path(_path: &str) -> Result<(&str, &str), Error> {
    todo!()
}

/// A strong reference: where, and exactly which version. The CID is text: it is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrongRef {
    pub uri: Uri,
    #[serde(with = "crate::block::cid_text")]
    pub cid: Cid,
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "moot://{}/{}/{}/{}", self.community, self.did, self.collection, self.rkey)
    }
}
impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for Uri {
    type Err = Error;
    fn from_str(_text: &str) -> Result<Self, Error> {
        todo!()
    }
}
impl Serialize for Uri {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Uri {
    fn deserialize<D: Deserializer<'de>>(_d: D) -> Result<Self, D::Error> {
        todo!()
    }
}
