//! `heads` and its answer: who knows what, all communities in one round trip.

use std::fmt;

use folkmoot_schemas::{
    Audience, Cid, Did, Tid,
    commit::{HeadRef, RepoId},
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
    ser::SerializeSeq,
};

use crate::store::reader::RepoHead;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    pub communities: Vec<Ask>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    pub cid: Cid,
    pub audience: Audience,
    /// Over known heads; null asks for the list in any case.
    #[serde(with = "serde_bytes")]
    pub digest: Option<[u8; 32]>,
}

/// The answer, in as many frames as its size needs. A long list may be spread over several entries of one community.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    pub communities: Vec<Listed>,
    /// Further `listing` frames follow.
    pub more: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    pub cid: Cid,
    pub audience: Audience,
    /// Equal digests, and nothing lacking here: the lists are empty.
    pub same: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roster: Vec<Cid>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<(Did, Cid)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repos: Vec<Row>,
    /// Only to a peer that proved to be exactly their device, and also when all else is the same: heads of its
    /// repositories that its later ones lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Row>,
}

impl Listed {
    pub fn new(cid: Cid, audience: Audience) -> Self {
        Self { cid, audience, same: false, roster: Vec::new(), people: Vec::new(), repos: Vec::new(), lost: Vec::new() }
    }
}

/// `[did, device, audience, rev, cid, held?]`: a repository's known head, and `held` (`{rev, cid}`, or null for
/// nothing) where the newest tree that is here belongs to another head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub RepoHead);

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let RepoHead { repo, known, held } = &self.0;
        let differs = *held != Some(*known);
        let mut seq = s.serialize_seq(Some(5 + usize::from(differs)))?;
        seq.serialize_element(&repo.did)?;
        seq.serialize_element(&repo.device)?;
        seq.serialize_element(&repo.audience)?;
        seq.serialize_element(&known.rev)?;
        seq.serialize_element(&known.cid)?;
        if differs {
            seq.serialize_element(held)?;
        }
        seq.end()
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Seq;
        impl<'de> Visitor<'de> for Seq {
            type Value = Row;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[did, device, audience, rev, cid, held?]")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Row, A::Error> {
                fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(seq: &mut A) -> Result<T, A::Error> {
                    seq.next_element()?.ok_or_else(|| serde::de::Error::custom("a repository's row ends early"))
                }
                let (did, device, audience): (Did, Did, Audience) = (next(&mut seq)?, next(&mut seq)?, next(&mut seq)?);
                let (rev, cid): (Tid, Cid) = (next(&mut seq)?, next(&mut seq)?);
                let known = HeadRef { rev, cid };
                let held = match seq.next_element::<Option<HeadRef>>()? {
                    None => Some(known),
                    // A second way to write one list.
                    Some(held) if held == Some(known) => {
                        return Err(serde::de::Error::custom("a repository's row names its head twice"));
                    }
                    Some(held) => held,
                };
                Ok(Row(RepoHead { repo: RepoId { did, device, audience }, known, held }))
            }
        }
        d.deserialize_seq(Seq)
    }
}
