//! Somebody who is no member, speaks the protocol by hand and means no good.

use std::{collections::BTreeSet, io::Write, net::TcpStream, time::Duration};

use folkmoot_integration_tests::{DEADLINE, Home, Running, eventually};
use folkmoot_node::{
    clock::Clock,
    config::NetConfig,
    home,
    net::{self, Notice, PeerId, Stream},
    store::Scope,
    sync::message::{
        Answer, Ask, Binding, Blocks, Fault, Frame, Heads, Hello, Listing, Open, PART_FRAME, Part, Pull, VERSION, Want,
        tag,
    },
};
use folkmoot_schemas::{
    Audience, Cid, Did, Tid,
    block::{self, Block, DAG_CBOR},
    car,
    commit::{HeadRef, RepoId},
    identity::{Device, Identity},
    key::Secret,
};
use serde_json::Value;
use tokio::{sync::mpsc, time::timeout};

/// A swarm of one's own, connected to the node under attack.
struct Stranger {
    net: net::Handle,
    node: PeerId,
    _notices: mpsc::Receiver<Notice>,
}

/// An open session stream and both nonces, the opener's first.
struct Session {
    stream: Stream,
    nonces: [[u8; 32]; 2],
    seen: Vec<Frame>,
}

/// Keys to say hello with.
struct Keys {
    did: Did,
    device: Secret,
    identity: Block,
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    timeout(DEADLINE, work).await.unwrap_or_else(|_| panic!("{what}: no answer"))
}

fn random<const N: usize>() -> [u8; N] {
    Clock::system().random()
}

fn nothing() -> Cid {
    block::cid_of(DAG_CBOR, &random::<16>())
}

impl Stranger {
    async fn connect(node: &Running<'_>) -> Self {
        let (net, mut notices) = net::start(random(), NetConfig::default()).await.expect("a swarm");
        net.dial(node.address().parse().expect("a multiaddr"));
        let node = loop {
            match within("connecting", notices.recv()).await.expect("a notice") {
                Notice::Connected { peer, .. } => break peer,
                Notice::DialFailed { why, .. } => panic!("{why}"),
                _ => {}
            }
        };
        Self { net, node, _notices: notices }
    }

    async fn stream(&self) -> Stream {
        within("a stream", self.net.open(self.node)).await.expect("a stream")
    }

    /// All frames of the answer to one request.
    async fn ask(&self, frame: Frame) -> Vec<Frame> {
        let mut stream = self.stream().await;
        stream.write(&frame.encode().expect("encodes")).await.expect("written");
        let mut frames = Vec::new();
        while let Some(bytes) = within("an answer", stream.read(PART_FRAME)).await.expect("a frame") {
            frames.push(Frame::decode(&bytes).expect("a frame of the protocol"));
        }
        frames
    }

    /// What comes back when this is the first frame; None: the stream just ends.
    async fn send(&self, bytes: &[u8]) -> Option<Frame> {
        let mut stream = self.stream().await;
        stream.write(bytes).await.ok()?;
        let answer = within("an end", stream.read(PART_FRAME)).await.ok()??;
        Some(Frame::decode(&answer).expect("a frame of the protocol"))
    }

    async fn session(&self) -> Session {
        let mut stream = self.stream().await;
        let nonce = random();
        let open = Frame::Open(Open { nonce, version: VERSION });
        stream.write(&open.encode().expect("encodes")).await.expect("written");
        let bytes = within("its open", stream.read(PART_FRAME)).await.expect("a frame").expect("no end");
        let Ok(Frame::Open(theirs)) = Frame::decode(&bytes) else { panic!("no open") };
        Session { stream, nonces: [nonce, theirs.nonce], seen: Vec::new() }
    }

