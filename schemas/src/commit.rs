//! A repository's signed root: one person, one device, one community, one audience.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    block::{Block, Cid},
    error::Error,
    key::{Did, Secret},
    limits, signed,
    structure::{self, Titled},
    text,
    tid::Tid,
};

const NAME: &str = "org.folkmoot.commit";

/// Who a repository is for. Access control, not encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    Public,
    Members,
}

impl Audience {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Members => "members",
        }
    }
}
impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl FromStr for Audience {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "public" => Ok(Self::Public),
            "members" => Ok(Self::Members),
            _ => Err(Error::Syntax { what: "audience", why: format!("{text:?} is neither public nor members") }),
        }
    }
}

/// Names one repository. In maps its key is `did/device/audience`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoId {
    pub did: Did,
    pub device: Did,
    pub audience: Audience,
}
impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.did, self.device, self.audience)
    }
}
impl FromStr for RepoId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, '/');
        let (Some(did), Some(device), Some(audience)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Syntax { what: "repository", why: format!("{text:?} is not did/device/audience") });
        };
        Ok(Self { did: did.parse()?, device: device.parse()?, audience: audience.parse()? })
    }
}
impl Serialize for RepoId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for RepoId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        text::deserialize(d, Self::from_str)
    }
}

/// `{rev, cid}`: a commit by name, the cid as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadRef {
    pub rev: Tid,
    #[serde(with = "crate::block::cid_text")]
    pub cid: Cid,
}

impl HeadRef {
    /// The one order: the greatest rev; at equal rev the smaller CID.
    pub fn beats(&self, other: &Self) -> bool {
        self.rev > other.rev || (self.rev == other.rev && self.cid.to_bytes() < other.cid.to_bytes())
    }
}

/// The serde form is the block's map without `$type`, `version` and `sig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    pub did: Did,
    pub device: Did,
    /// Text in the block.
    #[serde(with = "crate::block::cid_text")]
    pub community: Cid,
    pub audience: Audience,
    pub rev: Tid,
    /// Link: root of the MST.
    pub data: Cid,
    /// Link: the newest identity document the author knew.
    pub identity: Cid,
    /// Number of records in the tree.
    pub count: u64,
    /// The head this one replaces: null in the first commit, never absent.
    #[serde(deserialize_with = "Option::deserialize")]
    pub prev: Option<HeadRef>,
    /// Other devices of the person: the rev of each one's head of this audience that the author held when it last wrote
    /// records. Tells of two versions of a record whether the newer one knew of the other.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<Did, Tid>,
}

impl Commit {
    /// `$type`.
    pub const NAME: &'static str = NAME;

    pub fn repo(&self) -> RepoId {
        RepoId { did: self.did, device: self.device, audience: self.audience }
    }

    /// The name a later commit gives this one in `prev`.
    pub fn head(&self, cid: Cid) -> HeadRef {
        HeadRef { rev: self.rev, cid }
    }

    /// `$type` org.folkmoot.commit, signature kind `commit`, signed by the device key.
    pub fn seal(&self, device: &Secret) -> Result<Block, Error> {
        if device.did() != self.device {
            return Err(Error::Signature("commit"));
        }
        self.check()?;
        signed::seal("commit", &Titled::new(NAME, self), device)
    }

    /// Decodes and verifies size, shape and the signature by `device` (not membership, not the tree).
    pub fn open(bytes: &[u8]) -> Result<(Block, Self), Error> {
        let (block, commit) = structure::open::<Self>(NAME, bytes, limits::COMMIT)?;
        commit.check()?;
        signed::verify("commit", &block, &commit.device)?;
        Ok((block, commit))
    }

    /// From a block of our own store, whose signature was checked when it came in.
    pub fn view(block: &Block) -> Result<Self, Error> {
        structure::view(NAME, block)
    }

    /// A commit replaces an older one: a `prev` that is not older would make two heads replace each other.
    fn check(&self) -> Result<(), Error> {
        match &self.prev {
            Some(prev) if prev.rev >= self.rev => {
                Err(Error::Structure { what: NAME, why: format!("rev {} is not after prev {}", self.rev, prev.rev) })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use ipld_core::ipld::Ipld;

    use super::*;
    use crate::{block::DAG_CBOR, block::cid_of, error::Refusal};

    fn device() -> Secret {
        Secret::from_seed([2; 32])
    }

    fn commit() -> Commit {
        Commit {
            did: Secret::from_seed([1; 32]).did(),
            device: device().did(),
            community: cid_of(DAG_CBOR, b"charter"),
            audience: Audience::Members,
            rev: Tid::new(1_700_000_000_000_000, 2),
            data: cid_of(DAG_CBOR, b"root"),
            identity: cid_of(DAG_CBOR, b"identity"),
            count: 3,
            prev: Some(HeadRef { rev: Tid::new(1_600_000_000_000_000, 1), cid: cid_of(DAG_CBOR, b"before") }),
            seen: BTreeMap::new(),
        }
    }

    fn without(field: &str) -> Vec<u8> {
        let mut map: BTreeMap<String, Ipld> = commit().seal(&device()).unwrap().view().unwrap();
        map.remove(field);
        Block::encode(&map).unwrap().bytes().to_vec()
    }

    #[test]
    fn a_commit_reads_back_and_links_only_its_tree_and_identity() {
        for prev in [commit().prev, None] {
            let commit = Commit { prev, ..commit() };
            let block = commit.seal(&device()).unwrap();
            assert_eq!(Commit::open(block.bytes()).unwrap(), (block.clone(), commit.clone()));
            assert_eq!(Commit::view(&block).unwrap(), commit);
            assert_eq!(block.links().unwrap(), [commit.data, commit.identity]);
        }
    }

    #[test]
    fn every_flipped_byte_is_refused() {
        let bytes = commit().seal(&device()).unwrap().bytes().to_vec();
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            assert!(Commit::open(&bytes).is_err(), "byte {at}");
        }
    }

    #[test]
    fn prev_is_null_or_there_but_never_absent() {
        assert!(matches!(Commit::open(&without("prev")), Err(Error::Decode(Refusal::Shape(_)))));
    }

    #[test]
    fn another_structure_and_a_later_version_are_told_apart_from_damage() {
        let mut map: BTreeMap<String, Ipld> = commit().seal(&device()).unwrap().view().unwrap();
        map.insert("version".into(), Ipld::Integer(2));
        let later = Block::encode(&map).unwrap();
        assert!(matches!(Commit::open(later.bytes()), Err(Error::Structure { .. })));
        map.insert("$type".into(), Ipld::String("org.folkmoot.charter".into()));
        let other = Block::encode(&map).unwrap();
        assert!(matches!(Commit::open(other.bytes()), Err(Error::Structure { .. })));
    }

    #[test]
    fn a_commit_is_signed_by_its_own_device_and_replaces_only_what_is_older() {
        assert_eq!(commit().seal(&Secret::from_seed([1; 32])), Err(Error::Signature("commit")));
        let rev = commit().prev.unwrap().rev;
        assert!(Commit { rev, ..commit() }.seal(&device()).is_err());
    }

    #[test]
    fn a_repository_has_one_text_form() {
        let repo = commit().repo();
        assert_eq!(repo.to_string().parse(), Ok(repo));
        for text in ["", "a/b", &format!("{repo}/"), &repo.to_string().replace("members", "Members")] {
            assert!(text.parse::<RepoId>().is_err(), "{text}");
        }
    }
}
