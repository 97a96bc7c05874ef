//! One person, several devices.

use proptest::prelude::*;

use super::*;
use crate::store::{
    RepoUpdate,
    notices::What,
    tests::{WHOLE, pull},
};

/// Shared time, and how far this device's clock is off, in microseconds.
struct Skewed {
    now: Arc<AtomicU64>,
    off: i64,
    bytes: AtomicU64,
}

impl Source for Skewed {
    fn micros(&self) -> u64 {
        self.now.load(Ordering::Relaxed).saturating_add_signed(self.off)
    }
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.bytes.fetch_add(7, Ordering::Relaxed) as u8;
        }
    }
}

const SECOND: u64 = 1_000_000;
const NOON: u64 = 1_790_000_000 * SECOND;

/// The devices of one person in one public community, each with a store of its own; and somebody else's store.
struct Devices {
    now: Arc<AtomicU64>,
    all: Vec<Person>,
    reader: Store,
    community: Cid,
}

impl Devices {
    /// `off`: by how many seconds each clock is off.
    fn new(off: &[i64]) -> Self {
        let now = Arc::new(AtomicU64::new(NOON));
        let root = Secret::from_seed([1; 32]);
        let keys: Vec<Secret> = (0..off.len()).map(|n| Secret::from_seed([n as u8 + 50; 32])).collect();
        let device = |(n, key): (usize, &Secret)| Device {
            key: key.did(),
            name: format!("device {n}"),
            added: Tid::new(NOON, n as u16),
        };
        let devices = keys.iter().enumerate().map(device).collect();
        let identity = Identity { did: root.did(), seq: 0, prev: None, devices }.seal(&root).unwrap();
        let person = |(n, key): (usize, Secret)| {
            let store = Store::in_memory().unwrap();
            store.set_meta(meta::ME, Some(root.did().to_string().as_bytes())).unwrap();
            store.set_meta(meta::IDENTITY, Some(identity.bytes())).unwrap();
            let me = Me::load(&store, key).unwrap();
            let source = Skewed { now: now.clone(), off: off[n] * SECOND as i64, bytes: AtomicU64::new(n as u64) };
            Person { store, me, clock: Clock::new(Arc::new(source)) }
        };
        let all: Vec<Person> = keys.into_iter().enumerate().map(person).collect();
        let community = all[0].found("River Street", Visibility::Public);
        now.fetch_add(SECOND, Ordering::Relaxed);
        let reader = Store::in_memory().unwrap();
        let devices = Self { now, all, reader, community };
        devices.meet();
        devices
    }

    fn tick(&self) {
        self.now.fetch_add(SECOND, Ordering::Relaxed);
    }

    fn exchange(&self, a: usize, b: usize) {
        pull(&self.all[a].store, &self.all[b].store, self.community, Scope::Members, WHOLE);
        pull(&self.all[b].store, &self.all[a].store, self.community, Scope::Members, WHOLE);
    }

    fn tidy(&self, at: usize) -> bool {
        self.tick();
        let Person { store, me, clock } = &self.all[at];
        !tidy(store, me, clock).unwrap().is_empty()
    }

    /// Everybody exchanges with everybody and tidies, until nothing is left to do.
    fn meet(&self) {
        for _ in 0..12 {
            for b in 1..self.all.len() {
                (0..b).for_each(|a| self.exchange(a, b));
            }
            for b in (1..self.all.len()).rev() {
                (0..b).for_each(|a| self.exchange(a, b));
            }
            let tidied = (0..self.all.len()).filter(|at| self.tidy(*at)).count();
            if tidied == 0 {
                pull(&self.all[0].store, &self.reader, self.community, Scope::Members, WHOLE);
                return;
            }
        }
        panic!("the devices never come to rest");
    }

    fn change(&self, at: usize, uri: &Uri, record: impl Into<Record>) -> bool {
        self.tick();
        let draft = Draft { rkey: Some(uri.rkey.clone()), ..draft(record) };
        self.all[at].publish(&self.community, vec![draft]).is_ok()
    }

