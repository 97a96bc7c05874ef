//! The roster: a DAG of individually signed operations and the pure fold that says who may do what.
//! Same operations and identities, in any order of arrival: same state.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, Cid},
    charter::Charter,
    error::Error,
    identity::Identity,
    key::{Did, Secret, Sig},
    tid::Tid,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Guest,
    Member,
    Moderator,
    Steward,
}

/// What an operation does. In the block: a map with one key, the operation's name. A name we do not know decodes
/// as [`Act::Unknown`]: stored and forwarded, without effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Add {
        did: Did,
        role: Role,
        was: Option<Did>,
    },
    /// `key`: public half of the one-time seed in the link. `expires` advisory, compared with the join's rev.
    Invite {
        key: Did,
        role: Role,
        expires: Option<Tid>,
        uses: u32,
    },
    /// `seed_sig` by the invite's key, prefix `folkmoot/join-seed/1`, over the operation without both signatures.
    Join {
        invite: Cid,
        did: Did,
        seed_sig: Sig,
    },
    Close {
        invite: Cid,
        joins: Vec<Cid>,
    },
    Describe(Describe),
    Unknown(String),
}

/// What a community says of itself; an absent field leaves the earlier value as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Describe {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Markdown ≤ 2 000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// IANA zone new events take by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// BCP 47.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// `#rrggbb`: the accent colour of the pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<String>,
    /// Markdown ≤ 5 000: house rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<NamedLink>>,
    /// How the club is paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<Vec<NamedLink>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedLink {
    pub url: String,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    pub community: Cid,
    pub did: Did,
    pub device: Did,
    /// Link: identity document that certifies `device`.
    pub identity: Cid,
    pub rev: Tid,
    /// Links: the roster heads its author saw, ≤ 64; the charter's CID when there was no operation yet.
    pub deps: Vec<Cid>,
    pub act: Act,
}

impl Op {
    /// `$type` org.folkmoot.roster, signature kind `roster`, signed by the device. For a `Join`, `seed` signs first and fills `seed_sig`.
    pub fn seal(&self, _device: &Secret, _seed: Option<&Secret>) -> Result<Block, Error> {
        todo!()
    }
    /// Decodes and verifies size, shape and the device's signature (seed signature: in the fold, where the invite is known).
    pub fn open(_bytes: &[u8]) -> Result<(Block, Self), Error> {
        todo!()
    }
    pub fn view(_block: &Block) -> Result<Self, Error> {
        todo!()
    }
    /// Checks a join's `seed_sig` against the invite's key.
    pub fn verify_seed(_block: &Block, _key: &Did) -> Result<(), Error> {
        todo!()
    }
}

/// Result of the fold. Cheap to share behind an `Arc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub community: Cid,
    pub name: String,
    pub describe: Describe,
    pub members: BTreeMap<Did, Member>,
    pub invites: BTreeMap<Cid, Invite>,
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
    pub since: Tid,
    /// Who let them in: the inviter or adder; the member itself for founders.
    pub by: Did,
    /// The operation that admitted them; the charter for founders.
    pub via: Cid,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    pub by: Did,
    pub key: Did,
    pub role: Role,
    pub expires: Option<Tid>,
    pub uses: u32,
    /// Joins that count.
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
}

/// Folds operations (by CID, signatures already checked) into a state. `identity` returns the identity document a link
/// names, or None while it is missing (its operation then waits, as do those that depend on it).
/// Operations whose deps are missing wait too; `waiting` in the answer lists the CIDs that are lacking.
pub fn fold(
    _charter_cid: &Cid,
    _charter: &Charter,
    _ops: &BTreeMap<Cid, Op>,
    _blocks: impl Fn(&Cid) -> Option<Block>,
    _identity: impl Fn(&Cid) -> Option<Identity>,
) -> Folded {
    todo!()
}

#[derive(Debug, Clone)]
pub struct Folded {
    pub state: State,
    /// CIDs of operations or identities that are named but not here.
    pub missing: BTreeSet<Cid>,
}

/// The table role × operation: which acts a role may write. Printed in `docs/format.md`.
pub fn may(_role: Role, _act: &Act) -> bool {
    todo!()
}
