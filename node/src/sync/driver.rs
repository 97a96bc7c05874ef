//! Performs what the engine asks for: the network part. One task owns the engine's inputs; sessions and short streams
//! have small tasks of their own, the store is used on blocking threads, and every channel is bounded.

mod lanes;
mod session;
mod short;
mod task;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use folkmoot_schemas::{Audience, Cid, Did, announce::Announce, whereabouts::Whereabouts};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{
    engine::{Engine, Proof},
    perform::Performer,
};
use crate::{clock::Clock, net, publish::Me, store::Store};

/// Commands that may wait for the task.
const COMMANDS: usize = 256;

#[derive(Debug)]
enum Command {
    Announce(Cid, Audience, Box<Announce>),
    CommunityAdded(Cid),
    Here(Vec<net::Multiaddr>),
    SyncNow,
}

/// What others may tell or ask a running driver.
#[derive(Debug, Clone)]
pub struct Driver {
    commands: mpsc::Sender<Command>,
    engine: Shared,
    performer: Arc<Performer>,
    stop: CancellationToken,
    ended: watch::Receiver<()>,
}

/// What the driver knows of peers and progress right now.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Per community: peers that said `same` for every audience we share since our last change.
    pub held_by: BTreeMap<Cid, u32>,
    /// The people those peers proved to be.
    pub holders: BTreeMap<Cid, BTreeSet<Did>>,
    /// Proven person and device behind a connected peer.
    pub people: BTreeMap<net::PeerId, Proof>,
    /// True while pulls are under way.
    pub busy: bool,
    /// Peers whose `heads` were answered and compared at least once since they connected.
    pub compared: u32,
}

/// The engine, for the task to drive and for [`Driver::progress`] to read. Never held across an await.
#[derive(Debug, Clone)]
struct Shared(Arc<Mutex<Engine>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Engine> {
        // Each input is handled whole before the lock is given back; a panic inside would be our bug, and stale
        // bookkeeping costs at most a repeated comparison.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Driver {
    /// Starts the task. `me`: our device and person, for hello.
    pub fn start(store: Store, me: Me, clock: Clock, net: net::Handle, notices: mpsc::Receiver<net::Notice>) -> Self {
        let (commands, queue) = mpsc::channel(COMMANDS);
        let (alive, ended) = watch::channel(());
        let stop = CancellationToken::new();
        let engine = Shared(Arc::new(Mutex::new(Engine::new(net.local_peer(), 0))));
        let performer = Arc::new(Performer::new(store, me, clock.clone()));
        let task = task::Task::new(engine.clone(), performer.clone(), clock, net, stop.clone());
        tokio::spawn(async move {
            task.run(notices, queue).await;
            drop(alive);
        });
        Self { commands, engine, performer, stop, ended }
    }

    /// Something was published here: gossip or notify it.
    pub fn announce(&self, community: Cid, audience: Audience, announce: Announce) {
        self.send(Command::Announce(community, audience, Box::new(announce)));
    }

    /// A community was founded, joined or followed: subscribe, say hello, compare heads.
    pub fn community_added(&self, community: Cid) {
        self.send(Command::CommunityAdded(community));
    }

    /// We can be reached at these addresses: members are told where that is news. Without the peer id.
    pub fn here(&self, addrs: Vec<net::Multiaddr>) {
        self.send(Command::Here(addrs));
    }

    /// Where members' nodes are, each by its own word; ours is among them.
    pub fn nodes(&self) -> Vec<Whereabouts> {
        self.performer.nodes()
    }

    /// Devices of ours that said hello by an identity document which lost, and their names.
    pub fn apart(&self) -> BTreeMap<Did, String> {
        self.performer.apart()
    }

    /// In a roster here, on a device that is theirs; None: the rosters have not been read yet.
    pub fn is_member(&self, proof: &Proof) -> Option<bool> {
        self.performer.is_member(proof)
    }

    /// The same of a community in which we are a member too.
    pub fn is_fellow(&self, proof: &Proof) -> Option<bool> {
        self.performer.is_fellow(proof)
    }

    /// Compare heads with every connected peer now; until one has, [`Progress`] says that none did.
    pub fn sync_now(&self) {
        self.engine.lock().forget_comparisons();
        self.send(Command::SyncNow);
    }

    pub fn progress(&self) -> Progress {
        let engine = self.engine.lock();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Progress {
            held_by: engine.communities().map(|cid| (*cid, count(engine.held_by(cid)))).collect(),
            holders: engine.communities().map(|cid| (*cid, engine.holders(cid))).collect(),
            people: engine.people(),
            busy: engine.is_busy(),
            compared: count(engine.compared()),
        }
    }

    /// Ends all exchanges; what was received is stored.
    pub async fn stop(&self) {
        self.stop.cancel();
        let mut ended = self.ended.clone();
        // An error says that the sender is gone, and with it the task.
        while ended.changed().await.is_ok() {}
    }

    fn send(&self, command: Command) {
        // The task is far behind or gone: the next comparison of heads carries what an announcement would have.
        if let Err(error) = self.commands.try_send(command) {
            tracing::debug!(%error, "sync command dropped");
        }
    }
}

#[cfg(test)]
mod tests;