    fn delete(&self, at: usize, uri: &Uri) -> bool {
        self.tick();
        let Person { store, me, clock } = &self.all[at];
        delete(store, me, clock, uri).is_ok()
    }

    fn text(&self, at: usize, uri: &Uri) -> Option<String> {
        match self.all[at].store.view(Scope::Public).unwrap().get(uri).unwrap() {
            Lookup::Found(entry) => Some(entry.record.as_post().unwrap().text.clone()),
            Lookup::Gone(_) => None,
            other => panic!("{other:?}"),
        }
    }

    /// What stands at a path, as every device sees it.
    fn standing(&self, at: usize, uri: &Uri) -> Vec<Entry> {
        self.all[at].store.view(Scope::Members).unwrap().standing(uri).unwrap()
    }

    fn told(&self, at: usize) -> Vec<What> {
        self.all[at].store.notices().unwrap().into_iter().map(|notice| notice.what).collect()
    }

    #[track_caller]
    fn assert_alike(&self, uris: &[Uri]) {
        let stores: Vec<&Store> = self.all.iter().map(|p| &p.store).chain([&self.reader]).collect();
        for scope in [Scope::Public, Scope::Members] {
            let first = stores[0].view(scope).unwrap();
            // As a set: what a clock that is ahead dates into the future is listed by its time of arrival.
            let listed = |view: &View| -> std::collections::BTreeSet<(String, Cid, Tid)> {
                ["org.folkmoot.post", "org.folkmoot.profile"]
                    .iter()
                    .flat_map(|kind| view.list(&self.community, kind, None, 1000).unwrap())
                    .map(|entry| (entry.uri.to_string(), entry.cid, entry.rev))
                    .collect()
            };
            for store in &stores {
                let view = store.view(scope).unwrap();
                assert!(view.complete(&self.community).unwrap());
                assert_eq!(view.snapshot(&self.community).unwrap(), first.snapshot(&self.community).unwrap());
                assert_eq!(listed(&view), listed(&first));
                for uri in uris {
                    let found = |view: &View| match view.get(uri).unwrap() {
                        Lookup::Found(entry) => Some(entry.cid),
                        _ => None,
                    };
                    assert_eq!(found(&view), found(&first), "{uri}");
                }
            }
        }
    }
}

#[test]
fn a_record_is_deleted_from_any_device_and_its_tombstone_goes_when_all_have_heeded_it() {
    let devices = Devices::new(&[0, -40, 25]);
    let uri = devices.all[0].post(&devices.community, "from the laptop").uri;
    devices.meet();
    assert!(devices.change(1, &uri, post("from the phone")));
    devices.meet();
    let standing = devices.standing(2, &uri);
    assert_eq!(standing.len(), 1, "the overruled entry is gone");
    assert_eq!(standing[0].device, devices.all[1].me.device.did());

    // The third device holds nothing there, and yet its word counts.
    assert!(devices.delete(2, &uri));
    assert!(matches!(devices.standing(2, &uri)[0].record, Record::Tombstone(_)));
    devices.exchange(2, 0);
    devices.exchange(2, 1);
    for at in 0..3 {
        assert_eq!(devices.text(at, &uri), None);
    }
    devices.meet();
    assert!(devices.standing(1, &uri).iter().all(|entry| matches!(entry.record, Record::Tombstone(_))));
    // The first device has not written since: it could still hold an older version that nobody has seen.
    devices.now.fetch_add(3600 * SECOND, Ordering::Relaxed);
    devices.all[0].post(&devices.community, "later");
    devices.all[1].post(&devices.community, "later still");
    devices.meet();
    assert!(devices.standing(1, &uri).is_empty());
    devices.assert_alike(&[uri]);
    assert!((0..3).all(|at| devices.told(at).is_empty()), "each knew of the other");
}

