use folkmoot_schemas::records::event::Image;

use super::*;

pub(super) fn picture(blob: &Block, text: &str) -> Post {
    let image = Image { blob: *blob.cid(), mime: "image/png".into(), width: 1, height: 1, alt: "a lantern".into() };
    Post { images: vec![image], ..post(text) }
}

#[test]
fn a_linked_file_is_lacking_until_its_bytes_come_and_then_served_as_long_as_it_is_linked() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let blob = Block::raw(vec![5; 2000]);
    a.put_blob(&blob, NOON).unwrap();
    assert!(a.view(Scope::Public).unwrap().public_block(blob.cid()).unwrap().is_none(), "not linked yet");
    let uri = ada.publish(&a, community, NOON, picture(&blob, "look"));
    assert!(a.view(Scope::Public).unwrap().public_block(blob.cid()).unwrap().is_some());

    let applied = pull(&a, &b, community, Scope::Public, WHOLE);
    assert_eq!(applied.blobs, [*blob.cid()]);
    let view = b.view(Scope::Public).unwrap();
    assert_eq!(view.missing_blobs(&community).unwrap(), [*blob.cid()]);
    assert_eq!((view.digest(&community).unwrap(), view.complete(&community).unwrap()), (None, false));

    let mut batch = Batch::new(community, Audience::Public);
    batch.loose = vec![blob.clone(), Block::raw(vec![6; 2000])];
    let applied = b.apply(batch, NOON).unwrap();
    assert_eq!(applied.refused.len(), 1, "what nothing links is not stored");
    assert!(b.view(Scope::Public).unwrap().public_block(blob.cid()).unwrap().is_some());
    equal(&a, &b, community, Scope::Public);

    ada.commit(&a, community, Audience::Public, NOON + SECOND, vec![Change::Remove { path: uri.path() }]);
    pull(&a, &b, community, Scope::Public, WHOLE);
    for store in [&a, &b] {
        assert!(store.view(Scope::Members).unwrap().block(&community, blob.cid()).unwrap().is_none());
    }
}

#[test]
fn a_picture_moved_from_one_post_to_another_in_one_commit_keeps_its_bytes_everywhere() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let blob = Block::raw(vec![5; 2000]);
    a.put_blob(&blob, NOON).unwrap();
    let changes = vec![put(picture(&blob, "first")), put(post("second")), put(post("third"))];
    let puts = ada.commit(&a, community, Audience::Public, NOON, changes).puts;
    pull(&a, &b, community, Scope::Public, WHOLE);
    let mut batch = Batch::new(community, Audience::Public);
    batch.loose = vec![blob.clone()];
    b.apply(batch, NOON).unwrap();
    // Whichever of them comes first in the order of paths.
    for (from, to) in [(0, 1), (1, 0), (0, 2)] {
        let now = NOON + SECOND;
        let moved = vec![edit(&puts[from].path, post("bare")), edit(&puts[to].path, picture(&blob, "here now"))];
        ada.commit(&a, community, Audience::Public, now, moved);
        assert!(pull(&a, &b, community, Scope::Public, WHOLE).blobs.is_empty());
    }
    let changes = vec![Change::Remove { path: puts[2].path.clone() }, edit(&puts[0].path, picture(&blob, "back"))];
    ada.commit(&a, community, Audience::Public, NOON + SECOND, changes);
    assert!(pull(&a, &b, community, Scope::Public, WHOLE).blobs.is_empty());
    for store in [&a, &b] {
        assert!(store.view(Scope::Public).unwrap().public_block(blob.cid()).unwrap().is_some());
        sound(store);
    }
}

#[test]
fn linking_a_members_file_in_public_does_not_make_it_public() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let blob = Block::raw(vec![5; 2000]);
    a.put_blob(&blob, NOON).unwrap();
    ada.publish_for(&a, community, Audience::Members, NOON, picture(&blob, "for us"));
    pull(&a, &b, community, Scope::Members, WHOLE);
    bo.publish(&b, community, NOON, picture(&blob, "stolen"));
    pull(&b, &a, community, Scope::Members, WHOLE);
    let view = a.view(Scope::Public).unwrap();
    assert!(view.public_block(blob.cid()).unwrap().is_none());
    assert_eq!(view.missing_blobs(&community).unwrap(), [*blob.cid()]);
    // Bytes that come as members' do not count either.
    let mut batch = Batch::new(community, Audience::Members);
    batch.loose = vec![blob.clone()];
    a.apply(batch, NOON).unwrap();
    assert!(a.view(Scope::Public).unwrap().public_block(blob.cid()).unwrap().is_none());
    assert!(a.view(Scope::Members).unwrap().block(&community, blob.cid()).unwrap().is_some());
}

#[test]
fn an_own_picture_that_somebody_elses_record_made_missing_here_is_served_and_stays() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let flyer = Block::raw(vec![5; 2000]);
    a.put_blob(&flyer, NOON).unwrap();
    ada.publish(&a, community, NOON, picture(&flyer, "hers"));
    pull(&a, &b, community, Scope::Public, WHOLE);
    assert_eq!(b.view(Scope::Public).unwrap().missing_blobs(&community).unwrap(), [*flyer.cid()]);

    b.put_blob(&flyer, NOON).unwrap();
    bo.publish(&b, community, NOON + SECOND, picture(&flyer, "mine"));
    let day = 25 * 3600 * SECOND;
    for _ in 0..2 {
        let view = b.view(Scope::Public).unwrap();
        assert!(view.missing_blobs(&community).unwrap().is_empty());
        assert_eq!(view.public_block(flyer.cid()).unwrap(), Some(flyer.clone()));
        sound(&b);
        b.sweep(NOON + day, &mut || ()).unwrap();
    }
}
