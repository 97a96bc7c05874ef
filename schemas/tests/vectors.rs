//! Golden vectors: one of each structure and kind, as bytes that must never change. See `schemas/vectors/`.
//!
//! `MOOT_WRITE_VECTORS=1 cargo test -p folkmoot-schemas --test vectors` writes vectors that have no file yet. A file
//! that is there is never written again: bytes that went out are forever.

#![allow(clippy::unwrap_used, reason = "a vector that cannot be made is a failed test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use data_encoding::{BASE64_NOPAD, HEXLOWER};
use folkmoot_schemas::{
    Block, Error, Record, announce::Announce, charter::Charter, commit::Commit, identity::Identity, limits, record,
    roster::Op, snapshot::Snapshot, whereabouts::Whereabouts,
};
use ipld_core::ipld::Ipld;
use proptest::{prelude::*, sample::Index};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[path = "vectors/cast.rs"]
mod cast;
#[path = "vectors/records.rs"]
mod records;
#[path = "vectors/structures.rs"]
mod structures;

/// One file of `schemas/vectors/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Vector {
    /// `$type`, or the name of a structure without one.
    kind: String,
    /// What it is an example of.
    what: String,
    /// The value as DAG-JSON.
    value: Value,
    /// The block, in hexadecimal.
    bytes: String,
    cid: String,
    /// Who signed what: every signature covers `prefix`, a zero byte, and the value without the fields in `without`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    signatures: Vec<Signature>,
    /// What else follows from the bytes: derived ids, digests.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    derived: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Signature {
    /// The secret key's 32-byte seed, in hexadecimal.
    seed: String,
    signer: String,
    prefix: String,
    without: Vec<String>,
    signature: String,
}

impl Vector {
    fn new(what: &str, block: &Block) -> Self {
        let value: Ipld = block.view().unwrap();
        let kind = match &value {
            Ipld::Map(map) => match map.get("$type") {
                Some(Ipld::String(name)) => name.clone(),
                _ => "mst".into(),
            },
            _ => unreachable!("all our structures are maps"),
        };
        Self {
            kind,
            what: what.into(),
            value: dag_json(&value),
            bytes: HEXLOWER.encode(block.bytes()),
            cid: block.cid().to_string(),
            signatures: Vec::new(),
            derived: BTreeMap::new(),
        }
    }

    fn derived(mut self, name: &str, value: impl ToString) -> Self {
        self.derived.insert(name.into(), value.to_string());
        self
    }
}

fn dag_json(value: &Ipld) -> Value {
    match value {
        Ipld::Null => Value::Null,
        Ipld::Bool(yes) => json!(yes),
        Ipld::Integer(n) => json!(i64::try_from(*n).unwrap()),
        Ipld::Float(_) => unreachable!("there are no floats"),
        Ipld::String(text) => json!(text),
        Ipld::Bytes(bytes) => json!({ "/": { "bytes": BASE64_NOPAD.encode(bytes) } }),
        Ipld::List(items) => items.iter().map(dag_json).collect(),
        Ipld::Map(map) => map.iter().map(|(key, value)| (key.clone(), dag_json(value))).collect(),
        Ipld::Link(cid) => json!({ "/": cid.to_string() }),
    }
}

fn all() -> BTreeMap<String, Vector> {
    let vectors: Vec<(&str, Vector)> = structures::vectors().into_iter().chain(records::vectors()).collect();
    let count = vectors.len();
    let vectors: BTreeMap<String, Vector> = vectors.into_iter().map(|(name, v)| (format!("{name}.json"), v)).collect();
    assert_eq!(vectors.len(), count, "two vectors have one name");
    vectors
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn on_disk() -> BTreeMap<String, Vector> {
    let mut vectors = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        // What is at the edge has files of another form.
        if path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let vector = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        vectors.insert(name, vector);
    }
    vectors
}

