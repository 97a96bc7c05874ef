//! A backup restored more than once without a connection: each restore signs an identity document that knows nothing of
//! the others. One of them counts, whoever made another one learns that, and recovered they all are devices of the person.

use std::collections::BTreeSet;

use folkmoot_schemas::{Block, Did};

use super::*;
use crate::{publish::PublishError, store::reader::Lookup, sync::message::Overtaken};

fn root() -> Secret {
    Secret::from_seed([1; 32])
}

/// Ada (0) with three posts, Bob (1) and Cleo (2); Ada's machine is never seen again.
fn street(seed: u64, visibility: Visibility) -> (World, Cid) {
    let mut world = World::new(seed, 3, 0);
    let community = world.found(0, visibility);
    for guest in 1..3 {
        world.invite(0, guest, &community);
    }
    for (a, b) in [(1, 0), (2, 0), (1, 2)] {
        world.connect(a, b);
    }
    world.run_for(60);
    for _ in 0..3 {
        world.post(0, &community, Audience::Members, true);
    }
    world.run_for(60);
    world.assert_alike(&[0, 1, 2], Scope::Members, &community);
    world.restart(0);
    (world, community)
}

impl World {
    /// What a node has now on a new machine, as a device of its own.
    fn copied(&mut self, of: usize) -> usize {
        let number = self.nodes.len();
        let mut node = self.node(number);
        node.store = self.image(of);
        node.me.did = root().did();
        node.store.set_meta(meta::DEVICE, Some(node.me.device.did().to_string().as_bytes())).unwrap();
        node.performer = Performer::new(node.store.clone(), node.me.clone(), node.clock.clone());
        self.nodes.push(node);
        number
    }

    /// Lets a device in by the newest document its home knows, the devices of `lost` nodes out.
    fn take_up(&mut self, at: usize, lost: &[usize]) {
        let lost: BTreeSet<Did> = lost.iter().map(|at| self.nodes[*at].me.device.did()).collect();
        let Node { store, me, clock, .. } = &self.nodes[at];
        let known = publish::newest_identity(store, &me.did).unwrap();
        let added =
            Device { key: me.device.did(), name: format!("device {at}"), added: Tid::new(clock.micros(), at as u16) };
        let document = publish::certify(&known, &root(), Some(added), &lost).unwrap();
        publish::succeed(store, me, clock, &document, None).unwrap();
        self.restart(at);
    }

    /// `moot restore FILE` without a connection, and a post.
    fn restore_offline(&mut self, of: usize, lost: &[usize], community: &Cid) -> usize {
        let at = self.copied(of);
        self.take_up(at, lost);
        self.post(at, community, Audience::Members, false);
        at
    }

    /// `moot init --recover --keep all`, by way of that node.
    fn recover(&mut self, at: usize, via: usize, lost: &[usize]) {
        let me = self.nodes[at].me.clone();
        self.nodes[at].me = Me::root(root());
        self.restart(at);
        self.connect(at, via);
        self.run_for(20);
        self.nodes[at].me = me;
        self.restart(at);
        self.take_up(at, lost);
    }

    /// The newest document of Ada's that a node knows.
    fn newest(&self, at: usize) -> (Block, Identity) {
        self.nodes[at].store.view(Scope::Members).unwrap().identity(&root().did()).unwrap().unwrap()
    }

    fn listed(&self, at: usize) -> BTreeSet<Did> {
        self.newest(at).1.devices.iter().map(|device| device.key).collect()
    }

    /// Posts as a page shows them.
    fn posts(&self, at: usize, community: &Cid) -> usize {
        let view = self.nodes[at].store.view(Scope::Members).unwrap();
        view.list(community, "org.folkmoot.post", None, 100).unwrap().len()
    }

    /// This device knows that it is out.
    fn is_out(&self, at: usize) -> bool {
        let Node { store, me, .. } = &self.nodes[at];
        matches!(Me::load(store, me.device.clone()), Err(PublishError::Retired))
    }

