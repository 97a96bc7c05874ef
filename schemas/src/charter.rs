//! The immutable founding document; its CID is the community's id.

use std::collections::{BTreeMap, BTreeSet};

use ipld_core::ipld::Ipld;
use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Cid},
    error::Error,
    key::{Did, Secret, Sig},
    limits,
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
        let mut map: BTreeMap<String, Ipld> = block.view()?;
        map.remove("sigs");
        let unsigned = Block::encode(&map)?;
        for (founder, sig) in charter.founders.iter().zip(&sigs) {
            founder.device.verify("charter", unsigned.bytes(), sig)?;
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