#[test]
fn where_no_other_device_holds_it_a_deletion_leaves_nothing() {
    let devices = Devices::new(&[0, 0]);
    let uri = devices.all[0].post(&devices.community, "a slip of the tongue").uri;
    devices.meet();
    assert!(devices.delete(0, &uri));
    assert!(devices.standing(0, &uri).is_empty());
    devices.meet();
    assert_eq!(devices.text(1, &uri), None);
}

#[test]
fn of_two_edits_that_did_not_know_of_each_other_the_newer_counts_and_the_person_is_told() {
    let devices = Devices::new(&[0, 0]);
    let uri = devices.all[0].post(&devices.community, "first").uri;
    devices.meet();
    assert!(devices.change(0, &uri, post("on the laptop")));
    assert!(devices.change(1, &uri, post("on the phone")));
    devices.meet();
    assert_eq!(devices.text(0, &uri).as_deref(), Some("on the phone"));
    devices.assert_alike(std::slice::from_ref(&uri));
    let told = devices.told(0);
    assert!(
        matches!(&told[..], [What::Overruled { uri: of, lost, won, deleted: false }]
            if *of == uri && lost.device == devices.all[0].me.device.did() && won.device == devices.all[1].me.device.did()),
        "{told:?}"
    );

    // One after the other is no disagreement.
    let before = (devices.told(0).len(), devices.told(1).len());
    assert!(devices.change(0, &uri, post("on the laptop again")));
    devices.meet();
    assert!(devices.change(1, &uri, post("on the phone again")));
    devices.meet();
    assert_eq!((devices.told(0).len(), devices.told(1).len()), before);
    let newest = devices.all[0].store.notices().unwrap()[0].at;
    devices.all[0].store.dismiss_notices(newest).unwrap();
    assert!(devices.told(0).is_empty());
}

#[test]
fn an_answer_that_went_along_with_two_changes_written_apart_is_no_disagreement() {
    use folkmoot_schemas::records::rsvp::{Answer, Rsvp};
    let devices = Devices::new(&[0, 0]);
    devices.tick();
    let event = devices.all[0].publish(&devices.community, vec![draft(gig())]).unwrap().items.remove(0);
    let answer = |seen_sequence, status| Rsvp { seen_sequence, ..Rsvp::new(event.uri.clone(), event.cid, status) };
    let uri =
        devices.all[0].publish(&devices.community, vec![draft(answer(0, Answer::Going))]).unwrap().items[0].uri.clone();
    devices.meet();
    assert!(devices.change(0, &uri, answer(1, Answer::Going)));
    assert!(devices.change(1, &uri, answer(2, Answer::Going)));
    devices.meet();
    assert!(devices.told(0).is_empty() && devices.told(1).is_empty());
    assert!(devices.change(0, &uri, answer(2, Answer::NotGoing)));
    assert!(devices.change(1, &uri, answer(2, Answer::Maybe)));
    devices.meet();
    assert_eq!((devices.told(0).len(), devices.told(1).len()), (1, 1), "that it can matter");
}

#[test]
fn versions_written_apart_are_known_as_such_however_much_is_written_afterwards() {
    for first in [0, 1] {
        let devices = Devices::new(&[0, 0]);
        let uri = devices.all[0].post(&devices.community, "first").uri;
        devices.meet();
        assert!(devices.change(0, &uri, post("on the laptop")));
        devices.all[0].post(&devices.community, "on the laptop, something else");
        assert!(devices.change(1, &uri, post("on the phone")));
        devices.all[1].post(&devices.community, "on the phone, something else");
        for at in [first, 1 - first] {
            pull(&devices.all[at].store, &devices.reader, devices.community, Scope::Members, WHOLE);
        }
        devices.meet();
        for at in 0..2 {
            devices.tick();
            devices.all[at].post(&devices.community, "later, and knowing of the other");
        }
        devices.meet();
        assert!(devices.change(0, &uri, post("both")));
        pull(&devices.all[0].store, &devices.reader, devices.community, Scope::Members, WHOLE);
        devices.meet();
        for (at, store) in [&devices.all[0].store, &devices.all[1].store, &devices.reader].into_iter().enumerate() {
            assert_eq!(store.mark(&mut || ()).unwrap(), Vec::<String>::new(), "every count is right");
            assert_eq!(
                origins(store, &uri),
                [
                    ("first", None, vec![]),
                    ("on the laptop", Some("first"), vec![]),
                    ("on the phone", Some("first"), vec!["on the laptop"]),
                    ("both", Some("on the phone"), vec![]),
                ]
                .map(|(text, base, apart)| {
                    let apart = apart.into_iter().map(str::to_owned).collect::<Vec<_>>();
                    (text.to_owned(), base.map(str::to_owned), apart)
                }),
                "store {at}, which met device {first} first"
            );
        }
    }
}

