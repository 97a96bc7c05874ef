//! Members learn where members' nodes are, from whoever knows, and nobody else does.

use std::collections::BTreeMap;

use folkmoot_schemas::{Audience, charter::Visibility};

use super::World;
use crate::sync::message::Frame;

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
