//! What has to hold whatever the seed.

use folkmoot_schemas::{
    Audience, Cid,
    block::Block,
    charter::Visibility,
    commit::RepoId,
    records::{event::Image, post::Post},
    uri::Uri,
};

use super::World;
use crate::{
    publish::{self, Draft},
    store::{
        Scope,
        notices::{Notice, What},
        pins::Target,
        quota::Quotas,
        reader::Lookup,
    },
    sync::{
        engine::{Ask, Input},
        message::{Blocks, Frame, Pull, Want},
    },
};

/// `MOOT_SEEDS` runs more, `MOOT_SEED` one.
fn seeds(usual: u64) -> Box<dyn Iterator<Item = u64>> {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("MOOT_SEED") {
        Some(seed) => Box::new(std::iter::once(seed)),
        None => Box::new(0..number("MOOT_SEEDS").unwrap_or(usual)),
    }
}

/// A connected graph: a line in random order, and some more links.
fn connect_some(world: &mut World, nodes: usize) {
    for b in 1..nodes {
        let a = world.dice.below(b as u64) as usize;
        if world.dice.below(2) == 0 { world.connect(a, b) } else { world.connect(b, a) }
    }
    for _ in 0..world.dice.below(nodes as u64) {
        let (a, b) = (world.dice.below(nodes as u64) as usize, world.dice.below(nodes as u64) as usize);
        if a != b {
            world.connect(a, b);
        }
    }
}

fn visibility(seed: u64) -> Visibility {
    if seed.is_multiple_of(3) { Visibility::Members } else { Visibility::Public }
}

fn any_audience(world: &mut World, visibility: Visibility) -> Audience {
    match visibility {
        Visibility::Public if world.dice.below(2) == 0 => Audience::Public,
        _ => Audience::Members,
    }
}

/// A community of all nodes, connected and at rest.
fn settled(seed: u64, nodes: usize, gossip_loss: u64) -> (World, Cid) {
    let mut world = World::new(seed, nodes, gossip_loss);
    let community = world.found(0, visibility(seed));
    for guest in 1..nodes {
        world.invite(0, guest, &community);
    }
    for node in 0..nodes {
        world.refresh(node);
    }
    connect_some(&mut world, nodes);
    world.run_for(100);
    (world, community)
}

#[test]
fn everyone_holds_the_same_within_90_seconds_of_a_partition() {
    for seed in seeds(50) {
        let nodes = 2 + (seed % 4) as usize;
        let loss = if seed % 2 == 0 { 100 } else { 50 };
        let (mut world, community) = settled(seed, nodes, loss);
        let everyone: Vec<usize> = (0..nodes).collect();
        world.assert_alike(&everyone, Scope::Members, &community);

        // A while of posts, cuts and restarts.
        let links: Vec<(usize, usize)> = everyone
            .iter()
            .flat_map(|a| (0..*a).map(move |b| (*a, b)))
            .filter(|(a, b)| world.is_linked(*a, *b))
            .collect();
        for _ in 0..12 {
            let at = world.dice.below(nodes as u64) as usize;
            let audience = any_audience(&mut world, visibility(seed));
            let told = world.dice.below(2) == 0;
            world.post(at, &community, audience, told);
            match world.dice.below(4) {
                0 => {
                    let (a, b) = links[world.dice.below(links.len() as u64) as usize];
                    world.cut(a, b);
                }
                1 => world.restart(at),
                _ => {}
            }
            let pause = world.dice.below(20);
            world.run_for(pause);
        }
        for (a, b) in links {
            world.connect(a, b);
        }
        world.run_for(90);
        world.assert_alike(&everyone, Scope::Members, &community);
        assert!(world.records(0, Scope::Members, &community) >= 12, "seed {seed}");
    }
}

