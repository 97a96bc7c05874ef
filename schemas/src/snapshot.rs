//! Digest and snapshot: equal replicas, equal CIDs. No timestamps.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    block::{Block, Cid},
    commit::RepoId,
    error::{Error, Refusal},
    key::Did,
    limits,
    structure::{self, Titled},
};

const NAME: &str = "org.folkmoot.snapshot";

/// What a replica of a community is, for one audience (`members` contains everything, public included). The serde
/// form is the block's map without `$type` and `version`; all CIDs are links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The charter.
    pub community: Cid,
    pub roster: BTreeSet<Cid>,
    /// Newest identity document of each member.
    pub people: BTreeMap<Did, Cid>,
    /// Held heads.
    pub repos: BTreeMap<RepoId, Cid>,
}

/// The roster in the order it was written, which the set above no longer shows.
#[derive(Deserialize)]
struct RosterOrder {
    roster: Vec<Cid>,
}

impl Snapshot {
    /// `$type`.
    pub const NAME: &'static str = NAME;

    /// `$type` org.folkmoot.snapshot; the roster's links rise; ≤ 1 MiB.
    pub fn encode(&self) -> Result<Block, Error> {
        let block = Block::encode(&Titled::new(NAME, self))?;
        match block.bytes().len() {
            size if size > limits::SNAPSHOT => Err(Refusal::Size { size, limit: limits::SNAPSHOT }.into()),
            _ => Ok(block),
        }
    }

    /// Decodes, and insists on the one order of the roster: a second form would be a second CID for one state.
    pub fn open(bytes: &[u8]) -> Result<(Block, Self), Error> {
        let (block, snapshot) = structure::open::<Self>(NAME, bytes, limits::SNAPSHOT)?;
        let RosterOrder { roster } = block.view()?;
        if !roster.iter().is_sorted_by(|a, b| a < b) {
            return Err(Error::Structure { what: NAME, why: "the roster's heads are not in order".into() });
        }
        Ok((block, snapshot))
    }

    /// sha256 of the DAG-CBOR list `[roster, people, repos]`, each as in the snapshot: a list of rising links, and two
    /// maps to links. Call it with *known* heads in `repos`. The community is left out: who compares digests has
    /// named it already.
    pub fn digest(&self) -> [u8; 32] {
        // Nothing in it can fail to encode: links, and maps from text to links.
        let bytes = serde_ipld_dagcbor::to_vec(&(&self.roster, &self.people, &self.repos)).unwrap_or_default();
        Sha256::digest(bytes).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{block::cid_of, commit::Audience, key::Secret};

    fn cid(n: u8) -> Cid {
        cid_of(crate::block::DAG_CBOR, &[n])
    }

    fn snapshot() -> Snapshot {
        let people: Vec<Did> = (1..4).map(|n| Secret::from_seed([n; 32]).did()).collect();
        let repo = |n: usize, audience| RepoId { did: people[n], device: people[(n + 1) % 3], audience };
        Snapshot {
            community: cid(0),
            roster: [cid(1), cid(2), cid(3)].into(),
            people: people.iter().map(|did| (*did, cid(4))).collect(),
            repos: [
                (repo(0, Audience::Members), cid(5)),
                (repo(0, Audience::Public), cid(6)),
                (repo(1, Audience::Public), cid(7)),
            ]
            .into(),
        }
    }

    #[test]
    fn a_snapshot_reads_back_and_links_everything_it_names() {
        let block = snapshot().encode().unwrap();
        assert_eq!(Snapshot::open(block.bytes()).unwrap(), (block.clone(), snapshot()));
        assert_eq!(block.links().unwrap().len(), 1 + 3 + 3 + 3);
    }

    #[test]
    fn heads_in_another_order_are_refused() {
        let mut map: BTreeMap<String, ipld_core::ipld::Ipld> = snapshot().encode().unwrap().view().unwrap();
        if let Some(ipld_core::ipld::Ipld::List(roster)) = map.get_mut("roster") {
            roster.reverse();
        }
        let block = Block::encode(&map).unwrap();
        assert!(matches!(Snapshot::open(block.bytes()), Err(Error::Structure { .. })));
    }

    #[test]
    fn the_digest_changes_with_every_part_and_not_with_the_community() {
        let base = snapshot();
        let mut others = [base.clone(), base.clone(), base.clone()];
        others[0].roster.pop_first();
        others[1].people.pop_first();
        others[2].repos.pop_first();
        assert!(others.iter().all(|other| other.digest() != base.digest()));
        assert_eq!(Snapshot { community: cid(9), ..base.clone() }.digest(), base.digest());
    }
}
