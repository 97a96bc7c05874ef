//! Performs what the engine asks for: the one room that knows both store and net.

use std::collections::BTreeMap;

use folkmoot_schemas::{Audience, Cid, Did, announce::Announce};
use tokio::sync::mpsc;

use crate::{clock::Clock, net, publish::Me, store::Store};

/// What others may tell or ask a running driver.
#[derive(Debug, Clone)]
pub struct Driver {}

/// What the driver knows of peers and progress right now.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Per community: peers that said `same` for every audience we share since our last change.
    pub held_by: BTreeMap<Cid, u32>,
    /// Proven person behind a connected peer.
    pub people: BTreeMap<net::PeerId, Did>,
    /// True while pulls are under way.
    pub busy: bool,
    /// Peers whose `heads` were answered and compared at least once since they connected.
    pub compared: u32,
}

impl Driver {
    /// Starts the task. `me`: our device and person, for hello.
    pub fn start(
        _store: Store,
        _me: Me,
        _clock: Clock,
        _net: net::Handle,
        _notices: mpsc::Receiver<net::Notice>,
    ) -> Self {
        todo!()
    }
    /// Something was published here: gossip or notify it.
    pub fn announce(&self, _community: Cid, _audience: Audience, _announce: Announce) {
        todo!()
    }
    /// A community was founded, joined or followed: subscribe, say hello, compare heads.
    pub fn community_added(&self, _community: Cid) {
        todo!()
    }
    /// Compare heads with every connected peer now.
    pub fn sync_now(&self) {
        todo!()
    }
    pub fn progress(&self) -> Progress {
        todo!()
    }
    pub async fn stop(&self) {
        std::future::pending().await
    }
}
