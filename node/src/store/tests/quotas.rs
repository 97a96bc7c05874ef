use folkmoot_schemas::records::event::Image;
use redb::ReadableTable;

use super::*;
use crate::store::{
    StoreError,
    pins::Target,
    quota::{Bound, Quotas},
};

const NO_BOUND: Quotas = Quotas { member: None, community: None, node: None, pin: None };

fn members_may_fill(bytes: u64) -> Quotas {
    Quotas { member: Some(bytes), ..NO_BOUND }
}

fn long(n: usize) -> Post {
    post(&format!("{n} {}", "la ".repeat(300)))
}

fn picture(blob: &Block) -> Post {
    let image = Image { blob: *blob.cid(), mime: "image/png".into(), width: 1, height: 1, alt: "a lantern".into() };
    Post { images: vec![image], ..post("look") }
}

fn used(store: &Store, did: Option<Did>) -> u64 {
    let usage = store.view(Scope::Members).unwrap().usage().unwrap();
    usage.into_iter().find(|usage| usage.did == did).map_or(0, |usage| usage.bytes)
}

#[test]
fn what_a_member_has_no_room_for_is_known_named_left_alone_and_taken_once_there_is_room() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    ada.publish(&a, community, NOON, post("short"));
    pull(&a, &b, community, Scope::Members, WHOLE);
    let before = held(&b, community);

    b.set_quotas(members_may_fill(4000));
    let many = (0..6).map(|n| put(long(n))).collect();
    ada.commit(&a, community, Audience::Public, NOON + SECOND, many);
    // In one answer, and in parts: both are put off, and nothing of them stays.
    for budget in [WHOLE, 0] {
        let blocks = b.size().unwrap().1;
        let applied = pull(&a, &b, community, Scope::Members, budget);
        assert!(applied.advanced.is_empty() && applied.mismatched.is_empty() && !applied.deferred.is_empty());
        assert_eq!((held(&b, community), b.size().unwrap().1), (before.clone(), blocks));
        sound(&b);
    }
    let view = b.view(Scope::Members).unwrap();
    let head = view.heads(&community).unwrap().remove(0);
    assert!(head.known.beats(&before[0]), "it is known");
    assert!(view.defers(&community, &head.repo, &head.known).unwrap());
    assert!(!view.defers(&community, &head.repo, &before[0]).unwrap(), "any other head is tried");
    assert_eq!(view.digest(&community).unwrap(), None);
    let deferred = view.deferred().unwrap().remove(0);
    let excess = deferred.excess.unwrap();
    assert_eq!((deferred.head, excess.bound, excess.quota), (head.known, Bound::Member, 4000));
    assert!(excess.needed > 4000 && used(&b, Some(ada.did())) <= 4000);

    // Others are not kept out, and ada herself not either once there is room.
    bo.publish(&b, community, NOON, post("and I"));
    b.set_quotas(members_may_fill(100_000));
    let view = b.view(Scope::Members).unwrap();
    assert!(!view.defers(&community, &head.repo, &head.known).unwrap());
    pull(&a, &b, community, Scope::Members, WHOLE);
    pull(&b, &a, community, Scope::Members, WHOLE);
    equal(&a, &b, community, Scope::Members);
    assert!(b.view(Scope::Members).unwrap().deferred().unwrap().is_empty());
    for store in [&a, &b] {
        sound(store);
    }
    assert_eq!(used(&a, Some(ada.did())), used(&b, Some(ada.did())));
    assert_eq!(used(&b, None), used(&b, Some(ada.did())) + used(&b, Some(bo.did())));
}

#[test]
fn deleting_is_heeded_however_little_room_there_is() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let uri = ada.publish(&a, community, NOON, long(1));
    ada.publish(&a, community, NOON + 1, long(2));
    pull(&a, &b, community, Scope::Members, WHOLE);
    for store in [&a, &b] {
        store.set_quotas(Quotas { member: Some(1), community: Some(1), node: Some(1), pin: Some(1) });
    }
    ada.commit(&a, community, Audience::Public, NOON + SECOND, vec![Change::Remove { path: uri.path() }]);
    assert_eq!(pull(&a, &b, community, Scope::Members, WHOLE).advanced.len(), 1);
    equal(&a, &b, community, Scope::Members);
    sound(&b);
}