    /// A hello as these keys would say it on this session.
    fn hello(&self, session: &Session, community: &Cid, keys: &Keys) -> Hello {
        let [from_nonce, to_nonce] = session.nonces;
        let binding = Binding { from: self.net.local_peer(), to: self.node, from_nonce, to_nonce };
        let tag = tag(community, &from_nonce, &to_nonce);
        Hello::sign(tag, community, keys.did, &keys.device, Some(&keys.identity), None, &binding).expect("signed")
    }

    async fn list(&self, cid: Cid, audience: Audience) -> Listing {
        self.session().await.list(cid, audience).await
    }

    fn pull(community: Cid, audience: Audience, want: Vec<Want>, people: Vec<Did>) -> Frame {
        Frame::Pull(Pull {
            community,
            audience,
            roster: Some(Vec::new()),
            charter: true,
            people,
            want,
            lost: Vec::new(),
            known: Vec::new(),
            max: 1 << 23,
        })
    }
}

impl Session {
    async fn say(&mut self, frame: Frame) {
        self.stream.write(&frame.encode().expect("encodes")).await.expect("written");
    }

    /// The next frame that `pick` takes; None: the session ended first.
    async fn until<T>(&mut self, mut pick: impl FnMut(&Frame) -> Option<T>) -> Option<T> {
        loop {
            let bytes = within("a frame", self.stream.read(PART_FRAME)).await.ok()??;
            let frame = Frame::decode(&bytes).expect("a frame of the protocol");
            let picked = pick(&frame);
            self.seen.push(frame);
            if picked.is_some() {
                return picked;
            }
        }
    }

    async fn list(&mut self, cid: Cid, audience: Audience) -> Listing {
        self.say(Frame::Heads(Heads { communities: vec![Ask { cid, audience, digest: None }] })).await;
        let mut whole = Listing { communities: Vec::new(), more: true };
        while whole.more {
            let page = self.until(|frame| if let Frame::Listing(page) = frame { Some(page.clone()) } else { None });
            let page = page.await.expect("a listing");
            whole.communities.extend(page.communities);
            whole.more = page.more;
        }
        whole
    }

    async fn welcome(&mut self, hello: Hello) -> Answer {
        let tag = hello.tag.clone();
        self.say(Frame::Hello(Box::new(hello))).await;
        let pick = |frame: &Frame| match frame {
            Frame::Welcome(welcome) if welcome.tag == tag => Some(welcome.answer),
            _ => None,
        };
        self.until(pick).await.expect("a welcome")
    }

    fn welcomes(&self) -> usize {
        self.seen.iter().filter(|frame| matches!(frame, Frame::Welcome(_))).count()
    }
}

/// A person nobody has heard of.
fn nobody() -> Keys {
    let (root, device) = (Secret::from_seed(random()), Secret::from_seed(random()));
    let devices = vec![Device { key: device.did(), name: "x".into(), added: Tid::new(1, 0) }];
    let identity = Identity { did: root.did(), seq: 0, prev: None, devices }.seal(&root).expect("sealed");
    Keys { did: root.did(), device, identity }
}

fn parts(frames: &[Frame]) -> Vec<&Part> {
    frames.iter().filter_map(|frame| if let Frame::Part(part) = frame { Some(part) } else { None }).collect()
}

/// The blocks of all parts.
fn given(frames: &[Frame]) -> BTreeSet<Cid> {
    let mut given = BTreeSet::new();
    for part in parts(frames) {
        let mut reader = car::Reader::new(part.car.as_slice()).expect("an archive");
        while let Some(block) = reader.next_block().expect("a block") {
            given.insert(*block.cid());
        }
    }
    given
}

fn rows(listing: &Listing) -> Vec<(RepoId, HeadRef)> {
    let rows = listing.communities.iter().flat_map(|listed| &listed.repos);
    rows.map(|row| (row.0.repo, row.0.known)).collect()
}

fn want(repo: &RepoId) -> Want {
    Want { did: repo.did, device: repo.device, audience: repo.audience, since: None, after: None }
}

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn community(home: &Home) -> Cid {
    let status = home.status();
    block::parse_cid(text_of(&status["communities"][0], "cid")).expect("a CID")
}