/// Text of each version of a post, of what it changed, and of what it did not know of; oldest first.
fn origins(store: &Store, uri: &Uri) -> Vec<(String, Option<String>, Vec<String>)> {
    let view = store.view(Scope::Members).unwrap();
    let (standing, older) = (view.standing(uri).unwrap(), view.versions(uri).unwrap());
    let origins = view.origins(uri, &standing, &older).unwrap();
    let blocks = standing.iter().map(|entry| &entry.block).chain(older.iter().map(|old| &old.block));
    let texts: std::collections::BTreeMap<Cid, (Tid, String)> = blocks
        .map(|block| {
            let (rev, record) = Record::view(block).unwrap();
            (*block.cid(), (rev, record.as_post().unwrap().text.clone()))
        })
        .collect();
    let text = |cid: &Cid| texts[cid].1.clone();
    let mut all: Vec<_> = origins.iter().map(|(cid, origin)| (texts[cid].0, cid, origin)).collect();
    all.sort_by_key(|(rev, ..)| *rev);
    all.into_iter()
        .map(|(_, cid, origin)| (text(cid), origin.base.as_ref().map(text), origin.apart.iter().map(text).collect()))
        .collect()
}

#[test]
fn an_edit_that_a_deletion_did_not_know_of_is_told_whichever_of_them_counts() {
    // Deleted where nobody else held it: the edit stays.
    let devices = Devices::new(&[0, 0]);
    let uri = devices.all[0].post(&devices.community, "first").uri;
    devices.meet();
    assert!(devices.change(1, &uri, post("better")));
    assert!(devices.delete(0, &uri));
    devices.meet();
    assert_eq!(devices.text(0, &uri).as_deref(), Some("better"));
    let told = devices.told(0);
    assert!(matches!(&told[..], [What::Revived { uri: of, .. }] if *of == uri), "{told:?}");

    // Deleted with a tombstone, since the other held it, and after its edit: it is gone, and the author of the edit is told.
    assert!(devices.change(1, &uri, post("better still")));
    assert!(devices.delete(0, &uri));
    devices.meet();
    assert_eq!(devices.text(1, &uri), None);
    let told = devices.told(1);
    assert!(matches!(told.last(), Some(What::Overruled { deleted: true, .. })), "{told:?}");
    devices.assert_alike(&[uri]);
}

