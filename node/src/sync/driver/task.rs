//! The driver's loop: every arm is one call, and none waits on the disk or the network.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use folkmoot_schemas::{Audience, Cid, charter::Visibility};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Command, Shared,
    lanes::{Job, Lanes},
    session::Session,
    short::{self, Reply, Serving},
};
use crate::{
    clock::Clock,
    net::{GossipId, Handle, Notice, PeerId, Stream, Verdict},
    sync::{
        engine::{Ask, Input, Output, StreamId},
        message::{Frame, Open},
        perform::{Done, Performer},
        verdict::{self, Fault, Rates},
    },
};

/// Events that may wait for the loop.
const EVENTS: usize = 256;
/// Streams a peer may have opened to us at once, its session not counted.
const INBOUND: usize = 8;
/// The loop sleeps at least this long, whatever the engine's timers say.
const NAP: Duration = Duration::from_millis(5);

/// What stream tasks tell the loop.
#[derive(Debug)]
pub(super) enum Event {
    /// A session we asked for.
    Opened {
        peer: PeerId,
        stream: Option<Stream>,
    },
    Accepted {
        peer: PeerId,
        stream: Stream,
        open: Open,
    },
    Frame {
        peer: PeerId,
        session: StreamId,
        frame: Frame,
    },
    Closed {
        peer: PeerId,
        session: StreamId,
    },
    Request {
        peer: PeerId,
        ask: Box<Ask>,
        reply: oneshot::Sender<Reply>,
    },
    /// A stream the peer opened is done with, or has become a session.
    Left {
        peer: PeerId,
    },
    Inputs(Vec<Input>),
}

pub(super) struct Task {
    engine: Shared,
    performer: Arc<Performer>,
    clock: Clock,
    net: Handle,
    stop: CancellationToken,
    started: Instant,
    events: mpsc::Sender<Event>,
    event_queue: mpsc::Receiver<Event>,
    lanes: Lanes,
    sessions: BTreeMap<StreamId, (PeerId, Session)>,
    requests: BTreeMap<StreamId, oneshot::Sender<Reply>>,
    inbound: BTreeMap<PeerId, usize>,
    streams: JoinSet<()>,
    serving: Arc<Serving>,
    subscribed: BTreeSet<Cid>,
    rates: Rates,
    ids: StreamId,
}

impl Task {
    pub(super) fn new(
        engine: Shared,
        performer: Arc<Performer>,
        clock: Clock,
        net: Handle,
        stop: CancellationToken,
    ) -> Self {
        let (events, event_queue) = mpsc::channel(EVENTS);
        Self {
            engine,
            lanes: Lanes::new(performer.clone()),
            performer,
            clock,
            net,
            stop,
            started: Instant::now(),
            events,
            event_queue,
            sessions: BTreeMap::new(),
            requests: BTreeMap::new(),
            inbound: BTreeMap::new(),
            streams: JoinSet::new(),
            serving: Arc::new(Serving::new()),
            subscribed: BTreeSet::new(),
            rates: Rates::default(),
            ids: 0,
        }
    }

