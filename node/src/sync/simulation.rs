//! Whole nodes (engine, store, key; everything but the network) in one thread and in virtual time. Messages go through
//! a queue with delays, loss of gossip, cut connections, restarts and liars; a seed fixes every choice.

mod devices;
mod lies;
mod nodes;
mod restored;
mod scenarios;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use folkmoot_schemas::{
    Audience, Cid, Record, Tid,
    charter::Visibility,
    identity::{Device, Identity},
    key::Secret,
    link::InviteLink,
    records::post::Post,
    roster::{Describe, Role},
};

use super::{
    engine::{Ask, Engine, Input, Output, Pulled, SECOND, StreamId},
    message::{Frame, Open, VERSION},
    perform::Performer,
    verdict,
};
use crate::{
    clock::{Clock, Source},
    home::meta,
    net::PeerId,
    publish::{self, Draft, Me},
    store::{
        Scope, Store,
        tests::{WHOLE, pull},
    },
};

/// SplitMix64: small, and the same on every machine.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// Below `n`.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }
}

/// Virtual time for all nodes; each has its own "random" bytes.
struct Virtual {
    now: Arc<AtomicU64>,
    bytes: AtomicU64,
}

impl Source for Virtual {
    fn micros(&self) -> u64 {
        1_790_000_000 * SECOND + self.now.load(Ordering::Relaxed)
    }
    fn fill(&self, bytes: &mut [u8]) {
        let mut dice = Dice(self.bytes.fetch_add(1, Ordering::Relaxed));
        bytes.fill_with(|| dice.roll() as u8);
    }
}

pub(super) struct Node {
    pub(super) peer: PeerId,
    pub(super) store: Store,
    pub(super) me: Me,
    pub(super) clock: Clock,
    performer: Performer,
    engine: Engine,
    /// Names of sessions here, and the stream each stands for.
    sessions: BTreeMap<StreamId, Wire>,
    requests: BTreeMap<StreamId, (usize, u64)>,
    seen: BTreeSet<[u8; 20]>,
    ids: u64,
    lies: bool,
    /// The version of the protocol it says it speaks.
    speaks: u64,
}

/// A session stream: the node that opened it, and its number there.
type Wire = (usize, u64);

#[derive(Debug)]
enum Delivery {
    Frame { from: usize, wire: Wire, frame: Bytes },
    Closed { from: usize, wire: Wire },
    Request { from: usize, request: u64, ask: Box<Ask> },
    Answer { from: usize, request: u64, frames: Vec<Bytes> },
    Gossip { from: usize, community: Cid, data: Bytes },
}

/// What a node asked another on a short stream.
struct Asked {
    to: PeerId,
    community: Cid,
    ticket: u64,
    ask: Ask,
}

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) dice: Dice,
    clock: Arc<AtomicU64>,
    pub(super) nodes: Vec<Node>,
    /// Pairs with a connection, smaller number first.
    links: BTreeSet<(usize, usize)>,
    queue: BTreeMap<(u64, u64), (usize, Delivery)>,
    /// When the last message on a stream arrives: streams keep their order.
    last: BTreeMap<(Wire, usize), u64>,
    asked: BTreeMap<(usize, u64), Asked>,
    count: u64,
    /// Of 100 gossip messages, so many are lost.
    pub(super) gossip_loss: u64,
    /// Blocks and frames that reached each node, for checks on what strangers were given.
    pub(super) received: BTreeMap<usize, Vec<Frame>>,
}

impl World {
    pub(super) fn new(seed: u64, nodes: usize, gossip_loss: u64) -> Self {
        let clock = Arc::new(AtomicU64::new(0));
        let mut world = Self {
            seed,
            dice: Dice(seed),
            clock,
            nodes: Vec::new(),
            links: BTreeSet::new(),
            queue: BTreeMap::new(),
            last: BTreeMap::new(),
            asked: BTreeMap::new(),
            count: 0,
            gossip_loss,
            received: BTreeMap::new(),
        };
        for number in 0..nodes {
            let node = world.node(number);
            world.nodes.push(node);
        }
        world
    }

