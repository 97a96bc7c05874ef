use std::collections::{BTreeSet, HashMap};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    block::{DAG_CBOR, RAW, cid_of, parse_cid},
    fixtures,
};

fn entries(keys: impl IntoIterator<Item = impl Into<String>>) -> Entries {
    keys.into_iter().map(Into::into).map(|key| (key.clone(), cid_of(DAG_CBOR, key.as_bytes()))).collect()
}

fn paths(count: u64) -> Vec<String> {
    (0..count).map(|at| format!("org.folkmoot.post/{}", crate::Tid::new(at * 1_000_003, 0))).collect()
}

fn stored(tree: &Tree) -> HashMap<Cid, Block> {
    tree.nodes.iter().map(|node| (*node.cid(), node.clone())).collect()
}

/// Stores a node made by hand and returns its name.
fn put(nodes: &mut HashMap<Cid, Block>, node: &Node) -> Cid {
    let block = Block::encode(node).unwrap();
    nodes.insert(*block.cid(), block.clone());
    *block.cid()
}

fn entry(key: &str) -> Entry {
    Entry { p: 0, k: key.into(), v: cid_of(RAW, b"v"), t: None }
}

fn refusal(nodes: &HashMap<Cid, Block>, root: &Cid) -> String {
    read(root, |cid| nodes.get(cid).cloned()).unwrap_err().to_string()
}

/// `key` as it is written after `last`.
fn after(last: &str, key: &str) -> Entry {
    let p = common_prefix(last, key);
    Entry { p: u16::try_from(p).unwrap(), k: key.as_bytes()[p..].to_vec(), ..entry("") }
}

/// Keys of a stated height, in order.
fn keys_of_height(wanted: u32, count: usize) -> Vec<String> {
    (0..).map(|at| format!("k/{at:08}")).filter(|key| height(key) == wanted).take(count).collect()
}

#[test]
fn heights_are_those_of_the_fixture() {
    let Some(Value::Array(cases)) = fixtures::json("mst/key_heights.json") else { return };
    for case in cases {
        assert_eq!(u64::from(height(case["key"].as_str().unwrap())), case["height"].as_u64().unwrap(), "{case}");
    }
}

#[test]
fn common_prefixes_are_those_of_the_fixture() {
    let Some(Value::Array(cases)) = fixtures::json("mst/common_prefix.json") else { return };
    for case in cases {
        let text = |name: &str| case[name].as_str().unwrap().to_owned();
        assert_eq!(common_prefix(&text("left"), &text("right")) as u64, case["len"].as_u64().unwrap(), "{case}");
    }
}

#[test]
fn roots_before_and_after_and_the_proofs_are_those_of_the_fixture() {
    let Some(Value::Array(cases)) = fixtures::json("mst/commit-proof-fixtures.json") else { return };
    for case in cases {
        let list = |name: &str| -> Vec<String> {
            case[name].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect()
        };
        let leaf = parse_cid(case["leafValue"].as_str().unwrap()).unwrap();
        let mut entries: Entries = list("keys").into_iter().map(|key| (key, leaf)).collect();
        let before = build(&entries).unwrap();
        assert_eq!(before.root.to_string(), case["rootBeforeCommit"], "{}", case["comment"]);
        entries.extend(list("adds").into_iter().map(|key| (key, leaf)));
        for key in list("dels") {
            entries.remove(&key);
        }
        let after = build(&entries).unwrap();
        assert_eq!(after.root.to_string(), case["rootAfterCommit"], "{}", case["comment"]);

        // The proof of a change covers the changed path and its neighbours, so that the change can be undone.
        let mut proven = BTreeSet::new();
        for key in [list("adds"), list("dels")].concat() {
            let left = entries.range(..key.clone()).next_back();
            let right = entries.range(key.clone()..).find(|(path, _)| **path != key);
            for path in [Some(&key), left.map(|(path, _)| path), right.map(|(path, _)| path)].into_iter().flatten() {
                proven.extend(proof(&after, path).iter().map(Cid::to_string));
            }
        }
        assert_eq!(proven, list("blocksInProof").into_iter().collect(), "{}", case["comment"]);
        for tree in [&before, &after] {
            let nodes = stored(tree);
            assert_eq!(build(&read(&tree.root, |cid| nodes.get(cid).cloned()).unwrap()).unwrap().root, tree.root);
        }
    }
}

/// The root of the empty tree as the atproto implementations know it.
#[test]
fn the_empty_tree_is_one_empty_node() {
    let tree = build(&Entries::new()).unwrap();
    assert_eq!(tree.root.to_string(), "bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm");
    assert_eq!(tree.nodes.len(), 1);
    let nodes = stored(&tree);
    assert_eq!(read(&tree.root, |cid| nodes.get(cid).cloned()), Ok(Entries::new()));
    assert_eq!(proof(&tree, "a/b"), [tree.root]);
}

/// Roots published with the atproto interoperability tests.
#[test]
fn small_trees_have_their_published_roots() {
    let leaf = parse_cid("bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454").unwrap();
    let root =
        |keys: &[&str]| build(&keys.iter().map(|key| ((*key).to_owned(), leaf)).collect()).unwrap().root.to_string();
    assert_eq!(
        root(&["com.example.record/3jqfcqzm3fo2j"]),
        "bafyreibj4lsc3aqnrvphp5xmrnfoorvru4wynt6lwidqbm2623a6tatzdu"
    );
    assert_eq!(
        root(&["com.example.record/3jqfcqzm3fx2j"]),
        "bafyreih7wfei65pxzhauoibu3ls7jgmkju4bspy4t2ha2qdjnzqvoy33ai"
    );
}