#[test]
fn with_all_gossip_lost_a_late_post_arrives_within_a_minute_without_a_reconnect() {
    for seed in seeds(20) {
        let (mut world, community) = settled(seed, 3, 100);
        world.run_for(7 * 60 + seed);
        let audience = any_audience(&mut world, visibility(seed));
        world.post(1, &community, audience, false);
        world.run_for(65);
        world.assert_alike(&[0, 1, 2], Scope::Members, &community);
        assert_eq!(world.records(2, Scope::Members, &community), 1, "seed {seed}");
    }
}

#[test]
fn an_announced_post_is_everywhere_in_two_seconds() {
    for seed in seeds(12) {
        let (mut world, community) = settled(seed, 4, 0);
        let audience = any_audience(&mut world, visibility(seed));
        world.post(2, &community, audience, true);
        world.run_for(2);
        world.assert_alike(&[0, 1, 2, 3], Scope::Members, &community);
    }
}

#[test]
fn a_joiner_is_admitted_by_any_member_and_has_everything_in_five_seconds() {
    for seed in seeds(12) {
        let (mut world, community) = settled(seed, 4, 100);
        // Node 3 forgets nothing, but 0 (the founder) is away when it joins by way of 2.
        let guest = world.nodes.len();
        let node = world.node(guest);
        world.nodes.push(node);
        world.post(0, &community, Audience::Members, false);
        world.invite(0, guest, &community);
        world.run_for(70);
        for other in 1..4 {
            world.cut(0, other);
        }
        world.connect(guest, 2);
        world.run_for(5);
        let members = [guest, 2];
        world.assert_alike(&members, Scope::Members, &community);
        assert_eq!(world.records(guest, Scope::Members, &community), 1, "seed {seed}");
    }
}

#[test]
fn a_liar_among_the_members_delays_nobody_else() {
    for seed in seeds(25) {
        let (mut world, community) = settled(seed, 4, 100);
        world.lie(3);
        for other in 0..3 {
            world.connect(3, other);
        }
        world.connect(0, 1);
        world.connect(1, 2);
        for at in 0..3 {
            let audience = any_audience(&mut world, visibility(seed));
            world.post(at, &community, audience, at == 1);
            world.run_for(20);
        }
        world.run_for(120);
        world.assert_alike(&[0, 1, 2], Scope::Members, &community);
        assert_eq!(world.records(0, Scope::Members, &community), 3, "seed {seed}");
    }
}

/// A whole community of one node, and another node that joins it.
fn joined(world: &mut World, community: &Cid) {
    world.invite(0, 1, community);
    world.connect(1, 0);
    world.run_for(10);
    world.assert_alike(&[0, 1], Scope::Members, community);
}

#[test]
fn a_repository_larger_than_an_answer_comes_in_several() {
    let mut world = World::new(1, 2, 100);
    let community = world.found(0, Visibility::Public);
    // 20 kB each, in one commit.
    let text = "𝕏".repeat(5000);
    let posts = (0..500).map(|n| Post { text: text.clone(), title: Some(n.to_string()), ..Post::default() }).collect();
    world.publish(0, &community, Audience::Public, posts, false);
    joined(&mut world, &community);
    assert_eq!(world.records(1, Scope::Public, &community), 500);
    let ends = world.received[&1].iter().filter(|frame| matches!(frame, Frame::End(_))).count();
    assert!(ends >= 2, "one answer cannot have held it");
}

#[test]
fn pictures_follow_the_posts_that_show_them() {
    for audience in [Audience::Public, Audience::Members] {
        let mut world = World::new(1, 2, 100);
        let community = world.found(0, Visibility::Public);
        let mut pictures = Vec::new();
        for n in 0..12_u8 {
            let blob = Block::raw(vec![n; 1024 * 1024]);
            world.nodes[0].store.put_blob(&blob, 0).unwrap();
            pictures.push(*blob.cid());
        }
        let post = |blob: &Cid| {
            let (mime, alt) = ("image/png".into(), "A river".into());
            let images = vec![Image { blob: *blob, mime, width: 8, height: 8, alt }];
            Post { text: "Look".into(), images, ..Post::default() }
        };
        world.publish(0, &community, audience, pictures.iter().map(post).collect(), true);
        joined(&mut world, &community);
        let view = world.nodes[1].store.view(Scope::Members).unwrap();
        assert!(pictures.iter().all(|cid| view.block(&community, cid).unwrap().is_some()));
        let view = world.nodes[1].store.view(Scope::Public).unwrap();
        let public = view.block(&community, &pictures[0]).unwrap().is_some();
        assert_eq!(public, audience == Audience::Public, "reach follows the audience");
    }
}