fn blocks(home: &Home) -> u64 {
    home.status()["store"]["blocks"].as_u64().expect("a number of blocks")
}

/// What a member's home, no longer in use, knows of the members audience.
struct Secrets {
    keys: Keys,
    repo: RepoId,
    /// Commit, tree and records of it.
    cids: BTreeSet<Cid>,
    /// A record that is for everyone.
    public: Cid,
}

fn secrets(home: &Home, community: &Cid) -> Secrets {
    let home = home::Home::open(&home.path()).expect("a home");
    let store = home.open_store().expect("its store");
    let view = store.view(Scope::Members).expect("a view");
    let device = home.device_key().expect("its key");
    let heads = view.heads(community).expect("heads");
    let of = |audience| {
        let mut found = BTreeSet::new();
        for head in heads.iter().filter(|head| head.repo.audience == audience) {
            let delta = view.delta(community, &head.repo, None, None, usize::MAX).expect("read").expect("a repository");
            found.extend(delta.put.iter().map(|(_, cid)| *cid));
        }
        found
    };
    let mine = heads.iter().find(|h| h.repo.device == device.did() && h.repo.audience == Audience::Members);
    let repo = mine.expect("an answer is in the members audience").repo;
    let (commit, fields) = view.head_commit(community, &repo).expect("read").expect("held");
    let identity = view.identity(&repo.did).expect("read").expect("known").0;
    let public = *of(Audience::Public).first().expect("a public record");
    let cids = of(Audience::Members).into_iter().chain([*commit.cid(), fields.data]).collect();
    Secrets { keys: Keys { did: repo.did, device, identity }, repo, cids, public }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_gets_the_public_audience_and_cannot_do_harm() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let a = alice.start(&["quickstart", "River Street", "--public"]);
    let gig = alice.one(&["event", "add", "Harbour Gig", "in 2 weeks 20:00", "--duration", "3h"]);
    bob.ok(&["join", text_of(&alice.one(&["invite"]), "link")]);
    let b = bob.start(&["serve"]);
    eventually("bob sees the gig", || {
        let list = bob.ok(&["event", "list"]);
        if list.contains("Harbour Gig") { Ok(()) } else { Err(list) }
    });
    bob.ok(&["rsvp", text_of(&gig, "uri"), "yes"]);
    eventually("bob's answer is at alice's", || {
        let shown = alice.one(&["event", "show", text_of(&gig, "uri")]);
        if shown["answers"]["going"] == 1 { Ok(()) } else { Err(shown.to_string()) }
    });
    assert!(b.stop().success());
    let community = community(&alice);
    let secrets = secrets(&bob, &community);
    let before = blocks(&alice);

    let stranger = Stranger::connect(&a).await;
    reads_only_what_is_public(&stranger, community, &secrets).await;
    is_refused_without_a_proof(&stranger, &a, community, &secrets).await;
    talks_nonsense(&stranger, &a, community, &secrets).await;

    // An honest client is answered as before, and nothing of all that was kept.
    let honest = Stranger::connect(&a).await;
    assert!(!rows(&honest.list(community, Audience::Public).await).is_empty());
    assert_eq!(a.get("/").0, 200);
    assert_eq!(blocks(&alice), before);
    assert!(a.stop().success());
}