#[test]
fn own_publishing_beyond_ones_quota_is_refused_in_a_sentence_and_writes_nothing() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    ada.publish(&store, community, NOON, long(1));
    store.set_quotas(members_may_fill(used(&store, Some(ada.did())) + 500));
    let before = (store.size().unwrap(), used(&store, None));
    let plan = |record: Post| OwnCommit {
        community,
        did: ada.did(),
        device: &ada.device,
        audience: Audience::Public,
        changes: vec![put(record)],
        now: NOON + SECOND,
        random: 7,
    };
    let refused = store.commit_own(plan(long(2))).unwrap_err();
    assert!(matches!(&refused, StoreError::OverQuota(excess) if excess.bound == Bound::Member), "{refused}");
    let said = refused.to_string();
    assert!(said.starts_with("it would make ") && said.contains(" for a member's records and files"), "{said}");
    assert_eq!((store.size().unwrap(), used(&store, None)), before);
    store.commit_own(plan(post("a word"))).unwrap();
    sound(&store);
}

#[test]
fn a_file_counts_for_each_who_links_it_and_stays_missing_without_room() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let blob = Block::raw(vec![5; 5000]);
    a.put_blob(&blob, NOON).unwrap();
    ada.publish(&a, community, NOON, picture(&blob));
    assert!(used(&a, Some(ada.did())) > 5000);
    b.set_quotas(members_may_fill(4000));
    let applied = pull(&a, &b, community, Scope::Public, WHOLE);
    assert_eq!((applied.advanced.len(), applied.blobs), (1, vec![*blob.cid()]), "the record itself has room");
    let bring = || {
        let mut batch = Batch::new(community, Audience::Public);
        batch.loose = vec![blob.clone()];
        b.apply(batch, NOON).unwrap()
    };
    assert_eq!(bring().refused.len(), 1);
    let view = b.view(Scope::Public).unwrap();
    assert_eq!(view.missing_blobs(&community).unwrap(), [*blob.cid()]);
    assert!(view.lacking_blobs(&community, 9).unwrap().is_empty(), "nobody is asked for it");
    assert_eq!(view.deferred_files().unwrap()[0].bytes, 5000);
    sound(&b);

    b.set_quotas(members_may_fill(6000));
    let view = b.view(Scope::Public).unwrap();
    assert_eq!(view.lacking_blobs(&community, 9).unwrap(), [*blob.cid()]);
    assert!(bring().refused.is_empty());
    // Linked by another member too, in both audiences: once for each person.
    let uri = bo.publish(&b, community, NOON, picture(&blob));
    bo.publish_for(&b, community, Audience::Members, NOON + 1, picture(&blob));
    sound(&b);
    assert!(used(&b, Some(bo.did())) > 5000 && used(&b, Some(bo.did())) < 10_000);
    bo.commit(&b, community, Audience::Public, NOON + SECOND, vec![Change::Remove { path: uri.path() }]);
    sound(&b);
    assert!(used(&b, Some(bo.did())) < 5000, "for members its bytes never came");
}

#[test]
fn a_full_community_or_node_takes_no_more_and_loses_nothing() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    pull(&a, &b, community, Scope::Members, WHOLE);
    bo.publish(&b, community, NOON, long(0));
    ada.publish(&a, community, NOON, long(1));
    let bytes = b.view(Scope::Members).unwrap().block_bytes().unwrap();
    let bounds = [
        (Quotas { community: Some(used(&b, None)), ..NO_BOUND }, Bound::Community),
        (Quotas { node: Some(bytes), ..NO_BOUND }, Bound::Node),
    ];
    for (quotas, bound) in bounds {
        b.set_quotas(quotas);
        pull(&a, &b, community, Scope::Members, WHOLE);
        let deferred = b.view(Scope::Members).unwrap().deferred().unwrap().remove(0);
        assert_eq!(deferred.excess.unwrap().bound, bound);
        assert_eq!(texts(&b, Scope::Public, community).len(), 1);
        assert!(b.view(Scope::Members).unwrap().block_bytes().unwrap() <= bytes);
        sound(&b);
    }
    assert!(matches!(b.put_blob(&Block::raw(vec![1; 100]), NOON), Err(StoreError::OverQuota(_))));
}

#[test]
fn what_a_pin_wants_has_to_find_room_and_what_it_holds_never_gives_way() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let uri = ada.publish(&a, community, NOON, long(1));
    let cid = found_entry(&a, Scope::Public, &uri).unwrap().cid;
    let block = a.view(Scope::Public).unwrap().block(&community, &cid).unwrap().unwrap();
    let mut roster = Batch::new(community, Audience::Public);
    let view = a.view(Scope::Members).unwrap();
    roster.charter = view.charter(&community).unwrap();
    (roster.ops, roster.identities) = view.roster(&community).unwrap();
    b.apply(roster, NOON).unwrap();
    assert!(b.pin(&Target::Fixed(cid), "the song", NOON).unwrap());
    let bring = || {
        let mut batch = Batch::new(community, Audience::Public);
        batch.loose = vec![block.clone()];
        b.apply(batch, NOON).unwrap().refused.len()
    };
    let full = b.view(Scope::Members).unwrap().block_bytes().unwrap();
    b.set_quotas(Quotas { node: Some(full + 10), ..NO_BOUND });
    assert_eq!(bring(), 1);
    let view = b.view(Scope::Members).unwrap();
    assert!(
        view.wanted_by_pins(&community, Audience::Public, 9).unwrap().is_empty()
            && view.deferred_files().unwrap()[0].community.is_none()
    );
    b.set_quotas(NO_BOUND);
    assert_eq!(b.view(Scope::Members).unwrap().wanted_by_pins(&community, Audience::Public, 9).unwrap(), [cid]);
    assert_eq!(bring(), 0);
    b.set_quotas(Quotas { node: Some(1), ..NO_BOUND });
    b.sweep(NOON + 1000 * 3600 * SECOND, &mut || ()).unwrap();
    let view = b.view(Scope::Members).unwrap();
    assert_eq!(view.pinned_block(&cid).unwrap(), Some(block));
    assert!(view.pins().unwrap()[0].is_complete() && view.deferred_files().unwrap().is_empty());
    sound(&b);
}

