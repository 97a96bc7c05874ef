//! Archives that time, disks and strangers have been at.

use proptest::prelude::*;

use super::*;

/// About 2 MB: records of all sizes and some files.
fn large() -> (Village, Vec<u8>) {
    let village = Village::new(Visibility::Public);
    let Village { ada, community, .. } = &village;
    for n in 0..28_u8 {
        let blob = Block::raw((0..60_000_u32).map(|at| (at as u8).wrapping_mul(2 * n + 1)).collect::<Vec<_>>());
        ada.store.put_blob(&blob, 0).unwrap();
        ada.publish(community, vec![draft(picture(&blob, &format!("picture {n}")))]).unwrap();
    }
    let posts = (0..120).map(|n| draft(post(&format!("{n} {}", "words ".repeat(n * 5))))).collect();
    ada.publish(community, posts).unwrap();
    ada.publish(community, (0..40).map(|n| for_members(post(&"x".repeat(n * 100 + 1)))).collect()).unwrap();
    let bytes = village.whole(Scope::Members);
    assert!((1_800_000..2_500_000).contains(&bytes.len()), "{} bytes", bytes.len());
    (village, bytes)
}

/// What a damaged archive may leave behind: some of the repositories, each as it was, and nothing else.
fn consistent(store: &Store, village: &Village, whole: &[u8]) {
    let view = store.view(Scope::Members).unwrap();
    let original = village.ada.store.view(Scope::Members).unwrap();
    let theirs = original.heads(&village.community).unwrap();
    for head in view.heads(&village.community).unwrap() {
        let of = theirs.iter().find(|other| other.repo == head.repo).unwrap();
        assert_eq!((head.held, head.known), (of.held, of.known));
        let public = view.heads(&village.community).unwrap().len();
        assert!(public <= theirs.len());
    }
    for entry in view.list(&village.community, "org.folkmoot.post", None, 2000).unwrap() {
        assert!(original.by_cid(&entry.cid).unwrap().is_some());
    }
    if view.community(&village.community).unwrap().is_some() {
        let mut out = Vec::new();
        export(store, &What::Community(village.community, Scope::Members), &mut out).unwrap();
        let (roots, _) = blocks_of(&out);
        let (ours, theirs) = (names(&out), names(whole));
        assert!(ours.iter().all(|cid| theirs.contains(cid) || roots.contains(cid)));
    }
}

/// One bit flipped somewhere in 2 MB: refused, or taken in part with the damage named. 1 000 places in the long run.
#[test]
fn one_changed_byte_is_named_and_what_is_taken_is_consistent() {
    let places = if std::env::var_os("MOOT_LONG").is_some() { 1_000 } else { 100 };
    let (village, bytes) = large();
    let (mut refused, mut partial) = (0, 0);
    // Numbers that repeat and look random (SplitMix64).
    let mut state = 7_u64;
    let mut random = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    for n in 0..places {
        // Some among the first bytes, where header, roster and commits are.
        let span = if n % 5 == 0 { 12_000 } else { bytes.len() as u64 };
        let at = (random() % span) as usize;
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (random() % 8);
        let store = Store::in_memory().unwrap();
        match try_take(&store, &changed) {
            Ok(imported) => {
                assert!(!imported.is_whole(), "byte {at} went unnoticed: {imported:?}");
                let named = imported.damaged.shown.iter().any(|damage| damage.offset <= at as u64);
                assert!(named || !imported.missing.is_empty(), "byte {at}: {imported:?}");
                partial += 1;
                consistent(&store, &village, &bytes);
            }
            Err(ImportError::Archive(ArchiveError::Refused(_) | ArchiveError::Foreign)) => refused += 1,
            Err(other) => panic!("byte {at}: {other:?}"),
        }
        if n % 20 == 0 {
            // The undamaged file mends it.
            assert_eq!(take(&store, &bytes).communities[0].equal, Some(true), "byte {at}");
        }
    }
    println!("took {places} changed bytes in {} bytes: {refused} refused, {partial} in part", bytes.len());
}

#[test]
fn an_archive_cut_anywhere_says_what_is_missing() {
    let village = Village::new(Visibility::Public);
    let bytes = village.whole(Scope::Members);
    for end in (0..bytes.len()).step_by(bytes.len() / 40) {
        let store = Store::in_memory().unwrap();
        match try_take(&store, &bytes[..end]) {
            Ok(imported) => assert!(!imported.missing.is_empty(), "cut at {end}: {imported:?}"),
            Err(ImportError::Archive(ArchiveError::Refused(_) | ArchiveError::Foreign)) => {}
            Err(other) => panic!("cut at {end}: {other:?}"),
        }
        consistent(&store, &village, &bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Order, copies and strangers' blocks change nothing about what is taken.
    #[test]
    fn blocks_in_any_order_with_copies_and_strangers_give_the_same(
        order in prop::collection::vec(any::<u32>(), 400),
        copies in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let village = Village::new(Visibility::Public);
        let (roots, mut blocks) = blocks_of(&village.whole(Scope::Members));
        let own = blocks.len();
        for copy in copies {
            blocks.push(copy.get(&blocks[..own]).clone());
        }
        // Another community entirely, a file nobody links, a value that is no structure, an older commit.
        let stranger = Person::new(9);
        let theirs = stranger.found("Elsewhere", Visibility::Public);
        stranger.post(&theirs, "not yours");
        let mut out = Vec::new();
        export(&stranger.store, &What::Community(theirs, Scope::Public), &mut out).unwrap();
        // Without its charter: with it, it would be one more community of this archive.
        let strangers = blocks_of(&out).1.into_iter().filter(|block| *block.cid() != theirs);
        blocks.extend(strangers);
        blocks.extend([Block::raw(vec![1, 2, 3]), Block::encode(&["nothing"]).unwrap()]);
        let mut order = order.into_iter().cycle();
        blocks.sort_by_cached_key(|_| order.next());
        let store = Store::in_memory().unwrap();
        let imported = take(&store, &car::to_vec(&roots, &blocks));
        prop_assert!(imported.damaged.is_empty());
        prop_assert!(imported.strangers.total >= 2);
        let ours = imported.communities.iter().find(|share| share.id == village.community).unwrap();
        prop_assert_eq!(ours.equal, Some(true));
        let view = store.view(Scope::Members).unwrap();
        prop_assert_eq!(view.communities().unwrap().len(), 1);
        let mut again = Vec::new();
        export(&store, &What::Community(village.community, Scope::Members), &mut again).unwrap();
        prop_assert!(again == village.whole(Scope::Members));
    }
}
