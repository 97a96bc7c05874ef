//! A running node: store, net, sync and publish together, answering [`Request`]s; and [`Local`], the same answers with
//! no network, for a command that finds no node running.

mod bring;
mod dialling;
mod finding;
mod hooking;
mod keeper;
mod recover;
mod sweeping;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use folkmoot_schemas::Cid;
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::Clock,
    config::{Config, Multiaddr, NetConfig},
    control::{client, server},
    home::{Home, HomeError},
    net,
    publish::Me,
    request::{self, Desk, Failure, Live, LivePeer, News, Outcome, Reply, Request, Status},
    store::{PublicReader, Store, StoreError},
    sync::driver::Driver,
};

/// How long `Join` waits for the first sync.
pub const JOIN_WAIT: Duration = Duration::from_secs(60);
/// How long a start waits for a command that is just writing to the store.
const STORE_WAIT: Duration = Duration::from_secs(5);
/// How long a stop waits for requests under way.
const STOP_WAIT: Duration = Duration::from_secs(5);

pub use recover::{Recovered, recover, recovered_offline};

#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Net(#[from] net::NetError),
    #[error(transparent)]
    Publish(#[from] crate::publish::PublishError),
    #[error("the control socket {path} cannot be opened: {source}")]
    Socket { path: PathBuf, source: std::io::Error },
}

impl From<StoreError> for NodeError {
    fn from(error: StoreError) -> Self {
        Self::Home(HomeError::Store(error))
    }
}

impl NodeError {
    /// Another process has the store: a node, or a command that is done in a moment.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Home(HomeError::Store(StoreError::Locked(_))))
    }
}

/// Store and publish without a network: what a command uses when no node runs. Also of a device that is out: its person
/// reads what is here, and is told.
#[derive(Debug)]
pub struct Local {
    home: Home,
    store: Store,
    me: Me,
    clock: Clock,
    live: Live,
}

impl Local {
    /// Opens home and store; `StoreError::Locked` while another process has it. `config`: the settings of the home.
    pub fn open(home: &Home, clock: Clock, config: &Config) -> Result<Self, NodeError> {
        let store = home.open_store_briefly()?;
        let me = Me::of(&store, home.device_key()?)?;
        store.set_quotas(config.quotas());
        let live = Live {
            configured: config.net().peers.iter().map(Multiaddr::to_string).collect(),
            public_url: config.public_url().map(str::to_owned),
            ..Live::default()
        };
        Ok(Self { home: home.clone(), store, me, clock, live })
    }

    pub fn request(&self, request: Request) -> Reply {
        let Self { home, store, me, clock, live } = self;
        request::handle(&Desk { store, me, clock, dir: home.dir(), live }, request).reply
    }

    /// For a process that ends now, see [`Store::leave`].
    pub fn leave(self) -> Result<(), NodeError> {
        Ok(self.store.leave()?)
    }
}

/// How a running node is, for whoever watches over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    pub peers: u32,
    pub uptime_s: u64,
    /// The disk took the last write.
    pub writable: bool,
}