    fn told(&self, at: usize) -> usize {
        self.received.get(&at).into_iter().flatten().filter(|frame| matches!(frame, Frame::Overtaken(_))).count()
    }
}

#[test]
fn of_two_restores_that_knew_nothing_of_each_other_one_is_told_that_it_is_out_and_both_are_in_once_it_recovers() {
    let mut lost_first = BTreeSet::new();
    for seed in 0..8 {
        let visibility = if seed % 4 == 3 { Visibility::Public } else { Visibility::Members };
        let (mut world, community) = street(seed, visibility);
        let mut both = [(); 2].map(|()| world.restore_offline(0, &[0], &community));
        if seed % 8 >= 4 {
            both.reverse();
        }
        // Whoever dials, and one of the two a good while before the other.
        for (n, at) in both.into_iter().enumerate() {
            let (a, b) = if seed % 2 == 0 { (at, 1) } else { (1, at) };
            world.connect(a, b);
            world.run_for(if n == 0 { 40 } else { 90 });
        }
        let out: Vec<usize> = both.into_iter().filter(|at| world.is_out(*at)).collect();
        let [loser] = out[..] else { panic!("seed {seed}: {out:?} are out") };
        lost_first.insert(loser == both[0]);
        let winner = both[0] + both[1] - loser;
        assert_eq!(world.told(winner), 0, "seed {seed}");
        assert_eq!(world.told(loser), usize::from(visibility == Visibility::Members), "seed {seed}");
        world.assert_alike(&[1, 2, winner], Scope::Members, &community);

        world.recover(loser, 2, &[]);
        for (a, b) in [(loser, 1), (winner, 1), (loser, 2)] {
            world.connect(a, b);
        }
        world.run_for(90);
        world.assert_alike(&[1, 2, winner, loser], Scope::Members, &community);
        assert_eq!(world.listed(1), both.map(|at| world.nodes[at].me.device.did()).into(), "seed {seed}");
        // Three of the founder's, one of each.
        assert_eq!(world.posts(2, &community), 5, "seed {seed}");
    }
    assert_eq!(lost_first.len(), 2, "either of the two comes first");
}

#[test]
fn however_often_and_in_whatever_order_a_backup_is_restored_each_ends_as_a_device() {
    for seed in 0..6 {
        let (mut world, community) = street(seed, Visibility::Members);
        let mut restored: Vec<usize> = (0..3).map(|_| world.restore_offline(0, &[0], &community)).collect();
        // From a backup of one that was restored, which stays; and one with a connection, while the others had none.
        let last = restored[2];
        restored.push(world.restore_offline(last, &[], &community));
        let online = world.copied(0);
        world.recover(online, 1, &[0]);
        world.post(online, &community, Audience::Members, false);
        restored.push(online);
        for at in &restored {
            world.connect(*at, 1 + at % 2);
        }
        world.run_for(120);
        let mut rounds = 0;
        while let Some(out) = restored.iter().copied().find(|at| world.is_out(*at)) {
            world.recover(out, 1 + out % 2, &[]);
            world.connect(out, 1 + out % 2);
            world.run_for(90);
            rounds += 1;
            assert!(rounds < 10, "seed {seed}: there is no end to it");
        }
        world.assert_alike(&[&[1, 2], &restored[..]].concat(), Scope::Members, &community);
        assert_eq!(
            world.listed(2),
            restored.iter().map(|at| world.nodes[*at].me.device.did()).collect(),
            "seed {seed}"
        );
        assert_eq!(world.posts(1, &community), 8, "seed {seed}");
    }
}