#[test]
fn a_device_that_was_taken_out_is_retired_in_communities_that_come_later_too() {
    let devices = Devices::new(&[0, 0]);
    let [laptop, phone] = &devices.all[..] else { panic!("two") };
    devices.tick();
    let alone = phone.found("Only on the phone", Visibility::Public);
    let root = Secret::from_seed([1; 32]);
    let known = newest_identity(&laptop.store, &laptop.me.did).unwrap();
    let dropped = std::collections::BTreeSet::from([phone.me.device.did()]);
    let document = certify(&known, &root, None, &dropped).unwrap();
    let done = succeed(&laptop.store, &laptop.me, &laptop.clock, &document, None).unwrap();
    assert_eq!(done.told, ["River Street"], "and that it is known nowhere else is not said");
    let finish = || finish_retiring(&laptop.store, &laptop.me, &laptop.clock).unwrap();
    assert!(finish().is_empty(), "once is enough");
    let retired = |community: &Cid| {
        let view = laptop.store.view(Scope::Members).unwrap();
        let state = view.community(community).unwrap().unwrap().state;
        state.retired.contains_key(&(laptop.me.did, phone.me.device.did()))
    };
    assert!(retired(&devices.community));

    laptop.learn(&alone, phone);
    assert!(!retired(&alone));
    devices.tick();
    let told: Vec<Cid> = finish().into_iter().map(|(community, ..)| community).collect();
    assert_eq!(told, [alone]);
    assert!(retired(&alone) && finish().is_empty());
}

#[test]
fn a_device_that_was_let_in_again_and_stolen_after_all_has_no_say_either() {
    let devices = Devices::new(&[0, 0]);
    let [laptop, phone] = &devices.all[..] else { panic!("two") };
    let (root, stolen) = (Secret::from_seed([1; 32]), phone.me.device.did());
    let certified = |added: Option<Device>, dropped: &[Did]| {
        devices.tick();
        let known = newest_identity(&laptop.store, &laptop.me.did).unwrap();
        let document = certify(&known, &root, added, &dropped.iter().copied().collect()).unwrap();
        succeed(&laptop.store, &laptop.me, &laptop.clock, &document, None).unwrap();
        document
    };
    let listed = |key: Did, name: &str| Some(Device { key, name: name.into(), added: Tid::new(NOON, 1) });
    let state = |community: &Cid| {
        laptop.store.view(Scope::Members).unwrap().community(community).unwrap().unwrap().state.as_ref().clone()
    };
    let retired_by = |community: &Cid| state(community).retired[&(laptop.me.did, stolen)].identity;
    let finish = || finish_retiring(&laptop.store, &laptop.me, &laptop.clock).unwrap().len();

    let first = certified(None, &[stolen]);
    assert_eq!(retired_by(&devices.community), *first.cid());
    let found_again = certified(listed(stolen, "phone"), &[]);
    phone.store.set_meta(meta::IDENTITY, Some(found_again.bytes())).unwrap();
    devices.meet();
    let (link, _) = invite(&phone.store, &phone.me, &phone.clock, &devices.community, Role::Member, 1, None).unwrap();
    let last = certified(None, &[stolen]);
    assert_eq!((retired_by(&devices.community), finish()), (*last.cid(), 0), "once more, and not a third time");
    let (ops, identities) = phone.store.view(Scope::Members).unwrap().roster(&devices.community).unwrap();
    let batch = Batch { ops, identities, ..Batch::new(devices.community, Audience::Members) };
    let refused = laptop.store.apply(batch, laptop.clock.micros()).unwrap().refused;
    assert!(matches!(&refused[..], [(cid, why)] if *cid == link.invite && why.contains("was retired")), "{refused:?}");

    // A community that comes later hears of the document that took the device out, whatever was signed since.
    certified(listed(Secret::from_seed([77; 32]).did(), "tablet"), &[]);
    let later = laptop.found("Allotments", Visibility::Members);
    devices.tick();
    assert_eq!((finish(), retired_by(&later)), (1, *last.cid()));
    let view = laptop.store.view(Scope::Members).unwrap();
    assert_eq!(view.document(last.cid()).unwrap(), Some(last));
}