#[test]
fn today_gives_the_bytes_of_the_day_each_vector_was_written() {
    let made = all();
    if std::env::var_os("MOOT_WRITE_VECTORS").is_some() {
        for (name, vector) in &made {
            let path = folder().join(name);
            if !path.exists() {
                fs::write(path, serde_json::to_string_pretty(vector).unwrap() + "\n").unwrap();
            }
        }
    }
    let kept = on_disk();
    for (name, vector) in &kept {
        assert_eq!(made.get(name), Some(vector), "{name} is no longer what it was");
    }
    let missing: Vec<&String> = made.keys().filter(|name| !kept.contains_key(*name)).collect();
    assert!(missing.is_empty(), "not written yet (MOOT_WRITE_VECTORS=1): {missing:?}");
}

#[test]
fn every_kind_and_structure_has_a_vector() {
    let kinds: BTreeSet<String> = on_disk().into_values().map(|vector| vector.kind).collect();
    let structures = ["identity", "commit", "charter", "roster", "snapshot", "announce", "whereabouts"];
    for kind in record::KINDS.iter().map(ToString::to_string).chain(structures.map(|s| format!("org.folkmoot.{s}"))) {
        assert!(kinds.contains(&kind), "no vector for {kind}: add one in tests/vectors/");
    }
}

/// Bytes of a kind through the door that is meant for them.
fn open(kind: &str, bytes: &[u8]) -> Result<Block, Error> {
    let generic = || Block::decode::<Ipld>(bytes.to_vec(), limits::SNAPSHOT).map(|(block, _)| block);
    match kind {
        "org.folkmoot.identity" => Identity::open(bytes).map(|(block, _)| block),
        "org.folkmoot.commit" => Commit::open(bytes).map(|(block, _)| block),
        "org.folkmoot.charter" => Charter::open(bytes).map(|(block, _)| block),
        "org.folkmoot.roster" => Op::open(bytes).map(|(block, _)| block),
        "org.folkmoot.snapshot" => Snapshot::open(bytes).map(|(block, _)| block),
        "org.folkmoot.whereabouts" => {
            Whereabouts::read(bytes).and_then(|(block, said)| said.verify(&block).map(|()| block))
        }
        "org.folkmoot.announce" => Announce::decode(bytes).and_then(|_| generic()),
        "mst" => generic(),
        _ => Record::open(bytes).map(|(block, ..)| block),
    }
}

#[test]
fn every_vector_is_accepted_from_its_bytes_alone() {
    for (name, vector) in on_disk() {
        let bytes = HEXLOWER.decode(vector.bytes.as_bytes()).unwrap();
        let block = open(&vector.kind, &bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(block.cid().to_string(), vector.cid, "{name}");
        if let Ok((_, _, record)) = Record::open(&bytes) {
            assert_eq!(record.check(), Ok(()), "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn a_damaged_vector_is_refused_or_reads_as_what_it_now_says(
        which in any::<Index>(), at in any::<Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let vectors = on_disk();
        let vector = which.get(&vectors.values().collect::<Vec<_>>()).to_owned();
        let bytes = HEXLOWER.decode(vector.bytes.as_bytes()).unwrap();
        let mut damaged = bytes.clone();
        let at = at.index(damaged.len());
        damaged[at] = byte;
        damaged.truncate(if cut { at } else { bytes.len() });
        // Whatever the door, nothing panics; through its own door, what is accepted encodes to the same bytes.
        for kind in vectors.values().map(|vector| &vector.kind).collect::<BTreeSet<_>>() {
            let Ok(block) = open(kind, &damaged) else { continue };
            let value: Ipld = block.view().unwrap();
            let again = Block::encode(&value).unwrap();
            prop_assert_eq!(again.bytes().as_ref(), damaged.as_slice());
        }
        let signed = !vector.signatures.is_empty();
        prop_assert!(!signed || damaged == bytes || open(&vector.kind, &damaged).is_err());
    }
}