#[test]
fn a_key_with_its_proof_is_found_and_a_missing_one_is_proven_missing() {
    let tree = build(&entries(paths(500))).unwrap();
    let nodes = stored(&tree);
    for path in [&paths(500)[250], "org.folkmoot.post/3", "zz/zz", "a/a"] {
        let proof = proof(&tree, path);
        assert_eq!(proof[0], tree.root);
        let held: HashMap<_, _> = proof.iter().map(|cid| (*cid, nodes[cid].clone())).collect();
        let again = proof_with(&tree.root, path, |cid| held.get(cid).cloned());
        assert_eq!(again, Ok(proof));
        let found = find(&tree.root, path, |cid| held.get(cid).cloned());
        assert_eq!(found, Ok(entries(paths(500)).get(path).copied()));
    }
}

#[test]
fn a_missing_node_is_named() {
    let tree = build(&entries(paths(50))).unwrap();
    let mut nodes = stored(&tree);
    let lost = *tree.nodes[0].cid();
    nodes.remove(&lost);
    assert!(refusal(&nodes, &tree.root).contains(&lost.to_string()));
}

#[test]
fn every_departure_from_the_canonical_shape_is_refused() {
    let mut nodes = HashMap::new();
    let low = keys_of_height(0, 3);
    let high = keys_of_height(1, 2);
    let node = |l, e| Node { l, e };
    let leaf = put(&mut nodes, &node(None, vec![entry(&low[0])]));
    let empty = put(&mut nodes, &Node::default());
    let below = put(&mut nodes, &node(None, vec![Entry { t: Some(leaf), ..entry(&low[2]) }]));
    let shared = Entry { p: 0, k: low[1].clone().into(), v: cid_of(RAW, b"v"), t: None };
    let twice = Entry { t: Some(leaf), ..entry(&high[0]) };
    let cases = [
        ("holds no key", node(Some(leaf), vec![])),
        ("empty subtree", node(Some(empty), vec![entry(&high[0])])),
        ("not on its level", node(None, vec![entry(&low[0]), after(&low[0], &high[0])])),
        ("below the lowest", node(Some(below), vec![entry(&low[0])])),
        ("not in order", node(None, vec![entry(&high[1]), after(&high[1], &high[0])])),
        ("not the longest", node(None, vec![entry(&low[0]), shared])),
        ("longer than the key", node(None, vec![Entry { p: 1, ..entry(&low[0]) }])),
        ("not in order", node(Some(leaf), vec![twice])),
        ("not UTF-8", node(None, vec![Entry { p: 0, k: vec![0xff], ..entry("") }])),
    ];
    for (why, case) in cases {
        let root = put(&mut nodes, &case);
        assert!(refusal(&nodes, &root).contains(why), "{why}: {}", refusal(&nodes, &root));
    }
}

#[test]
fn a_node_with_a_field_of_its_own_is_refused() {
    let mut map: BTreeMap<&str, Option<Vec<u8>>> = BTreeMap::from([("l", None), ("x", None)]);
    let block = Block::encode(&map).unwrap();
    assert!(read(block.cid(), |_| Some(block.clone())).is_err());
    map.remove("x");
    let block = Block::encode(&map).unwrap();
    assert!(read(block.cid(), |_| Some(block.clone())).is_err(), "a list of entries is never absent");
}

#[test]
fn keys_mined_for_one_level_meet_the_limit_of_a_node() {
    let keys = keys_of_height(0, limits::MST_ENTRIES + 1);
    assert!(build(&entries(keys.clone())).unwrap_err().to_string().contains("entries"));
    assert!(build(&entries(keys[1..].to_vec())).is_ok());
    let long = (0..).map(|at| format!("{at:04}{}", "x".repeat(400))).filter(|key| height(key) == 0);
    assert!(build(&entries(long.take(200))).unwrap_err().to_string().contains("bytes"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_tree_reads_back_as_what_it_was_built_from(keys in prop::collection::btree_set("[a-c]/[a-z0-9é]{1,6}", 0..200)) {
        let entries = entries(keys);
        let tree = build(&entries).unwrap();
        let nodes = stored(&tree);
        prop_assert_eq!(nodes.len(), tree.nodes.len());
        prop_assert_eq!(tree.nodes.last().map(Block::cid), Some(&tree.root));
        prop_assert_eq!(read(&tree.root, |cid| nodes.get(cid).cloned()), Ok(entries));
    }

    /// Whatever `read` accepts is canonical: nodes drawn at random from small pieces, and rebuilt when accepted.
    #[test]
    fn an_accepted_tree_is_the_canonical_one(
        shape in prop::collection::vec((any::<bool>(), prop::collection::vec((0u8..6, 0u16..4, any::<bool>()), 0..3)), 1..6)
    ) {
        let keys = [keys_of_height(0, 4), keys_of_height(1, 2)].concat();
        let mut nodes = HashMap::new();
        let mut last = None;
        for (left, pieces) in shape {
            let e = pieces
                .into_iter()
                .map(|(key, p, t)| {
                    let key = &keys[usize::from(key)];
                    Entry { p, k: key[usize::from(p)..].into(), v: cid_of(RAW, b"v"), t: last.filter(|_| t) }
                })
                .collect();
            last = Some(put(&mut nodes, &Node { l: last.filter(|_| left), e }));
        }
        let root = last.unwrap();
        if let Ok(entries) = read(&root, |cid| nodes.get(cid).cloned()) {
            prop_assert_eq!(build(&entries).unwrap().root, root);
        }
    }
}