async fn reads_only_what_is_public(stranger: &Stranger, community: Cid, secrets: &Secrets) {
    let public = stranger.list(community, Audience::Public).await;
    let heads = rows(&public);
    assert!(!heads.is_empty() && heads.iter().all(|(repo, _)| repo.audience == Audience::Public), "{heads:?}");
    for cid in [community, nothing()] {
        assert!(stranger.list(cid, Audience::Members).await.communities.is_empty(), "absent and hidden look the same");
    }

    // By repository.
    let wants: Vec<Want> = heads.iter().map(|(repo, _)| want(repo)).chain([want(&secrets.repo)]).collect();
    let answer = stranger.ask(Stranger::pull(community, Audience::Public, wants.clone(), vec![secrets.keys.did])).await;
    let deltas: Vec<_> = parts(&answer).iter().flat_map(|part| &part.deltas).map(|d| d.audience).collect();
    assert!(!deltas.is_empty() && deltas.iter().all(|audience| *audience == Audience::Public));
    assert!(given(&answer).contains(&secrets.public) && given(&answer).is_disjoint(&secrets.cids));
    let absent = vec![Frame::Error(Fault::absent())];
    for cid in [community, nothing()] {
        assert_eq!(stranger.ask(Stranger::pull(cid, Audience::Members, wants.clone(), vec![])).await, absent);
    }

    // By CID.
    let ask = |community, audience, cids: Vec<Cid>| stranger.ask(Frame::Blocks(Blocks { community, audience, cids }));
    assert!(given(&ask(community, Audience::Public, vec![secrets.public]).await).contains(&secrets.public));
    let unknown = ask(community, Audience::Public, vec![nothing()]).await;
    for cid in &secrets.cids {
        assert_eq!(ask(community, Audience::Public, vec![*cid]).await, unknown);
    }
    for cid in [community, nothing()] {
        assert_eq!(ask(cid, Audience::Members, secrets.cids.iter().copied().collect()).await, absent);
    }
}

async fn is_refused_without_a_proof(stranger: &Stranger, node: &Running<'_>, community: Cid, secrets: &Secrets) {
    let mut session = stranger.session().await;
    let nobody = nobody();
    let hello = stranger.hello(&session, &community, &nobody);
    assert_eq!(session.welcome(hello).await, Answer::Absent);
    // Somebody else's name, with one's own key and with their own document.
    for identity in [&nobody.identity, &secrets.keys.identity] {
        let keys = Keys { did: secrets.keys.did, device: nobody.device.clone(), identity: identity.clone() };
        let hello = stranger.hello(&session, &community, &keys);
        assert_eq!(session.welcome(hello).await, Answer::Absent);
    }
    let right = stranger.hello(&session, &community, &secrets.keys);
    let mut wrong = right.clone();
    wrong.sig.0[9] ^= 1;
    assert_eq!(session.welcome(wrong).await, Answer::Absent);
    assert!(session.list(community, Audience::Members).await.communities.is_empty());

    // The member's own words, heard on another session or passed on by another peer.
    let mut again = stranger.session().await;
    let replayed = Hello { tag: tag(&community, &again.nonces[0], &again.nonces[1]), ..right.clone() };
    assert_eq!(again.welcome(replayed).await, Answer::Absent);
    let other = Stranger::connect(node).await;
    let mut elsewhere = other.session().await;
    let replayed = Hello { tag: tag(&community, &elsewhere.nonces[0], &elsewhere.nonces[1]), ..right };
    assert_eq!(elsewhere.welcome(replayed).await, Answer::Absent);

    // All of which the member itself would have been given.
    let hello = other.hello(&elsewhere, &community, &secrets.keys);
    assert_eq!(elsewhere.welcome(hello).await, Answer::Ok);
    let listed = rows(&elsewhere.list(community, Audience::Members).await);
    assert!(listed.iter().any(|(repo, _)| *repo == secrets.repo), "{listed:?}");
    // What one peer proved does not serve another.
    assert!(stranger.list(community, Audience::Members).await.communities.is_empty());
}

