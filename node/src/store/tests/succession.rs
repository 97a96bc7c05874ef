//! Devices that are dropped, and the one that takes over what they wrote.

use super::{hostile::record, *};
use crate::store::succession::{Inherited, Succession};

/// A person with a laptop and a phone, a community on both, and a member elsewhere who holds everything.
struct Scene {
    laptop: Person,
    phone: Person,
    phones: Store,
    elsewhere: Store,
    community: Cid,
}

fn scene() -> Scene {
    let (mut laptop, bo) = (Person::new(1), Person::new(2));
    let phone = laptop.second_device(3);
    let (laptops, phones, elsewhere) = (laptop.store(), phone.store(), bo.store());
    let community = found(&laptops, &laptop, Visibility::Public, &[&bo]);
    laptop.publish(&laptops, community, NOON, post("from the laptop"));
    laptop.publish_for(&laptops, community, Audience::Members, NOON + SECOND, post("from the laptop, between us"));
    for store in [&phones, &elsewhere] {
        pull(&laptops, store, community, Scope::Members, WHOLE);
    }
    phone.publish(&phones, community, NOON + 2 * SECOND, post("from the phone"));
    pull(&phones, &elsewhere, community, Scope::Members, WHOLE);
    Scene { laptop, phone, phones, elsewhere, community }
}

impl Scene {
    /// The laptop is dropped, on the phone. How many records went over.
    fn drop_laptop(&self, until: Option<Tid>) -> u64 {
        self.drop_laptop_at(NOON + 3 * SECOND, until).records
    }

    fn drop_laptop_at(&self, now: u64, until: Option<Tid>) -> Inherited {
        let document = identity(&self.laptop.root, Some(&self.phone.identity), &[&self.phone.device]);
        let plan = Succession { identity: &document, device: &self.phone.device, until, now, random: 1 };
        self.phones.succeed(plan).unwrap()
    }
}

fn cids(store: &Store, community: Cid) -> Vec<Cid> {
    let entries = store.view(Scope::Members).unwrap().list(&community, "org.folkmoot.post", None, 100).unwrap();
    entries.iter().map(|entry| entry.cid).collect()
}

#[test]
fn what_a_dropped_device_wrote_goes_over_record_by_record_and_every_replica_ends_equal() {
    let scene = scene();
    let before = cids(&scene.elsewhere, scene.community);
    assert_eq!(before.len(), 3);
    assert_eq!(scene.drop_laptop(None), 2);
    assert_eq!(cids(&scene.phones, scene.community), before, "the same blocks");
    pull(&scene.phones, &scene.elsewhere, scene.community, Scope::Members, WHOLE);
    assert_eq!(cids(&scene.elsewhere, scene.community), before);
    equal(&scene.phones, &scene.elsewhere, scene.community, Scope::Members);
    let devices: Vec<Did> = held_devices(&scene.elsewhere, scene.community);
    assert!(devices.iter().all(|device| *device == scene.phone.device.did()), "{devices:?}");
}

fn held_devices(store: &Store, community: Cid) -> Vec<Did> {
    let heads = store.view(Scope::Members).unwrap().heads(&community).unwrap();
    heads.iter().map(|head| head.repo.device).collect()
}

#[test]
fn a_thiefs_copy_of_a_dropped_device_is_refused_everywhere() {
    let scene = scene();
    let stolen = scene.laptop.store();
    pull(&scene.elsewhere, &stolen, scene.community, Scope::Members, WHOLE);
    scene.laptop.publish(&stolen, scene.community, NOON + 10 * SECOND, post("by the thief"));
    scene.drop_laptop(None);
    pull(&scene.phones, &scene.elsewhere, scene.community, Scope::Members, WHOLE);
    for store in [&scene.phones, &scene.elsewhere] {
        let refused =
            apply(store, scene.community, Audience::Public, update(&stolen, scene.community, Audience::Public));
        assert!(refused.advanced.is_empty() && refused.refused.len() == 1, "{refused:?}");
        assert!(!texts(store, Scope::Members, scene.community).contains(&"by the thief".to_owned()));
    }
}