#[test]
fn what_has_no_room_is_left_alone_while_others_go_on_and_comes_within_a_minute_of_there_being_room() {
    for seed in seeds(6) {
        let (mut world, community) = settled(seed, 3, 100);
        let narrow = Quotas { member: Some(4000), ..Quotas::default() };
        world.nodes[1].store.set_quotas(narrow);
        let long = |n: usize| Post { text: format!("{n} {}", "la ".repeat(300)), ..Post::default() };
        world.publish(0, &community, Audience::Members, (0..20).map(long).collect(), false);
        world.post(2, &community, Audience::Members, false);
        world.run_for(90);
        let deltas = |world: &World| {
            let parts = world.received[&1].iter().filter_map(|frame| match frame {
                Frame::Part(part) => Some(part.deltas.iter().filter(|delta| delta.put.len() >= 20).count()),
                _ => None,
            });
            parts.sum::<usize>()
        };
        let before = deltas(&world);
        world.run_for(1800);
        assert_eq!(deltas(&world), before, "seed {seed}: it was pulled again although there is no room");
        assert!(before <= 3, "seed {seed}: pulled {before} times");
        let view = world.nodes[1].store.view(Scope::Members).unwrap();
        let deferred = view.deferred().unwrap();
        assert_eq!((deferred.len(), deferred[0].repo.did), (1, world.nodes[0].me.did), "seed {seed}");
        assert_eq!(view.count(&community).unwrap(), 1, "seed {seed}: the others' post came");

        // A pin fetches all that hangs on what it names, tree or not.
        let (commit, _) = world.nodes[0]
            .store
            .view(Scope::Members)
            .unwrap()
            .head_commit(&community, &deferred[0].repo)
            .unwrap()
            .unwrap();
        drop(view);
        world.nodes[1].store.pin(&Target::Fixed(*commit.cid()), "", 0).unwrap();
        world.input(1, Input::SyncNow);
        world.run_for(90);
        let pin = world.nodes[1].store.view(Scope::Members).unwrap().pins().unwrap().remove(0);
        assert!(pin.is_complete() && pin.blocks > 22, "seed {seed}: {pin:?}");

        world.nodes[1].store.set_quotas(Quotas::default());
        world.run_for(60);
        world.assert_alike(&[0, 1, 2], Scope::Members, &community);
    }
}

#[test]
fn a_pinned_block_that_nobody_has_leaves_the_comparison_of_communities_as_it_is() {
    for seed in seeds(3) {
        let (mut world, _) = settled(seed, 2, 0);
        world.nodes[1].store.pin(&Target::Fixed(*Block::raw(vec![9; 20]).cid()), "", 0).unwrap();
        world.received.clear();
        world.run_for(120);
        let heads = world.received[&0].iter().filter_map(|frame| match frame {
            Frame::Heads(heads) => Some(heads),
            _ => None,
        });
        let asks: Vec<_> = heads.flat_map(|heads| &heads.communities).collect();
        assert!(!asks.is_empty() && asks.iter().all(|ask| ask.digest.is_some()), "seed {seed}: {asks:?}");
    }
}

