//! Members learn where members' nodes are, from whoever knows, and nobody else does.

use std::collections::BTreeMap;

use folkmoot_schemas::{Audience, Tid, charter::Visibility, key::Secret, whereabouts::Whereabouts};
use serde_bytes::ByteBuf;

use super::World;
use crate::sync::{
    engine::{Errand, Input},
    message::{Frame, Nodes},
};

/// The ports it knows, by node.
fn ports(world: &World, at: usize) -> BTreeMap<usize, String> {
    let number = |did| world.nodes.iter().position(|node| node.me.did == did).unwrap();
    let port = |addrs: &[String]| addrs[0].rsplit_once('/').unwrap().1.to_owned();
    world.nodes[at].performer.nodes().iter().map(|said| (number(said.did), port(&said.addrs))).collect()
}

fn all(of: &[(usize, &str)]) -> BTreeMap<usize, String> {
    of.iter().map(|(at, port)| (*at, (*port).to_owned())).collect()
}

/// 0 founds, 1 and 2 join through it; 3 follows the talk and is no member.
fn world(seed: u64, visibility: Visibility) -> (World, folkmoot_schemas::Cid) {
    let mut world = World::new(seed, 4, 0);
    let community = world.found(0, visibility);
    for guest in [1, 2] {
        world.invite(0, guest, &community);
    }
    for node in 0..4 {
        world.refresh(node);
        world.listen(node, 1);
    }
    for guest in 1..4 {
        world.connect(guest, 0);
    }
    world.run_for(40);
    (world, community)
}

#[test]
fn members_who_joined_through_one_node_learn_of_each_other_and_a_stranger_of_nobody() {
    for (seed, visibility) in (0..10).flat_map(|seed| [(seed, Visibility::Public), (seed, Visibility::Members)]) {
        let (mut world, community) = world(seed, visibility);
        let everyone = all(&[(0, "1"), (1, "1"), (2, "1")]);
        for at in 0..3 {
            assert_eq!(ports(&world, at), everyone, "seed {seed}, node {at}");
        }
        assert_eq!(ports(&world, 3), all(&[(3, "1")]));
        let told = |world: &World| world.received[&3].iter().any(|frame| matches!(frame, Frame::Nodes(_)));
        assert!(!told(&world), "seed {seed}");

        // The founder comes back at another place, after the other two found each other.
        world.connect(1, 2);
        world.restart(0);
        world.run_for(40);
        world.listen(0, 2);
        world.connect(0, 2);
        world.run_for(40);
        for at in 0..3 {
            assert_eq!(ports(&world, at), all(&[(0, "2"), (1, "1"), (2, "1")]), "seed {seed}, node {at}");
        }

        // Whoever is put out is told no more, and is forgotten.
        world.remove(0, 1, &community);
        world.run_for(60);
        world.listen(2, 3);
        world.run_for(60);
        for at in [0, 2] {
            assert_eq!(ports(&world, at), all(&[(0, "2"), (2, "3")]), "seed {seed}, node {at}");
        }
        assert_eq!(ports(&world, 1).get(&2).map_or("1", String::as_str), "1", "seed {seed}");
        world.connect(3, 2);
        world.post(
            2,
            &community,
            if visibility == Visibility::Public { Audience::Public } else { Audience::Members },
            true,
        );
        world.run_for(40);
        assert!(!told(&world), "seed {seed}");
    }
}

#[test]
fn a_word_that_comes_before_the_roster_knows_its_author_is_not_lost() {
    for seed in 0..10 {
        let (mut world, community) = world(seed, Visibility::Members);
        let late = world.arrive();
        // One link a day later: 1 hears of the newcomer's node and of the newcomer in one go, in any order.
        world.invite(0, late, &community);
        world.refresh(late);
        world.listen(late, 9);
        world.connect(late, 0);
        world.run_for(40);
        for at in 0..3 {
            assert_eq!(ports(&world, at).get(&late).map(String::as_str), Some("9"), "seed {seed}, node {at}");
        }
    }
}

