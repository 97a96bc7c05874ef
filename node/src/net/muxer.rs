//! yamux with our own bounds. The adapter that comes with libp2p leaves the receive window of a connection at 1 GiB;
//! yamux itself wants at least 256 KiB for each stream it allows, so the bound is `streams × 256 KiB`.
//! Specification: <https://github.com/hashicorp/yamux/blob/master/spec.md>.

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Ready, ready},
    iter,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use folkmoot_schemas::limits;
use futures::{AsyncRead, AsyncWrite};
use libp2p::core::{
    UpgradeInfo,
    muxing::{StreamMuxer, StreamMuxerEvent},
    upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade},
};

#[derive(Debug, Clone)]
pub(super) struct Config(yamux::Config);

impl Default for Config {
    fn default() -> Self {
        let mut config = yamux::Config::default();
        // In this order: each call checks the two values against each other.
        config.set_max_num_streams(limits::YAMUX_STREAMS);
        config.set_max_connection_receive_window(Some(limits::YAMUX_WINDOW));
        Self(config)
    }
}

impl Config {
    fn start<C: AsyncRead + AsyncWrite + Unpin>(self, io: C, mode: yamux::Mode) -> Ready<Result<Muxer<C>, Infallible>> {
        ready(Ok(Muxer {
            connection: yamux::Connection::new(io, self.0, mode),
            arrived: VecDeque::new(),
            reader: None,
        }))
    }
}

impl UpgradeInfo for Config {
    type Info = &'static str;
    type InfoIter = iter::Once<&'static str>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once("/yamux/1.0.0")
    }
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> InboundConnectionUpgrade<C> for Config {
    type Output = Muxer<C>;
    type Error = Infallible;
    type Future = Ready<Result<Muxer<C>, Infallible>>;

    fn upgrade_inbound(self, io: C, _: Self::Info) -> Self::Future {
        self.start(io, yamux::Mode::Server)
    }
}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + 'static> OutboundConnectionUpgrade<C> for Config {
    type Output = Muxer<C>;
    type Error = Infallible;
    type Future = Ready<Result<Muxer<C>, Infallible>>;

    fn upgrade_outbound(self, io: C, _: Self::Info) -> Self::Future {
        self.start(io, yamux::Mode::Client)
    }
}

/// One connection. yamux moves only while it is asked for inbound streams, libp2p asks for those when it has room:
/// streams that arrive in between wait in `arrived`, never more of them than yamux allows to be open.
#[derive(Debug)]
pub(super) struct Muxer<C> {
    connection: yamux::Connection<C>,
    arrived: VecDeque<yamux::Stream>,
    /// Whoever found `arrived` empty.
    reader: Option<Waker>,
}

impl<C: AsyncRead + AsyncWrite + Unpin> Muxer<C> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<yamux::Stream, yamux::ConnectionError>> {
        self.connection.poll_next_inbound(cx).map(|next| next.unwrap_or(Err(yamux::ConnectionError::Closed)))
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
    type Substream = yamux::Stream;
    type Error = yamux::ConnectionError;

    fn poll_inbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Self::Substream, Self::Error>> {
        if let Some(stream) = self.arrived.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        let next = self.poll_next(cx);
        if next.is_pending() {
            self.reader = Some(cx.waker().clone());
        }
        next
    }

    fn poll_outbound(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Self::Substream, Self::Error>> {
        self.connection.poll_new_outbound(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connection.poll_close(cx)
    }

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        loop {
            match self.poll_next(cx) {
                Poll::Ready(Ok(stream)) => {
                    if self.arrived.len() < limits::YAMUX_STREAMS {
                        self.arrived.push_back(stream);
                    }
                    if let Some(reader) = self.reader.take() {
                        reader.wake();
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
