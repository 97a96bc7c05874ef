//! Files made to cost more than they are.

use std::time::Instant;

use folkmoot_schemas::{
    Tid,
    commit::Commit,
    key::Secret,
    limits,
    mst::{self, Entries},
};

use super::*;

fn refused(bytes: &[u8]) -> String {
    match File::new(bytes).open() {
        Err(ArchiveError::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn varint(mut n: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

#[test]
fn what_is_no_archive_of_version_one_is_refused() {
    assert!(refused(&[&[0x0a, 0xa1, 0x67][..], b"version", &[0x02]].concat()).contains("version 2"));
    let zip = b"PK\x03\x04 a zip file of some length, which claims a header of eighty bytes, and has as many";
    let large = [varint(limits::CAR_HEADER as u64 + 1), vec![0xa0; 64]].concat();
    for bytes in [&b""[..], b"x", zip, &varint(u64::MAX), &large] {
        assert!(matches!(File::new(bytes).open(), Err(ArchiveError::Foreign)), "{bytes:?}");
    }
    assert!(Archive::open(&std::env::temp_dir(), &mut |_| ()).is_err(), "a folder");
}

#[test]
fn claims_larger_than_the_file_cost_nothing() {
    let header = car::to_vec(&[], &[]);
    for length in [2_000_000, 3_000_000, 1 << 40, u64::MAX] {
        let archive = File::new(&[header.clone(), varint(length), vec![7; 100]].concat()).open().unwrap();
        assert_eq!((archive.damaged.total, archive.blocks()), (1, 0));
    }
}

/// A file of 5 GiB that takes no room on the disk.
#[test]
fn an_archive_over_the_limit_is_refused_before_it_is_read() {
    let file = File::new(&car::to_vec(&[], &[]));
    fs::OpenOptions::new().write(true).open(file.path()).unwrap().set_len(5 << 30).unwrap();
    let start = Instant::now();
    assert!(matches!(file.open(), Err(ArchiveError::Refused(why)) if why.contains("MiB")));
    assert!(start.elapsed().as_secs() < 5);
}

/// Lists inside lists, one level more than anything of ours.
#[test]
fn a_block_nested_too_deep_is_damage_and_the_rest_is_read() {
    let deep = [vec![0x81; 1 << 20 >> 1], vec![0x80]].concat();
    let section = [cid_of(0x71, &deep).to_bytes(), deep].concat();
    let good = Block::encode(&["fine"]).unwrap();
    let rest = [good.cid().to_bytes(), good.bytes().to_vec()].concat();
    let bytes =
        [car::to_vec(&[], &[]), varint(section.len() as u64), section, varint(rest.len() as u64), rest].concat();
    let archive = File::new(&bytes).open().unwrap();
    assert_eq!((archive.damaged.total, archive.blocks()), (1, 1));
}

/// One tree, signed over and over for devices that are nobody's: every walk costs as much as the tree.
#[test]
fn a_tree_that_is_signed_a_thousand_times_is_not_walked_a_thousand_times() {
    let record =
        Block::encode(&ipld_core::ipld!({"$type": "org.folkmoot.post", "rev": "3k2aaaaaaaaaa", "text": "x"})).unwrap();
    let entries: Entries = (0..2_000).map(|n| (format!("org.folkmoot.post/{n:013}"), *record.cid())).collect();
    let tree = mst::build(&entries).unwrap();
    let mut blocks = tree.nodes;
    blocks.push(record);
    let community = Person::new(3).found("Nowhere", Visibility::Public);
    for n in 0..1_000_u32 {
        let mut seed = [1; 32];
        seed[..4].copy_from_slice(&n.to_le_bytes());
        let device = Secret::from_seed(seed);
        let commit = Commit {
            did: device.did(),
            device: device.did(),
            community,
            audience: Audience::Public,
            rev: Tid::new(LATER, 0),
            data: tree.root,
            identity: community,
            count: 2_000,
            prev: None,
            seen: Default::default(),
        };
        blocks.push(commit.seal(&device).unwrap());
    }
    match try_take(&Store::in_memory().unwrap(), &car::to_vec(&[], &blocks)) {
        Err(ImportError::Archive(ArchiveError::Refused(why))) => assert!(why.contains("too often"), "{why}"),
        other => panic!("{other:?}"),
    }
}

/// A commit that was made up wins nothing against one whose signature holds.
#[test]
fn a_forged_newer_commit_does_not_stand_in_for_the_true_one() {
    let village = Village::new(Visibility::Public);
    let (roots, mut blocks) = blocks_of(&village.whole(Scope::Members));
    let view = village.ada.store.view(Scope::Members).unwrap();
    for head in view.heads(&village.community).unwrap() {
        let (block, _) = view.head_commit(&village.community, &head.repo).unwrap().unwrap();
        let mut forged: std::collections::BTreeMap<String, ipld_core::ipld::Ipld> = block.view().unwrap();
        forged.insert("rev".into(), ipld_core::ipld::Ipld::String(Tid::new(LATER, 0).to_string()));
        blocks.push(Block::encode(&forged).unwrap());
    }
    let store = Store::in_memory().unwrap();
    let imported = take(&store, &car::to_vec(&roots, &blocks));
    assert_eq!(imported.communities[0].equal, Some(true));
    assert_eq!((imported.skipped.total, imported.strangers.total), (4, 4), "{imported:?}");
}