#[test]
fn a_join_is_shown_only_where_its_link_leads() {
    let (mut world, community) = settled(0, 2, 0);
    assert_eq!(visibility(0), Visibility::Members);
    let (guest, stranger) = (2, 3);
    for at in [guest, stranger] {
        let node = world.node(at);
        world.nodes.push(node);
        world.refresh(at);
    }
    let mut link = world.link(0, &community, 1);
    link.addrs = vec![format!("/ip4/192.0.2.7/tcp/4700/p2p/{}", world.nodes[0].peer)];
    world.join(guest, &link);
    let shown = |world: &World, at: usize| {
        world.received.get(&at).into_iter().flatten().any(|frame| match frame {
            Frame::Hello(hello) => hello.did == world.nodes[guest].me.did && hello.join.is_some(),
            _ => false,
        })
    };
    world.connect(guest, stranger);
    world.run_for(200);
    assert!(!shown(&world, stranger), "the stranger would learn the name of a community for members");
    world.connect(guest, 0);
    world.run_for(100);
    assert!(shown(&world, 0));
    world.assert_alike(&[0, 1, guest], Scope::Members, &community);
    // A roster holds it now: elsewhere it is not shown either, and after a day nowhere.
    world.cut(guest, stranger);
    world.connect(guest, stranger);
    world.run_for(100);
    assert!(!shown(&world, stranger));
    world.run_for(25 * 3600);
    world.received.clear();
    world.cut(guest, 0);
    world.connect(guest, 0);
    world.run_for(100);
    assert!(!shown(&world, 0));
    world.assert_alike(&[0, 1, guest], Scope::Members, &community);
}

/// Every block and name that reached a node.
fn seen(world: &World, at: usize) -> String {
    world.received.get(&at).map(|frames| format!("{frames:?}")).unwrap_or_default()
}

#[test]
fn a_stranger_is_given_the_public_audience_and_nothing_else() {
    for seed in seeds(9) {
        let (mut world, community) = settled(seed, 2, 0);
        for audience in [Audience::Public, Audience::Members] {
            if visibility(seed) == Visibility::Public || audience == Audience::Members {
                world.post(0, &community, audience, true);
            }
        }
        world.run_for(40);
        let view = world.nodes[0].store.view(Scope::Members).unwrap();
        let member = &world.nodes[0].me;
        let repo = RepoId { did: member.did, device: member.device.did(), audience: Audience::Members };
        let (commit, _) = view.head_commit(&community, &repo).unwrap().unwrap();
        drop(view);

        let stranger = world.nodes.len();
        let node = world.node(stranger);
        world.nodes.push(node);
        world.connect(stranger, 0);
        world.run_for(2);
        let peer = world.nodes[stranger].peer;
        let want = vec![Want { did: repo.did, device: repo.device, audience: repo.audience, since: None, after: None }];
        for (n, audience) in [Audience::Public, Audience::Members].into_iter().enumerate() {
            let (want, people) = (want.clone(), vec![repo.did]);
            let pull = Pull {
                community,
                audience,
                roster: Some(Vec::new()),
                charter: true,
                people,
                want,
                max: 1 << 23,
                lost: vec![],
                known: vec![],
            };
            let blocks = Blocks { community, audience, cids: vec![*commit.cid()] };
            for (m, ask) in [Ask::Pull(pull), Ask::Blocks(blocks)].into_iter().enumerate() {
                let request = 1000 + (n * 2 + m) as u64;
                world.nodes[0].requests.insert(request, (stranger, request));
                world.input(0, Input::Request { peer, stream: request, ask: ask.clone() });
                world.keep_answer(stranger, request, ask);
            }
        }
        world.run_for(40);
        let text = seen(&world, stranger);
        assert!(!text.contains(&commit.cid().to_string()), "seed {seed}: a stranger was given a members' commit");
        let parts: Vec<_> = (world.received[&stranger].iter())
            .filter_map(|frame| if let Frame::Part(part) = frame { Some(part) } else { None })
            .collect();
        assert!(parts.iter().flat_map(|part| &part.deltas).all(|delta| delta.audience == Audience::Public));
        match visibility(seed) {
            // Charter and roster of a public community are for everyone.
            Visibility::Public => assert!(parts.iter().any(|part| part.charter == Some(community)), "seed {seed}"),
            Visibility::Members => assert!(parts.is_empty(), "seed {seed}"),
        }
    }
}