#[test]
fn nothing_newer_than_the_theft_is_taken_over() {
    let scene = scene();
    scene.drop_laptop(Some(Tid::new(NOON + SECOND / 2, 0)));
    assert_eq!(texts(&scene.phones, Scope::Members, scene.community), ["from the phone", "from the laptop"]);
}

#[test]
fn an_entry_that_another_device_overrules_is_not_taken_over() {
    let scene = scene();
    let entries = scene.phones.view(Scope::Members).unwrap();
    let first = entries.list(&scene.community, "org.folkmoot.post", None, 10).unwrap().pop().unwrap();
    let change = edit(&first.uri.path(), post("edited on the phone"));
    scene.phone.commit(&scene.phones, scene.community, Audience::Public, NOON + 2 * SECOND + 1, vec![change]);
    assert_eq!(scene.drop_laptop(None), 1, "the members' post alone goes over");
    let texts = texts(&scene.phones, Scope::Members, scene.community);
    assert!(texts.contains(&"edited on the phone".to_owned()) && texts.len() == 3, "{texts:?}");
}

#[test]
fn a_picture_of_a_dropped_device_stays_with_the_post_that_shows_it() {
    use folkmoot_schemas::records::event::Image;
    let scene = scene();
    let picture = Block::raw(vec![7; 3000]);
    let laptops = scene.laptop.store();
    pull(&scene.elsewhere, &laptops, scene.community, Scope::Members, WHOLE);
    laptops.put_blob(&picture, NOON).unwrap();
    let image = Image { blob: *picture.cid(), mime: "image/png".into(), width: 1, height: 1, alt: "a square".into() };
    let shown = Post { text: "look".into(), images: vec![image], ..Post::default() };
    scene.laptop.publish(&laptops, scene.community, NOON + 5 * SECOND, shown);
    pull(&laptops, &scene.phones, scene.community, Scope::Members, WHOLE);
    let mut batch = Batch::new(scene.community, Audience::Public);
    batch.loose.push(picture.clone());
    scene.phones.apply(batch, ARRIVAL).unwrap();
    assert_eq!(scene.drop_laptop(None), 3);
    let view = scene.phones.view(Scope::Public).unwrap();
    assert_eq!(view.block(&scene.community, picture.cid()).unwrap(), Some(picture));
    assert!(view.complete(&scene.community).unwrap());
}

/// The laptop in a thief's hands writes records of any date, and the phone hears of it.
fn by_thief(scene: &Scene, at: u64, records: &[(&str, Block)]) {
    let stolen = scene.laptop.store();
    pull(&scene.elsewhere, &stolen, scene.community, Scope::Members, WHOLE);
    let back = |(path, block): &(&str, Block)| Change::Back { path: (*path).to_owned(), block: block.clone() };
    scene.laptop.commit(&stolen, scene.community, Audience::Public, at, records.iter().map(back).collect());
    pull(&stolen, &scene.phones, scene.community, Scope::Members, WHOLE);
}

fn path_of(scene: &Scene, text: &str) -> String {
    let entries = scene.phones.view(Scope::Members).unwrap();
    let entries = entries.list(&scene.community, "org.folkmoot.post", None, 10).unwrap();
    entries.into_iter().find(|entry| entry.record.as_post().unwrap().text == text).unwrap().uri.path()
}

#[test]
fn what_a_thief_dates_back_is_left_and_what_it_overwrote_comes_back() {
    let scene = scene();
    let (path, early) = (path_of(&scene, "from the laptop"), format!("org.folkmoot.post/{}", Tid::new(NOON + 1, 0)));
    let records = [(&*path, record("never said", NOON - 1)), (&*early, record("nor this", NOON + 1))];
    by_thief(&scene, NOON + 10 * SECOND, &records);
    assert!(texts(&scene.phones, Scope::Members, scene.community).contains(&"never said".to_owned()));
    let inherited = scene.drop_laptop_at(NOON + 20 * SECOND, Some(Tid::new(NOON + 5 * SECOND, 0)));
    assert_eq!((inherited.records, inherited.left, inherited.unseen), (2, 2, false));
    let mut left = texts(&scene.phones, Scope::Members, scene.community);
    left.sort();
    assert_eq!(left, ["from the laptop", "from the laptop, between us", "from the phone"]);
    pull(&scene.phones, &scene.elsewhere, scene.community, Scope::Members, WHOLE);
    equal(&scene.phones, &scene.elsewhere, scene.community, Scope::Members);
}