#[test]
fn a_pinned_file_that_links_ever_more_is_fetched_no_further_than_a_pin_may() {
    // Each links the next: dag-pb with one link and no data.
    let chain = |n: usize| {
        let mut blocks = vec![Block::raw(vec![9; 200_000])];
        for _ in 0..n {
            let cid = blocks[blocks.len() - 1].cid().to_bytes();
            let link = [&[0x0a, cid.len() as u8][..], &cid].concat();
            let node = [&[0x12, link.len() as u8][..], &link].concat();
            blocks.push(Block::trusted(folkmoot_schemas::block::cid_of(0x70, &node), node));
        }
        blocks
    };
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let blocks = chain(40);
    let root = *blocks[40].cid();
    let most = (2 << 20) + 300 * 20;
    store.set_quotas(Quotas { pin: Some(most), ..NO_BOUND });
    store.pin(&Target::Fixed(root), "", NOON).unwrap();
    let fetch = || {
        let wanted = store.view(Scope::Members).unwrap().wanted_by_pins(&community, Audience::Public, 9).unwrap();
        let mut batch = Batch::new(community, Audience::Public);
        batch.loose = blocks.iter().filter(|block| wanted.contains(block.cid())).cloned().collect();
        if !batch.loose.is_empty() {
            store.apply(batch, NOON).unwrap();
        }
        wanted.len()
    };
    while fetch() > 0 {}
    let pin = store.view(Scope::Members).unwrap().pins().unwrap().remove(0);
    assert!(pin.full && !pin.is_complete() && pin.blocks > 5 && pin.blocks < 30, "{pin:?}");
    sound(&store);
    // Given all the same, it is not taken.
    let mut batch = Batch::new(community, Audience::Public);
    batch.loose = blocks.clone();
    assert!(!store.apply(batch, NOON).unwrap().refused.is_empty());
    store.set_quotas(Quotas { pin: Some(2 * most), ..NO_BOUND });
    while fetch() > 0 {}
    let pin = store.view(Scope::Members).unwrap().pins().unwrap().remove(0);
    assert!(!pin.full && pin.is_complete(), "{pin:?}");
    sound(&store);
    store.unpin(&pin.target).unwrap();
    sound(&store);
}

#[test]
fn a_sweep_mends_counts_that_are_wrong_and_says_so() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let blob = Block::raw(vec![5; 500]);
    store.put_blob(&blob, NOON).unwrap();
    let uri = ada.publish(&store, community, NOON, picture(&blob));
    let good = |store: &Store| (store.size().unwrap(), used(store, Some(ada.did())));
    let before = good(&store);
    store
        .write(|w| {
            // A block nothing holds, a hold too many, a place forgotten, usage that was made up.
            w.put_block(&Block::raw(vec![1; 300]))?;
            let commit = w.t.repos.iter()?.next().unwrap()?.1.value().5;
            w.hold(commit, 77, crate::store::blocks::Why::Staged)?;
            w.t.places.retain(|_, ()| false)?;
            w.charge(3, 4, 1234);
            w.t.links.retain(|_, _| false)?;
            w.dirty = true;
            Ok(())
        })
        .unwrap();
    let said = store.mark(&mut || ()).unwrap();
    assert!(said.len() >= 5, "{said:#?}");
    assert_eq!(store.would_sweep(NOON, true).unwrap().mended, said);
    let swept = store.sweep(NOON, &mut || ()).unwrap();
    assert_eq!((swept.mended, swept.blocks, swept.bytes), (said, 1, 300));
    sound(&store);
    assert_eq!(good(&store), before);
    ada.commit(&store, community, Audience::Public, NOON + SECOND, vec![Change::Remove { path: uri.path() }]);
    sound(&store);
    assert_eq!(store.sweep(NOON, &mut || ()).unwrap(), Default::default());
}
