//! What is kept for a while beside the current records: older versions, and what a head lost.

use super::*;
use redb::ReadableTable;

use crate::store::{
    blocks::Blocks,
    lost::{LostPart, verify_lost},
    tables::Tables,
};

const DAY: u64 = 86_400 * SECOND;

fn old_texts(store: &Store, scope: Scope, uri: &Uri) -> Vec<String> {
    let text = |block: &Block| Record::view(block).unwrap().1.as_post().unwrap().text.clone();
    store.view(scope).unwrap().versions(uri).unwrap().iter().map(|old| text(&old.block)).collect()
}

#[test]
fn a_replaced_version_is_kept_with_its_proof_until_the_record_is_deleted() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    for n in 0..50 {
        ada.publish(&a, community, NOON - 60 * SECOND + n, post(&format!("around it {n}")));
    }
    let uri = ada.publish_for(&a, community, Audience::Members, NOON, post("first"));
    pull(&a, &b, community, Scope::Members, WHOLE);
    for (n, text) in ["second", "third"].into_iter().enumerate() {
        let now = NOON + (n as u64 + 1) * SECOND;
        ada.commit(&a, community, Audience::Members, now, vec![edit(&uri.path(), post(text))]);
        pull(&a, &b, community, Scope::Members, WHOLE);
    }
    for store in [&a, &b] {
        assert_eq!(old_texts(store, Scope::Members, &uri), ["second", "first"]);
        assert!(old_texts(store, Scope::Public, &uri).is_empty(), "they are of the members' audience");
        let old = store.view(Scope::Members).unwrap().versions(&uri).unwrap().remove(0);
        assert_eq!((old.device, old.audience), (ada.device.did(), Audience::Members));
        assert!(store.view(Scope::Members).unwrap().block(&community, &old.cid).unwrap().is_none(), "not served");
    }
    // A replica that did not see them replaced has none.
    let c = bo.store();
    pull(&a, &c, community, Scope::Members, WHOLE);
    assert!(old_texts(&c, Scope::Members, &uri).is_empty());

    ada.commit(&a, community, Audience::Members, NOON + 9 * SECOND, vec![Change::Remove { path: uri.path() }]);
    pull(&a, &b, community, Scope::Members, WHOLE);
    for store in [&a, &b] {
        assert!(old_texts(store, Scope::Members, &uri).is_empty());
    }
}

#[test]
fn of_one_record_the_newest_32_versions_are_kept_and_90_days_at_most() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let uri = ada.publish(&store, community, NOON, post("0"));
    for n in 1..=40 {
        let change = vec![edit(&uri.path(), post(&n.to_string()))];
        ada.commit(&store, community, Audience::Public, NOON + n * SECOND, change);
    }
    let kept = old_texts(&store, Scope::Public, &uri);
    assert_eq!((kept.len(), kept[0].as_str(), kept[31].as_str()), (32, "39", "8"));
    store.sweep(NOON + 20 * SECOND + 90 * DAY, &mut || ()).unwrap();
    let kept = old_texts(&store, Scope::Public, &uri);
    assert_eq!((kept.len(), kept.last().map(String::as_str)), (20, Some("20")));
    store.sweep(NOON + DAY + 90 * DAY, &mut || ()).unwrap();
    assert!(old_texts(&store, Scope::Public, &uri).is_empty());
}

/// Ada's device after a week, the same device set back to the state before and gone on from there, and Bo, who held the
/// one and then took the other.
struct SetBack {
    ada: Person,
    image: Store,
    bo: Store,
    community: Cid,
    week: HeadRef,
    old: Uri,
    picture: Block,
}

