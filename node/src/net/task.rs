//! The swarm loop: every arm is one call, and no arm waits on disk or on a full channel.

use std::collections::{HashSet, VecDeque};

use bytes::Bytes;
use folkmoot_schemas::Cid;
use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, Swarm,
    core::ConnectedPoint,
    gossipsub, identify, ping,
    swarm::{
        SwarmEvent,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    Command, Link, Notice, Shared, Stream,
    behaviour::{Behaviour, BehaviourEvent},
    gossip::{GossipId, community_of, topic_of},
};

/// Notices kept for a slow reader, beyond what its channel holds. News (gossip, streams) is dropped from here on:
/// the sender or the next comparison of heads repeats it. Connects and disconnects are always kept: there are no more
/// of them than connections come and go.
const KEPT_NOTICES: usize = 512;
/// Addresses taken from what a peer says of itself.
const LISTENS: usize = 16;

pub(super) struct Task {
    swarm: Swarm<Behaviour>,
    incoming: libp2p_stream::IncomingStreams,
    commands: mpsc::Receiver<Command>,
    stop: CancellationToken,
    outbox: Outbox,
    shared: Shared,
    drop_gossip: bool,
}

impl Task {
    pub(super) fn new(
        swarm: Swarm<Behaviour>,
        incoming: libp2p_stream::IncomingStreams,
        commands: mpsc::Receiver<Command>,
        stop: CancellationToken,
        notices: mpsc::Sender<Notice>,
        shared: Shared,
        drop_gossip: bool,
    ) -> Self {
        let outbox = Outbox { sender: notices, kept: VecDeque::new(), told: HashSet::new(), shared: shared.clone() };
        Self { swarm, incoming, commands, stop, outbox, shared, drop_gossip }
    }

    /// `early`: what happened while the listeners were bound.
    pub(super) async fn run(mut self, early: Vec<SwarmEvent<BehaviourEvent>>) {
        for event in early {
            self.on_event(event);
        }
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                command = self.commands.recv() => match command {
                    None => break,
                    Some(command) => self.on_command(command),
                },
                event = self.swarm.select_next_some() => self.on_event(event),
                Some((peer, stream)) = self.incoming.next() => {
                    self.outbox.news(Notice::Inbound { peer, stream: Stream::new(stream) });
                }
                Ok(permit) = self.outbox.sender.clone().reserve_owned(), if !self.outbox.kept.is_empty() => {
                    self.outbox.pass_on(permit);
                }
            }
        }
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            let _ = self.swarm.disconnect_peer_id(peer);
        }
    }

    fn on_command(&mut self, command: Command) {
        match command {
            Command::Dial(peer, addrs) => self.dial(peer, addrs),
            Command::Disconnect(peer) => {
                // Err: it was not connected, which is what was wanted.
                let _ = self.swarm.disconnect_peer_id(peer);
            }
            Command::Subscribe(community) => {
                if let Err(error) = self.swarm.behaviour_mut().gossip.subscribe(&topic_of(&community)) {
                    tracing::warn!(%community, %error, "cannot subscribe");
                }
            }
            Command::Gossip(community, data) => self.gossip(&community, data),
            Command::Verdict(id, verdict) => {
                self.swarm.behaviour_mut().gossip.report_message_validation_result(
                    &id.message,
                    &id.source,
                    verdict.into(),
                );
            }
        }
    }

    /// One dial for each address: of a dial with several, whoever answers first decides, and an old address that is
    /// somebody else's now would fail it however good the others are. One connection comes of it at most, see [`super::once`].
    fn dial(&mut self, peer: Option<PeerId>, addrs: Vec<Multiaddr>) {
        if peer == Some(*self.swarm.local_peer_id()) {
            return;
        }
        for addr in addrs {
            let options = match peer {
                // Not "and not dialling": an address that leads nowhere must not keep a better one waiting.
                Some(peer) => {
                    DialOpts::peer_id(peer).condition(PeerCondition::Disconnected).addresses(vec![addr.clone()]).build()
                }
                None => DialOpts::unknown_peer_id().address(addr.clone()).build(),
            };
            let connection = options.connection_id();
            match self.swarm.dial(options) {
                Ok(()) => {
                    self.shared.lock().dialling.insert(connection);
                }
                Err(libp2p::swarm::DialError::DialPeerConditionFalse(_)) => {}
                Err(error) => {
                    self.outbox.news(Notice::DialFailed { addr: Some(addr), peer, why: error.to_string() });
                }
            }
        }
    }

    fn gossip(&mut self, community: &Cid, data: Bytes) {
        if self.drop_gossip {
            self.shared.count("gossip_dropped");
            return;
        }
        match self.swarm.behaviour_mut().gossip.publish(topic_of(community), data) {
            Ok(_) => self.shared.count("gossip_sent"),
            Err(gossipsub::PublishError::Duplicate) => {}
            Err(gossipsub::PublishError::NoPeersSubscribedToTopic) => self.shared.count("gossip_unheard"),
            Err(error) => {
                tracing::debug!(%community, %error, "announcement not sent");
                self.shared.count("gossip_failed");
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        if let SwarmEvent::ConnectionEstablished { connection_id, .. }
        | SwarmEvent::OutgoingConnectionError { connection_id, .. } = &event
        {
            self.shared.lock().dialling.remove(connection_id);
        }
        match event {
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(gossipsub::Event::Message {
                propagation_source,
                message_id,
                message,
            })) => self.on_gossip(propagation_source, message_id, message),
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. })) => {
                if let Some(link) = self.shared.lock().peers.get_mut(&peer_id) {
                    link.listens = info.listen_addrs.into_iter().take(LISTENS).collect();
                    link.observed = Some(info.observed_addr);
                }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Ping(ping::Event { peer, connection, result: Err(failure) }))
                if !matches!(failure, ping::Failure::Unsupported) =>
            {
                tracing::debug!(%peer, %failure, "the peer went silent");
                self.shared.count("connections_silent");
                self.swarm.close_connection(connection);
            }
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, num_established, .. }
                if num_established.get() == 1 || endpoint.is_dialer() =>
            {
                self.on_connected(peer_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                self.shared.lock().peers.remove(&peer_id);
                self.outbox.gone(peer_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id, error, .. } => {
                self.outbox.news(Notice::DialFailed { addr: None, peer: peer_id, why: error.to_string() });
            }
            SwarmEvent::IncomingConnectionError { error, .. } => {
                tracing::debug!(%error, "a connection did not come to be");
                self.shared.count("connections_refused");
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                self.shared.lock().listeners.push(address.clone());
                self.outbox.always(Notice::Listening(address));
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => self.shared.lock().listeners.retain(|a| *a != address),
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "a listener has trouble"),
            // The rest is housekeeping of the protocols themselves.
            _ => {}
        }
    }

    fn on_connected(&mut self, peer: PeerId, endpoint: &ConnectedPoint) {
        let (addr, dialled) = (endpoint.get_remote_address().clone(), endpoint.is_dialer());
        let link = Link { addr: addr.clone(), dialled, since: Instant::now(), listens: Vec::new(), observed: None };
        self.shared.lock().peers.insert(peer, link);
        self.outbox.always(Notice::Connected { peer, addr, dialled });
    }

    fn on_gossip(&mut self, source: PeerId, message: gossipsub::MessageId, content: gossipsub::Message) {
        let id = GossipId { message, source };
        let community = community_of(&content.topic).filter(|_| !self.drop_gossip);
        let kept = match community {
            None => false,
            Some(community) => {
                let data = Bytes::from(content.data);
                self.outbox.news(Notice::Gossip { community, source, id: id.clone(), data })
            }
        };
        if !kept {
            // Nobody will give a verdict, and every message needs one to leave the cache.
            self.on_command(Command::Verdict(id, super::Verdict::Ignore));
        }
    }
}