/// A running node. Dropping the last clone does not stop it; call [`Node::stop`].
#[derive(Debug, Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    home: Home,
    store: Store,
    me: Me,
    clock: Clock,
    net: net::Handle,
    driver: Driver,
    configured: Vec<Multiaddr>,
    /// Where the gateway listens, as others see it if that is configured.
    http: Mutex<Option<String>>,
    started: Instant,
    /// The store's generation.
    changes: watch::Receiver<u64>,
    /// Dial now instead of at the next turn.
    nudge: Notify,
    socket: PathBuf,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Node {
    /// Opens the store, binds the listeners, starts sync and the control socket. Ready when this returns.
    pub async fn start(home: &Home, clock: Clock, net: NetConfig) -> Result<Self, NodeError> {
        let store = open_store(home).await?;
        obey_quotas(home, &store);
        let me = Me::load(&store, home.device_key()?)?;
        Self::start_as(home, store, me, clock, net).await
    }

    async fn start_as(home: &Home, store: Store, me: Me, clock: Clock, net: NetConfig) -> Result<Self, NodeError> {
        let peer_seed = home.peer_seed()?;
        let socket = home.prepare_socket()?;
        let listener = server::bind(&socket).map_err(|source| NodeError::Socket { path: socket.clone(), source })?;

        let configured = net.peers.clone();
        let (net, notices) = match net::start(peer_seed, net).await {
            Ok(started) => started,
            Err(why) => {
                std::fs::remove_file(&socket).ok();
                return Err(why.into());
            }
        };
        let driver = Driver::start(store.clone(), me.clone(), clock.clone(), net.clone(), notices);
        let (changed, changes) = watch::channel(store.generation());
        store.on_change(Box::new(move |generation| {
            changed.send_replace(generation);
        }));
        store.on_disk_change(Box::new(|trouble| match trouble {
            Some(why) => tracing::error!(cause = why.cause(), "{why}; reading goes on"),
            None => tracing::warn!("the disk takes what is written again"),
        }));
        let node = Self {
            inner: Arc::new(Inner {
                home: home.clone(),
                store,
                me,
                clock,
                net,
                driver,
                configured,
                http: Mutex::new(None),
                started: Instant::now(),
                changes,
                nudge: Notify::new(),
                socket,
                stop: CancellationToken::new(),
                tasks: TaskTracker::new(),
            }),
        };
        let (tasks, stop) = (&node.inner.tasks, &node.inner.stop);
        tasks.spawn(stop.clone().run_until_cancelled_owned(keeper::run(node.clone())));
        tasks.spawn(stop.clone().run_until_cancelled_owned(hooking::run(node.clone())));
        let answering = node.clone();
        tasks.spawn(server::serve(listener, tasks.clone(), stop.clone(), move |request| {
            let node = answering.clone();
            async move { node.request(request).await }
        }));
        Ok(node)
    }

    pub fn reader(&self) -> PublicReader {
        self.inner.store.public_reader()
    }

    /// Answers like the control socket does.
    pub async fn request(&self, request: Request) -> Reply {
        match request {
            Request::Join { link, via } => self.join(&link, &via).await.unwrap_or_else(Reply::Failed),
            Request::Sync { via, wait_s } => self.sync(&via, wait_s).await.unwrap_or_else(Reply::Failed),
            request => {
                let node = self.clone();
                match self.blocking(move || Ok(node.answer(request))).await {
                    Ok(Outcome { reply, news }) => {
                        news.into_iter().for_each(|news| self.tell(news));
                        reply
                    }
                    Err(failure) => Reply::Failed(failure),
                }
            }
        }
    }

    pub fn addresses(&self) -> Vec<Multiaddr> {
        self.inner.net.addresses()
    }

    /// Tell the node where its gateway listens, for `url`s and `status`.
    pub fn set_http(&self, base: String) {
        *self.inner.http.lock().unwrap_or_else(PoisonError::into_inner) = Some(base);
    }

    /// Cheap: nothing is read from the disk.
    pub fn health(&self) -> Health {
        let inner = &self.inner;
        Health {
            peers: inner.net.peers().len() as u32,
            uptime_s: inner.started.elapsed().as_secs(),
            writable: inner.store.writable(),
        }
    }

    pub fn status(&self) -> Result<Status, Failure> {
        match self.answer(Request::Status).reply {
            Reply::Status(status) => Ok(*status),
            Reply::Failed(failure) => Err(failure),
            other => Err(Failure::bug(format!("status was answered with {other:?}"))),
        }
    }

    /// Closes sockets and streams, waits for the writer, removes the control socket.
    pub async fn stop(self) {
        let inner = &self.inner;
        // Nobody new finds us; then those that did are answered.
        std::fs::remove_file(&inner.socket).ok();
        inner.stop.cancel();
        inner.tasks.close();
        if tokio::time::timeout(STOP_WAIT, inner.tasks.wait()).await.is_err() {
            tracing::warn!("a request was still under way when the node stopped");
        }
        inner.driver.stop().await;
        inner.net.stop();
        let store = inner.store.clone();
        if let Ok(Err(why)) = tokio::task::spawn_blocking(move || store.flush()).await {
            tracing::error!(%why, "what was received last may have to be fetched again");
        }
    }

    /// From the store, with what we know of the network. Blocks on the disk.
    fn answer(&self, request: Request) -> Outcome {
        let Inner { home, store, me, clock, .. } = &*self.inner;
        request::handle(&Desk { store, me, clock, dir: home.dir(), live: &self.live() }, request)
    }

    fn live(&self) -> Live {
        let inner = &self.inner;
        let progress = inner.driver.progress();
        let now = inner.clock.micros();
        let peers = inner.net.links().into_iter().map(|(peer, link)| LivePeer {
            peer_id: peer.to_string(),
            addr: link.addr.to_string(),
            did: progress.people.get(&peer).map(|proof| proof.did),
            device: progress.people.get(&peer).map(|proof| proof.device),
            since: now.saturating_sub(u64::try_from(link.since.elapsed().as_micros()).unwrap_or(u64::MAX)),
        });
        let http = inner.http.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Live {
            running: true,
            peer_id: Some(inner.net.local_peer().to_string()),
            addresses: inner.net.addresses().iter().map(Multiaddr::to_string).collect(),
            peers: peers.collect(),
            configured: inner.configured.iter().map(Multiaddr::to_string).collect(),
            held_by: progress.held_by,
            holders: progress.holders,
            apart: inner.driver.apart(),
            public_url: http.clone().filter(|base| base.starts_with("https://")),
            http,
            uptime_s: inner.started.elapsed().as_secs(),
            counters: inner.net.counters(),
        }
    }

    /// Runs what reads or writes the store where it may block; a stop waits for it.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        match self.inner.tasks.spawn_blocking(work).await {
            Ok(done) => done,
            Err(why) => Err(Failure::bug("the node could not answer").because(why.to_string())),
        }
    }

    fn tell(&self, news: News) {
        match news {
            News::Announce(community, audience, announce) => self.inner.driver.announce(community, audience, announce),
            News::Added(community) => self.inner.driver.community_added(community),
            News::Dial(_) => self.inner.nudge.notify_one(),
            News::Wanted => self.inner.driver.sync_now(),
        }
    }

    /// A community's facts as they are now.
    fn info(&self, community: &Cid) -> Result<request::CommunityInfo, Failure> {
        let text = community.to_string();
        match self.answer(Request::Communities).reply {
            Reply::Communities(infos) => infos
                .into_iter()
                .find(|i| i.cid == text)
                .ok_or_else(|| Failure::bug("the community is not in the store")),
            Reply::Failed(failure) => Err(failure),
            other => Err(Failure::bug(format!("the list of communities was answered with {other:?}"))),
        }
    }
}

/// Whoever needs a setting reports what is wrong with it; until then the quotas stay.
fn obey_quotas(home: &Home, store: &Store) {
    if let Ok(config) = Config::of(home) {
        store.set_quotas(config.quotas());
    }
}

/// A command may hold the store for a moment; a node that answers will hold it for good.
async fn open_store(home: &Home) -> Result<Store, NodeError> {
    let deadline = Instant::now() + STORE_WAIT;
    loop {
        match home.open_store() {
            Err(HomeError::Store(StoreError::Locked(_)))
                if Instant::now() < deadline && !client::answers(&home.socket_path()) =>
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            other => return Ok(other?),
        }
    }
}

#[cfg(test)]
mod tests;
