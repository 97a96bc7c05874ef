//! Finding members' nodes: remembers where each was reached, says where we are, dials who is not connected.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use folkmoot_schemas::limits;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Inner, Node,
    dialling::{Dialling, Known, Whom},
};
use crate::{
    config::Multiaddr,
    net::{self, Link, PeerId},
    publish,
    request::{ADDRESSES, PEER},
    store::{Reached, StoreError},
    sync::engine::Proof,
};

/// How often it is looked who is there and who is not.
const TURN: Duration = Duration::from_secs(3);
/// A connection is noted anew after so long, so that a crash loses no more of how long it stood; microseconds.
const NOTED: u64 = 3600 * 1_000_000;
const FORGOTTEN: u64 = limits::NODE_FORGOTTEN * 1_000_000;
/// How often members are told where we are although nothing seems new: they are only if it was long ago.
const SAID: Duration = Duration::from_secs(30);
/// Addresses that others see us at, of those that the most see.
const SEEN: usize = 2;

/// What one turn remembers for the next.
#[derive(Debug, Default)]
struct Memory {
    dialling: Dialling,
    /// Whom an address led to that names no peer, so that it is not dialled when its peer is connected by another.
    leads: BTreeMap<Multiaddr, PeerId>,
    said: Option<(Vec<Multiaddr>, Instant)>,
}

pub(super) async fn run(node: &Node) {
    let mut memory = Memory::default();
    let mut turn = interval(TURN);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = turn.tick() => {}
            () = node.inner.nudge.notified() => memory.dialling.begin_anew(),
        }
        let inner = &node.inner;
        let (links, people) = (inner.net.links(), inner.driver.progress().people);
        inner.say_where_we_are(&mut memory.said, &links, &people);
        let (looking, now_linked, proven) = (node.clone(), links.clone(), people.clone());
        let looked = inner.tasks.spawn_blocking(move || {
            looking.inner.note_reached(&now_linked, &proven)?;
            looking.inner.known()
        });
        match looked.await {
            Ok(Ok(known)) => inner.dial_due(&mut memory, known, &links, people.len()),
            Ok(Err(why)) => tracing::warn!(%why, "the addresses to dial could not be read"),
            Err(_) => return,
        }
    }
}

impl Inner {
    /// Everybody we know an address of: configured, kept, named by the links we joined with; members' nodes where they
    /// were reached, and where they say they are.
    pub(super) fn known(&self) -> Result<BTreeMap<Whom, Known>, StoreError> {
        let mut known: BTreeMap<Whom, Known> = BTreeMap::new();
        let mut named: Vec<Multiaddr> = self.configured.clone();
        for (key, _) in self.store.metas(PEER)? {
            named.extend(key.strip_prefix(PEER).and_then(|addr| addr.parse().ok()));
        }
        named.extend(publish::joined_addresses(&self.store)?.iter().filter_map(|addr| addr.parse::<Multiaddr>().ok()));
        for addr in named {
            // One that names no peer is tried as it stands.
            let whom = net::peer_of(&addr).map_or_else(|| Whom::At(addr.clone()), Whom::Peer);
            let entry = known.entry(whom).or_default();
            entry.named = true;
            entry.addrs.insert(net::bare(&addr));
        }
        // Whoever left a community stops calling its members, and remembers them, in case it is let in again.
        let fellow = |did, device| self.driver.is_fellow(&Proof { did, device }).unwrap_or(true);
        let mut reached = self.store.reached()?;
        reached.retain(|_, row| fellow(row.did, row.device));
        let own = self.own_addresses()?;
        for (peer, reached) in &reached {
            if let Ok(peer) = peer.parse::<PeerId>() {
                let entry = known.entry(Whom::Peer(peer)).or_default();
                entry.reached = reached.at;
                // The ports of one that called us are its own word; and what is near was near somewhere else, it may be.
                let addrs = reached.addrs.iter().filter_map(|addr| addr.parse::<Multiaddr>().ok());
                entry.addrs.extend(addrs.filter(|addr| net::worth_dialling(addr, &own)));
            }
        }
        let mut said = self.driver.nodes();
        said.retain(|said| fellow(said.did, said.device));
        // Any member's device can name any peer: the one that proved to be there has the word, then the latest.
        said.sort_by_key(|said| {
            (reached.get(&said.peer).is_none_or(|there| there.device != said.device), Reverse(said.rev))
        });
        for said in said {
            let Ok(peer) = said.peer.parse::<PeerId>() else { continue };
            let addrs = said.addrs.iter().filter_map(|addr| addr.parse::<Multiaddr>().ok());
            let entry = known.entry(Whom::Peer(peer)).or_default();
            entry.said = entry.said.max(said.rev.micros());
            for addr in addrs.filter(|addr| net::worth_dialling(addr, &own)) {
                if entry.addrs.len() < limits::NODE_DIALLED {
                    entry.addrs.insert(addr);
                }
            }
        }
        known.remove(&Whom::Peer(self.net.local_peer()));
        known.retain(|_, known| !known.addrs.is_empty());
        Ok(known)
    }