#[test]
fn two_restores_that_meet_each_other_first_tell_each_other_and_the_one_that_is_in_remembers_the_other() {
    for visibility in [Visibility::Members, Visibility::Public] {
        let (mut world, community) = street(3, visibility);
        let both = [(); 2].map(|()| world.restore_offline(0, &[0], &community));
        world.connect(both[0], both[1]);
        world.run_for(60);
        let out: Vec<usize> = both.into_iter().filter(|at| world.is_out(*at)).collect();
        let [loser] = out[..] else { panic!("{out:?} are out") };
        let winner = both[0] + both[1] - loser;
        let apart = |world: &World, at: usize| world.nodes[at].performer.apart();
        let named = BTreeMap::from([(world.nodes[loser].me.device.did(), format!("device {loser}"))]);
        assert_eq!((apart(&world, winner), apart(&world, loser)), (named, BTreeMap::new()));
        // Of one that was taken out on purpose there is nothing to say.
        let old = world.arrive();
        let laptop = Secret::from_seed([101; 32]);
        world.nodes[old].me = Me { did: root().did(), device: laptop.clone() };
        world.nodes[old].store = world.image(0);
        world.restart(old);
        world.connect(old, winner);
        world.run_for(60);
        assert!(world.is_out(old), "{visibility:?}");
        assert!(!apart(&world, winner).contains_key(&laptop.did()), "{visibility:?}");
    }
}

#[test]
fn what_other_devices_wrote_stays_on_one_that_is_out_until_it_recovers_which_takes_over_what_nobody_else_has() {
    for seed in 0..8 {
        let visibility = if seed % 4 == 3 { Visibility::Public } else { Visibility::Members };
        let audience = if seed % 4 == 3 { Audience::Public } else { Audience::Members };
        let (mut world, community) = street(seed, visibility);
        let phone = world.copied(0);
        world.take_up(phone, &[]);
        world.connect(phone, 1);
        world.run_for(30);
        world.post(phone, &community, audience, true);
        world.run_for(60);
        world.restart(phone);
        // Of one backup: the first keeps the phone, whose last post reaches nobody else, and the second does not.
        let first = world.restore_offline(phone, &[0], &community);
        let second = world.restore_offline(phone, &[0, phone], &community);
        world.take_up(second, &[]);
        world.post(phone, &community, audience, false);
        world.connect(first, phone);
        world.run_for(60);
        world.restart(first);
        world.connect(second, 1);
        world.run_for(90);
        assert_eq!((world.posts(first, &community), world.posts(1, &community)), (6, 5), "seed {seed}");

        // Who hears of it from somebody else, or from the very device that counts, while it greets or is greeted.
        let (a, b) = if seed % 4 < 2 { (first, 1) } else { (first, second) };
        let (a, b) = if seed % 2 == 0 { (a, b) } else { (b, a) };
        world.connect(a, b);
        world.run_for(90);
        assert!(world.is_out(first), "seed {seed}");
        let kept = |world: &World| {
            let view = world.nodes[first].store.view(Scope::Members).unwrap();
            let heads = view.heads(&community).unwrap().into_iter();
            heads.filter(|head| head.repo.device == world.nodes[phone].me.device.did()).count()
        };
        let counted = |world: &World| world.nodes[first].store.mark(&mut || ()).unwrap();
        assert!(world.posts(first, &community) >= 6 && kept(&world) > 0, "seed {seed}: it can be read");
        assert_eq!(counted(&world), Vec::<String>::new(), "seed {seed}");
        assert_eq!(world.posts(2, &community), 5, "seed {seed}: and nobody is given it");

        world.recover(first, 2, &[]);
        world.connect(first, 1);
        world.run_for(90);
        assert_eq!(kept(&world), 0, "seed {seed}");
        assert_eq!(counted(&world), Vec::<String>::new(), "seed {seed}");
        world.assert_alike(&[1, 2, second, first], Scope::Members, &community);
        assert_eq!(world.posts(2, &community), 7, "seed {seed}: three, the phone's two and one of each");
    }
}

