//! Finding members' nodes: remembers where each was reached, says where we are, dials who is not connected.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use folkmoot_schemas::{Did, limits, whereabouts::Whereabouts};
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
        for peer in further_nodes(&links, &people, &inner.me.did) {
            inner.net.disconnect(peer);
        }
        let (looking, now_linked, proven) = (node.clone(), links.clone(), people.clone());
        let looked = inner.tasks.spawn_blocking(move || {
            looking.inner.note_reached(&now_linked, &proven)?;
            looking.inner.known()
        });
        match looked.await {
            Ok(Ok(known)) => inner.dial_due(&mut memory, known, &links, &company(&people, &inner.me.did)),
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
            entry.add(net::bare(&addr));
        }
        // Whoever left a community stops calling its members, and remembers them, in case it is let in again.
        let fellow = |did, device| self.driver.is_fellow(&Proof { did, device }).unwrap_or(true);
        let own = self.own_addresses()?;
        let worth = |addrs: &[String]| -> Vec<Multiaddr> {
            let addrs = addrs.iter().filter_map(|addr| addr.parse::<Multiaddr>().ok());
            addrs.filter(|addr| net::worth_dialling(addr, &own)).collect()
        };
        let mut reached = self.store.reached()?;
        reached.retain(|_, row| fellow(row.did, row.device));
        for (peer, reached) in &reached {
            if let Ok(peer) = peer.parse::<PeerId>() {
                let entry = known.entry(Whom::Peer(peer)).or_default();
                (entry.reached, entry.person) = (reached.at, Some(reached.did));
                // The ports of one that called us are its own word; and what is near was near somewhere else, it may be.
                worth(&reached.addrs).into_iter().for_each(|addr| entry.add(addr));
            }
        }
        let mut said = self.driver.nodes();
        said.retain(|said| fellow(said.did, said.device));
        // Any member's device can name any peer. Of one person's words about it the one that proved to be there counts,
        // then the latest.
        let there = |said: &Whereabouts| reached.get(&said.peer).filter(|row| row.device == said.device);
        said.sort_by_key(|said| (there(said).is_none(), Reverse(said.rev)));
        for said in said {
            let Ok(peer) = said.peer.parse::<PeerId>() else { continue };
            let mut addrs = worth(&said.addrs);
            if let Some(better) = known.get(&Whom::Peer(peer)) {
                addrs.retain(|addr| !better.addrs.contains(addr));
            }
            known.entry(Whom::Said(peer, said.did)).or_insert_with(|| Known {
                addrs,
                reached: there(&said).map_or(0, |row| row.at),
                said: said.rev.micros(),
                person: Some(said.did),
                ..Known::default()
            });
        }
        for known in known.values_mut() {
            known.own = known.person == Some(self.me.did);
        }
        let us = self.net.local_peer();
        known.retain(|whom, known| whom.peer() != Some(us) && !known.addrs.is_empty());
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
        let seen = links.iter().filter_map(|(peer, link)| {
            let proof = people.get(peer)?;
            Some((proof.did, net::as_seen(link.observed.as_ref()?, link.dialled, &own)?))
        });
        let seen = believed(seen, company(people, &self.me.did).len(), &self.me.did);
        own.extend(seen);
        let told = net::to_tell(&own);
        let due = said.as_ref().is_none_or(|(last, at)| *last != told || at.elapsed() >= SAID);
        if due {
            self.driver.here(told.clone());
            *said = Some((told, Instant::now()));
        }
    }

    /// Where members' nodes are reached right now; forgets who is no member any more, and who has not been for long.
    fn note_reached(&self, links: &BTreeMap<PeerId, Link>, people: &BTreeMap<PeerId, Proof>) -> Result<(), StoreError> {
        let before = self.store.reached()?;
        let (now, mut after) = (self.clock.micros(), before.clone());
        let mut linked: BTreeMap<Did, usize> = BTreeMap::new();
        for (peer, link) in links {
            let Some(proof) = people.get(peer) else { continue };
            let rows = linked.entry(proof.device).or_default();
            // Of more at once, each would push out another, every turn.
            if *rows < limits::NODE_ROWS {
                *rows += 1;
                let peer = peer.to_string();
                let row = reached(before.get(&peer), proof, link, now);
                after.insert(peer, row);
            }
        }
        after.retain(|_, row| {
            let member = self.driver.is_member(&Proof { did: row.did, device: row.device });
            member.unwrap_or(true) && row.at.saturating_add(FORGOTTEN) > now
        });
        for peer in beyond_their_share(&after, limits::NODES_KNOWN) {
            after.remove(&peer);
        }
        let gone = before.keys().filter(|peer| !after.contains_key(*peer)).map(|peer| (peer.clone(), None));
        let mut rows: Vec<_> = gone.collect();
        rows.extend(
            after.into_iter().filter(|(peer, row)| before.get(peer) != Some(row)).map(|(p, row)| (p, Some(row))),
        );
        match rows.is_empty() {
            true => Ok(()),
            false => self.store.set_reached(&rows),
        }
    }

    fn dial_due(
        &self,
        memory: &mut Memory,
        mut known: BTreeMap<Whom, Known>,
        links: &BTreeMap<PeerId, Link>,
        company: &BTreeMap<Did, usize>,
    ) {
        let at: BTreeMap<Multiaddr, PeerId> = links.iter().map(|(peer, link)| (net::bare(&link.addr), *peer)).collect();
        let addresses: BTreeSet<Multiaddr> = known.keys().filter_map(Whom::address).cloned().collect();
        memory.leads.extend(at.into_iter().filter(|(addr, _)| addresses.contains(addr)));
        memory.leads.retain(|addr, _| addresses.contains(addr));
        known.retain(|whom, _| match whom {
            Whom::Peer(peer) | Whom::Said(peer, _) => !links.contains_key(peer),
            Whom::At(addr) => memory.leads.get(addr).is_none_or(|peer| !links.contains_key(peer)),
        });
        let chance = || self.clock.tid_bits();
        for (whom, addrs) in memory.dialling.due(Instant::now(), &known, company, self.net.dialling(), chance) {
            match whom {
                Whom::At(addr) => self.net.dial(addr),
                Whom::Peer(peer) | Whom::Said(peer, _) => self.net.dial_peer(peer, addrs),
            }
        }
    }
}

