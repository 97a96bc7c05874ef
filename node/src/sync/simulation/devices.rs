//! One person with two devices, of which one is taken out; and who is admitted no more.

use std::collections::BTreeSet;

use super::*;
use crate::sync::{
    engine::Errand,
    message::{Answer, Binding, Hello, Welcome},
};

/// Ada (0) with a second device (the last node) that was let in and has met nobody yet, Bob (1) and Cleo (2).
fn beside_a_phone(seed: u64, visibility: Visibility) -> (World, Cid, Secret) {
    let mut world = World::new(seed, 3, 0);
    let community = world.found(0, visibility);
    for guest in 1..3 {
        world.invite(0, guest, &community);
    }
    let (root, phone) = (Secret::from_seed([1; 32]), Secret::from_seed([200; 32]));
    let added = Device { key: phone.did(), name: "phone".into(), added: Tid::new(world.nodes[0].clock.micros(), 1) };
    let document = world.certify(&root, Some(added), &BTreeSet::new());
    world.succeed(&document);

    let mut node = world.node(3);
    node.me = Me { did: root.did(), device: phone.clone() };
    node.store.set_meta(meta::ME, Some(root.did().to_string().as_bytes())).unwrap();
    node.store.set_meta(meta::DEVICE, Some(phone.did().to_string().as_bytes())).unwrap();
    publish::enter(&node.store, &node.clock, &document, &[community], &[]).unwrap();
    node.performer = Performer::new(node.store.clone(), node.me.clone(), node.clock.clone());
    world.nodes.push(node);
    for at in 0..4 {
        world.refresh(at);
    }
    (world, community, phone)
}

/// The same, where everybody holds what both of her devices wrote.
fn with_a_phone(seed: u64, visibility: Visibility) -> (World, Cid, Secret) {
    let (mut world, community, phone) = beside_a_phone(seed, visibility);
    for (a, b) in [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3)] {
        world.connect(a, b);
    }
    world.run_for(60);
    world.assert_alike(&[0, 1, 2, 3], Scope::Members, &community);
    for at in [0, 3] {
        for audience in [Audience::Public, Audience::Members] {
            if audience == Audience::Members || visibility == Visibility::Public {
                // More than an announcement carries.
                let text = |n: usize| Post { text: format!("{n} {}", "all day long ".repeat(60)), ..Post::default() };
                world.publish(at, &community, audience, (0..14).map(text).collect(), true);
            }
        }
    }
    world.run_for(60);
    world.assert_alike(&[0, 1, 2, 3], Scope::Members, &community);
    world.cut(0, 3);
    world.cut(1, 3);
    (world, community, phone)
}

impl World {
    fn certify(
        &self,
        root: &Secret,
        added: Option<Device>,
        dropped: &BTreeSet<folkmoot_schemas::Did>,
    ) -> folkmoot_schemas::Block {
        let known = publish::newest_identity(&self.nodes[0].store, &root.did()).unwrap();
        publish::certify(&known, root, added, dropped).unwrap()
    }

    /// Ada's first device takes the document into use, and says so.
    fn succeed(&mut self, document: &folkmoot_schemas::Block) {
        let node = &self.nodes[0];
        let done = publish::succeed(&node.store, &node.me, &node.clock, document, None).unwrap();
        for (community, audience, announce) in done.announces {
            let inputs = self.nodes[0].performer.outgoing(community, audience, announce).unwrap();
            self.inputs(0, inputs);
        }
    }

    /// Runs on in small steps; the fewest records each of these nodes showed of a scope meanwhile.
    fn fewest(&mut self, seconds: u64, nodes: &[usize], scope: Scope, community: &Cid) -> Vec<u64> {
        let mut fewest = vec![u64::MAX; nodes.len()];
        for _ in 0..seconds * 100 {
            self.run_until(self.now() + SECOND / 100);
            for (least, at) in fewest.iter_mut().zip(nodes) {
                *least = (*least).min(self.records(*at, scope, community));
            }
        }
        fewest
    }
}

