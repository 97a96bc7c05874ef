//! The roster: a DAG of individually signed operations and the pure fold that says who may do what.
//! Same operations and identities, in any order of arrival: same state.

use std::collections::{BTreeMap, BTreeSet};

use ipld_core::ipld::Ipld;
use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Cid},
    commit::{HeadRef, RepoId},
    error::Error,
    key::{Did, Secret, Sig},
    limits, signed,
    structure::{self, Titled},
    tid::Tid,
};

mod act;
mod fold;

pub use act::{Act, Cut, Describe, NamedLink, may};
pub use fold::{Folded, fold};

const NAME: &str = "org.folkmoot.roster";

/// In rising order: `Guest < Member < Moderator < Steward`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Guest,
    Member,
    Moderator,
    Steward,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Steward => "steward",
        }
    }
}

/// The serde form is the block's map without `$type`, `version` and `sig`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Op {
    /// Text in the block.
    #[serde(with = "crate::block::cid_text")]
    pub community: Cid,
    pub did: Did,
    pub device: Did,
    /// Link: identity document that certifies `device`.
    pub identity: Cid,
    pub rev: Tid,
    /// Links: the roster heads its author saw, 1 to 64; the charter's CID when there was no operation yet.
    pub deps: Vec<Cid>,
    #[serde(rename = "op")]
    pub act: Act,
}

impl Op {
    /// `$type`.
    pub const NAME: &'static str = NAME;

    /// `$type` org.folkmoot.roster, signature kind `roster`, signed by the device. For a `Join`, `seed` signs first
    /// and fills `seed_sig`, whatever `self` holds there.
    pub fn seal(&self, device: &Secret, seed: Option<&Secret>) -> Result<Block, Error> {
        if device.did() != self.device {
            return Err(Error::Signature("roster operation"));
        }
        self.check()?;
        self.act.check()?;
        let mut map = Titled::new(NAME, self).to_map()?;
        let block = match (&self.act, seed) {
            (Act::Join { .. }, Some(seed)) => {
                let bare = without_seed_sig(map.clone())?;
                let sig = seed.sign(JOIN_SEED, bare.bytes());
                if let Some(join) = join_of(&mut map) {
                    join.insert("seed_sig".into(), Ipld::Bytes(sig.0.to_vec()));
                }
                signed::seal("roster", &map, device)?
            }
            (Act::Join { .. }, None) | (_, Some(_)) => return Err(Error::Signature("join")),
            (_, None) => signed::seal("roster", &map, device)?,
        };
        if block.bytes().len() > limits::ROSTER_OP {
            let why = format!("{} bytes, {} are allowed", block.bytes().len(), limits::ROSTER_OP);
            return Err(Error::Structure { what: NAME, why });
        }
        Ok(block)
    }

    /// Decodes and verifies size, shape and the device's signature (seed signature: in the fold, where the invite is
    /// known). Limits of an act are the fold's business as well: an act beyond them is without effect, not refused.
    pub fn open(bytes: &[u8]) -> Result<(Block, Self), Error> {
        let (block, op) = structure::open::<Self>(NAME, bytes, limits::ROSTER_OP)?;
        op.check()?;
        signed::verify("roster", &block, &op.device)?;
        Ok((block, op))
    }

    /// From a block of our own store, whose signature was checked when it came in.
    pub fn view(block: &Block) -> Result<Self, Error> {
        structure::view(NAME, block)
    }

    /// Checks a join's `seed_sig` against the invite's key.
    pub fn verify_seed(block: &Block, key: &Did) -> Result<(), Error> {
        let mut map: Ipld = block.view()?;
        let sig = match join_of(&mut map).and_then(|join| join.get("seed_sig")) {
            Some(Ipld::Bytes(bytes)) => bytes.as_slice().try_into().map(Sig).map_err(|_| Error::Signature("join"))?,
            _ => return Err(Error::Signature("join")),
        };
        key.verify(JOIN_SEED, without_seed_sig(map)?.bytes(), &sig)
    }

    fn check(&self) -> Result<(), Error> {
        if self.deps.is_empty() || self.deps.len() > limits::ROSTER_DEPS {
            let why = format!("{} deps, 1 to {} are allowed", self.deps.len(), limits::ROSTER_DEPS);
            return Err(Error::Structure { what: NAME, why });
        }
        Ok(())
    }
}

/// How many times over somebody is followed who lost paper and devices.
const EARLIER: usize = 8;

const JOIN_SEED: &str = "join-seed";

/// The fields of `op.join` in an operation's map.
fn join_of(op: &mut Ipld) -> Option<&mut BTreeMap<String, Ipld>> {
    let Ipld::Map(map) = op else { return None };
    let Some(Ipld::Map(act)) = map.get_mut("op") else { return None };
    let Some(Ipld::Map(join)) = act.get_mut("join") else { return None };
    Some(join)
}

