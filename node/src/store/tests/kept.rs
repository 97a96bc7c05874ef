//! What is kept for a while beside the current records: older versions, and what a head lost.

use super::*;
use crate::store::lost::{LostPart, verify_lost};

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
    store.expire_kept(NOON + 20 * SECOND + 90 * DAY).unwrap();
    let kept = old_texts(&store, Scope::Public, &uri);
    assert_eq!((kept.len(), kept.last().map(String::as_str)), (20, Some("20")));
    store.expire_kept(NOON + DAY + 90 * DAY).unwrap();
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

fn blocks(part: &LostPart) -> Vec<Block> {
    let mut reader = folkmoot_schemas::car::Reader::new(part.car.as_slice()).unwrap();
    std::iter::from_fn(|| reader.next_block().unwrap()).collect()
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
    let given = blocks(part);
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
    set.bo.expire_kept(ARRIVAL + 29 * DAY).unwrap();
    assert_eq!(set.parts().len(), 1);
    let blocks = set.bo.size().unwrap().1;
    set.bo.expire_kept(ARRIVAL + 31 * DAY).unwrap();
    assert!(set.parts().is_empty());
    assert_eq!(set.bo.size().unwrap().1, blocks - 1, "the picture");
}

#[test]
fn what_is_said_to_be_lost_and_is_not_proven_is_not_put_back() {
    let set = SetBack::new();
    let part = set.parts().remove(0);
    let given = blocks(&part);
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