#[test]
fn what_a_device_wrote_that_is_taken_out_is_shown_all_the_while() {
    for seed in 0..4 {
        let visibility = if seed % 2 == 0 { Visibility::Public } else { Visibility::Members };
        let scope = if seed % 2 == 0 { Scope::Public } else { Scope::Members };
        let (mut world, community, phone) = with_a_phone(seed, visibility);
        // Cleo is away meanwhile, and hears of it from Ada herself by her greeting.
        world.cut(0, 2);
        world.cut(1, 2);
        let before = world.records(0, scope, &community);
        let document = world.certify(&Secret::from_seed([1; 32]), None, &BTreeSet::from([phone.did()]));
        world.succeed(&document);
        assert_eq!(world.fewest(15, &[0, 1], scope, &community), [before; 2], "seed {seed}");
        world.connect(2, 0);
        assert_eq!(world.fewest(15, &[2], scope, &community), [before], "seed {seed}");
        world.assert_alike(&[0, 1, 2], Scope::Members, &community);
        for at in 0..3 {
            let view = world.nodes[at].store.view(Scope::Members).unwrap();
            let heads = view.heads(&community).unwrap();
            assert!(heads.iter().all(|head| head.repo.device != phone.did()), "seed {seed}: node {at}");
        }
    }
}

#[test]
fn a_device_that_was_taken_out_while_it_was_away_is_told_by_whom_it_meets_and_nothing_that_came_later() {
    for seed in 0..4 {
        let (mut world, community, phone) = with_a_phone(seed, Visibility::Members);
        let root = Secret::from_seed([1; 32]);
        let without = world.certify(&root, None, &BTreeSet::from([phone.did()]));
        world.succeed(&without);
        let tablet = Secret::from_seed([201; 32]).did();
        let added = Device { key: tablet, name: "tablet".into(), added: Tid::new(world.nodes[0].clock.micros(), 1) };
        let document = world.certify(&root, Some(added), &BTreeSet::new());
        world.succeed(&document);
        world.run_for(60);
        let newest = |world: &World, at: usize| {
            let view = world.nodes[at].store.view(Scope::Members).unwrap();
            view.identity(&root.did()).unwrap().unwrap().0
        };
        assert_eq!(newest(&world, 1), document, "seed {seed}");
        let before = world.records(3, Scope::Members, &community);

        if seed % 2 == 0 {
            world.connect(3, 1)
        } else {
            world.connect(1, 3)
        }
        world.run_for(60);
        assert_eq!(newest(&world, 3), without, "seed {seed}");
        assert!(matches!(Me::load(&world.nodes[3].store, phone.clone()), Err(publish::PublishError::Retired)));
        assert_eq!(world.records(3, Scope::Members, &community), before, "it keeps what it has");
        let told = |frame: &&Frame| matches!(frame, Frame::Overtaken(_));
        assert_eq!(world.received[&3].iter().filter(told).count(), 1, "seed {seed}: it asks no more");
    }
}

#[test]
fn a_device_that_was_taken_out_before_anything_of_its_communities_came_is_told_too() {
    let (mut world, community, phone) = beside_a_phone(1, Visibility::Members);
    let without = world.certify(&Secret::from_seed([1; 32]), None, &BTreeSet::from([phone.did()]));
    world.succeed(&without);
    for (a, b) in [(0, 1), (3, 1)] {
        world.connect(a, b);
        world.run_for(60);
    }
    assert!(matches!(Me::load(&world.nodes[3].store, phone), Err(publish::PublishError::Retired)));
    assert!(world.nodes[3].store.view(Scope::Members).unwrap().community(&community).unwrap().is_none());
}