async fn talks_nonsense(stranger: &Stranger, node: &Running<'_>, community: Cid, secrets: &Secrets) {
    let malformed = Some(Frame::Error(Fault::malformed()));
    let pull = Stranger::pull(community, Audience::Public, vec![], vec![]).encode().expect("encodes");
    let unasked = Frame::Part(Part { car: vec![1, 2, 3], ..Part::default() }).encode().expect("encodes");
    for bytes in [&[][..], &[0xa1], b"\xa1\x64pull\xff", &random::<4096>(), &pull[..pull.len() / 2], &unasked] {
        assert_eq!(stranger.send(bytes).await, malformed, "{bytes:x?}");
    }
    // Longer than any first frame: not even read.
    assert_eq!(stranger.send(&vec![0; 1 << 20]).await, None);

    // Much work for few bytes.
    let twice = vec![want(&secrets.repo), want(&secrets.repo)];
    let many = vec![secrets.keys.did; 1000];
    for (wants, people) in [(twice, vec![]), (vec![], many)] {
        let answer = stranger.ask(Stranger::pull(community, Audience::Public, wants, people)).await;
        assert_eq!(answer, [Frame::Error(Fault::malformed())]);
    }
    let mut session = stranger.session().await;
    let ask = Ask { cid: community, audience: Audience::Public, digest: None };
    session.say(Frame::Heads(Heads { communities: vec![ask; 256] })).await;
    let refused = |frame: &Frame| matches!(frame, Frame::Error(_)).then_some(());
    assert!(session.until(refused).await.is_some(), "the same list 256 times");

    // Bytes that are no protocol at all, and streams upon streams that say nothing.
    let address = node.address();
    let port = address.split("/tcp/").nth(1).and_then(|rest| rest.split('/').next()).expect("a port");
    for _ in 0..8 {
        let mut raw = TcpStream::connect(format!("127.0.0.1:{port}")).expect("connects");
        raw.write_all(&random::<2048>()).expect("written");
    }
    let mut silent = Vec::new();
    for _ in 0..200 {
        // Beyond its limit the node resets them.
        silent.extend(timeout(Duration::from_millis(200), stranger.net.open(stranger.node)).await.ok());
    }
    let flooder = Stranger::connect(node).await;
    let mut refused = 0;
    for _ in 0..150 {
        let mut stream = flooder.stream().await;
        let sent = stream.write(&pull).await;
        let answer = match sent {
            Ok(()) => within("an answer", stream.read(PART_FRAME)).await.ok().flatten(),
            Err(_) => None,
        };
        refused += usize::from(answer.is_none_or(|a| matches!(Frame::decode(&a), Ok(Frame::Error(_)))));
    }
    assert!(refused > 0, "a peer has an allowance");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_members_community_looks_like_none_at_all() {
    let alice = Home::new("alice");
    let a = alice.start(&["quickstart", "Band Room"]);
    alice.ok(&["post", "Rehearsal moved to the cellar"]);
    let community = community(&alice);
    let before = blocks(&alice);
    let stranger = Stranger::connect(&a).await;

    // Somebody has learned the id, which is all that a link tells beside its seed.
    let mut answers = Vec::new();
    for cid in [community, nothing()] {
        let mut session = stranger.session().await;
        let hello = stranger.hello(&session, &cid, &nobody());
        assert_eq!(session.welcome(hello).await, Answer::Absent);
        let mut seen = Vec::new();
        for audience in [Audience::Public, Audience::Members] {
            assert!(session.list(cid, audience).await.communities.is_empty());
            seen.push(stranger.ask(Stranger::pull(cid, audience, vec![], vec![])).await);
            seen.push(stranger.ask(Frame::Blocks(Blocks { community: cid, audience, cids: vec![cid] })).await);
        }
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[1]);

    // Nor does a later change tell that there is something to change.
    let mut session = stranger.session().await;
    let hello = stranger.hello(&session, &community, &nobody());
    assert_eq!(session.welcome(hello.clone()).await, Answer::Absent);
    alice.ok(&["invite"]);
    assert_eq!(blocks(&alice), before + 1);
    assert_eq!(session.welcome(hello).await, Answer::Absent);
    assert_eq!(session.welcomes(), 2, "each hello is answered once");
    assert!(
        !session.seen.iter().any(|frame| matches!(frame, Frame::Heads(_) | Frame::Hello(_) | Frame::Overtaken(_))),
        "{:?}",
        session.seen
    );
    assert!(a.stop().success());
}