/// A word of `device` about itself, for `of`'s person.
fn word(world: &World, of: usize, device: &Secret, port: u16) -> Vec<u8> {
    word_with(world, of, device, &format!("/ip4/203.0.113.1/tcp/{port}"))
}

fn word_with(world: &World, of: usize, device: &Secret, addr: &str) -> Vec<u8> {
    let node = &world.nodes[of];
    let (rev, addrs) = (Tid::new(node.clock.micros(), 1), vec![addr.to_owned()]);
    let said = Whereabouts { did: node.me.did, device: device.did(), rev, peer: "12D3".into(), addrs };
    said.seal(device).unwrap().bytes().to_vec()
}

#[test]
fn a_member_cannot_speak_for_others_nor_bring_in_a_stranger() {
    let (mut world, community) = world(1, Visibility::Members);
    let before = ports(&world, 0);
    let mut forged = word(&world, 2, &world.nodes[2].me.device, 666);
    let port = forged.windows(3).position(|part| part == b"666").unwrap();
    forged[port] = b'5';
    let strange = word(&world, 3, &world.nodes[3].me.device, 666);
    let uncertified = word(&world, 2, &Secret::from_seed([99; 32]), 666);
    let ours = word(&world, 0, &world.nodes[0].me.device, 666);
    let name = word_with(&world, 2, &world.nodes[2].me.device, "/dns4/example.org/tcp/666");
    let from = world.nodes[2].peer;
    let learn = |world: &World, said: Vec<Vec<u8>>| {
        let said = said.into_iter().map(Into::into).collect();
        world.nodes[0].performer.perform(Errand::Learn { peer: from, shared: [community].into(), said }).unwrap().inputs
    };
    for said in [strange, uncertified, ours, name, b"\xa0".to_vec()] {
        assert!(learn(&world, vec![said]).is_empty());
        assert_eq!(ports(&world, 0), before);
    }
    let right = word(&world, 2, &world.nodes[2].me.device, 7);
    let inputs = learn(&world, vec![forged, right.clone()]);
    assert!(matches!(inputs[..], [Input::Forged { peer }] if peer == from), "{inputs:?}");
    assert_eq!(ports(&world, 0), before, "after a forged one nothing more is looked at");
    // The right word of the same device is taken, from whomever.
    assert!(matches!(learn(&world, vec![right])[..], [Input::Known { .. }]));
    assert_eq!(ports(&world, 0)[&2], "7");

    // A stranger is not even listened to: of a word that is right in itself nothing is made.
    let (peer, wire) = (world.nodes[3].peer, |wire: &(usize, u64)| wire.0 == 3);
    let session = *world.nodes[0].sessions.iter().find(|(_, of)| wire(of)).unwrap().0;
    let said = vec![ByteBuf::from(word(&world, 1, &world.nodes[1].me.device, 8))];
    world.input(0, Input::Frame { peer, session, frame: Frame::Nodes(Nodes { said }) });
    assert_eq!(ports(&world, 0)[&1], "1");
}

#[test]
fn who_speaks_an_earlier_version_is_told_nothing_and_loses_nothing() {
    let mut world = World::new(1, 2, 0);
    let community = world.found(0, Visibility::Members);
    world.nodes[1].speaks = 1;
    world.invite(0, 1, &community);
    for node in 0..2 {
        world.refresh(node);
    }
    world.listen(0, 1);
    world.connect(1, 0);
    world.run_for(40);
    world.post(0, &community, Audience::Members, true);
    world.run_for(40);
    world.assert_alike(&[0, 1], super::Scope::Members, &community);
    assert!(!world.received[&1].iter().any(|frame| matches!(frame, Frame::Nodes(_))));
}

/// A stream of the session that `from` and `to` have, as `to` names it.
fn session(world: &World, from: usize, to: usize) -> u64 {
    *world.nodes[to].sessions.iter().find(|(_, wire)| wire.0 == from).unwrap().0
}

fn tell(world: &mut World, from: usize, to: usize, said: Vec<u8>) {
    let (peer, session) = (world.nodes[from].peer, session(world, from, to));
    world.input(to, Input::Frame { peer, session, frame: Frame::Nodes(Nodes { said: vec![ByteBuf::from(said)] }) });
}

