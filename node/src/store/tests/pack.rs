//! Packing a file that is mostly empty, while it is read and written.

use std::{fs, os::unix::fs::MetadataExt};

use super::*;
use crate::store::StoreError;

const DAY: u64 = 86_400 * SECOND;

#[test]
fn a_file_that_is_mostly_empty_is_packed_while_it_is_read_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let store = Store::create(&path).unwrap();
    let ada = Person::new(1);
    let community = found(&store, &ada, Visibility::Public, &[]);
    let uri = ada.publish(&store, community, NOON, post("stays"));
    assert_eq!(store.pack(u64::MAX).unwrap(), 0, "not worth it");
    for n in 0..20 {
        store.put_blob(&Block::raw(vec![n; 1_000_000]), NOON).unwrap();
    }
    store.sweep(NOON + 2 * DAY, &mut || ()).unwrap();
    let dump = |store: &Store| store.reading().unwrap().0.dump().unwrap();
    let taken = || fs::metadata(&path).unwrap().blocks() * 512;
    let (before, length) = (dump(&store), taken());
    assert_eq!(store.pack(length - 1).unwrap(), 0, "too long to keep others waiting");

    let view = store.view(Scope::Members).unwrap();
    let won = store.pack(u64::MAX).unwrap();
    assert_eq!(won, length - taken());
    assert!(won > length / 2, "{won} of {length}");
    assert_eq!(dump(&store), before);
    assert!(matches!(view.get(&uri).unwrap(), Lookup::Found(_)), "the old picture is read to its end");
    assert!(matches!(Store::open(&path), Err(StoreError::Locked(_))));
    drop(view);

    let later = ada.publish(&store, community, NOON + SECOND, post("written to the packed file"));
    drop(store);
    let store = Store::open(&path).unwrap();
    for uri in [uri, later] {
        assert!(matches!(store.view(Scope::Members).unwrap().get(&uri).unwrap(), Lookup::Found(_)));
    }
    sound(&store);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn what_a_cut_left_beside_the_store_is_cleared_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    drop(Store::create(&path).unwrap());
    fs::write(dir.path().join("store.redb.packing"), b"half of it").unwrap();
    Store::open(&path).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