impl SetBack {
    fn new() -> Self {
        let (ada, bob) = (Person::new(1), Person::new(2));
        let (a, bo) = (ada.store(), bob.store());
        let community = found(&a, &ada, Visibility::Public, &[&bob]);
        let old = ada.publish(&a, community, NOON, post("old"));
        let image = ada.store();
        image.set_meta("device", Some(ada.device.did().to_string().as_bytes())).unwrap();
        pull(&a, &image, community, Scope::Members, WHOLE);

        let picture = Block::raw(vec![5; 2000]);
        a.put_blob(&picture, NOON).unwrap();
        ada.publish(&a, community, NOON + DAY, super::files::picture(&picture, "of the week"));
        ada.commit(&a, community, Audience::Public, NOON + 2 * DAY, vec![edit(&old.path(), post("changed"))]);
        pull(&a, &bo, community, Scope::Public, WHOLE);
        let mut batch = Batch::new(community, Audience::Public);
        batch.loose = vec![picture.clone()];
        bo.apply(batch, NOON + 2 * DAY).unwrap();
        let week = held(&bo, community)[0];

        for n in 0..3 {
            ada.publish(&image, community, NOON + 3 * DAY + n, post(&format!("after {n}")));
        }
        pull(&image, &bo, community, Scope::Public, WHOLE);
        assert_eq!(held(&bo, community), held(&image, community), "the greater rev is the head");
        Self { ada, image, bo, community, week, old, picture }
    }

    fn repo(&self) -> RepoId {
        RepoId { did: self.ada.did(), device: self.ada.device.did(), audience: Audience::Public }
    }

    fn parts(&self) -> Vec<LostPart> {
        self.bo.view(Scope::Members).unwrap().lost_parts(&self.community, &self.repo(), &self.week).unwrap()
    }
}

#[test]
fn what_a_head_lost_is_kept_proven_and_put_back_as_it_was_with_its_pictures() {
    let set = SetBack::new();
    let (repo, community) = (set.repo(), set.community);
    let view = set.bo.view(Scope::Members).unwrap();
    assert_eq!(view.lost_heads(&community, &repo).unwrap(), [set.week]);
    assert!(!set.image.view(Scope::Members).unwrap().knows_own(&community, &repo, &set.week).unwrap());
    assert!(view.block(&community, set.picture.cid()).unwrap().is_none(), "kept, and served to nobody");
    drop(view);

    let [part] = &set.parts()[..] else { panic!("one part") };
    let given = part.blocks.clone();
    let back = verify_lost(&community, &repo, part, |cid| given.iter().find(|b| b.cid() == cid).cloned()).unwrap();
    let plan = || OwnCommit {
        community,
        did: set.ada.did(),
        device: &set.ada.device,
        audience: Audience::Public,
        changes: vec![],
        now: NOON + 4 * DAY,
        random: 0,
    };
    assert!(set.image.put_back(plan(), &back, true).unwrap().is_some());
    assert!(set.image.put_back(plan(), &back, true).unwrap().is_none(), "not twice");
    assert!(set.image.view(Scope::Members).unwrap().knows_own(&community, &repo, &set.week).unwrap());
    pull(&set.image, &set.bo, community, Scope::Public, WHOLE);
    assert_eq!(found_entry(&set.bo, Scope::Public, &set.old).unwrap().record.as_post().unwrap().text, "changed");
    assert_eq!(texts(&set.bo, Scope::Public, community).len(), 5);
    let view = set.bo.view(Scope::Public).unwrap();
    assert!(view.missing_blobs(&community).unwrap().is_empty(), "its bytes never left");
    assert!(view.public_block(set.picture.cid()).unwrap().is_some());
    drop(view);

    set.bo.release_lost(&community, &repo, &set.week).unwrap();
    assert!(set.bo.view(Scope::Members).unwrap().lost_heads(&community, &repo).unwrap().is_empty());
    assert!(set.bo.view(Scope::Public).unwrap().public_block(set.picture.cid()).unwrap().is_some());
}

