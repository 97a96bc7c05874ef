//! A session stream: one task reads, one writes.

use std::time::Duration;

use bytes::Bytes;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use super::task::Event;
use crate::{
    net::{PeerId, ReadHalf, Stream, WriteHalf},
    sync::{
        engine::StreamId,
        message::{Frame, SESSION_FRAME},
    },
};

/// Frames that may wait for a slow peer; beyond it the session ends.
const QUEUE: usize = 128;
/// How long one frame may take to be written.
const WRITE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Session {
    frames: mpsc::Sender<Bytes>,
    reading: CancellationToken,
}

impl Session {
    /// Reading and writing, until [`Session`] is dropped or the stream ends.
    pub(super) fn start(peer: PeerId, id: StreamId, stream: Stream, events: mpsc::Sender<Event>) -> Self {
        let (frames, queue) = mpsc::channel(QUEUE);
        let reading = CancellationToken::new();
        let (read, write) = stream.split();
        tokio::spawn(write_all(write, queue, reading.clone()));
        tokio::spawn(read_all(peer, id, read, events, reading.clone()));
        Self { frames, reading }
    }

    /// False: the peer does not take what it is sent.
    pub(super) fn send(&self, frame: &Frame) -> bool {
        match frame.encode() {
            Ok(bytes) => self.frames.try_send(bytes).is_ok(),
            Err(error) => {
                tracing::error!(%error, "a frame of ours cannot be encoded");
                true
            }
        }
    }
}

impl Drop for Session {
    /// What was queued is still written, an `error` frame in particular.
    fn drop(&mut self) {
        self.reading.cancel();
    }
}

async fn write_all(mut stream: WriteHalf, mut queue: mpsc::Receiver<Bytes>, reading: CancellationToken) {
    while let Some(frame) = queue.recv().await {
        if !matches!(timeout(WRITE, stream.write(&frame)).await, Ok(Ok(()))) {
            // The reader tells of the end.
            return reading.cancel();
        }
    }
    let _ = timeout(WRITE, stream.close()).await;
}

async fn read_all(
    peer: PeerId,
    session: StreamId,
    mut stream: ReadHalf,
    events: mpsc::Sender<Event>,
    reading: CancellationToken,
) {
    loop {
        // Idle for as long as it likes: a session lives as long as its connection, which libp2p pings.
        let frame = tokio::select! {
            () = reading.cancelled() => break,
            frame = stream.read(SESSION_FRAME) => frame,
        };
        let frame = match frame {
            Ok(Some(bytes)) => Frame::decode(&bytes),
            Ok(None) => break,
            Err(error) => {
                tracing::debug!(%peer, %error, "session ended");
                break;
            }
        };
        let event = match frame {
            Ok(frame) => Event::Frame { peer, session, frame },
            Err(error) => {
                tracing::debug!(%peer, %error, "a frame that is none");
                break;
            }
        };
        if events.send(event).await.is_err() {
            return;
        }
    }
    let _ = events.send(Event::Closed { peer, session }).await;
}
