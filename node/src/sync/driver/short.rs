//! Short streams: one request, one answer, each way.

use std::{future::Future, io, sync::Arc, time::Duration};

use folkmoot_schemas::{Cid, limits};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};

use super::task::Event;
use crate::{
    net::{Handle, PeerId, Stream},
    sync::{
        engine::{Ask, Input, Order, Proof, Pulled},
        message::{Blocks, FIRST_FRAME, Fault, Frame, PART_FRAME, Part, Pull},
        perform::Performer,
    },
};

/// How long a peer may take to say what it wants.
const FIRST: Duration = Duration::from_secs(10);
/// How long one frame of an answer may take, and the answer's first one to be made.
const FRAME: Duration = Duration::from_secs(30);

/// How long a whole answer may take, to be sent or to arrive. Who takes or gives it byte by byte holds a place that
/// others wait for.
const ANSWER: Duration = Duration::from_secs(300);
/// Bytes of one answer we take in: what was asked for, and a roster beside it.
const MOST: usize = 4 * limits::PULL_ANSWER;

/// Answers being made or sent at once, 8 MiB each at most. Strangers have places of their own, so that they cannot keep
/// members from theirs.
#[derive(Debug)]
pub(super) struct Serving {
    members: Semaphore,
    strangers: Semaphore,
}

impl Serving {
    pub(super) fn new() -> Self {
        Self { members: Semaphore::new(8), strangers: Semaphore::new(4) }
    }
}

/// What the engine decided about a request.
#[derive(Debug)]
pub(super) enum Reply {
    Serve(Box<Ask>, Option<Proof>),
    Refuse(Fault),
}

/// A stream the peer opened: hands a session to the task, answers a request.
pub(super) async fn accept(
    peer: PeerId,
    mut stream: Stream,
    events: mpsc::Sender<Event>,
    performer: Arc<Performer>,
    serving: Arc<Serving>,
) {
    if let Err(error) = answer(peer, &mut stream, &events, performer, serving).await {
        match error {
            Unanswered::Session(open) => {
                let _ = events.send(Event::Accepted { peer, stream, open }).await;
            }
            Unanswered::Failed(error) => tracing::debug!(%peer, %error, "a request was not answered"),
        }
    }
    let _ = events.send(Event::Left { peer }).await;
}

enum Unanswered {
    /// It was no request: a session begins.
    Session(crate::sync::message::Open),
    Failed(io::Error),
}