#[test]
fn a_device_that_was_taken_out_on_purpose_shows_what_it_held_and_brings_nothing_of_others_back() {
    let devices = Devices::new(&[0, 0, 0]);
    let [laptop, phone, tablet] = &devices.all[..] else { panic!("three") };
    let root = Secret::from_seed([1; 32]);
    let uri = phone.post(&devices.community, "on the phone").uri;
    devices.meet();
    let known = || newest_identity(&laptop.store, &laptop.me.did).unwrap();
    let mut left = known().1.devices.pop();
    for gone in [phone, tablet] {
        devices.tick();
        let document = certify(&known(), &root, None, &[gone.me.device.did()].into()).unwrap();
        let done = succeed(&laptop.store, &laptop.me, &laptop.clock, &document, None).unwrap();
        assert!(done.adopted > 0 || gone.me.device.did() == tablet.me.device.did());
        if devices.text(0, &uri).is_some() {
            assert!(devices.delete(0, &uri));
        }
    }
    devices.exchange(0, 2);
    let of_the_phone = || {
        let view = tablet.store.view(Scope::Members).unwrap();
        view.standing(&uri).unwrap().iter().filter(|entry| entry.device == phone.me.device.did()).count()
    };
    assert_eq!(of_the_phone(), 1, "what it held is here");
    assert_eq!((devices.text(0, &uri), devices.text(2, &uri)), (None, None), "and said to be deleted");

    devices.tick();
    let document = certify(&known(), &root, left.take(), &Default::default()).unwrap();
    succeed(&tablet.store, &tablet.me, &tablet.clock, &document, None).unwrap();
    devices.exchange(0, 2);
    devices.exchange(0, 2);
    assert_eq!((devices.text(0, &uri), devices.text(2, &uri), of_the_phone()), (None, None, 0));
    assert!(!known().1.certifies(&phone.me.device.did()) && known().1.certifies(&tablet.me.device.did()));
    assert_eq!(tablet.store.mark(&mut || ()).unwrap(), Vec::<String>::new(), "every count is right");
}

/// What a device does next.
#[derive(Debug, Clone)]
enum Deed {
    Post(bool),
    Edit(usize),
    Delete(usize),
    Name,
    Tidy,
    Meet(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => any::<bool>().prop_map(Deed::Post),
        4 => any::<usize>().prop_map(Deed::Edit),
        3 => any::<usize>().prop_map(Deed::Delete),
        1 => Just(Deed::Name),
        2 => Just(Deed::Tidy),
        4 => any::<usize>().prop_map(Deed::Meet),
    ]
}

#[test]
fn a_tombstone_that_two_devices_wrote_alike_goes_in_the_end() {
    // Behind what they delete, both date the tombstone right after it: it is the same record.
    let devices = Devices::new(&[0, -8, 0, -7, 0]);
    let uri = devices.all[0].publish(&devices.community, vec![draft(post("soon gone"))]).unwrap().items.remove(0).uri;
    devices.exchange(1, 0);
    devices.exchange(3, 0);
    for at in [0, 3, 1] {
        assert!(devices.delete(at, &uri));
    }
    devices.meet();
    devices.now.fetch_add(3600 * SECOND, Ordering::Relaxed);
    for person in &devices.all {
        person.publish(&devices.community, vec![draft(post("later"))]).unwrap();
    }
    devices.meet();
    devices.assert_alike(std::slice::from_ref(&uri));
    let standing = devices.standing(0, &uri);
    assert!(standing.is_empty(), "{standing:?}");
}