#[test]
fn who_saw_nothing_before_the_theft_is_told_that_only_dates_could_be_judged() {
    let scene = scene();
    let inherited = scene.drop_laptop_at(NOON + 20 * SECOND, Some(Tid::new(NOON - SECOND, 0)));
    assert_eq!((inherited.records, inherited.left, inherited.unseen), (0, 2, true));
}

/// The last moment that a rev can name: nothing is newer.
fn end_of_time() -> Tid {
    Tid::from_u64((1 << 63) - 1).unwrap()
}

#[test]
fn a_record_from_the_end_of_time_silences_nobody() {
    let scene = scene();
    let end = Record::from(post("the last word")).encode(end_of_time()).unwrap();
    let (last, theirs) = (format!("org.folkmoot.post/{}", end_of_time()), path_of(&scene, "from the phone"));
    by_thief(&scene, NOON + 10 * SECOND, &[(&*last, end.clone()), (&*theirs, end)]);
    let write = |at: u64, audience, changes| {
        let Scene { phone, community, .. } = &scene;
        let (did, device) = (phone.did(), &phone.device);
        scene.phones.commit_own(OwnCommit { community: *community, did, device, audience, changes, now: at, random: 1 })
    };
    // What stands there cannot be overruled, and trying to would be the phone's last commit.
    for change in [edit(&theirs, post("mine")), Change::Remove { path: theirs.clone() }] {
        let refused = write(NOON + 11 * SECOND, Audience::Public, vec![change]).unwrap_err();
        assert!(refused.to_string().contains("moot device revoke"), "{refused}");
    }
    let plan = OwnCommit {
        community: scene.community,
        did: scene.phone.did(),
        device: &scene.phone.device,
        audience: Audience::Public,
        changes: vec![],
        now: NOON + 12 * SECOND,
        random: 1,
    };
    assert!(scene.phones.tidy_own(plan).unwrap().is_none(), "nor does the phone give way to it");

    let inherited = scene.drop_laptop_at(NOON + 20 * SECOND, None);
    assert_eq!((inherited.records, inherited.left), (2, 2));
    for (n, audience) in [Audience::Public, Audience::Members, Audience::Public].into_iter().enumerate() {
        write(NOON + (30 + n as u64) * SECOND, audience, vec![put(post(&format!("still here {n}")))]).unwrap();
    }
    pull(&scene.phones, &scene.elsewhere, scene.community, Scope::Members, WHOLE);
    equal(&scene.phones, &scene.elsewhere, scene.community, Scope::Members);
    let texts = texts(&scene.elsewhere, Scope::Members, scene.community);
    assert!(texts.contains(&"from the phone".to_owned()) && !texts.contains(&"the last word".to_owned()), "{texts:?}");
}

#[test]
fn of_equal_entries_every_node_shows_the_one_of_the_same_device() {
    let scene = scene();
    // Both devices hold the laptop's post, as after two of them took over the same record.
    let path = path_of(&scene, "from the laptop");
    let uri = scene.laptop.uri(scene.community, &path);
    let entry = found_entry(&scene.phones, Scope::Public, &uri).unwrap();
    let change = Change::Adopt { path, cid: entry.cid, rev: entry.rev };
    scene.phone.commit(&scene.phones, scene.community, Audience::Public, NOON + 3 * SECOND, vec![change]);
    let seen_by = |first: usize| {
        let store = Person::new(9).store();
        pull_roster(&scene.phones, &store, scene.community, Scope::Members);
        let mut heads = scene.phones.view(Scope::Members).unwrap().heads(&scene.community).unwrap();
        heads.rotate_left(first);
        for head in &heads {
            pull_repo(&scene.phones, &store, scene.community, Scope::Members, WHOLE, &head.repo);
        }
        found_entry(&store, Scope::Public, &uri).unwrap().device
    };
    let least = scene.laptop.device.did().min(scene.phone.device.did());
    for first in 0..3 {
        assert_eq!(seen_by(first), least);
    }
}