#[test]
fn who_holds_no_key_of_a_device_of_theirs_is_told_nothing_of_anybody() {
    let (world, community, phone) = with_a_phone(1, Visibility::Members);
    let root = Secret::from_seed([1; 32]);
    let (before, _) = publish::newest_identity(&world.nodes[3].store, &root.did()).unwrap();
    let without = world.certify(&root, None, &BTreeSet::from([phone.did()]));
    let node = &world.nodes[0];
    publish::succeed(&node.store, &node.me, &node.clock, &without, None).unwrap();
    let (nonce, stranger) = ([7; 32], Secret::from_seed([99; 32]));
    let binding = Binding {
        from: PeerId::from_bytes(&[0, 2, 7, 99]).unwrap(),
        to: world.nodes[0].peer,
        from_nonce: nonce,
        to_nonce: nonce,
    };
    let told = |did, device: &Secret, identity: &folkmoot_schemas::Block, community: Cid| {
        let tag = "tag".to_owned();
        let hello = Hello::sign(tag, &community, did, device, Some(identity), None, &binding).unwrap();
        let peer = binding.from;
        let done = world.nodes[0].performer.perform(Errand::Check { peer, community, hello, binding, again: false });
        match done.unwrap().inputs.pop() {
            Some(Input::Checked { checked, .. }) => {
                assert!(checked.result.is_err());
                checked.overtaken
            }
            other => panic!("{other:?}"),
        }
    };
    let own = Device { key: stranger.did(), name: String::new(), added: Tid::new(1, 1) };
    let own = Identity { did: stranger.did(), seq: 0, prev: None, devices: vec![own] };
    assert!(own.seal(&stranger).is_err(), "a root key is no device");
    let of_its_own = Secret::from_seed([98; 32]);
    let document = Identity { did: of_its_own.did(), ..own }.seal(&of_its_own).unwrap();
    assert_eq!(told(of_its_own.did(), &stranger, &document, community), None, "a person of no community");
    assert_eq!(told(root.did(), &stranger, &before, community), None, "a member's document and another key");
    assert_eq!(told(root.did(), &stranger, &document, community), None, "a member's name and another document");
    let elsewhere = folkmoot_schemas::block::cid_of(folkmoot_schemas::block::DAG_CBOR, b"elsewhere");
    assert_eq!(told(root.did(), &phone, &before, elsewhere), None);
    assert_eq!(told(root.did(), &phone, &before, community), Some(without.clone()));

    // It was in again, and is out by a document that no retirement here links yet.
    let added = Device { key: phone.did(), name: "phone".into(), added: Tid::new(node.clock.micros(), 1) };
    let again = world.certify(&root, Some(added), &BTreeSet::new());
    publish::succeed(&node.store, &node.me, &node.clock, &again, None).unwrap();
    let newest = world.certify(&root, None, &BTreeSet::from([phone.did()]));
    let mut heard = crate::store::Batch::new(community, Audience::Members);
    heard.identities.push(newest.clone());
    node.store.apply(heard, node.clock.micros()).unwrap();
    assert_eq!(publish::newest_identity(&node.store, &root.did()).unwrap().0, newest);
    assert_eq!(told(root.did(), &phone, &before, community), Some(without), "nothing of what came later");
    assert_eq!(told(root.did(), &phone, &again, community), None, "nor then");
}

#[test]
fn who_is_admitted_no_more_to_many_communities_at_once_asks_why_in_turns() {
    let mut world = World::new(1, 2, 0);
    for _ in 0..60 {
        world.found(0, Visibility::Members);
    }
    world.connect(0, 1);
    world.run_for(100);
    let said = |world: &World| -> Vec<String> {
        let frames = world.received[&1].iter();
        frames
            .filter_map(|frame| if let Frame::Hello(hello) = frame { Some(hello.tag.clone()) } else { None })
            .collect()
    };
    let before = said(&world);
    let tags: BTreeSet<String> = before.iter().cloned().collect();
    assert_eq!(tags.len(), 60);
    let (peer, session) = (world.nodes[1].peer, *world.nodes[0].sessions.keys().next().unwrap());
    for answer in [Answer::Ok, Answer::Absent] {
        for tag in tags.iter().cloned() {
            world.input(0, Input::Frame { peer, session, frame: Frame::Welcome(Welcome { tag, answer }) });
        }
    }
    world.run_for(10);
    let asked = said(&world).len() - before.len();
    assert!((1..60).contains(&asked), "{asked} at once");
    world.run_for(60);
    assert!(said(&world).len() - before.len() >= 60, "and the rest a while later");
}