/// A quarter of `PROPTEST_CASES`: a case is a whole history.
fn histories() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse::<u32>().ok());
    ProptestConfig { cases: asked.map_or(16, |n| n / 4), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(histories())]

    /// Five devices with clocks that differ write, delete, tidy and meet two by two in any order; when all have met,
    /// every replica shows the same. So does one that took all their commits in another order, some of them twice.
    #[test]
    fn any_history_of_five_devices_converges(
        deeds in prop::collection::vec((0usize..5, deed()), 1..40),
        off in prop::collection::vec(-30i64..30, 5),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let devices = Devices::new(&off);
        let mut uris: Vec<Uri> = Vec::new();
        let mut commits: Vec<(Audience, RepoUpdate)> = Vec::new();
        for (n, (at, deed)) in deeds.into_iter().enumerate() {
            devices.tick();
            let person = &devices.all[at];
            match deed {
                Deed::Post(members) => {
                    let audience = if members { Audience::Members } else { Audience::Public };
                    let draft = Draft { audience: Some(audience), again: true, ..draft(post(&format!("post {n}"))) };
                    uris.push(person.publish(&devices.community, vec![draft]).unwrap().items.remove(0).uri);
                }
                // Where a device does not know of it, it does nothing.
                Deed::Edit(of) if !uris.is_empty() => {
                    devices.change(at, &uris[of % uris.len()], post(&format!("edit {n}")));
                }
                Deed::Delete(of) if !uris.is_empty() => {
                    devices.delete(at, &uris[of % uris.len()]);
                }
                Deed::Edit(_) | Deed::Delete(_) => {}
                Deed::Name => {
                    let profile = Profile { name: format!("Ada {n}"), ..Profile::default() };
                    person.publish(&devices.community, vec![draft(profile)]).unwrap();
                }
                Deed::Tidy => {
                    devices.tidy(at);
                }
                Deed::Meet(with) => {
                    if with % 5 != at {
                        devices.exchange(at, with % 5);
                    }
                }
            }
            commits.extend(wholes(&person.store, &devices.community, person.me.device.did()));
        }
        devices.meet();
        devices.assert_alike(&uris);
        for uri in &uris {
            let standing = devices.standing(0, uri);
            prop_assert!(standing.iter().all(|entry| entry.cid == standing[0].cid), "overruled entries stay: {standing:?}");
        }

        // Once every device has written again, no tombstone is needed.
        devices.now.fetch_add(3600 * SECOND, Ordering::Relaxed);
        for person in &devices.all {
            for audience in [Audience::Public, Audience::Members] {
                let draft = Draft { audience: Some(audience), again: true, ..draft(post("later")) };
                person.publish(&devices.community, vec![draft]).unwrap();
            }
        }
        devices.meet();
        devices.assert_alike(&uris);
        for uri in &uris {
            let standing = devices.standing(0, uri);
            prop_assert!(standing.iter().all(|entry| !matches!(entry.record, Record::Tombstone(_))), "{standing:?}");
        }

        let late = Store::in_memory().unwrap();
        let roster = |from: &Store| {
            let view = from.view(Scope::Members).unwrap();
            let (ops, identities) = view.roster(&devices.community).unwrap();
            let charter = view.charter(&devices.community).unwrap();
            Batch { charter, ops, identities, ..Batch::new(devices.community, Audience::Members) }
        };
        late.apply(roster(&devices.reader), NOON).unwrap();
        for person in &devices.all {
            commits.extend(wholes(&person.store, &devices.community, person.me.device.did()));
        }
        let last = commits[commits.len() - 10..].iter().rev();
        for (audience, update) in order.iter().map(|at| at.get(&commits)).chain(last) {
            let mut batch = Batch::new(devices.community, *audience);
            batch.repos.push(update.clone());
            let applied = late.apply(batch, NOON).unwrap();
            prop_assert!(applied.refused.is_empty() && applied.mismatched.is_empty(), "{applied:?}");
        }
        let reader = Devices { reader: late, ..devices };
        reader.assert_alike(&uris);
    }
}

/// This device's repositories, each as one whole update.
fn wholes(store: &Store, community: &Cid, device: Did) -> Vec<(Audience, RepoUpdate)> {
    let view = store.view(Scope::Members).unwrap();
    let mut wholes = Vec::new();
    for head in view.heads(community).unwrap().into_iter().filter(|head| head.repo.device == device) {
        let Some(delta) = view.delta(community, &head.repo, None, None, WHOLE).unwrap() else { continue };
        let update = RepoUpdate {
            commit: delta.commit,
            since: None,
            put: delta.put,
            gone: delta.gone,
            blocks: delta.blocks,
            first: true,
            complete: true,
        };
        wholes.push((head.repo.audience, update));
    }
    wholes
}