impl Whom {
    fn address(&self) -> Option<&Multiaddr> {
        match self {
            Self::At(addr) => Some(addr),
            Self::Peer(_) | Self::Said(..) => None,
        }
    }

    fn peer(&self) -> Option<PeerId> {
        match self {
            Self::Peer(peer) | Self::Said(peer, _) => Some(*peer),
            Self::At(_) => None,
        }
    }
}

/// The other people who are connected, and with how many nodes: a member with many is one member still.
fn company(people: &BTreeMap<PeerId, Proof>, me: &Did) -> BTreeMap<Did, usize> {
    let mut company = BTreeMap::new();
    for proof in people.values().filter(|proof| proof.did != *me) {
        *company.entry(proof.did).or_default() += 1;
    }
    company
}

/// Where many called us, so that newcomers find no place: further nodes of members who have one here, the latest of
/// whoever has the most first. What they hold they have from each other.
fn further_nodes(links: &BTreeMap<PeerId, Link>, people: &BTreeMap<PeerId, Proof>, me: &Did) -> Vec<PeerId> {
    let incoming = links.iter().filter(|(_, link)| !link.dialled);
    let excess = incoming.clone().count().saturating_sub(limits::CONNECTIONS_FREE);
    if excess == 0 {
        return Vec::new();
    }
    let mut nodes: Vec<(Did, Instant, PeerId)> = incoming
        .filter_map(|(peer, link)| Some((people.get(peer)?.did, link.since, *peer)))
        .filter(|(did, ..)| did != me)
        .collect();
    nodes.sort_unstable();
    let mut nth = BTreeMap::<Did, usize>::new();
    let mut further: Vec<(usize, PeerId)> = Vec::new();
    for (did, _, peer) in nodes {
        let before = nth.entry(did).or_default();
        if *before > 0 {
            further.push((*before, peer));
        }
        *before += 1;
    }
    further.sort_unstable_by_key(|further| Reverse(*further));
    further.into_iter().take(excess).map(|(_, peer)| peer).collect()
}

/// Where others see us, the most first. Our signature stands under it: with two people there, two must say so, or a
/// device of ours.
fn believed(seen: impl Iterator<Item = (Did, Multiaddr)>, company: usize, me: &Did) -> Vec<Multiaddr> {
    let mut by: BTreeMap<Multiaddr, BTreeSet<Did>> = BTreeMap::new();
    for (did, addr) in seen {
        by.entry(addr).or_default().insert(did);
    }
    let mut seen: Vec<_> = by.into_iter().filter(|(_, by)| by.len() >= company.min(2) || by.contains(me)).collect();
    seen.sort_by_key(|(_, by)| Reverse(by.len()));
    seen.into_iter().take(SEEN).map(|(addr, _)| addr).collect()
}

