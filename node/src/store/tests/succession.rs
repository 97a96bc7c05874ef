//! Devices that are dropped, and the one that takes over what they wrote.

use super::*;
use crate::store::succession::Succession;

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
        let document = identity(&self.laptop.root, Some(&self.phone.identity), &[&self.phone.device]);
        let plan =
            Succession { identity: &document, device: &self.phone.device, until, now: NOON + 3 * SECOND, random: 1 };
        self.phones.succeed(plan).unwrap().iter().map(|(.., commit)| commit.adopted).sum()
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