#[test]
fn what_one_restore_deleted_does_not_come_back_with_the_other() {
    for seed in 0..8 {
        let visibility = if seed % 2 == 0 { Visibility::Members } else { Visibility::Public };
        let (mut world, community) = street(seed, visibility);
        let both = [(); 2].map(|()| world.restore_offline(0, &[0], &community));
        let deleting = both[usize::from(seed % 4 >= 2)];
        let uri = {
            let Node { store, me, clock, .. } = &world.nodes[deleting];
            let view = store.view(Scope::Members).unwrap();
            let uri = view.list(&community, "org.folkmoot.post", None, 100).unwrap().pop().unwrap().uri;
            drop(view);
            publish::delete(store, me, clock, &uri).unwrap();
            uri
        };
        for at in both {
            world.connect(at, 1);
            world.run_for(60);
        }
        let out = both.into_iter().find(|at| world.is_out(*at)).unwrap();
        let kept = both.into_iter().find(|at| *at != out).unwrap();
        world.recover(out, 1, &[]);
        for (a, b) in [(kept, 1), (out, 1), (1, 2)] {
            world.connect(a, b);
        }
        world.run_for(300);
        let all = [kept, out, 1, 2];
        world.assert_alike(&all, Scope::Members, &community);
        for at in all {
            let view = world.nodes[at].store.view(Scope::Members).unwrap();
            assert!(!matches!(view.get(&uri).unwrap(), Lookup::Found(_)), "seed {seed}: it is back at {at}");
            assert_eq!(world.posts(at, &community), 4, "seed {seed}");
        }
    }
}

#[test]
fn who_speaks_an_earlier_version_is_not_told() {
    let (mut world, community) = street(1, Visibility::Members);
    let both = [(); 2].map(|()| world.restore_offline(0, &[0], &community));
    for at in both {
        world.nodes[at].speaks = 2;
        world.connect(at, 1);
        world.run_for(90);
    }
    assert!(both.iter().all(|at| world.told(*at) == 0 && !world.is_out(*at)));
    assert!(both.iter().any(|at| !world.nodes[*at].sessions.is_empty()), "nor does it lose the session");
}

#[test]
fn nobody_puts_a_device_out_by_a_document_of_another_key_or_an_older_one() {
    let (mut world, community) = street(2, Visibility::Members);
    let before = world.newest(0);
    let desk = world.restore_offline(0, &[0], &community);
    world.connect(desk, 1);
    world.run_for(60);
    let own = world.newest(desk);
    let strange = Identity { did: Secret::from_seed([9; 32]).did(), ..own.1.clone() };
    let strange = Identity { seq: 9, ..strange }.seal(&Secret::from_seed([9; 32])).unwrap();
    let listing = publish::certify(&own, &root(), None, &BTreeSet::new()).unwrap();
    let without = publish::certify(&own, &root(), None, &[world.nodes[desk].me.device.did()].into()).unwrap();
    let mut forged = without.bytes().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    let (peer, session) = (world.nodes[1].peer, *world.nodes[desk].sessions.keys().next().unwrap());
    let greeted = |world: &World| {
        let hello = world.received[&1].iter().rev().find_map(|frame| match frame {
            Frame::Hello(hello) if hello.device == world.nodes[desk].me.device.did() => Some(hello.tag.clone()),
            _ => None,
        });
        hello.unwrap()
    };
    let tag = greeted(&world);
    let say = |world: &mut World, tag: &str, identity: &[u8]| {
        let frame = Frame::Overtaken(Overtaken { tag: tag.to_owned(), identity: identity.to_vec() });
        world.input(desk, Input::Frame { peer, session, frame });
        world.is_out(desk)
    };
    for (what, document) in [
        ("the one of before", before.0.bytes().to_vec()),
        ("its own", own.0.bytes().to_vec()),
        ("another person's", strange.bytes().to_vec()),
        ("one that lists it", listing.bytes().to_vec()),
        ("a forged one", forged),
        ("none at all", b"\xa0".to_vec()),
    ] {
        assert!(!say(&mut world, &tag, &document), "{what}");
        assert_eq!(world.newest(desk).0, own.0, "{what}");
    }
    assert!(!say(&mut world, "nothing it said", without.bytes()));
    assert!(say(&mut world, &tag, without.bytes()), "what its own root key signed is believed, whoever says it");
}