#[test]
fn what_nobody_takes_back_goes_after_30_days_with_its_pictures() {
    let set = SetBack::new();
    set.bo.sweep(ARRIVAL + 29 * DAY, &mut || ()).unwrap();
    assert_eq!(set.parts().len(), 1);
    let holds = |cid| set.bo.reading().unwrap().0.seq(cid).unwrap().is_some();
    assert!(holds(set.picture.cid()) && holds(&set.week.cid));
    let now = ARRIVAL + 31 * DAY;
    let foretold = set.bo.would_sweep(now, true).unwrap();
    let swept = set.bo.sweep(now, &mut || ()).unwrap();
    assert_eq!((&swept, swept.blocks > 3), (&foretold, true));
    assert!(set.parts().is_empty());
    assert!(!holds(set.picture.cid()) && !holds(&set.week.cid));
}

#[test]
fn what_is_said_to_be_lost_and_is_not_proven_is_not_put_back() {
    let set = SetBack::new();
    let part = set.parts().remove(0);
    let given = part.blocks.clone();
    let judge = |part: &LostPart, given: &[Block], repo: RepoId| {
        verify_lost(&set.community, &repo, part, |cid| given.iter().find(|b| b.cid() == cid).cloned()).map(|_| ())
    };
    assert_eq!(judge(&part, &given, set.repo()), Ok(()));

    let forged =
        Record::from(post("never written")).encode(part.put[0].0[17..].parse().unwrap_or(set.week.rev)).unwrap();
    let mut other = part.clone();
    other.put[0].1 = *forged.cid();
    assert!(
        judge(&other, &[&given[..], std::slice::from_ref(&forged)].concat(), set.repo()).is_err(),
        "another record"
    );
    let mut other = part.clone();
    other.put.push(("org.folkmoot.post/3mvzysmcoy2zz".into(), *forged.cid()));
    assert!(judge(&other, &[&given[..], &[forged]].concat(), set.repo()).is_err(), "a path that it lacks");
    let mut other = part.clone();
    other.gone.push(part.put[0].0.clone());
    assert!(judge(&other, &given, set.repo()).is_err(), "removed, and yet there");
    for lacking in 0..given.len() {
        let mut some = given.clone();
        some.remove(lacking);
        assert!(judge(&part, &some, set.repo()).is_err(), "without block {lacking}");
    }
    let stranger = Person::new(7);
    let of_another = RepoId { did: stranger.did(), device: stranger.device.did(), audience: Audience::Public };
    assert!(judge(&part, &given, of_another).is_err());
    let members = RepoId { audience: Audience::Members, ..set.repo() };
    assert!(judge(&part, &given, members).is_err());
}

fn spare(store: &Store) -> u64 {
    store.reading().unwrap().0.spare().get((0, 0)).unwrap().map_or(0, |bytes| bytes.value())
}

#[test]
fn what_one_commit_replaces_is_kept_once_and_goes_record_by_record_when_deleted() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let changes = (0..600).map(|n| put(post(&format!("{n}")))).collect();
    let puts = ada.commit(&a, community, Audience::Public, NOON, changes).puts;
    pull(&a, &b, community, Scope::Public, WHOLE);
    let (blocks, bytes) = (b.size().unwrap().1, b.view(Scope::Members).unwrap().block_bytes().unwrap());
    let edits = puts.iter().map(|put| edit(&put.path, post("edited"))).collect();
    ada.commit(&a, community, Audience::Public, NOON + SECOND, edits);
    pull(&a, &b, community, Scope::Public, WHOLE);
    for store in [&a, &b] {
        let view = store.view(Scope::Members).unwrap();
        assert!(spare(store) > 0 && view.block_bytes().unwrap() <= 2 * bytes + 10_000, "no block twice");
        assert_eq!(old_texts(store, Scope::Public, &ada.uri(community, &puts[7].path)), ["7"]);
        sound(store);
    }
    let first = puts[0].cid;
    let stored = |cid: &Cid| b.reading().unwrap().0.seq(cid).unwrap().is_some();
    assert!(stored(&first) && stored(&puts[1].cid));
    let gone = vec![Change::Remove { path: puts[0].path.clone() }];
    ada.commit(&a, community, Audience::Public, NOON + 2 * SECOND, gone);
    pull(&a, &b, community, Scope::Public, WHOLE);
    assert!(!stored(&first) && stored(&puts[1].cid), "what is deleted leaves the disk at once");
    sound(&b);
    let gone = puts[1..].iter().map(|put| Change::Remove { path: put.path.clone() }).collect();
    ada.commit(&a, community, Audience::Public, NOON + 3 * SECOND, gone);
    pull(&a, &b, community, Scope::Public, WHOLE);
    sound(&b);
    assert_eq!(spare(&b), 0);
    assert!(b.size().unwrap().1 < blocks - 600);
}