    fn node(&self, number: usize) -> Node {
        let tag = number as u8 + 1;
        let bytes = AtomicU64::new(self.seed.wrapping_mul(1000).wrapping_add(number as u64) << 20);
        let clock = Clock::new(Arc::new(Virtual { now: self.clock.clone(), bytes }));
        let (root, device) = (Secret::from_seed([tag; 32]), Secret::from_seed([tag + 100; 32]));
        let devices = vec![Device { key: device.did(), name: "d".into(), added: Tid::new(clock.micros(), 0) }];
        let identity = Identity { did: root.did(), seq: 0, prev: None, devices }.seal(&root).unwrap();
        let store = Store::in_memory().unwrap();
        store.set_meta(meta::ME, Some(root.did().to_string().as_bytes())).unwrap();
        store.set_meta(meta::DEVICE, Some(device.did().to_string().as_bytes())).unwrap();
        store.set_meta(meta::IDENTITY, Some(identity.bytes())).unwrap();
        let me = Me { did: root.did(), device };
        // An identity multihash of two bytes is a peer id too.
        let peer = PeerId::from_bytes(&[0, 2, 7, tag]).unwrap();
        Node {
            performer: Performer::new(store.clone(), me.clone(), clock.clone()),
            engine: Engine::new(peer, self.now()),
            peer,
            store,
            me,
            clock,
            sessions: BTreeMap::new(),
            requests: BTreeMap::new(),
            seen: BTreeSet::new(),
            ids: 0,
            lies: false,
            speaks: VERSION,
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    fn number(&self, peer: PeerId) -> usize {
        self.nodes.iter().position(|node| node.peer == peer).unwrap()
    }

    // ---- what people do ------------------------------------------------------------------------------------------

    pub(super) fn found(&mut self, at: usize, visibility: Visibility) -> Cid {
        let node = &self.nodes[at];
        let community =
            publish::found(&node.store, &node.me, &node.clock, "River", visibility, Describe::default()).unwrap();
        self.refresh(at);
        community
    }

    /// An invite of `host` that `guest` holds from now on.
    pub(super) fn invite(&mut self, host: usize, guest: usize, community: &Cid) {
        let link = self.link(host, community, 4);
        self.join(guest, &link);
    }

    /// An invite for so many.
    pub(super) fn link(&mut self, host: usize, community: &Cid, uses: u32) -> InviteLink {
        let node = &self.nodes[host];
        let (link, announce) =
            publish::invite(&node.store, &node.me, &node.clock, community, Role::Member, uses, None).unwrap();
        let audience = if self.is_public(host, community) { Audience::Public } else { Audience::Members };
        let inputs = node.performer.outgoing(*community, audience, announce).unwrap();
        self.inputs(host, inputs);
        link
    }

    pub(super) fn join(&mut self, guest: usize, link: &InviteLink) {
        let node = &self.nodes[guest];
        publish::join(&node.store, &node.me, &node.clock, link).unwrap();
        self.refresh(guest);
    }

    /// `by` puts `whom` out, and says so.
    pub(super) fn remove(&mut self, by: usize, whom: usize, community: &Cid) {
        let (node, did) = (&self.nodes[by], self.nodes[whom].me.did);
        let announce = publish::remove(&node.store, &node.me, &node.clock, community, &did, None).unwrap();
        let audience = if self.is_public(by, community) { Audience::Public } else { Audience::Members };
        let inputs = self.nodes[by].performer.outgoing(*community, audience, announce).unwrap();
        self.inputs(by, inputs);
    }

    /// `by` lets `whom` in again, and says so.
    pub(super) fn readmit(&mut self, by: usize, whom: usize, community: &Cid) {
        let (node, did) = (&self.nodes[by], self.nodes[whom].me.did);
        let announce =
            publish::readmit(&node.store, &node.me, &node.clock, community, &did, Role::Member, None).unwrap();
        let audience = if self.is_public(by, community) { Audience::Public } else { Audience::Members };
        let inputs = self.nodes[by].performer.outgoing(*community, audience, announce).unwrap();
        self.inputs(by, inputs);
    }

    /// One more node, of one more person.
    pub(super) fn arrive(&mut self) -> usize {
        let number = self.nodes.len();
        let node = self.node(number);
        self.nodes.push(node);
        number
    }

    fn is_public(&self, at: usize, community: &Cid) -> bool {
        let view = self.nodes[at].store.view(Scope::Members).unwrap();
        view.community(community).unwrap().unwrap().visibility == Visibility::Public
    }

    /// Publishes a post; `told`: announced too, as by a running node.
    pub(super) fn post(&mut self, at: usize, community: &Cid, audience: Audience, told: bool) {
        let post = Post { text: format!("{}", self.dice.roll()), ..Post::default() };
        self.publish(at, community, audience, vec![post], told);
    }

    /// In one commit.
    pub(super) fn publish(&mut self, at: usize, community: &Cid, audience: Audience, posts: Vec<Post>, told: bool) {
        let draft = |post| Draft { audience: Some(audience), rkey: None, record: Record::from(post), again: true };
        let drafts = posts.into_iter().map(draft).collect();
        let node = &self.nodes[at];
        let published = publish::publish(&node.store, &node.me, &node.clock, community, drafts).unwrap();
        for (audience, announce) in published.announces.into_iter().filter(|_| told) {
            let inputs = self.nodes[at].performer.outgoing(*community, audience, announce).unwrap();
            self.inputs(at, inputs);
        }
    }

    /// Its node listens at that port.
    pub(super) fn listen(&mut self, at: usize, port: u16) {
        let peer = format!("peer{at}");
        let inputs = self.nodes[at].performer.here(peer, vec![format!("/ip4/192.0.2.{at}/tcp/{port}")]).unwrap();
        self.inputs(at, inputs);
    }

    pub(super) fn refresh(&mut self, at: usize) {
        let inputs = self.nodes[at].performer.refresh_all().unwrap();
        self.inputs(at, inputs);
    }

    /// `a` dials `b`.
    pub(super) fn connect(&mut self, a: usize, b: usize) {
        if self.links.insert((a.min(b), a.max(b))) {
            let (pa, pb) = (self.nodes[a].peer, self.nodes[b].peer);
            self.input(a, Input::Connected { peer: pb, dialled: true });
            self.input(b, Input::Connected { peer: pa, dialled: false });
        }
    }

    /// What was under way between the two is lost.
    pub(super) fn cut(&mut self, a: usize, b: usize) {
        if !self.links.remove(&(a.min(b), a.max(b))) {
            return;
        }
        let between = |to: usize, from: usize| (to == a && from == b) || (to == b && from == a);
        self.queue.retain(|_, (to, delivery)| {
            let (Delivery::Frame { from, .. }
            | Delivery::Closed { from, .. }
            | Delivery::Request { from, .. }
            | Delivery::Answer { from, .. }
            | Delivery::Gossip { from, .. }) = delivery;
            !between(*to, *from)
        });
        let (pa, pb) = (self.nodes[a].peer, self.nodes[b].peer);
        for (at, peer) in [(a, pb), (b, pa)] {
            let failed: Vec<_> = self
                .asked
                .iter()
                .filter(|((from, _), asked)| *from == at && asked.to == peer)
                .map(|(k, _)| *k)
                .collect();
            for key in failed {
                let Asked { to, community, ticket, .. } = self.asked.remove(&key).unwrap();
                self.input(at, Input::Pulled { peer: to, community, ticket, result: None });
            }
            self.input(at, Input::Disconnected { peer });
        }
    }

    pub(super) fn is_linked(&self, a: usize, b: usize) -> bool {
        self.links.contains(&(a.min(b), a.max(b)))
    }

    /// Everything but the store is lost; connections too.
    pub(super) fn restart(&mut self, at: usize) {
        for other in 0..self.nodes.len() {
            if other != at {
                self.cut(at, other);
            }
        }
        let now = self.now();
        let node = &mut self.nodes[at];
        node.engine = Engine::new(node.peer, now);
        node.sessions.clear();
        node.requests.clear();
        node.performer = Performer::new(node.store.clone(), node.me.clone(), node.clock.clone());
        self.refresh(at);
    }

    /// A copy of a node's disk as it is now.
    pub(super) fn image(&self, at: usize) -> Store {
        let node = &self.nodes[at];
        let image = Store::in_memory().unwrap();
        for (key, value) in node.store.metas("").unwrap() {
            image.set_meta(&key, Some(&value)).unwrap();
        }
        for community in node.store.view(Scope::Members).unwrap().communities().unwrap() {
            pull(&node.store, &image, community.id, Scope::Members, WHOLE);
        }
        image
    }

    /// Puts that copy back and starts from it.
    pub(super) fn restore(&mut self, at: usize, image: Store) {
        self.nodes[at].store = image;
        self.restart(at);
    }

    pub(super) fn lie(&mut self, at: usize) {
        self.nodes[at].lies = true;
    }

    // ---- time ----------------------------------------------------------------------------------------------------

    /// Lets everything happen that happens until then.
    pub(super) fn run_until(&mut self, end: u64) {
        loop {
            let message = self.queue.keys().next().map(|(at, _)| *at);
            let (wake, who) = self.nodes.iter().enumerate().map(|(n, node)| (node.engine.wake(), n)).min().unwrap();
            let next = message.map_or(wake, |at| at.min(wake)).max(self.now());
            if next > end {
                break;
            }
            self.clock.store(next, Ordering::Relaxed);
            self.count += 1;
            assert!(self.count < 2_000_000, "seed {}: never at rest", self.seed);
            if message.is_some_and(|at| at <= next) {
                let (_, (to, delivery)) = self.queue.pop_first().unwrap();
                self.deliver(to, delivery);
            } else {
                self.input(who, Input::Tick);
            }
        }
        self.clock.store(end, Ordering::Relaxed);
    }

    pub(super) fn run_for(&mut self, seconds: u64) {
        self.run_until(self.now() + seconds * SECOND);
    }

    fn send(&mut self, to: usize, at: u64, delivery: Delivery) {
        self.count += 1;
        self.queue.insert((at, self.count), (to, delivery));
    }

    fn delay(&mut self) -> u64 {
        2_000 + self.dice.below(80_000)
    }

    // ---- the network ---------------------------------------------------------------------------------------------

    pub(super) fn inputs(&mut self, at: usize, inputs: Vec<Input>) {
        for input in inputs {
            self.input(at, input);
        }
    }

    pub(super) fn input(&mut self, at: usize, input: Input) {
        let now = self.now();
        let outputs = self.nodes[at].engine.on(now, input);
        for output in outputs {
            self.output(at, output);
        }
    }

    fn output(&mut self, at: usize, output: Output) {
        match output {
            Output::OpenSession { peer } => {
                if !self.is_linked(at, self.number(peer)) {
                    return self.input(at, Input::OpenFailed { peer });
                }
                let session = self.next_id(at);
                self.nodes[at].sessions.insert(session, (at, session));
                let nonce = self.nodes[at].clock.random();
                self.input(at, Input::Opened { peer, session, nonce });
            }
            Output::Close { peer, session } => {
                if let Some(wire) = self.nodes[at].sessions.remove(&session) {
                    self.on_wire(at, self.number(peer), wire, Delivery::Closed { from: at, wire });
                }
            }
            Output::Send { peer, session, frame } => self.frame(at, peer, session, frame),
            Output::Errand(errand) => {
                let done = self.nodes[at].performer.perform(*errand).unwrap();
                for (peer, session, frame) in done.frames {
                    self.frame(at, peer, session, frame);
                }
                self.inputs(at, done.inputs);
            }
            Output::Pull(order) => {
                let pull = self.nodes[at].performer.prepare(&order).unwrap();
                self.request(at, order.peer, order.community, order.ticket, Ask::Pull(pull));
            }
            Output::Fetch { peer, ticket, blocks } => {
                self.request(at, peer, blocks.community, ticket, Ask::Blocks(blocks));
            }
            Output::Serve { stream, ask, proof } => {
                let mut frames = self.nodes[at].performer.serve(&ask, proof.as_ref()).unwrap();
                if self.nodes[at].lies {
                    lies::answer(&mut self.dice, &mut frames);
                }
                self.answer(at, stream, frames);
            }
            Output::Refuse { stream, fault } => self.answer(at, stream, vec![Frame::Error(fault)]),
            Output::Gossip { community, announce } => self.flood(at, None, community, &announce),
        }
    }

    fn next_id(&mut self, at: usize) -> u64 {
        self.nodes[at].ids += 1;
        self.nodes[at].ids
    }

    fn frame(&mut self, at: usize, peer: PeerId, session: StreamId, mut frame: Frame) {
        let Some(wire) = self.nodes[at].sessions.get(&session).copied() else { return };
        if self.nodes[at].lies {
            lies::frame(&mut self.dice, &mut frame);
        }
        if let Frame::Open(open) = &mut frame {
            open.version = self.nodes[at].speaks;
        }
        let frame = frame.encode().unwrap();
        self.on_wire(at, self.number(peer), wire, Delivery::Frame { from: at, wire, frame });
    }

    /// In order on one stream.
    fn on_wire(&mut self, at: usize, to: usize, wire: Wire, delivery: Delivery) {
        if !self.is_linked(at, to) {
            return;
        }
        let soon = self.now() + self.delay();
        let last = self.last.entry((wire, to)).or_default();
        *last = soon.max(*last + 1);
        let when = *last;
        self.send(to, when, delivery);
    }

    fn request(&mut self, at: usize, to: PeerId, community: Cid, ticket: u64, ask: Ask) {
        let other = self.number(to);
        if !self.is_linked(at, other) {
            return self.input(at, Input::Pulled { peer: to, community, ticket, result: None });
        }
        let request = self.next_id(at);
        self.asked.insert((at, request), Asked { to, community, ticket, ask: ask.clone() });
        let when = self.now() + self.delay();
        self.send(other, when, Delivery::Request { from: at, request, ask: Box::new(ask) });
    }

    fn answer(&mut self, at: usize, stream: StreamId, frames: Vec<Frame>) {
        let Some((to, request)) = self.nodes[at].requests.remove(&stream) else { return };
        if self.is_linked(at, to) {
            let frames = frames.iter().map(|frame| frame.encode().unwrap()).collect();
            let when = self.now() + self.delay();
            self.send(to, when, Delivery::Answer { from: at, request, frames });
        }
    }

    fn flood(&mut self, at: usize, from: Option<usize>, community: Cid, data: &Bytes) {
        for to in 0..self.nodes.len() {
            if Some(to) != from && self.is_linked(at, to) && self.dice.below(100) >= self.gossip_loss {
                let when = self.now() + self.delay();
                self.send(to, when, Delivery::Gossip { from: at, community, data: data.clone() });
            }
        }
    }

    fn deliver(&mut self, to: usize, delivery: Delivery) {
        match delivery {
            Delivery::Frame { from, wire, frame } => {
                let peer = self.nodes[from].peer;
                let known = self.nodes[to].sessions.iter().find(|(_, w)| **w == wire).map(|(id, _)| *id);
                // What cannot be decoded ends the stream, as in the driver.
                let frame = Frame::decode(&frame).ok();
                self.received.entry(to).or_default().extend(frame.clone());
                match (known, frame) {
                    (Some(session), Some(frame)) => self.input(to, Input::Frame { peer, session, frame }),
                    (None, Some(Frame::Open(open))) if wire.0 == from => self.accept(to, peer, wire, open),
                    (Some(session), None) => {
                        self.nodes[to].sessions.remove(&session);
                        self.input(to, Input::Closed { peer, session });
                    }
                    (None, _) => {}
                }
            }
            Delivery::Closed { from, wire } => {
                let peer = self.nodes[from].peer;
                let known = self.nodes[to].sessions.iter().find(|(_, w)| **w == wire).map(|(id, _)| *id);
                if let Some(session) = known {
                    self.nodes[to].sessions.remove(&session);
                    self.input(to, Input::Closed { peer, session });
                }
            }
            Delivery::Request { from, request, ask } => {
                let stream = self.next_id(to);
                self.nodes[to].requests.insert(stream, (from, request));
                let peer = self.nodes[from].peer;
                self.input(to, Input::Request { peer, stream, ask: *ask });
            }
            Delivery::Answer { request, frames, .. } => self.take_answer(to, request, &frames),
            Delivery::Gossip { from, community, data } => self.take_gossip(to, from, community, data),
        }
    }

    fn accept(&mut self, at: usize, peer: PeerId, wire: Wire, open: Open) {
        let session = self.next_id(at);
        self.nodes[at].sessions.insert(session, wire);
        let nonce = self.nodes[at].clock.random();
        self.input(at, Input::Accepted { peer, session, nonce, open });
    }

    fn take_answer(&mut self, at: usize, request: u64, frames: &[Bytes]) {
        let Some(Asked { to: peer, community, ticket, ask }) = self.asked.remove(&(at, request)) else { return };
        let mut pulled = Pulled::default();
        let mut result = None;
        for bytes in frames {
            let Ok(frame) = Frame::decode(bytes) else { break };
            self.received.entry(at).or_default().push(frame.clone());
            let inputs = match (frame, &ask) {
                (Frame::Part(part), Ask::Pull(pull)) => self.nodes[at].performer.receive(pull, part, &mut pulled),
                (Frame::Part(part), Ask::Blocks(blocks)) => {
                    self.nodes[at].performer.receive_blocks(blocks, &part, &mut pulled)
                }
                (Frame::End(end), _) => {
                    pulled.more = end.more;
                    result = Some(pulled);
                    break;
                }
                _ => break,
            };
            match inputs {
                Ok(inputs) => self.inputs(at, inputs),
                Err(_) => break,
            }
        }
        self.input(at, Input::Pulled { peer, community, ticket, result });
    }

    fn take_gossip(&mut self, at: usize, from: usize, community: Cid, data: Bytes) {
        let Ok(told) = folkmoot_schemas::announce::Announce::decode(&data) else { return };
        if !self.nodes[at].seen.insert(told.message_id()) {
            return;
        }
        let Some(picture) = self.nodes[at].performer.picture(&community) else { return };
        let peer = self.nodes[from].peer;
        match verdict::judge(&picture, &community, Audience::Public, &data) {
            Ok(_) => {
                self.flood(at, Some(from), community, &data);
                let inputs = self.nodes[at].performer.hear(peer, community, Audience::Public, data).unwrap();
                self.inputs(at, inputs);
            }
            Err(verdict::Fault::Unknown) => self.input(at, Input::Behind { peer }),
            Err(_) => {}
        }
    }

    /// Lets a node take the answer to a request made in its name.
    pub(super) fn keep_answer(&mut self, at: usize, request: u64, ask: Ask) {
        let to = self.nodes[0].peer;
        let community = match &ask {
            Ask::Pull(pull) => pull.community,
            Ask::Blocks(blocks) => blocks.community,
        };
        self.asked.insert((at, request), Asked { to, community, ticket: 0, ask });
    }

    // ---- what is checked -----------------------------------------------------------------------------------------

    /// The snapshot of what a node holds; None: it has no such community.
    pub(super) fn snapshot(&self, at: usize, scope: Scope, community: &Cid) -> Option<Cid> {
        let view = self.nodes[at].store.view(scope).unwrap();
        view.community(community).unwrap()?;
        Some(view.snapshot(community).unwrap())
    }

    pub(super) fn records(&self, at: usize, scope: Scope, community: &Cid) -> u64 {
        self.nodes[at].store.view(scope).unwrap().count(community).unwrap()
    }

    #[track_caller]
    pub(super) fn assert_alike(&self, nodes: &[usize], scope: Scope, community: &Cid) {
        let seed = self.seed;
        let first = self.snapshot(nodes[0], scope, community);
        assert!(first.is_some(), "seed {seed}: node {} holds nothing", nodes[0]);
        for at in nodes {
            let (records, other) = (self.records(*at, scope, community), self.snapshot(*at, scope, community));
            let of = self.records(nodes[0], scope, community);
            assert_eq!(other, first, "seed {seed}: node {at} ({records} records) differs from {} ({of})", nodes[0]);
            assert!(self.nodes[*at].store.view(scope).unwrap().complete(community).unwrap(), "seed {seed}: node {at}");
        }
    }
}