/// What the invite's seed signs: the operation without both signatures.
fn without_seed_sig(mut op: Ipld) -> Result<Block, Error> {
    if let Some(join) = join_of(&mut op) {
        join.remove("seed_sig");
    }
    if let Ipld::Map(map) = &mut op {
        map.remove("sig");
    }
    Block::encode(&op)
}

/// Result of the fold. Cheap to share behind an `Arc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub community: Cid,
    pub name: String,
    pub describe: Describe,
    pub members: BTreeMap<Did, Member>,
    /// Who was put out or left, and was not let in again.
    pub former: BTreeMap<Did, Former>,
    /// Whom an earlier did belongs to since: the `was` of adds that count.
    pub heirs: BTreeMap<Did, Did>,
    pub invites: BTreeMap<Cid, Invite>,
    /// Whose devices were retired, and which; of several retirements of one device the one by the newest document: it
    /// may have been let in again meanwhile.
    pub retired: BTreeMap<(Did, Did), Retired>,
    /// Heads over valid operations (the charter when there is none): the `deps` of the next operation.
    pub heads: BTreeSet<Cid>,
    /// Operations that count or are ancestors of ones that count: to be stored and forwarded.
    pub kept: BTreeSet<Cid>,
    /// Operations without effect and why, in words for `moot log` and for their authors.
    pub void: BTreeMap<Cid, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub role: Role,
    /// `rev` of [`Member::via`]; the charter's `created` for founders.
    pub since: Tid,
    /// Who let them in with this role: the inviter or adder; the member itself for founders.
    pub by: Did,
    /// The operation that gave them this role; the charter for founders.
    pub via: Cid,
    /// It let them in again: they had been put out, or had left.
    pub returned: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// `rev` of [`Former::via`].
    pub since: Tid,
    /// What they were when they went.
    pub role: Role,
    /// They left more than once, each time as if they had not: what such a person signs can be of any time, also of
    /// after they left, and has no weight beyond what it says of themselves.
    pub left_apart: bool,
    /// Who put them out; they themselves when they left.
    pub by: Did,
    /// The removal or leave; of several at once the last in the one order.
    pub via: Cid,
    pub reason: Option<String>,
    /// Where their repositories stand still. What is not named here keeps nothing.
    pub cut: Cut,
}

/// The document a retirement links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retired {
    /// What the device signed by documents below this one is void.
    pub seq: u64,
    pub identity: Cid,
}

/// What replicas keep of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// A member's: whatever is newest.
    All,
    /// Of somebody who is out: exactly this head, whatever came after it.
    Until(HeadRef),
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    pub by: Did,
    pub key: Did,
    pub role: Role,
    pub expires: Option<Tid>,
    pub uses: u32,
    /// Joins that count, in the order of their CIDs.
    pub joins: Vec<Cid>,
    pub closed: bool,
}

impl State {
    pub fn role(&self, did: &Did) -> Option<Role> {
        self.members.get(did).map(|m| m.role)
    }
    pub fn is_member(&self, did: &Did) -> bool {
        self.members.contains_key(did)
    }

    /// Was any device of theirs taken out? It may be let in again.
    pub fn has_retired(&self, did: &Did) -> bool {
        self.retired.keys().any(|(of, _)| of == did)
    }

    /// How much of a repository replicas keep.
    pub fn keeps(&self, repo: &RepoId) -> Keeps {
        match (self.is_member(&repo.did), self.former.get(&repo.did)) {
            (true, _) => Keeps::All,
            (false, former) => match former.and_then(|former| former.cut.get(repo)) {
                Some(head) => Keeps::Until(*head),
                None => Keeps::Nothing,
            },
        }
    }

    /// Whom `did` is today: whoever was added as the same person, a few times over; never past a member.
    pub fn today(&self, did: &Did) -> Did {
        let mut today = *did;
        for _ in 0..EARLIER {
            match self.heirs.get(&today) {
                Some(heir) if !self.is_member(&today) => today = *heir,
                _ => break,
            }
        }
        today
    }

    /// The earlier dids of a member, in the order of their text.
    pub fn formerly(&self, did: &Did) -> Vec<Did> {
        self.heirs.keys().filter(|was| *was != did && self.today(was) == *did).copied().collect()
    }

    /// The `deps` of the next operation by `author`: the heads. When there are more than fit, those the operation
    /// cannot do without (what admitted its author, and `needs`, e.g. the invite it closes) and as many heads as
    /// there is room for; the others stay heads for the operation after it.
    pub fn deps(&self, author: &Did, needs: &[Cid]) -> Vec<Cid> {
        if self.heads.len() <= limits::ROSTER_DEPS {
            return self.heads.iter().copied().collect();
        }
        let mut deps: BTreeSet<Cid> = needs.iter().copied().take(limits::ROSTER_DEPS).collect();
        deps.extend(self.members.get(author).map(|m| m.via).filter(|_| deps.len() < limits::ROSTER_DEPS));
        for head in &self.heads {
            if deps.len() == limits::ROSTER_DEPS {
                break;
            }
            deps.insert(*head);
        }
        deps.into_iter().collect()
    }
}