impl From<io::Error> for Unanswered {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

async fn answer(
    peer: PeerId,
    stream: &mut Stream,
    events: &mpsc::Sender<Event>,
    performer: Arc<Performer>,
    serving: Arc<Serving>,
) -> Result<(), Unanswered> {
    let Some(bytes) = within(FIRST, stream.read(FIRST_FRAME)).await? else { return Ok(()) };
    let ask = match Frame::decode(&bytes) {
        Ok(Frame::Open(open)) => return Err(Unanswered::Session(open)),
        Ok(Frame::Pull(pull)) => Ask::Pull(pull),
        Ok(Frame::Blocks(blocks)) => Ask::Blocks(blocks),
        _ => return Ok(send_all(stream, vec![Frame::Error(Fault::malformed())]).await?),
    };
    let (reply, decided) = oneshot::channel();
    if events.send(Event::Request { peer, ask: Box::new(ask), reply }).await.is_err() {
        return Ok(());
    }
    let (ask, proof) = match decided.await {
        Ok(Reply::Serve(ask, proof)) => (ask, proof),
        Ok(Reply::Refuse(fault)) => return Ok(send_all(stream, vec![Frame::Error(fault)]).await?),
        Err(_) => return Ok(()),
    };
    // Answers are held in memory while they are sent: only so many at once.
    let places = if proof.is_some() { &serving.members } else { &serving.strangers };
    let Ok(Ok(_place)) = timeout(FRAME, places.acquire()).await else {
        return Ok(send_all(stream, vec![Frame::Error(Fault::busy())]).await?);
    };
    let served = spawn_blocking(move || performer.serve(&ask, proof.as_ref())).await;
    let frames = served.map_err(io::Error::other)?.map_err(io::Error::other)?;
    Ok(within(ANSWER, send_all(stream, frames)).await?)
}

async fn send_all(stream: &mut Stream, frames: Vec<Frame>) -> io::Result<()> {
    for frame in frames {
        let bytes = frame.encode().map_err(io::Error::other)?;
        within(FRAME, stream.write(&bytes)).await?;
    }
    within(FRAME, stream.close()).await
}

/// Makes a pull; whatever happens, the engine hears of it.
pub(super) async fn pull(order: Box<Order>, net: Handle, events: mpsc::Sender<Event>, performer: Arc<Performer>) {
    let (peer, community, ticket) = (order.peer, order.community, order.ticket);
    let preparing = performer.clone();
    let prepared = spawn_blocking(move || preparing.prepare(&order)).await;
    let result = match prepared {
        Ok(Ok(pull)) => within(ANSWER, request(&net, peer, Question::Pull(pull), &events, &performer)).await,
        Ok(Err(error)) => Err(io::Error::other(error)),
        Err(error) => Err(io::Error::other(error)),
    };
    tell(peer, community, ticket, result, &events).await;
}

/// Fetches blocks by CID.
pub(super) async fn fetch(
    (peer, ticket, blocks): (PeerId, u64, Blocks),
    net: Handle,
    events: mpsc::Sender<Event>,
    performer: Arc<Performer>,
) {
    let community = blocks.community;
    let result = within(ANSWER, request(&net, peer, Question::Blocks(blocks), &events, &performer)).await;
    tell(peer, community, ticket, result, &events).await;
}

async fn tell(peer: PeerId, community: Cid, ticket: u64, result: io::Result<Pulled>, events: &mpsc::Sender<Event>) {
    if let Err(error) = &result {
        tracing::debug!(%peer, %community, %error, "a pull failed");
    }
    let _ = events.send(Event::Inputs(vec![Input::Pulled { peer, community, ticket, result: result.ok() }])).await;
}

#[derive(Clone)]
enum Question {
    Pull(Pull),
    Blocks(Blocks),
}

async fn request(
    net: &Handle,
    peer: PeerId,
    question: Question,
    events: &mpsc::Sender<Event>,
    performer: &Arc<Performer>,
) -> io::Result<Pulled> {
    let mut stream = within(FRAME, async { net.open(peer).await.map_err(io::Error::other) }).await?;
    let frame = match question.clone() {
        Question::Pull(pull) => Frame::Pull(pull),
        Question::Blocks(blocks) => Frame::Blocks(blocks),
    };
    within(FRAME, stream.write(&frame.encode().map_err(io::Error::other)?)).await?;
    let mut pulled = Pulled::default();
    let mut taken = 0;
    loop {
        let bytes = within(FRAME * 2, stream.read(PART_FRAME)).await?;
        let bytes = bytes.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        taken += bytes.len();
        if taken > MOST {
            return Err(io::Error::other("the answer does not end"));
        }
        match Frame::decode(&bytes).map_err(io::Error::other)? {
            Frame::Part(part) => {
                let inputs;
                (pulled, inputs) = store(performer.clone(), question.clone(), part, pulled).await?;
                if !inputs.is_empty() && events.send(Event::Inputs(inputs)).await.is_err() {
                    return Err(io::ErrorKind::Interrupted.into());
                }
            }
            Frame::End(end) => {
                pulled.more = end.more;
                return Ok(pulled);
            }
            Frame::Error(fault) => return Err(io::Error::other(fault)),
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

async fn store(
    performer: Arc<Performer>,
    question: Question,
    part: Part,
    mut pulled: Pulled,
) -> io::Result<(Pulled, Vec<Input>)> {
    let stored = spawn_blocking(move || {
        let inputs = match &question {
            Question::Pull(pull) => performer.receive(pull, part, &mut pulled),
            Question::Blocks(blocks) => performer.receive_blocks(blocks, &part, &mut pulled),
        };
        inputs.map(|inputs| (pulled, inputs))
    });
    stored.await.map_err(io::Error::other)?.map_err(io::Error::other)
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