    /// A node that lives for one command listens nowhere: the machine is where it was when an earlier one ran.
    fn own_addresses(&self) -> Result<Vec<Multiaddr>, StoreError> {
        let own = self.net.addresses();
        if !own.is_empty() {
            return Ok(own);
        }
        let noted = self.store.meta(ADDRESSES)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&noted).lines().filter_map(|addr| addr.parse().ok()).collect())
    }

    /// Members are told the addresses we have, and those at which members see us: nobody else can make us say one.
    fn say_where_we_are(
        &self,
        said: &mut Option<(Vec<Multiaddr>, Instant)>,
        links: &BTreeMap<PeerId, Link>,
        people: &BTreeMap<PeerId, Proof>,
    ) {
        let mut own = self.net.addresses();
        if own.is_empty() {
            return;
        }
        let mut seen: BTreeMap<Multiaddr, usize> = BTreeMap::new();
        for (_, link) in links.iter().filter(|(peer, _)| people.contains_key(peer)) {
            if let Some(addr) = link.observed.as_ref().and_then(|addr| net::as_seen(addr, link.dialled, &own)) {
                *seen.entry(addr).or_default() += 1;
            }
        }
        let mut seen: Vec<(Multiaddr, usize)> = seen.into_iter().collect();
        seen.sort_by_key(|(_, by)| Reverse(*by));
        own.extend(seen.into_iter().take(SEEN).map(|(addr, _)| addr));
        let told = net::to_tell(&own);
        let due = said.as_ref().is_none_or(|(last, at)| *last != told || at.elapsed() >= SAID);
        if due {
            self.driver.here(told.clone());
            *said = Some((told, Instant::now()));
        }
    }

    /// Where members' nodes are reached right now; forgets who is no member any more, and who has not been for long.
    fn note_reached(&self, links: &BTreeMap<PeerId, Link>, people: &BTreeMap<PeerId, Proof>) -> Result<(), StoreError> {
        let mut known = self.store.reached()?;
        let (now, mut rows) = (self.clock.micros(), BTreeMap::new());
        for (peer, link) in links {
            let Some(proof) = people.get(peer) else { continue };
            let peer = peer.to_string();
            let before = known.remove(&peer);
            let after = reached(before.as_ref(), proof, link, now);
            if before.as_ref() != Some(&after) {
                rows.insert(peer, Some(after));
            }
        }
        let stays = |row: &Reached| {
            let member = self.driver.is_member(&Proof { did: row.did, device: row.device });
            member.unwrap_or(true) && row.at.saturating_add(FORGOTTEN) > now
        };
        let (mut kept, gone): (Vec<_>, Vec<_>) = known.into_iter().partition(|(_, row)| stays(row));
        kept.sort_by_key(|(_, row)| row.at);
        let most = limits::NODES_KNOWN.saturating_sub(links.len());
        let excess = kept.len().saturating_sub(most);
        rows.extend(gone.into_iter().chain(kept.into_iter().take(excess)).map(|(peer, _)| (peer, None)));
        match rows.is_empty() {
            true => Ok(()),
            false => self.store.set_reached(&rows.into_iter().collect::<Vec<_>>()),
        }
    }

    fn dial_due(
        &self,
        memory: &mut Memory,
        mut known: BTreeMap<Whom, Known>,
        links: &BTreeMap<PeerId, Link>,
        members: usize,
    ) {
        let at: BTreeMap<Multiaddr, PeerId> = links.iter().map(|(peer, link)| (net::bare(&link.addr), *peer)).collect();
        let addresses: BTreeSet<Multiaddr> = known.keys().filter_map(Whom::address).cloned().collect();
        memory.leads.extend(at.into_iter().filter(|(addr, _)| addresses.contains(addr)));
        memory.leads.retain(|addr, _| addresses.contains(addr));
        known.retain(|whom, _| match whom {
            Whom::Peer(peer) => !links.contains_key(peer),
            Whom::At(addr) => memory.leads.get(addr).is_none_or(|peer| !links.contains_key(peer)),
        });
        let chance = || self.clock.tid_bits();
        for whom in memory.dialling.due(Instant::now(), &known, members, self.net.dialling(), chance) {
            match whom {
                Whom::At(addr) => self.net.dial(addr),
                Whom::Peer(peer) => {
                    let addrs = known.remove(&Whom::Peer(peer)).unwrap_or_default().addrs;
                    self.net.dial_peer(peer, addrs.into_iter().collect());
                }
            }
        }
    }
}

