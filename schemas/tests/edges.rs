//! Bytes, names, trees and signatures at the edge of what is accepted: `schemas/vectors/edges/*.json`, for other
//! implementations too. An entry without `refused` must be accepted.
//!
//! `MOOT_WRITE_VECTORS=1` writes `signatures.json` where it is absent; the other files were made without this program.

#![allow(clippy::unwrap_used, reason = "a vector that cannot be read is a failed test")]

#[path = "edges/signatures.rs"]
mod signatures;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::PathBuf,
};

use data_encoding::HEXLOWER;
use folkmoot_schemas::{
    Block, Error,
    block::{self, parse_cid},
    car,
    error::Refusal,
    limits, mst,
};
use ipld_core::ipld::Ipld;
use serde::{Deserialize, de::DeserializeOwned};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/edges").join(name)
}

fn file<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&fs::read(path(name)).unwrap()).unwrap_or_else(|why| panic!("{name}: {why}"))
}

#[derive(Deserialize)]
struct Bytes {
    what: String,
    bytes: String,
    /// The rule that is broken.
    refused: Option<String>,
}

/// The file's word for a refusal.
fn rule(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Size { .. } => "size",
        Refusal::Float => "float",
        Refusal::Integer => "integer",
        Refusal::Depth(_) => "depth",
        Refusal::Link => "link",
        Refusal::Truncated => "truncated",
        Refusal::Trailing => "trailing",
        Refusal::Shape(_) => "shape",
        Refusal::NotCanonical(why) => match *why {
            "an indefinite length" => "indefinite",
            "a map key twice" => "key twice",
            "map keys out of order" => "key order",
            "a map key that is not text" => "key type",
            "a tag other than 42" => "tag",
            "a number longer than needed" => "longer than needed",
            "a reserved head" => "reserved",
            "text that is not UTF-8" => "utf-8",
            "a simple value other than false, true and null" => "simple",
            other => panic!("no word for {other}"),
        },
    }
}

#[test]
fn each_bomb_is_refused_for_the_rule_it_breaks() {
    for case in file::<Vec<Bytes>>("blocks.json") {
        let bytes = HEXLOWER.decode(case.bytes.as_bytes()).unwrap();
        let decoded = Block::decode::<Ipld>(bytes.clone(), limits::RECORD);
        match (&case.refused, decoded) {
            (None, Ok((_, value))) => assert_eq!(*Block::encode(&value).unwrap().bytes(), bytes, "{}", case.what),
            (Some(refused), Err(Error::Decode(why))) => assert_eq!(rule(&why), refused, "{}", case.what),
            (expected, decoded) => panic!("{}: {expected:?} expected, {decoded:?}", case.what),
        }
        // A name does not help.
        if case.refused.is_some() {
            let cid = block::cid_of(block::DAG_CBOR, &bytes);
            assert!(matches!(Block::verify(&cid, bytes, limits::RECORD), Err(Error::Decode(_))), "{}", case.what);
        }
    }
}

#[derive(Deserialize)]
struct Text {
    what: String,
    text: String,
    #[serde(default)]
    refused: bool,
}

#[test]
fn a_cid_has_one_text_and_one_form() {
    for case in file::<Vec<Text>>("cids.json") {
        let parsed = parse_cid(&case.text);
        assert_eq!(parsed.is_err(), case.refused, "{}: {parsed:?}", case.what);
        if let Ok(cid) = parsed {
            assert_eq!(cid.to_string(), case.text);
        }
    }
}

/// An archive names its blocks in binary, where the library would read more forms than we take.
#[test]
fn a_block_of_an_archive_is_named_by_a_cid_of_ours() {
    let digest = block::cid_of(block::RAW, b"x").hash().digest().to_vec();
    let named = |cid: &[u8]| {
        let mut archive = car::to_vec(&[], &[]);
        archive.push(u8::try_from(cid.len() + 1).unwrap());
        archive.extend_from_slice(cid);
        archive.push(b'x');
        car::Reader::new(archive.as_slice()).unwrap().next_block()
    };
    let ours = [&[1, 0x55, 0x12, 32], &digest[..]].concat();
    assert_eq!(named(&ours).unwrap().unwrap().bytes().as_ref(), b"x");
    for (what, cid) in [
        ("CIDv0", [&[0x12, 32], &digest[..]].concat()),
        ("identity hash", vec![1, 0x55, 0, 1, b'x']),
        ("digest of 20 bytes", [&[1, 0x55, 0x12, 20], &digest[..20]].concat()),
        ("other codec", [&[1, 0x51, 0x12, 32], &digest[..]].concat()),
        ("sha2-512 by name", [&[1, 0x55, 0x13, 32], &digest[..]].concat()),
        ("longer varint", [&[0x81, 0, 0x55, 0x12, 32], &digest[..]].concat()),
        ("a digest that claims more than there is", [&[1, 0x55, 0x12, 64], &digest[..]].concat()),
    ] {
        assert!(named(&cid).is_err(), "{what}");
    }
}

#[derive(Deserialize)]
struct Trees {
    /// Keys mined for their level.
    heights: BTreeMap<String, u32>,
    trees: Vec<Tree>,
}

#[derive(Deserialize)]
struct Tree {
    what: String,
    keys: Vec<String>,
    /// The CID at every key.
    value: String,
    root: String,
    /// How many nodes differ from each other.
    nodes: usize,
}

#[test]
fn trees_of_mined_keys_have_the_roots_computed_elsewhere() {
    let Trees { heights, trees } = file("trees.json");
    assert!(heights.values().filter(|height| **height >= 6).count() >= 6);
    for (key, height) in &heights {
        assert_eq!(mst::height(key), *height, "{key}");
    }
    for case in trees {
        let value = parse_cid(&case.value).unwrap();
        let entries: mst::Entries = case.keys.iter().map(|key| (key.clone(), value)).collect();
        let tree = mst::build(&entries).unwrap();
        assert_eq!(tree.root.to_string(), case.root, "{}", case.what);
        let nodes: HashMap<_, _> = tree.nodes.iter().map(|node| (*node.cid(), node.clone())).collect();
        assert_eq!(nodes.len(), case.nodes, "{}", case.what);
        let get = |cid: &block::Cid| nodes.get(cid).cloned();
        assert_eq!(mst::read(&tree.root, get), Ok(entries.clone()), "{}", case.what);
        // Taking out any one key, however high it lives, and putting it back leaves the same tree.
        for key in &case.keys {
            let without: mst::Entries =
                entries.iter().filter(|(k, _)| *k != key).map(|(k, v)| (k.clone(), *v)).collect();
            let out = mst::edit(&tree.root, &mst::Changes::from([(key.clone(), None)]), get).unwrap();
            assert_eq!(out.root, mst::build(&without).unwrap().root, "{}: without {key}", case.what);
            let mut nodes = nodes.clone();
            nodes.extend(out.new.into_iter().map(|node| (*node.cid(), node)));
            let put = mst::Changes::from([(key.clone(), Some(value))]);
            let back = mst::edit(&out.root, &put, |cid| nodes.get(cid).cloned()).unwrap();
            assert_eq!(back.root, tree.root, "{}: {key} put back", case.what);
        }
    }
}