#[test]
fn older_versions_fill_what_a_quota_leaves_and_give_way_to_heads_the_oldest_first() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let long = |n: u64| post(&format!("{n} {}", "la ".repeat(1000)));
    let uri = ada.publish(&a, community, NOON, long(0));
    pull(&a, &b, community, Scope::Public, WHOLE);
    let narrow = |bytes: u64| {
        let all = b.view(Scope::Members).unwrap().block_bytes().unwrap();
        let quotas = crate::store::quota::Quotas::default();
        [
            crate::store::quota::Quotas { member: Some(bytes), ..quotas },
            crate::store::quota::Quotas { community: Some(bytes), ..quotas },
            crate::store::quota::Quotas { node: Some(all - spare(&b) + bytes), ..quotas },
        ]
    };
    let mut now = NOON;
    for quotas in narrow(12_000) {
        b.set_quotas(quotas);
        for n in 1..=8 {
            now += SECOND;
            ada.commit(&a, community, Audience::Public, now, vec![edit(&uri.path(), long(n))]);
            let applied = pull(&a, &b, community, Scope::Public, WHOLE);
            assert!(applied.deferred.is_empty(), "{quotas:?}: no head is put off for an older version");
            sound(&b);
        }
        let kept = old_texts(&b, Scope::Public, &uri);
        assert!((2..5).contains(&kept.len()) && kept[0].starts_with("7 "), "{quotas:?}: the newest {}", kept.len());
        if let Some(node) = quotas.node {
            assert!(b.view(Scope::Members).unwrap().block_bytes().unwrap() <= node);
        }
    }
    assert!(old_texts(&a, Scope::Public, &uri).len() > 20);
    // Heads take their room.
    b.set_quotas(crate::store::quota::Quotas { member: Some(12_000), ..Default::default() });
    ada.publish(&a, community, now + SECOND, long(100));
    ada.publish(&a, community, now + 2 * SECOND, long(101));
    assert!(pull(&a, &b, community, Scope::Public, WHOLE).deferred.is_empty());
    assert!(old_texts(&b, Scope::Public, &uri).len() < 2);
    equal(&a, &b, community, Scope::Public);
    sound(&b);
}