impl Whom {
    fn address(&self) -> Option<&Multiaddr> {
        match self {
            Self::At(addr) => Some(addr),
            Self::Peer(_) => None,
        }
    }
}

/// The row of a connected node: the address that works comes first. Dated anew once in a while only.
fn reached(before: Option<&Reached>, proof: &Proof, link: &Link, now: u64) -> Reached {
    let found = match link.dialled {
        true => vec![net::bare(&link.addr)],
        false => net::where_it_listens(&link.addr, &link.listens),
    };
    let mut addrs: Vec<String> = found.iter().map(ToString::to_string).collect();
    let known = before.iter().flat_map(|before| &before.addrs);
    for addr in known {
        if !addrs.contains(addr) {
            addrs.push(addr.clone());
        }
    }
    addrs.truncate(limits::REACHED_ADDRS);
    let same = |before: &&Reached| before.addrs == addrs && before.did == proof.did && before.device == proof.device;
    let at = before.filter(same).map(|before| before.at).filter(|at| at.saturating_add(NOTED) > now).unwrap_or(now);
    Reached { did: proof.did, device: proof.device, at, addrs }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::key::Secret;

    use super::*;

    fn link(addr: &str, dialled: bool) -> Link {
        let listens = vec!["/ip4/10.0.0.1/tcp/4700".parse().unwrap()];
        Link { addr: addr.parse().unwrap(), dialled, since: Instant::now(), listens, observed: None }
    }

    #[test]
    fn the_address_that_works_comes_first_and_old_ones_go_last_and_then_away() {
        let proof = Proof { did: Secret::from_seed([1; 32]).did(), device: Secret::from_seed([2; 32]).did() };
        let mut row = reached(None, &proof, &link("/ip4/203.0.113.9/tcp/53124", false), 5);
        assert_eq!(row.addrs, ["/ip4/203.0.113.9/tcp/4700"], "never the port it came from");
        assert_eq!(reached(Some(&row), &proof, &link("/ip4/203.0.113.9/tcp/9", false), 6), row, "nothing to write");
        assert_eq!(reached(Some(&row), &proof, &link("/ip4/203.0.113.9/tcp/9", false), 6 + NOTED).at, 6 + NOTED);
        for port in 1..=limits::REACHED_ADDRS as u16 {
            row = reached(Some(&row), &proof, &link(&format!("/ip4/192.0.2.7/tcp/{port}"), true), 7);
            assert_eq!(row.addrs[0], format!("/ip4/192.0.2.7/tcp/{port}"));
        }
        assert_eq!(row.addrs.len(), limits::REACHED_ADDRS);
        assert!(!row.addrs.contains(&"/ip4/203.0.113.9/tcp/4700".to_owned()));
    }
}
