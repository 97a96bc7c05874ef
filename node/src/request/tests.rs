mod agenda;
mod answers;
mod history;
mod inbox;

use folkmoot_schemas::{
    Audience, Tid,
    charter::Visibility,
    identity::{Device, Identity},
    key::Secret,
    link::InviteLink,
    records::post::Post,
    roster::Role,
    whereabouts::Whereabouts,
};

use super::*;
use crate::{
    config::Config,
    publish::tests::{Person, draft, gig, post},
    store::{Batch, Reached, Scope},
};

/// A person at a desk, with a folder for settings.
struct Home {
    person: Person,
    dir: tempfile::TempDir,
    live: Live,
}

impl Home {
    fn new(number: u8) -> Self {
        Self { person: Person::new(number), dir: tempfile::tempdir().unwrap(), live: Live::default() }
    }
    fn ask(&self, request: Request) -> Outcome {
        let Person { store, me, clock } = &self.person;
        handle(&Desk { store, me, clock, dir: self.dir.path(), live: &self.live }, request)
    }
    fn refused(&self, request: Request) -> Failure {
        match self.ask(request).reply {
            Reply::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }
    fn get(&self, target: &str) -> Request {
        Request::Get { target: target.into(), community: None }
    }
    fn post(text: &str) -> WireDraft {
        let record = folkmoot_schemas::Record::from(post(text)).encode(Tid::new(0, 0)).unwrap();
        WireDraft { rkey: None, members_only: false, record: record.bytes().to_vec(), again: false }
    }
    fn publish(&self, community: Option<&str>, text: &str) -> Reply {
        let drafts = vec![Self::post(text)];
        self.ask(Request::Publish { community: community.map(str::to_owned), drafts }).reply
    }
}

#[test]
fn with_no_community_everything_says_how_to_get_one() {
    let home = Home::new(1);
    let failure = home.refused(Request::Members { community: None });
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(failure.hint.unwrap().contains("moot join"));
}

#[test]
fn the_only_community_needs_no_name_and_the_default_chooses_among_several() {
    let home = Home::new(1);
    home.person.found("River Street", Visibility::Public);
    assert!(matches!(home.publish(None, "one"), Reply::Published(_)));
    let choir = home.person.found("Choir", Visibility::Members);
    let failure = match home.publish(None, "two") {
        Reply::Failed(failure) => failure,
        other => panic!("{other:?}"),
    };
    assert!(failure.detail.len() == 2 && failure.detail[0].starts_with("Choir  bafyrei"), "{failure:?}");
    Config::set(&home.dir.path().join("config.toml"), "community", Some("Choir")).unwrap();
    match home.publish(None, "two") {
        Reply::Published(infos) => assert_eq!(infos[0].community, choir.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_community_is_found_by_name_in_any_case_beginning_or_id_and_doubt_lists_them() {
    let home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Public);
    home.person.found("River Club", Visibility::Public);
    home.person.found("river", Visibility::Public);
    let id = river.to_string();
    for text in ["River Street", "river street", "RIVER S", &id, &id[..30]] {
        match home.publish(Some(text), text) {
            Reply::Published(infos) => assert_eq!(infos[0].community, id, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    let failure = home.refused(Request::Members { community: Some("riv".into()) });
    assert!(failure.message.contains("more than one") && failure.detail.len() == 3, "{failure:?}");
    let failure = home.refused(Request::Members { community: Some("Lake".into()) });
    assert!(failure.message.contains("\"Lake\"") && failure.detail.len() == 3, "{failure:?}");
}

#[test]
fn a_record_is_found_by_uri_cid_page_and_beginning_of_its_id() {
    let mut home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Public);
    home.live = Live { running: true, http: Some("http://127.0.0.1:4780".into()), ..Live::default() };
    let item = home.person.post(&river, "hello");
    let short = item.uri.short_id();
    let url = match home.ask(home.get(&short)).reply {
        Reply::Item(item) => item.url.unwrap(),
        other => panic!("{other:?}"),
    };
    let long = format!("http://a.example/c/{river}/n/{short}");
    for target in [&item.uri.to_string(), &item.cid.to_string(), &url, &long, &short[..4], &short.to_uppercase()] {
        match home.ask(home.get(target)).reply {
            Reply::Item(found) => assert_eq!(found.uri, item.uri.to_string(), "{target}"),
            other => panic!("{target}: {other:?}"),
        }
    }
    assert!(home.refused(home.get(&short[..3])).message.contains("too short"));
    for target in ["7777777777777777", "no such thing", "moot://x", "https://a.example/about", ""] {
        assert_eq!(home.refused(home.get(target)).kind, FailureKind::Refused, "{target}");
    }
}

#[test]
fn a_record_is_found_by_its_whole_title_where_only_one_has_it() {
    let home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Public);
    let event = |name: &str, date: &str| {
        let start = folkmoot_schemas::when::Start::Date { date: date.parse().unwrap() };
        let event = folkmoot_schemas::records::event::Event::new(name, start);
        home.person.publish(&river, vec![draft(event)]).unwrap().items.remove(0).uri
    };
    let found = |title: &str| match home.ask(home.get(title)).reply {
        Reply::Item(item) => item.uri,
        other => panic!("{title}: {other:?}"),
    };
    // The clock of this test stands in September 2026. `choir` could as well be the beginning of an id.
    let gig = event("Harbour Gig", "2026-12-05");
    let choir = event("Choir", "2026-12-06");
    assert_eq!((found("harbour gig "), found("Choir")), (gig.to_string(), choir.to_string()));
    for part in ["Harbour", "Choi", "ch"] {
        assert!(home.refused(home.get(part)).detail.is_empty(), "{part}");
    }
    // A past one of the same name is not meant; a second one to come may be.
    event("Choir", "2025-12-06");
    assert_eq!(found("Choir"), choir.to_string());
    let second = event("Choir", "2026-12-13");
    let failure = home.refused(home.get("choir"));
    assert!(failure.message.contains("more than one") && failure.detail.len() == 3, "{failure:?}");
    assert!(failure.detail[0].starts_with(&second.short_id()) && failure.detail[0].contains("13 December 2026"));
    let article = Post { title: Some("Harbour Gig".into()), ..post("How it was") };
    home.person.publish(&river, vec![draft(article)]).unwrap();
    assert_eq!(home.refused(home.get("Harbour Gig")).detail.len(), 2, "a post of that title could be meant too");
}

#[test]
fn a_deleted_record_is_said_to_be_deleted_and_deleting_it_again_is_no_error() {
    let home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Public);
    let item = home.person.post(&river, "hello");
    let delete = Request::Delete { target: item.uri.to_string(), community: None };
    let outcome = home.ask(delete.clone());
    assert!(matches!(outcome.reply, Reply::Deleted { sent: false, .. }) && outcome.news.len() == 1);
    let outcome = home.ask(delete);
    assert!(matches!(outcome.reply, Reply::Deleted { .. }) && outcome.news.is_empty());
    assert!(home.refused(home.get(&item.uri.to_string())).message.contains("was deleted"));
}

#[test]
fn a_pin_keeps_what_is_deleted_for_this_home_alone_and_says_so() {
    let home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Public);
    let item = home.person.post(&river, "the first gig");
    let (uri, short) = (item.uri.to_string(), item.uri.short_id());
    let pin = |target: &str, name: Option<&str>| {
        let request = Request::PinAdd { target: target.into(), community: None, name: name.map(str::to_owned) };
        match home.ask(request) {
            Outcome { reply: Reply::Pinned { pin, fresh }, news } => {
                assert!(matches!(news.as_slice(), [News::Wanted]));
                (pin, fresh)
            }
            other => panic!("{other:?}"),
        }
    };
    let list = || match home.ask(Request::Pins).reply {
        Reply::Pins(pins) => pins,
        other => panic!("{other:?}"),
    };
    let (added, fresh) = pin(&short, None);
    assert!(fresh && added.complete && added.target == uri && added.state == "current", "{added:?}");
    assert_eq!(added.title.as_deref(), Some("post: the first gig"));
    let (renamed, fresh) = pin(&uri, Some("gig"));
    assert!(!fresh && renamed.name.as_deref() == Some("gig"));
    // The version itself, fixed; an address of which nothing has come; and the community as it is now.
    assert_eq!(pin(&item.cid.to_string(), None).0.state, "fixed");
    let awaited = format!("{}x", &uri[..uri.len() - 1]);
    assert_eq!(pin(&awaited, None).0.state, "awaited");
    let snapshot = home.person.store.view(crate::store::Scope::Public).unwrap().snapshot(&river).unwrap();
    let (whole, _) = pin(&snapshot.to_string(), None);
    assert!(whole.complete && whole.blocks >= 6, "{whole:?}");
    let elsewhere = uri.replace(&river.to_string(), &item.cid.to_string());
    let failure = home.refused(Request::PinAdd { target: elsewhere, community: None, name: None });
    assert!(failure.message.contains("not known") && failure.hint.is_some(), "{failure:?}");

    home.ask(Request::Delete { target: uri.clone(), community: None });
    let gone = list().into_iter().find(|pin| pin.target == uri).unwrap();
    assert!(gone.state == "gone" && gone.complete && gone.cid == Some(item.cid.to_string()), "{gone:?}");
    match home.ask(home.get(&short)).reply {
        Reply::Item(kept) => assert!(kept.cid == item.cid.to_string() && kept.fault.unwrap().contains("your pin")),
        other => panic!("{other:?}"),
    }
    match home.ask(Request::Proof { target: short.clone(), community: None }).reply {
        Reply::Proof(proof) => assert!(!proof.car.is_empty()),
        other => panic!("{other:?}"),
    }
    match home.ask(Request::List { community: None, collection: "org.folkmoot.post".into(), before: None, limit: 9 }) {
        Outcome { reply: Reply::Items(items), .. } => assert!(items.is_empty(), "lists do not have it"),
        other => panic!("{other:?}"),
    }
    let remove = |target: &str| Request::PinRemove { target: target.into(), community: None };
    assert!(matches!(home.ask(remove("gig")).reply, Reply::Done));
    assert!(home.refused(remove("gig")).hint.unwrap().contains("moot pin list"));
    assert!(home.refused(home.get(&short)).message.contains("was deleted"));
    assert_eq!(list().len(), 3);
}

#[test]
fn a_status_tells_of_quotas_and_of_what_a_sweep_would_free() {
    let home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Public);
    home.person.post(&river, "hello");
    let store = &home.person.store;
    let added = folkmoot_schemas::Block::raw(vec![7; 5000]);
    store.put_blob(&added, 0).unwrap();
    let keeping = || match home.ask(Request::Status).reply {
        Reply::Status(status) => status.keeping,
        other => panic!("{other:?}"),
    };
    let before = keeping();
    assert_eq!((before.sweep.blocks, before.sweep.bytes, before.quotas.member), (1, 5000, Some(256 << 20)));
    let [fill] = before.communities.as_slice() else { panic!("{before:?}") };
    assert!(fill.community_name == "River Street" && fill.bytes == fill.members[0].bytes && fill.bytes > 100);
    let sweep = |dry_run| match home.ask(Request::Sweep { dry_run }).reply {
        Reply::Swept(swept) => swept,
        other => panic!("{other:?}"),
    };
    assert_eq!((sweep(true), keeping().sweep), (before.sweep.clone(), before.sweep.clone()));
    assert_eq!(sweep(false), before.sweep);
    assert_eq!((sweep(false), keeping().bytes), (SweptInfo::default(), before.bytes - 5000));

    store.set_quotas(crate::store::quota::Quotas { member: Some(fill.bytes), ..Default::default() });
    let failure = match home.publish(None, "one more") {
        Reply::Failed(failure) => failure,
        other => panic!("{other:?}"),
    };
    assert!(failure.message.starts_with("could not publish the post: it would make "), "{failure:?}");
    assert!(failure.hint.unwrap().contains("moot config quota_member"));
}

#[test]
fn lists_of_all_communities_are_one_newest_first_and_page_on() {
    let home = Home::new(1);
    let (a, b) = (home.person.found("A", Visibility::Public), home.person.found("B", Visibility::Members));
    for (community, text) in [(&a, "1"), (&b, "2"), (&a, "3"), (&b, "4")] {
        home.person.post(community, text);
    }
    let list = |before| match home
        .ask(Request::List { community: None, collection: "org.folkmoot.post".into(), before, limit: 3 })
        .reply
    {
        Reply::Items(items) => items,
        other => panic!("{other:?}"),
    };
    let text =
        |item: &Item| folkmoot_schemas::Record::open(&item.block).unwrap().2.as_post().map(|p: &Post| p.text.clone());
    let first = list(None);
    assert_eq!(first.iter().filter_map(text).collect::<Vec<_>>(), ["4", "3", "2"]);
    let rest = list(Some((first[2].created, first[2].short.clone())));
    assert_eq!(rest.iter().filter_map(text).collect::<Vec<_>>(), ["1"]);
}

#[test]
fn records_of_one_moment_are_all_on_some_page() {
    let home = Home::new(1);
    home.person.found("River Street", Visibility::Public);
    // One commit: its records share their microsecond.
    let drafts = (0..60).map(|n| Home::post(&format!("post {n}"))).collect();
    assert!(
        matches!(home.ask(Request::Publish { community: None, drafts }).reply, Reply::Published(all) if all.len() == 60)
    );
    let (mut seen, mut before) = (std::collections::BTreeSet::new(), None);
    loop {
        let list = Request::List { community: None, collection: "org.folkmoot.post".into(), before, limit: 7 };
        let Reply::Items(items) = home.ask(list).reply else { panic!("no list") };
        let Some(last) = items.last() else { break };
        before = Some((last.created, last.short.clone()));
        for item in items {
            assert!(seen.insert(item.uri), "twice");
        }
    }
    assert_eq!(seen.len(), 60);
}

#[test]
fn an_invite_can_be_printed_again_until_it_is_closed() {
    let mut home = Home::new(1);
    home.person.found("River Street", Visibility::Public);
    home.live = Live { running: true, addresses: vec!["/ip4/192.0.2.7/tcp/4700".into()], ..Live::default() };
    let made =
        match home.ask(Request::Invite { community: None, role: Role::Member, uses: 3, expires_s: Some(60) }).reply {
            Reply::Invite(info) => info,
            other => panic!("{other:?}"),
        };
    let link = made.link.unwrap();
    assert_eq!(InviteLink::parse(&link).unwrap().addrs, ["/ip4/192.0.2.7/tcp/4700"]);
    let invites = || match home.ask(Request::Invites { community: None }).reply {
        Reply::Invites(infos) => infos,
        other => panic!("{other:?}"),
    };
    assert_eq!(invites()[0].link.as_deref(), Some(link.as_str()));
    let closed = home.ask(Request::CloseInvite { community: None, invite: link });
    assert!(matches!(closed.reply, Reply::Done) && closed.news.len() == 1);
    assert!(invites()[0].closed && invites()[0].link.is_none());
    let failure = home.refused(Request::CloseInvite { community: None, invite: "bafyreiaaaa".into() });
    assert!(failure.hint.unwrap().contains("invite list"));
}

#[test]
fn posting_to_a_community_one_only_reads_is_refused_with_a_way_in() {
    let (ada, bob) = (Home::new(1), Home::new(2));
    let river = ada.person.found("River Street", Visibility::Public);
    bob.person.learn(&river, &ada.person);
    match bob.publish(None, "hi") {
        Reply::Failed(failure) => {
            assert_eq!(failure.kind, FailureKind::Refused);
            assert!(failure.message.contains("not a member of River Street"), "{failure:?}");
            assert!(failure.hint.unwrap().contains("invite"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_an_event_has_answers() {
    let home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Public);
    let event = home.person.publish(&river, vec![draft(gig())]).unwrap().items.remove(0);
    let ask = |target: String| Request::Answers { target, community: None, occurrence: None };
    assert!(matches!(home.ask(ask(event.uri.to_string())).reply, Reply::Answers(_)));
    let item = home.person.post(&river, "hello");
    assert!(home.refused(ask(item.uri.to_string())).message.contains("not an event"));
}

#[test]
fn kept_addresses_are_listed_connected_or_not() {
    let mut home = Home::new(1);
    let id = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
    for addr in [format!("/ip4/192.0.2.7/tcp/4700/p2p/{id}"), "/ip4/192.0.2.8/tcp/4700".into()] {
        let outcome = home.ask(Request::PeerAdd { addr });
        assert!(matches!(outcome.reply, Reply::Done) && matches!(outcome.news[..], [News::Dial(_)]));
    }
    assert!(home.refused(Request::PeerAdd { addr: "192.0.2.7:4700".into() }).hint.unwrap().contains("/ip4/"));
    let peer =
        |id: &str, addr: &str| LivePeer { peer_id: id.into(), addr: addr.into(), did: None, device: None, since: 1 };
    home.live.peers = vec![peer(id, "/ip4/10.0.0.1/tcp/9"), peer("other", "/ip4/10.0.0.2/tcp/9")];
    match home.ask(Request::PeerList).reply {
        Reply::Peers(peers) => {
            let seen: Vec<_> = peers.iter().map(|p| (p.connected, p.kept)).collect();
            assert_eq!(seen, [(true, true), (true, false), (false, true)]);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(home.ask(Request::PeerRemove { addr: "/ip4/192.0.2.8/tcp/4700".into() }).reply, Reply::Done));
    assert!(matches!(home.ask(Request::PeerRemove { addr: "/ip4/192.0.2.8/tcp/4700".into() }).reply, Reply::Failed(_)));
}

#[test]
fn members_nodes_are_listed_with_where_they_were_and_say_they_are() {
    let mut home = Home::new(1);
    home.person.found("River Street", Visibility::Public);
    let (did, phone) = (home.person.me.did, Secret::from_seed([77; 32]));
    let addr = |port: u16| format!("/ip4/192.0.2.7/tcp/{port}");
    let said = |did, peer: &str, rev| {
        let (device, addrs) = (phone.did(), vec![addr(1), addr(2)]);
        Whereabouts { did, device, rev: Tid::new(rev, 0), peer: peer.into(), addrs }.seal(&phone).unwrap()
    };
    let stranger = Secret::from_seed([78; 32]).did();
    let row = |did, at| Reached { did, device: phone.did(), at, addrs: vec![addr(2), addr(3)] };
    home.person.store.set_whereabouts(&[(phone.did(), Some(said(did, "12D3", 5)))]).unwrap();
    let rows = [("12D3".into(), Some(row(did, 9))), ("gone".into(), Some(row(stranger, 9)))];
    home.person.store.set_reached(&rows).unwrap();
    let list = |home: &Home| match home.ask(Request::PeerList).reply {
        Reply::Peers(peers) => peers,
        other => panic!("{other:?}"),
    };
    let peers = list(&home);
    assert_eq!(peers.len(), 1, "who is no member is not listed: {peers:?}");
    assert_eq!((peers[0].since, peers[0].said, peers[0].connected), (Some(9), Some(5), false));
    assert_eq!(peers[0].addrs, [addr(2), addr(3), addr(1)], "where it was reached comes first");

    home.live.peers =
        vec![LivePeer { peer_id: "12D3".into(), addr: addr(9), did: Some(did), device: Some(phone.did()), since: 20 }];
    let peers = list(&home);
    assert_eq!((peers.len(), peers[0].since, peers[0].connected), (1, Some(20), true));
    assert_eq!((peers[0].addr.as_str(), peers[0].did.clone()), (addr(9).as_str(), Some(did.to_string())));
}

#[test]
fn an_invite_link_names_another_node_of_the_same_person_and_nobody_elses() {
    let mut home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Public);
    home.live = Live { running: true, addresses: vec!["/ip4/192.0.2.1/tcp/4700".into()], ..Live::default() };
    let boards = [77, 79, 80].map(|seed| Secret::from_seed([seed; 32]));
    let (before, first) =
        home.person.store.view(Scope::Members).unwrap().identity(&home.person.me.did).unwrap().unwrap();
    let device = |key: &Secret| Device { key: key.did(), name: "board".into(), added: Tid::new(1, 0) };
    let devices = first.devices.iter().cloned().chain(boards.iter().map(device)).collect();
    let both = Identity { did: first.did, seq: first.seq + 1, prev: Some(*before.cid()), devices };
    let identities = vec![both.seal(&Secret::from_seed([1; 32])).unwrap()];
    let batch = Batch { identities, ..Batch::new(river, Audience::Public) };
    home.person.store.apply(batch, home.person.clock.micros()).unwrap();

    let stranger = (Secret::from_seed([2; 32]).did(), &Secret::from_seed([78; 32]));
    let of = [(first.did, &boards[0]), (first.did, &boards[1]), (first.did, &boards[2]), stranger];
    let rows: Vec<_> = of
        .into_iter()
        .zip([(2, 5), (3, 9), (4, 7), (5, 8)])
        .map(|((did, device), (n, rev))| {
            let addrs = vec![format!("/ip4/10.0.0.{n}/tcp/1"), format!("/ip4/192.0.2.{n}/tcp/4700")];
            let said =
                Whereabouts { did, device: device.did(), rev: Tid::new(rev, 0), peer: format!("peer{n}"), addrs };
            (device.did(), Some(said.seal(device).unwrap()))
        })
        .collect();
    home.person.store.set_whereabouts(&rows).unwrap();
    let request = Request::Invite { community: None, role: Role::Member, uses: 3, expires_s: Some(60) };
    let link = match home.ask(request).reply {
        Reply::Invite(info) => info.link.unwrap(),
        other => panic!("{other:?}"),
    };
    let addrs = InviteLink::parse(&link).unwrap().addrs;
    let others = [3, 4].map(|n| format!("/ip4/192.0.2.{n}/tcp/4700/p2p/peer{n}"));
    assert_eq!((&*addrs[0], &addrs[1..]), ("/ip4/192.0.2.1/tcp/4700", &others[..]), "who spoke last first");
}

#[test]
fn status_without_a_node_says_so_and_counts_what_is_stored() {
    let home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Public);
    home.person.post(&river, "hello");
    match home.ask(Request::Status).reply {
        Reply::Status(status) => {
            assert!(!status.running && status.store_blocks > 0);
            let info = &status.communities[0];
            assert_eq!((info.records, info.members, info.role.as_deref()), (1, 1, Some("steward")));
            assert!(info.complete && info.snapshot.is_some() && info.snapshot_members.is_some());
        }
        other => panic!("{other:?}"),
    }
    for request in [Request::Join { link: String::new(), via: vec![] }, Request::Sync { via: vec![], wait_s: 1 }] {
        assert_eq!(home.refused(request).kind, FailureKind::Network);
    }
}

#[test]
fn a_record_that_is_none_is_refused_before_anything_is_written() {
    let home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Public);
    for record in [vec![], vec![0xff], b"\xa0".to_vec()] {
        let draft = WireDraft { record, ..Home::post("fine") };
        let drafts = vec![Home::post("fine"), draft];
        assert!(matches!(home.ask(Request::Publish { community: None, drafts }).reply, Reply::Failed(_)));
    }
    let view = home.person.store.view(crate::store::Scope::Members).unwrap();
    assert_eq!(view.count(&river).unwrap(), 0);
}

#[test]
fn a_device_that_is_out_says_so_wherever_its_person_looks_and_publishes_nothing() {
    let home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Members);
    let inbox = || Request::Inbox { community: None, all: false, limit: 9 };
    let look =
        || match [Request::Status, Request::Whoami, inbox(), Request::Doctor].map(|request| home.ask(request).reply) {
            [Reply::Status(status), Reply::Whoami(me), Reply::Inbox(inbox), Reply::Checkup(checkup)] => {
                let devices = checkup.findings.into_iter().find(|finding| finding.check == "devices").unwrap();
                assert_eq!(me.out, status.out);
                (status.out, inbox.out, devices)
            }
            other => panic!("{other:?}"),
        };
    let (status, inbox, devices) = look();
    assert!(!status && !inbox && devices.state == Health::Fine);

    let root = Secret::from_seed([1; 32]);
    let known = crate::publish::newest_identity(&home.person.store, &root.did()).unwrap();
    let out = [home.person.me.device.did()].into();
    let mut batch = Batch::new(river, Audience::Members);
    batch.identities.push(crate::publish::certify(&known, &root, None, &out).unwrap());
    home.person.store.apply_received(batch, home.person.clock.micros()).unwrap();
    let (status, inbox, devices) = look();
    assert!(status && inbox && devices.state == Health::Wrong);
    let hint = devices.hint.unwrap();
    assert!(hint.contains("moot serve") && hint.contains("moot init --recover"), "{hint}");
    match home.publish(None, "to nobody") {
        Reply::Failed(failure) => assert_eq!(failure.hint.as_deref(), Some(&*hint)),
        other => panic!("{other:?}"),
    }

    // Let in by another device of theirs, whose answer was typed here while nobody can be reached.
    let without = crate::publish::newest_identity(&home.person.store, &root.did()).unwrap();
    let document = crate::publish::certify(&without, &root, known.1.devices.into_iter().next(), &Default::default());
    crate::publish::enter(&home.person.store, &home.person.clock, &document.unwrap(), &[], &[]).unwrap();
    let (status, inbox, devices) = look();
    assert!(!status && !inbox && devices.state == Health::Fine);
    match home.ask(Request::Devices).reply {
        Reply::Devices(devices) => assert!(devices.devices.iter().all(|device| device.this)),
        other => panic!("{other:?}"),
    }
    assert!(matches!(home.publish(None, "in again"), Reply::Published(_)));
}

#[test]
fn a_device_that_lost_against_another_document_is_named_until_it_is_let_in_or_a_roster_retires_it() {
    let mut home = Home::new(1);
    let river = home.person.found("River Street", Visibility::Members);
    let cellar = Secret::from_seed([77; 32]).did();
    let named = |home: &Home| match home.ask(Request::Doctor).reply {
        Reply::Checkup(checkup) => checkup
            .findings
            .into_iter()
            .flat_map(|finding| finding.detail)
            .any(|line| line == format!("cellar  {cellar}")),
        other => panic!("{other:?}"),
    };
    assert!(!named(&home));
    home.live.apart = [(cellar, "cellar".to_owned()), (home.person.me.device.did(), "laptop".to_owned())].into();
    assert!(named(&home));
    match home.ask(Request::Doctor).reply {
        Reply::Checkup(checkup) => {
            let apart: Vec<_> = checkup.findings.iter().filter(|finding| finding.state == Health::Note).collect();
            assert!(
                apart.iter().any(|finding| finding.message.contains("restored twice") && finding.detail.len() == 1)
            );
        }
        other => panic!("{other:?}"),
    }

    // It said hello after the document that takes it out was known here, and before the retirement was.
    let act = folkmoot_schemas::roster::Act::Retire { device: cellar };
    crate::publish::operate(&home.person.store, &home.person.me, &home.person.clock, &river, act).unwrap();
    assert!(!named(&home));
}