#[test]
fn who_falls_out_of_the_roster_is_told_nothing_more_over_the_open_connection() {
    for seed in seeds(9) {
        let (mut world, community) = settled(seed, 2, 0);
        let link = world.link(0, &community, 1);
        world.run_for(40);
        world.cut(0, 1);
        // Two join by the last use of an invite, on two sides that cannot see each other.
        let mut guests = Vec::new();
        for host in 0..2 {
            let guest = world.nodes.len();
            let node = world.node(guest);
            world.nodes.push(node);
            world.join(guest, &link);
            world.connect(guest, host);
            world.run_for(10);
            world.assert_alike(&[guest, host], Scope::Members, &community);
            guests.push(guest);
        }
        world.connect(0, 1);
        world.run_for(70);
        world.assert_alike(&[0, 1], Scope::Members, &community);
        let known = world.nodes[0].store.view(Scope::Members).unwrap().community(&community).unwrap().unwrap();
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            guests.into_iter().partition(|guest| known.state.is_member(&world.nodes[*guest].me.did));
        assert_eq!((inside.len(), outside.len()), (1, 1), "seed {seed}");
        world.received.clear();
        for author in 0..2 {
            world.post(author, &community, Audience::Members, true);
            world.run_for(40);
        }
        assert!(world.received[&inside[0]].iter().any(|frame| matches!(frame, Frame::Notify(_))), "seed {seed}");
        for frame in world.received.get(&outside[0]).into_iter().flatten() {
            let told = match frame {
                Frame::Notify(_) => true,
                Frame::Heads(heads) => heads.communities.iter().any(|ask| ask.audience == Audience::Members),
                _ => false,
            };
            assert!(!told, "seed {seed}: {frame:?}");
        }
    }
}

/// Published and announced; its URI.
fn say(world: &World, at: usize, community: &Cid, audience: Audience, draft: Draft) -> Uri {
    let node = &world.nodes[at];
    let draft = Draft { audience: Some(audience), ..draft };
    let published = publish::publish(&node.store, &node.me, &node.clock, community, vec![draft]).unwrap();
    published.items[0].uri.clone()
}

fn words(text: &str) -> Post {
    Post { text: text.into(), ..Post::default() }
}

fn read(world: &World, at: usize, uri: &Uri) -> Option<String> {
    match world.nodes[at].store.view(Scope::Members).unwrap().get(uri).unwrap() {
        Lookup::Found(entry) => entry.record.as_post().map(|post| post.text.clone()),
        _ => None,
    }
}