#[test]
fn who_tells_a_forged_word_loses_the_session() {
    let (mut world, _) = world(1, Visibility::Members);
    let mut forged = word(&world, 2, &world.nodes[2].me.device, 666);
    let last = forged.windows(3).position(|part| part == b"666").unwrap();
    forged[last] = b'5';
    assert!(world.nodes[0].sessions.values().any(|wire| wire.0 == 1));
    tell(&mut world, 1, 0, forged);
    assert!(!world.nodes[0].sessions.values().any(|wire| wire.0 == 1));
}

#[test]
fn of_a_word_that_changes_all_the_time_members_pass_on_little_and_the_newest_in_the_end() {
    let (mut world, _) = world(1, Visibility::Members);
    let told = |world: &World, to: usize| {
        let frames = world.received[&to].iter();
        frames.map(|frame| if let Frame::Nodes(nodes) = frame { nodes.said.len() } else { 0 }).sum::<usize>()
    };
    let before = [told(&world, 1), told(&world, 2)];
    for n in 0..60 {
        let said = word(&world, 1, &world.nodes[1].me.device, 1000 + n);
        tell(&mut world, 1, 0, said);
        world.run_for(5);
        // As a running node does now and then.
        world.listen(0, 1);
    }
    world.run_for(31);
    world.listen(0, 1);
    world.run_for(20);
    assert_eq!(ports(&world, 2)[&1], "1059");
    assert!(told(&world, 2) - before[1] <= 300 / 30 + 2, "{}", told(&world, 2) - before[1]);
    assert_eq!(told(&world, 1), before[0], "nothing is told back");
}

#[test]
fn a_device_whose_clock_was_ahead_is_believed_again_as_soon_as_it_is_right() {
    use std::sync::atomic::Ordering::Relaxed;
    for ahead in [365 * 86_400, 20 * 3600, 300] {
        let (mut world, _) = world(1, Visibility::Members);
        let now = world.now();
        world.clock.store(now + ahead * 1_000_000, Relaxed);
        world.listen(1, 50);
        world.clock.store(now, Relaxed);
        world.run_for(40);
        world.listen(1, 60);
        world.run_for(80);
        world.listen(0, 1);
        world.run_for(20);
        assert_eq!((&*ports(&world, 1)[&1], &*ports(&world, 0)[&1]), ("60", "60"), "{ahead} s ahead");
    }
}

#[test]
fn members_of_a_community_are_told_of_who_joins_it_although_their_node_was_known_from_another() {
    let mut world = World::new(3, 3, 0);
    let (a, b) = (world.found(0, Visibility::Members), world.found(0, Visibility::Members));
    world.invite(0, 1, &a);
    world.invite(0, 2, &b);
    for node in 0..3 {
        world.refresh(node);
        world.listen(node, 1);
    }
    world.connect(1, 0);
    world.connect(2, 0);
    world.run_for(60);
    assert_eq!(ports(&world, 2), all(&[(0, "1"), (2, "1")]));
    world.invite(0, 1, &b);
    world.run_for(120);
    for at in 0..3 {
        assert_eq!(ports(&world, at), all(&[(0, "1"), (1, "1"), (2, "1")]), "node {at}");
    }
}

#[test]
fn a_member_that_opens_a_session_again_and_again_is_told_everything_once_a_minute() {
    let (mut world, _) = world(1, Visibility::Members);
    let told = |world: &World| world.received[&1].iter().filter(|frame| matches!(frame, Frame::Nodes(_))).count();
    let before = told(&world);
    for _ in 0..40 {
        for (at, with) in [(0, 1), (1, 0)] {
            let (peer, ours) = (world.nodes[with].peer, world.nodes[at].sessions.clone());
            for (session, _) in ours.into_iter().filter(|(_, wire)| wire.0 == 1) {
                world.nodes[at].sessions.remove(&session);
                world.input(at, Input::Closed { peer, session });
            }
        }
        world.run_for(5);
    }
    let after = told(&world) - before;
    assert!((2..=4).contains(&after), "{after} times in 200 s");
}