    pub(super) async fn run(mut self, mut notices: mpsc::Receiver<Notice>, mut commands: mpsc::Receiver<Command>) {
        self.lanes.push(Job::RefreshAll);
        let stop = self.stop.clone();
        loop {
            let wake = self.started + Duration::from_micros(self.engine.lock().wake());
            let wake = wake.max(Instant::now() + NAP);
            // With the store far behind, nothing new is taken in until it has caught up.
            let open = !self.lanes.is_full();
            tokio::select! {
                () = stop.cancelled() => break,
                done = self.lanes.next() => self.on_done(done),
                Some(_) = self.streams.join_next() => {}
                Some(event) = self.event_queue.recv(), if open => self.on_event(event),
                notice = notices.recv(), if open => match notice {
                    Some(notice) => self.on_notice(notice),
                    None => break,
                },
                Some(command) = commands.recv(), if open => self.on_command(command),
                () = tokio::time::sleep_until(wake) => self.input(Input::Tick),
            }
        }
        self.sessions.clear();
        self.streams.shutdown().await;
        self.lanes.finish().await;
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn on_done(&mut self, done: Done) {
        for (peer, session, frame) in done.frames {
            self.send(peer, session, &frame);
        }
        for input in done.inputs {
            self.input(input);
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Announce(community, audience, announce) => {
                self.lanes.push(Job::Announce(community, audience, announce));
            }
            Command::CommunityAdded(community) => {
                tracing::debug!(%community, "community added");
                self.lanes.push(Job::RefreshAll);
            }
            Command::Here(addrs) => {
                let addrs = addrs.iter().map(ToString::to_string).collect();
                self.lanes.push(Job::Here(self.net.local_peer().to_string(), addrs));
            }
            Command::SyncNow => self.input(Input::SyncNow),
        }
    }

    fn on_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Connected { peer, dialled, .. } => self.input(Input::Connected { peer, dialled }),
            Notice::Disconnected { peer } => self.input(Input::Disconnected { peer }),
            Notice::Gossip { community, source, id, data } => self.on_gossip(community, source, id, data),
            Notice::Inbound { peer, stream } => self.on_inbound(peer, stream),
            Notice::Listening(_) | Notice::DialFailed { .. } => {}
        }
    }

    fn on_gossip(&mut self, community: Cid, source: PeerId, id: GossipId, data: Bytes) {
        let Some(picture) = self.performer.picture(&community) else {
            return self.net.verdict(id, Verdict::Ignore);
        };
        let judged = verdict::judge(&picture, &community, Audience::Public, &data);
        let verdict = match judged {
            Ok(author) if self.rates.allow(self.clock.micros(), author) => Verdict::Accept,
            Ok(_) | Err(Fault::Old | Fault::Unknown) => Verdict::Ignore,
            Err(Fault::Wrong) => Verdict::Reject,
        };
        self.net.verdict(id, verdict);
        if verdict == Verdict::Accept {
            self.lanes.push(Job::Heard(source, community, data));
        } else if judged == Err(Fault::Unknown) {
            self.input(Input::Behind { peer: source });
        }
    }

    fn on_inbound(&mut self, peer: PeerId, stream: Stream) {
        let inbound = self.inbound.entry(peer).or_default();
        if *inbound >= INBOUND {
            tracing::debug!(%peer, "too many streams at once");
            return;
        }
        *inbound += 1;
        let (events, performer, serving) = (self.events.clone(), self.performer.clone(), self.serving.clone());
        self.streams.spawn(short::accept(peer, stream, events, performer, serving));
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Opened { peer, stream: Some(stream) } => {
                let session = self.start_session(peer, stream);
                let nonce = self.clock.random();
                self.input(Input::Opened { peer, session, nonce });
            }
            Event::Opened { peer, stream: None } => self.input(Input::OpenFailed { peer }),
            Event::Accepted { peer, stream, open } => {
                let session = self.start_session(peer, stream);
                let nonce = self.clock.random();
                self.input(Input::Accepted { peer, session, nonce, open });
            }
            Event::Frame { peer, session, frame } => self.input(Input::Frame { peer, session, frame }),
            Event::Closed { peer, session } => {
                self.sessions.remove(&session);
                self.input(Input::Closed { peer, session });
            }
            Event::Request { peer, ask, reply } => {
                let stream = self.next_id();
                self.requests.insert(stream, reply);
                self.input(Input::Request { peer, stream, ask: *ask });
            }
            Event::Left { peer } => {
                if let Some(inbound) = self.inbound.get_mut(&peer) {
                    *inbound -= 1;
                    if *inbound == 0 {
                        self.inbound.remove(&peer);
                    }
                }
            }
            Event::Inputs(inputs) => inputs.into_iter().for_each(|input| self.input(input)),
        }
    }

    fn next_id(&mut self) -> StreamId {
        self.ids += 1;
        self.ids
    }

    fn start_session(&mut self, peer: PeerId, stream: Stream) -> StreamId {
        let id = self.next_id();
        self.sessions.insert(id, (peer, Session::start(peer, id, stream, self.events.clone())));
        id
    }

    fn send(&mut self, peer: PeerId, session: StreamId, frame: &Frame) {
        if self.sessions.get(&session).is_some_and(|(_, stream)| !stream.send(frame)) {
            tracing::debug!(%peer, "the peer does not take what it is sent");
            self.sessions.remove(&session);
            self.input(Input::Closed { peer, session });
        }
    }

    fn input(&mut self, input: Input) {
        if let Input::Communities(communities) = &input {
            let public = communities.iter().filter(|(_, ours)| ours.visibility == Some(Visibility::Public));
            for (community, _) in public {
                if !self.subscribed.contains(community) && self.net.subscribe(*community) {
                    self.subscribed.insert(*community);
                }
            }
        }
        let now = self.now();
        let outputs = self.engine.lock().on(now, input);
        for output in outputs {
            self.output(output);
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::OpenSession { peer } => {
                let (net, events) = (self.net.clone(), self.events.clone());
                self.streams.spawn(async move {
                    let stream = net.open(peer).await.inspect_err(|error| tracing::debug!(%error, "no session")).ok();
                    let _ = events.send(Event::Opened { peer, stream }).await;
                });
            }
            Output::Close { session, .. } => {
                self.sessions.remove(&session);
            }
            Output::Send { peer, session, frame } => self.send(peer, session, &frame),
            Output::Errand(errand) => self.lanes.push(Job::Errand(errand)),
            Output::Pull(order) => {
                let (net, events, performer) = (self.net.clone(), self.events.clone(), self.performer.clone());
                self.streams.spawn(short::pull(order, net, events, performer));
            }
            Output::Fetch { peer, ticket, blocks } => {
                let (net, events, performer) = (self.net.clone(), self.events.clone(), self.performer.clone());
                self.streams.spawn(short::fetch((peer, ticket, blocks), net, events, performer));
            }
            Output::Serve { stream, ask, proof } => self.reply(stream, Reply::Serve(ask, proof)),
            Output::Refuse { stream, fault } => self.reply(stream, Reply::Refuse(fault)),
            Output::Gossip { community, announce } => self.net.gossip(community, announce),
        }
    }

    fn reply(&mut self, stream: StreamId, reply: Reply) {
        if let Some(waiting) = self.requests.remove(&stream) {
            // The asker may be gone already.
            let _ = waiting.send(reply);
        }
    }
}