/// A device is set back to an older copy of its disk, writes on from there while it is alone, and meets the others: what it
/// had written in between comes back, in whatever order heads, listings and answers arrive.
#[test]
fn what_a_restored_copy_of_a_disk_lacks_is_put_back_from_others() {
    for seed in seeds(30) {
        let (mut world, community) = settled(seed, 3, seed % 3 * 50);
        let audience = any_audience(&mut world, visibility(seed));
        let new = |text: &str| Draft { audience: None, rkey: None, record: words(text).into(), again: true };
        let at = |uri: &Uri, text: &str| Draft { rkey: Some(uri.rkey.clone()), ..new(text) };
        let old = say(&world, 1, &community, audience, new("old"));
        let doomed = say(&world, 1, &community, audience, new("doomed"));
        let slip = say(&world, 1, &community, audience, new("a slip"));
        world.run_for(100);
        let image = world.image(1);

        // The week: a few posts, a change, a deletion, in several commits.
        let mut week: Vec<Uri> =
            (0..1 + seed % 4).map(|n| say(&world, 1, &community, audience, new(&n.to_string()))).collect();
        say(&world, 1, &community, audience, at(&old, "changed"));
        let me = &world.nodes[1];
        publish::delete(&me.store, &me.me, &me.clock, &doomed).unwrap();
        world.run_for(100);
        assert_eq!(read(&world, 0, &old).as_deref(), Some("changed"), "seed {seed}");

        let links: Vec<usize> = [0, 2].into_iter().filter(|other| world.is_linked(1, *other)).collect();
        world.restore(1, image);
        assert_eq!(read(&world, 1, &old).as_deref(), Some("old"));
        world.run_for(10);
        week.extend((0..seed % 5).map(|n| say(&world, 1, &community, audience, new(&format!("after {n}")))));
        let me = &world.nodes[1];
        publish::delete(&me.store, &me.me, &me.clock, &slip).unwrap();
        for other in links.iter().copied() {
            if world.dice.below(2) == 0 { world.connect(1, other) } else { world.connect(other, 1) }
        }
        world.run_for(240);
        world.assert_alike(&[0, 1, 2], Scope::Members, &community);
        for node in 0..3 {
            for uri in &week {
                assert!(read(&world, node, uri).is_some(), "seed {seed}: node {node} lost {uri}");
            }
            assert_eq!(read(&world, node, &old).as_deref(), Some("changed"), "seed {seed}: node {node}");
            assert_eq!(read(&world, node, &doomed), None, "seed {seed}: node {node}");
            assert_eq!(read(&world, node, &slip), None, "seed {seed}: node {node}");
        }
        let told = world.nodes[1].store.notices().unwrap();
        let [Notice { what: What::PutBack { records, removed: 1, .. }, .. }] = &told[..] else {
            panic!("seed {seed}: {told:?}")
        };
        assert_eq!(u64::from(*records), 2 + seed % 4, "seed {seed}: the posts of the week and the change");
        for node in links {
            let view = world.nodes[node].store.view(Scope::Members).unwrap();
            for head in view.heads(&community).unwrap() {
                assert!(
                    view.lost_heads(&community, &head.repo).unwrap().is_empty(),
                    "seed {seed}: node {node} still offers"
                );
            }
        }
    }
}

#[test]
fn who_is_put_out_stands_still_at_one_head_on_every_node() {
    for seed in seeds(24) {
        let (mut world, community) = settled(seed, 4, 50);
        let audience = any_audience(&mut world, visibility(seed));
        world.post(1, &community, audience, true);
        world.run_for(70);
        // The founder does not hear what follows; others may.
        for other in 1..4 {
            world.cut(0, other);
        }
        for _ in 0..3 {
            let told = world.dice.below(2) == 0;
            world.post(1, &community, audience, told);
            let pause = world.dice.below(40);
            world.run_for(pause);
        }
        world.remove(0, 1, &community);
        // Neither has the one who is out heard of it, and goes on.
        world.cut(1, 2);
        world.cut(1, 3);
        world.connect(0, 2);
        world.connect(2, 3);
        world.run_for(world.seed % 50);
        world.post(1, &community, audience, true);
        world.connect(1, 2 + (seed % 2) as usize);
        world.run_for(120);
        world.assert_alike(&[0, 2, 3], Scope::Members, &community);
        if visibility(seed) == Visibility::Public {
            world.assert_alike(&[0, 1, 2, 3], Scope::Public, &community);
        }
        assert_eq!(world.records(3, Scope::Members, &community), 1, "seed {seed}: what the remover held");

        // Who comes later is given it, with what proves whose it is.
        let late = world.arrive();
        world.invite(2, late, &community);
        world.connect(late, 2);
        world.run_for(30);
        world.assert_alike(&[0, 2, 3, late], Scope::Members, &community);
        assert_eq!(world.records(late, Scope::Members, &community), 1, "seed {seed}");

        // And with the return, nothing that was published is lost anywhere.
        world.readmit(0, 1, &community);
        world.connect(0, 1);
        world.run_for(70);
        world.post(1, &community, audience, true);
        world.run_for(70);
        world.assert_alike(&[0, 1, 2, 3, late], Scope::Members, &community);
        assert_eq!(world.records(late, Scope::Members, &community), 6, "seed {seed}");
    }
}
