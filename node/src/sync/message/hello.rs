//! Proving to a peer who we are in a community, without naming the community to one that does not know it.

use data_encoding::BASE32_NOPAD;
use folkmoot_schemas::{
    Cid, Did, Error,
    block::{self, Block},
    derive,
    key::{Secret, Sig},
};
use serde::{Deserialize, Serialize};

use crate::net::PeerId;

/// First frame each way on a session stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    #[serde(with = "serde_bytes")]
    pub nonce: [u8; 32],
    pub version: u64,
}

/// "I am this person's device in the community this tag stands for."
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub tag: String,
    pub did: Did,
    pub device: Did,
    /// Exact bytes of the identity document that certifies `device`. Empty when `device` is the root key, which needs no
    /// document: somebody who recovers an identity has none yet.
    #[serde(with = "serde_bytes")]
    pub identity: Vec<u8>,
    /// Exact bytes of a join that the other side may not have seen yet.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "serde_bytes")]
    pub join: Option<Vec<u8>>,
    pub sig: Sig,
}

/// Answer to a `hello`. A `later` may be followed by an `ok` once the missing roster is here; a `later` that nothing
/// asked for invites the other side to say its `hello` again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    pub tag: String,
    pub answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    Ok,
    /// Unknown community, wrong proof, no member: not told apart.
    Absent,
    /// The roster that could decide is not here yet.
    Later,
}

/// Beside an `absent`: the identity document of the hello was overtaken by one that does not list its device. Signed by
/// the same root key, so that nobody can put a device out by it who does not hold the twelve words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overtaken {
    pub tag: String,
    /// Exact bytes of that document.
    #[serde(with = "serde_bytes")]
    pub identity: Vec<u8>,
}

/// What ties a proof to one session: who speaks to whom, and what each threw in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    pub from: PeerId,
    pub to: PeerId,
    pub from_nonce: [u8; 32],
    pub to_nonce: [u8; 32],
}

/// What the device key signs. Names both ends in order, so that a proof cannot be handed back to its maker.
#[derive(Serialize)]
struct Statement<'a> {
    community: &'a Cid,
    did: &'a Did,
    device: &'a Did,
    identity: Cid,
    #[serde(skip_serializing_if = "Option::is_none")]
    join: Option<Cid>,
    #[serde(with = "serde_bytes")]
    from: &'a [u8],
    #[serde(with = "serde_bytes")]
    to: &'a [u8],
    #[serde(with = "serde_bytes")]
    from_nonce: &'a [u8],
    #[serde(with = "serde_bytes")]
    to_nonce: &'a [u8],
}

impl Hello {
    pub fn sign(
        tag: String,
        community: &Cid,
        did: Did,
        device: &Secret,
        identity: Option<&Block>,
        join: Option<&Block>,
        binding: &Binding,
    ) -> Result<Self, Error> {
        let mut hello = Self {
            tag,
            did,
            device: device.did(),
            identity: identity.map(|block| block.bytes().to_vec()).unwrap_or_default(),
            join: join.map(|block| block.bytes().to_vec()),
            sig: Sig([0; 64]),
        };
        hello.sig = device.sign("hello", &hello.statement(community, binding)?);
        Ok(hello)
    }

    /// Said by the root key itself.
    pub fn is_root(&self) -> bool {
        self.did == self.device && self.identity.is_empty()
    }

    /// Only that `device` said this on this session; whether it may is for the roster.
    pub fn verify(&self, community: &Cid, binding: &Binding) -> Result<(), Error> {
        self.device.verify("hello", &self.statement(community, binding)?, &self.sig)
    }

    fn statement(&self, community: &Cid, binding: &Binding) -> Result<bytes::Bytes, Error> {
        let statement = Statement {
            community,
            did: &self.did,
            device: &self.device,
            identity: block::cid_of(block::DAG_CBOR, &self.identity),
            join: self.join.as_ref().map(|bytes| block::cid_of(block::DAG_CBOR, bytes)),
            from: &binding.from.to_bytes(),
            to: &binding.to.to_bytes(),
            from_nonce: &binding.from_nonce,
            to_nonce: &binding.to_nonce,
        };
        Ok(Block::encode(&statement)?.bytes().clone())
    }
}

/// Stands for a community on one session: derived from its id and both nonces, the session opener's first. Who does
/// not know the community learns nothing from it.
pub fn tag(community: &Cid, opener: &[u8; 32], accepter: &[u8; 32]) -> String {
    let text = |nonce: &[u8; 32]| BASE32_NOPAD.encode(nonce).to_ascii_lowercase();
    derive::id(&[Some("folkmoot/tag/1"), Some(&community.to_string()), Some(&text(opener)), Some(&text(accepter))], 26)
}
