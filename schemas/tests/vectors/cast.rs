//! The people, keys and moments that appear in the vectors: all fixed.

use folkmoot_schemas::{
    Block, Cid, Did, Tid,
    block::{DAG_CBOR, RAW, cid_of},
    charter::{Charter, Founder, Visibility},
    identity::{Device, Identity},
    key::Secret,
};

/// Seeds are one byte, repeated.
pub(crate) const ALICE: u8 = 0x01;
pub(crate) const ALICE_LAPTOP: u8 = 0x02;
pub(crate) const ALICE_PHONE: u8 = 0x03;
pub(crate) const BOB: u8 = 0x04;
pub(crate) const BOB_LAPTOP: u8 = 0x05;
pub(crate) const INVITE: u8 = 0x06;

pub(crate) fn secret(seed: u8) -> Secret {
    Secret::from_seed([seed; 32])
}

pub(crate) fn did(seed: u8) -> Did {
    secret(seed).did()
}

/// So many seconds after the start of 2026 (UTC).
pub(crate) fn at(seconds: u64) -> Tid {
    Tid::new((1_767_225_600 + seconds) * 1_000_000, 0x155)
}

pub(crate) fn device(seed: u8, name: &str, added: Tid) -> Device {
    Device { key: did(seed), name: name.into(), added }
}

pub(crate) fn alice() -> (Identity, Block) {
    let devices = vec![device(ALICE_LAPTOP, "laptop", at(0))];
    let identity = Identity { did: did(ALICE), seq: 0, prev: None, devices };
    let block = identity.seal(&secret(ALICE)).unwrap();
    (identity, block)
}

pub(crate) fn bob() -> (Identity, Block) {
    let identity = Identity { did: did(BOB), seq: 0, prev: None, devices: vec![device(BOB_LAPTOP, "", at(60))] };
    let block = identity.seal(&secret(BOB)).unwrap();
    (identity, block)
}

pub(crate) fn charter() -> (Charter, Block) {
    let founder = Founder { did: did(ALICE), device: did(ALICE_LAPTOP), identity: *alice().1.cid() };
    let charter = Charter {
        name: "River Street".into(),
        nonce: *b"0123456789abcdef",
        visibility: Visibility::Public,
        created: at(10),
        founders: vec![founder],
    };
    let block = charter.seal(&[&secret(ALICE_LAPTOP)]).unwrap();
    (charter, block)
}

pub(crate) fn community() -> Cid {
    *charter().1.cid()
}

/// A picture that is somewhere else.
pub(crate) fn picture() -> Cid {
    cid_of(RAW, b"a picture")
}

/// A record that is somewhere else.
pub(crate) fn elsewhere(name: &str) -> Cid {
    cid_of(DAG_CBOR, name.as_bytes())
}
