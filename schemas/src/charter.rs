//! The immutable founding document; its CID is the community's id.

use std::collections::BTreeSet;

use ipld_core::ipld::Ipld;
use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Cid},
    error::Error,
    key::{Did, Secret, Sig},
    limits, signed,
    structure::{self, Titled},
    tid::Tid,
};

const NAME: &str = "org.folkmoot.charter";
const FOUNDERS: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    Public,
    Members,
}

/// The serde form is the block's map without `$type`, `version` and `sigs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charter {
    /// 1–64 characters, one line.
    pub name: String,
    /// Random: two communities founded with the same words stay two.
    #[serde(with = "serde_bytes")]
    pub nonce: [u8; 16],
    pub visibility: Visibility,
    /// When, as the founder's clock said: a TID.
    pub created: Tid,
    /// In rank order; each signs. At least one, at most 16.
    pub founders: Vec<Founder>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founder {
    pub did: Did,
    pub device: Did,
    /// Link: the identity document that certifies `device`.
    pub identity: Cid,
}

#[derive(Deserialize)]
struct Sigs {
    sigs: Vec<Sig>,
}

impl Charter {
    /// `$type`.
    pub const NAME: &'static str = NAME;

    /// `$type` org.folkmoot.charter, signature kind `charter`; `sigs` in the order of `founders`, over the map without `sigs`.
    pub fn seal(&self, devices: &[&Secret]) -> Result<Block, Error> {
        self.check()?;
        if !devices.iter().map(|d| d.did()).eq(self.founders.iter().map(|f| f.device)) {
            return Err(Error::Signature("charter"));
        }
        let Ipld::Map(mut map) = Titled::new(NAME, self).to_map()? else {
            return Err(Error::Structure { what: NAME, why: "not a map".into() });
        };
        let unsigned = Block::encode(&map)?;
        let sigs = devices.iter().map(|d| Ipld::Bytes(d.sign("charter", unsigned.bytes()).0.to_vec())).collect();
        map.insert("sigs".into(), Ipld::List(sigs));
        Block::encode(&map)
    }

    /// Decodes; verifies limits and every founder's signature.
    pub fn open(bytes: &[u8]) -> Result<(Block, Self), Error> {
        let (block, charter) = structure::open::<Self>(NAME, bytes, limits::CHARTER)?;
        charter.check()?;
        let Sigs { sigs } = block.view()?;
        if sigs.len() != charter.founders.len() {
            return Err(Error::Signature("charter"));
        }
        let unsigned = signed::without(&block, &["sigs"])?;
        for (founder, sig) in charter.founders.iter().zip(&sigs) {
            founder.device.verify("charter", &unsigned, sig)?;
        }
        Ok((block, charter))
    }

    /// From a block of our own store, whose signatures were checked when it came in.
    pub fn view(block: &Block) -> Result<Self, Error> {
        structure::view(NAME, block)
    }

    fn check(&self) -> Result<(), Error> {
        structure::one_line(NAME, "the name", &self.name, 1, 64)?;
        let people: BTreeSet<_> = self.founders.iter().map(|f| f.did).collect();
        if people.len() != self.founders.len() || !(1..=FOUNDERS).contains(&people.len()) {
            let why = format!("it needs 1 to {FOUNDERS} founders, each named once");
            return Err(Error::Structure { what: NAME, why });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::{DAG_CBOR, cid_of};

    fn device(founder: u8) -> Secret {
        Secret::from_seed([founder + 100; 32])
    }

    fn charter(founders: u8) -> Charter {
        let founder = |n| Founder {
            did: Secret::from_seed([n; 32]).did(),
            device: device(n).did(),
            identity: cid_of(DAG_CBOR, &[n]),
        };
        Charter {
            name: "River Street".into(),
            nonce: [5; 16],
            visibility: Visibility::Public,
            created: Tid::new(1_700_000_000_000_000, 0),
            founders: (0..founders).map(founder).collect(),
        }
    }

    #[test]
    fn every_founder_signs_in_order() {
        let block = charter(2).seal(&[&device(0), &device(1)]).unwrap();
        assert_eq!(Charter::open(block.bytes()).unwrap(), (block.clone(), charter(2)));
        assert_eq!(block.links().unwrap().len(), 2);
        for devices in [vec![device(0)], vec![device(1), device(0)], vec![device(0), device(0)]] {
            assert_eq!(charter(2).seal(&devices.iter().collect::<Vec<_>>()), Err(Error::Signature("charter")));
        }
    }

    #[test]
    fn a_missing_foreign_or_swapped_signature_is_refused() {
        let block = charter(2).seal(&[&device(0), &device(1)]).unwrap();
        let other = Charter { name: "Other".into(), ..charter(2) }.seal(&[&device(0), &device(1)]).unwrap();
        let sigs = |block: &Block| block.view::<Sigs>().unwrap().sigs;
        for sigs in [vec![], sigs(&block)[..1].to_vec(), sigs(&block).into_iter().rev().collect(), sigs(&other)] {
            let mut map: std::collections::BTreeMap<String, Ipld> = block.view().unwrap();
            map.insert("sigs".into(), Ipld::List(sigs.iter().map(|sig| Ipld::Bytes(sig.0.to_vec())).collect()));
            let forged = Block::encode(&map).unwrap();
            assert_eq!(Charter::open(forged.bytes()), Err(Error::Signature("charter")));
        }
    }

    #[test]
    fn founders_are_named_once_and_there_is_one_at_least() {
        assert!(charter(0).seal(&[]).is_err());
        let mut twice = charter(1);
        twice.founders.push(twice.founders[0].clone());
        assert!(twice.seal(&[&device(0), &device(0)]).is_err());
        assert!(Charter { name: "two\nlines".into(), ..charter(1) }.seal(&[&device(0)]).is_err());
    }
}
