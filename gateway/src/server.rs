//! The listener: HTTP/1.1 with every wait bounded, so that slow or silent clients cannot hold what others need.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{extract, response::Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    time::{Instant, Sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    app::{self, App},
    connections::{Place, State, Table},
};

/// For a request's headers, from the first moment the connection waits for them.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// Without a byte in either direction.
const IDLE: Duration = Duration::from_secs(15);
/// hyper's smallest; what is longer is refused by the parser, what is a little shorter by us with a page.
const BUFFER: usize = 16 * 1024;
const HEADERS: usize = 64;
/// For open answers after the stop.
const GRACE: Duration = Duration::from_secs(5);
/// After a failed accept: mostly, too many files are open.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn run(listener: TcpListener, app: Arc<App>, stop: impl Future<Output = ()> + Send + 'static) {
    let (table, tasks, stopping) = (Table::default(), TaskTracker::new(), CancellationToken::new());
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Nobody to give place: closed without a word.
                if let Some(place) = table.admit(peer.ip()) {
                    tasks.spawn(connection(stream, peer, place, Arc::clone(&app), stopping.clone()));
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    stopping.cancel();
    tasks.close();
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        tracing::info!("some answers were cut off by the stop");
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, place: Place, app: Arc<App>, stopping: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "no nodelay");
    }
    let state = Arc::clone(&place.state);
    let service = service_fn(|request: hyper::Request<Incoming>| {
        let (busy, app) = (place.busy(), Arc::clone(&app));
        async move {
            let response: Response = app::serve(extract::State(app), request.map(axum::body::Body::new)).await;
            drop(busy);
            Ok::<_, Infallible>(response)
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(BUFFER)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(Watched::new(stream, Arc::clone(&state))), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = state.close.cancelled() => return,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection broke off");
    }
}

/// A stream that ends with an error when no byte has moved for [`IDLE`], also while an answer is being sent; but not
/// while one is being made, which has a limit of its own.
struct Watched {
    stream: TcpStream,
    state: Arc<State>,
    idle: Pin<Box<Sleep>>,
}

impl Watched {
    fn new(stream: TcpStream, state: Arc<State>) -> Self {
        Self { stream, state, idle: Box::pin(tokio::time::sleep(IDLE)) }
    }

    /// Bytes moved: the wait begins anew. None did: has it been too long?
    fn watch<T>(&mut self, cx: &mut Context<'_>, moved: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE);
            return moved;
        }
        while self.idle.as_mut().poll(cx).is_ready() {
            if !self.state.is_busy() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.idle.as_mut().reset(Instant::now() + IDLE);
        }
        Poll::Pending
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let moved = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.watch(cx, moved)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let moved = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, moved)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