#[test]
fn of_lost_heads_only_a_few_are_kept_and_their_files_count() {
    let (ada, bo) = (Person::new(1), Person::new(2));
    let (a, b) = (ada.store(), bo.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    ada.publish(&a, community, NOON, post("from before"));
    let repo = RepoId { did: ada.did(), device: ada.device.did(), audience: Audience::Public };
    let mut heads = Vec::new();
    for n in 0..12 {
        let now = NOON + (n + 1) * DAY;
        let image = ada.store();
        pull(&a, &image, community, Scope::Members, WHOLE);
        let picture = Block::raw(vec![n as u8; 2 << 20]);
        a.put_blob(&picture, now).unwrap();
        ada.publish(&a, community, now, super::files::picture(&picture, "lost"));
        pull(&a, &b, community, Scope::Public, WHOLE);
        let mut batch = Batch::new(community, Audience::Public);
        batch.loose = vec![picture];
        b.apply(batch, now).unwrap();
        heads.push(held(&b, community)[0]);
        // Set back, and used.
        ada.publish(&image, community, now + SECOND, post("after"));
        pull(&image, &b, community, Scope::Public, WHOLE);
        pull(&image, &a, community, Scope::Public, WHOLE);
        sound(&b);
        let lost = b.view(Scope::Members).unwrap().lost_heads(&community, &repo).unwrap();
        assert_eq!(lost, heads[heads.len().saturating_sub(4)..], "the newest four");
        assert!(spare(&b) > lost.len() as u64 * (2 << 20) && spare(&b) < 10 << 20, "with their pictures");
    }
    b.set_quotas(crate::store::quota::Quotas { member: Some(5 << 20), ..Default::default() });
    ada.publish(&a, community, NOON + 20 * DAY, post("and on"));
    pull(&a, &b, community, Scope::Public, WHOLE);
    let lost = b.view(Scope::Members).unwrap().lost_heads(&community, &repo).unwrap();
    assert_eq!(lost, heads[heads.len() - 2..], "the oldest gave way");
    sound(&b);
}

#[test]
fn a_deletion_between_two_meetings_leaves_the_disk_unless_it_may_be_a_disk_set_back() {
    let (ada, bo, eve) = (Person::new(1), Person::new(2), Person::new(3));
    let (a, b, mirror) = (ada.store(), bo.store(), eve.store());
    let community = found(&a, &ada, Visibility::Public, &[&bo]);
    let doomed = ada.publish(&a, community, NOON, post("doomed"));
    ada.publish(&a, community, NOON + SECOND, post("stays"));
    let last = ada.publish(&a, community, NOON + 2 * SECOND, post("the last"));
    for store in [&b, &mirror] {
        pull(&a, store, community, Scope::Public, WHOLE);
    }
    let cids: Vec<Cid> = [&doomed, &last].map(|uri| found_entry(&a, Scope::Public, uri).unwrap().cid).into();
    let stored = |store: &Store| {
        let t = store.reading().unwrap().0;
        [0, 1].map(|n: usize| t.seq(&cids[n]).unwrap().is_some())
    };
    let remove = |uri: &Uri, now| {
        ada.commit(&a, community, Audience::Public, now, vec![Change::Remove { path: uri.path() }]);
    };
    // They miss a commit each time.
    ada.publish(&a, community, NOON + 3 * SECOND, post("meanwhile"));
    remove(&doomed, NOON + 4 * SECOND);
    for store in [&b, &mirror] {
        pull(&a, store, community, Scope::Public, WHOLE);
        assert_eq!(stored(store), [false, true], "an older record was left alone: no other state can have had it");
    }
    let repo = RepoId { did: ada.did(), device: ada.device.did(), audience: Audience::Public };
    assert!(b.view(Scope::Members).unwrap().lost_heads(&community, &repo).unwrap().is_empty());
    let meanwhile = ada.publish(&a, community, NOON + 5 * SECOND, post("and again"));
    for store in [&b, &mirror] {
        pull(&a, store, community, Scope::Public, WHOLE);
    }
    ada.publish(&a, community, NOON + 6 * SECOND, post("unseen"));
    remove(&meanwhile, NOON + 7 * SECOND);
    for store in [&b, &mirror] {
        pull(&a, store, community, Scope::Public, WHOLE);
    }
    let heads = |store: &Store| store.view(Scope::Members).unwrap().lost_heads(&community, &repo).unwrap().len();
    assert_eq!((heads(&b), heads(&mirror)), (1, 0), "a member asks the device; who is none never meets it");
    for store in [&b, &mirror] {
        sound(store);
    }
}

#[test]
fn what_was_put_away_under_a_clock_that_was_ahead_holds_up_nothing_else() {
    let ada = Person::new(1);
    let store = ada.store();
    let community = found(&store, &ada, Visibility::Public, &[]);
    let uri = ada.publish(&store, community, NOON, post("0"));
    let other = ada.publish(&store, community, NOON + 1, post("other"));
    let year = 365 * DAY;
    for (uri, now) in [(&uri, NOON + 50 * year), (&other, NOON + SECOND)] {
        ada.commit(&store, community, Audience::Public, now, vec![edit(&uri.path(), post("1"))]);
    }
    store.sweep(NOON + 100 * DAY, &mut || ()).unwrap();
    assert!(old_texts(&store, Scope::Public, &other).is_empty());
    assert_eq!(old_texts(&store, Scope::Public, &uri).len(), 1);
}
