//! One person with two devices, of which one is taken out.

use std::collections::BTreeSet;

use super::*;

/// Ada (0) with a second device (the last node), Bob (1) and Cleo (2): everybody holds what both of her devices wrote.
fn with_a_phone(seed: u64, visibility: Visibility) -> (World, Cid, Secret) {
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
    publish::enter(&node.store, &document, &[community], &[]).unwrap();
    node.performer = Performer::new(node.store.clone(), node.me.clone(), node.clock.clone());
    world.nodes.push(node);
    for at in 0..4 {
        world.refresh(at);
    }
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