/// Peers whose rows go: beyond a few of one device the oldest, then of more than `most` the oldest of whoever has the
/// most.
fn beyond_their_share(rows: &BTreeMap<String, Reached>, most: usize) -> Vec<String> {
    let mut newest: Vec<(&String, &Reached)> = rows.iter().collect();
    newest.sort_by_key(|(_, row)| Reverse(row.at));
    let (mut devices, mut people) = (BTreeMap::<Did, usize>::new(), BTreeMap::<Did, usize>::new());
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    for (peer, row) in newest {
        let of_device = devices.entry(row.device).or_default();
        *of_device += 1;
        if *of_device > limits::NODE_ROWS {
            gone.push(peer.clone());
            continue;
        }
        let of_person = people.entry(row.did).or_default();
        *of_person += 1;
        kept.push((*of_person, row.at, peer));
    }
    kept.sort_by_key(|(nth, at, _)| (Reverse(*nth), *at));
    let excess = kept.len().saturating_sub(most);
    gone.extend(kept.into_iter().take(excess).map(|(_, _, peer)| peer.clone()));
    gone
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

    fn person(n: u8) -> Did {
        Secret::from_seed([n; 32]).did()
    }

    #[test]
    fn company_is_people_and_our_own_devices_are_none() {
        let nodes = [(1, 11), (1, 12), (2, 21), (9, 91)]
            .map(|(did, device)| (PeerId::random(), Proof { did: person(did), device: person(device) }));
        let company = company(&nodes.into(), &person(9));
        assert_eq!(company, BTreeMap::from([(person(1), 2), (person(2), 1)]));
    }

    #[test]
    fn one_member_alone_makes_us_say_no_address_where_another_could_contradict() {
        let addr = |n: u8| -> Multiaddr { format!("/ip4/192.0.2.{n}/tcp/4700").parse().unwrap() };
        let seen = |of: &[(u8, u8)], company| {
            believed(of.iter().map(|(did, at)| (person(*did), addr(*at))), company, &person(9))
        };
        assert_eq!(seen(&[(1, 1)], 1), [addr(1)]);
        assert_eq!(seen(&[(1, 1), (1, 1), (1, 1)], 2), [], "one with three nodes is one");
        assert_eq!(seen(&[(1, 1), (1, 1), (2, 2), (3, 2)], 3), [addr(2)]);
        assert_eq!(seen(&[(1, 1), (9, 3)], 2), [addr(3)], "our other device");
    }

    #[test]
    fn nobody_with_many_nodes_makes_us_forget_where_others_were() {
        let row = |person_no: u8, device: u8, at: u64| Reached {
            did: person(person_no),
            device: person(device),
            at,
            addrs: Vec::new(),
        };
        let mut rows = BTreeMap::from([("quiet".to_owned(), row(1, 10, 0))]);
        rows.extend((1..=50).map(|n| (format!("one device {n:02}"), row(2, 20, n))));
        assert_eq!(beyond_their_share(&rows, 100).len(), 50 - limits::NODE_ROWS);
        rows.extend((1..=50).map(|n| (format!("one person {n:02}"), row(3, 100 + n as u8, n))));
        let gone: BTreeSet<String> = beyond_their_share(&rows, 10).into_iter().collect();
        assert!(!gone.contains("quiet") && !gone.contains("one device 50") && !gone.contains("one person 50"));
        assert!(gone.contains("one person 01"));
        assert_eq!(rows.len() - gone.len(), 10);
    }

    #[test]
    fn of_a_crowd_only_further_nodes_of_one_member_are_let_go_the_latest_of_whoever_has_the_most() {
        let begun = Instant::now();
        let (mut links, mut people) = (BTreeMap::new(), BTreeMap::new());
        let mut node = |did: u8, nth: u64, dialled: bool| {
            let (peer, device) = (PeerId::random(), person(did));
            let since = begun + Duration::from_secs(nth);
            links.insert(peer, Link { since, ..link("/ip4/192.0.2.1/tcp/1", dialled) });
            people.insert(peer, Proof { did: person(did), device });
            peer
        };
        for did in 0..62 {
            node(did, 0, false);
        }
        node(1, 1, true);
        let mut of_many: Vec<PeerId> = (1..=5).map(|nth| node(99, nth, false)).collect();
        let ours = node(100, 0, false);
        let gone = further_nodes(&links, &people, &person(100));
        assert_eq!(gone.len(), 62 + 5 + 1 - limits::CONNECTIONS_FREE);
        of_many.reverse();
        assert_eq!(gone, of_many[..4]);
        assert!(!gone.contains(&ours));
        links.remove(&ours);
        for peer in &gone {
            links.remove(peer);
        }
        assert!(further_nodes(&links, &people, &person(100)).is_empty());
    }
}