/// Notices on their way to a reader that may be slow.
struct Outbox {
    sender: mpsc::Sender<Notice>,
    kept: VecDeque<Notice>,
    /// Peers whose connection the reader was sent.
    told: HashSet<PeerId>,
    shared: Shared,
}

impl Outbox {
    /// Something that may be lost: dropped, and counted, when the reader is far behind. True: it will arrive.
    fn news(&mut self, notice: Notice) -> bool {
        if self.kept.len() >= KEPT_NOTICES {
            self.shared.count("notices_dropped");
            return false;
        }
        self.always(notice);
        true
    }

    fn always(&mut self, notice: Notice) {
        self.kept.push_back(notice);
        while let Ok(permit) = self.sender.clone().try_reserve_owned() {
            if self.kept.is_empty() {
                break;
            }
            self.pass_on(permit);
        }
    }

    /// A peer whose connection the reader never heard of leaves nothing behind, so that peers which come and go while
    /// the reader is held up take no memory.
    fn gone(&mut self, peer: PeerId) {
        self.kept.retain(|notice| !matches!(notice, Notice::Connected { peer: kept, .. } if *kept == peer));
        if self.told.remove(&peer) {
            self.always(Notice::Disconnected { peer });
        }
    }

    fn pass_on(&mut self, permit: mpsc::OwnedPermit<Notice>) {
        if let Some(notice) = self.kept.pop_front() {
            if let Notice::Connected { peer, .. } = &notice {
                self.told.insert(*peer);
            }
            permit.send(notice);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_that_come_and_go_unheard_leave_nothing_behind() {
        let (sender, mut reader) = mpsc::channel(1);
        let mut outbox = Outbox { sender, kept: VecDeque::new(), told: HashSet::new(), shared: Shared::default() };
        let connected = |peer| Notice::Connected { peer, addr: Multiaddr::empty(), dialled: false };
        let heard = PeerId::random();
        outbox.always(connected(heard));
        for _ in 0..1000 {
            let peer = PeerId::random();
            outbox.always(connected(peer));
            outbox.gone(peer);
        }
        assert!(outbox.kept.is_empty());

        outbox.gone(heard);
        assert!(matches!(reader.try_recv(), Ok(Notice::Connected { peer, .. }) if peer == heard));
        outbox.always(Notice::Listening(Multiaddr::empty()));
        assert!(matches!(reader.try_recv(), Ok(Notice::Disconnected { peer }) if peer == heard), "in its order");
        assert!(outbox.told.is_empty());
    }
}
