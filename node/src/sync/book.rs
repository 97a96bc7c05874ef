//! What members' devices said of where their nodes are: the newest word of each, and in which order it came here. Pure;
//! whose word counts, the caller knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use folkmoot_schemas::{Cid, Did, block::Block, limits, whereabouts::Whereabouts};

const SECOND: u64 = 1_000_000;
/// A word that is dated further ahead than this waits until its time has nearly come: of a clock that is wrong, or of
/// somebody who wants the last word for good.
const AHEAD: u64 = 86_400 * SECOND;
const FORGOTTEN: u64 = limits::NODE_FORGOTTEN * SECOND;

#[derive(Debug)]
struct Entry {
    block: Block,
    said: Whereabouts,
    /// Rises with every word that was news.
    seq: u64,
}

/// One word of each device.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: BTreeMap<Did, Entry>,
    seq: u64,
    opened: bool,
    /// Words of devices that no roster here knows yet, with the communities that whoever told them shares with us.
    aside: VecDeque<(BTreeSet<Cid>, Bytes)>,
}

impl Book {
    /// What was kept from an earlier run; once.
    pub(super) fn open(&mut self, kept: Vec<(Block, Whereabouts)>) {
        if std::mem::replace(&mut self.opened, true) {
            return;
        }
        for (block, said) in kept {
            self.insert(block, said);
        }
    }

    /// Not older than what is known, nor too old or too far ahead to be of use now. Local: another node may think
    /// otherwise for a while.
    pub(super) fn is_news(&self, block: &Block, said: &Whereabouts, now: u64) -> bool {
        let at = said.rev.micros();
        let timely = at.saturating_add(FORGOTTEN) > now && at < now.saturating_add(AHEAD);
        timely
            && self
                .entries
                .get(&said.device)
                .is_none_or(|known| said.beats(block.cid(), &known.said, known.block.cid()))
    }

    /// Takes a word that was found to be news; the devices whose words went to make room. `own` never goes.
    pub(super) fn put(&mut self, block: Block, said: Whereabouts, own: &Did) -> Vec<Did> {
        self.insert(block, said);
        let mut gone = Vec::new();
        while self.entries.len() > limits::NODES_KNOWN {
            let Some(device) = self.dispensable(own) else { break };
            self.entries.remove(&device);
            gone.push(device);
        }
        gone
    }

    fn insert(&mut self, block: Block, said: Whereabouts) {
        self.seq += 1;
        self.entries.insert(said.device, Entry { block, said, seq: self.seq });
    }

    /// The oldest of the person who takes the most room: nobody pushes others out by having many devices.
    fn dispensable(&self, own: &Did) -> Option<Did> {
        let mut people: BTreeMap<Did, usize> = BTreeMap::new();
        for entry in self.entries.values() {
            *people.entry(entry.said.did).or_default() += 1;
        }
        let others = self.entries.values().filter(|entry| entry.said.device != *own);
        let worst = others.max_by_key(|entry| (people.get(&entry.said.did), std::cmp::Reverse(entry.said.rev)));
        worst.map(|entry| entry.said.device)
    }

    /// Takes out whose device is no member's any more, and what is too old; the devices that went.
    pub(super) fn prune(&mut self, now: u64, keep: impl Fn(&Whereabouts) -> bool) -> Vec<Did> {
        let stale = |said: &Whereabouts| said.rev.micros().saturating_add(FORGOTTEN) <= now;
        let gone: Vec<Did> = (self.entries.values())
            .filter(|entry| stale(&entry.said) || !keep(&entry.said))
            .map(|entry| entry.said.device)
            .collect();
        for device in &gone {
            self.entries.remove(device);
        }
        gone
    }

    pub(super) fn is_open(&self) -> bool {
        self.opened
    }

    pub(super) fn get(&self, device: &Did) -> Option<&Whereabouts> {
        Some(&self.entries.get(device)?.said)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Whereabouts> {
        self.entries.values().map(|entry| &entry.said)
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// What came after `seq`, in the order it came.
    pub(super) fn since(&self, seq: u64, tell: impl Fn(&Whereabouts) -> bool) -> Vec<Bytes> {
        let mut found: Vec<&Entry> =
            self.entries.values().filter(|entry| entry.seq > seq && tell(&entry.said)).collect();
        found.sort_unstable_by_key(|entry| entry.seq);
        found.into_iter().map(|entry| entry.block.bytes().clone()).collect()
    }

    /// Keeps a word until a roster may know its device.
    pub(super) fn set_aside(&mut self, communities: BTreeSet<Cid>, bytes: Bytes) {
        if self.aside.iter().any(|(_, known)| *known == bytes) {
            return;
        }
        while self.aside.len() >= limits::NODES_ASIDE {
            self.aside.pop_front();
        }
        self.aside.push_back((communities, bytes));
    }

    pub(super) fn take_aside(&mut self) -> VecDeque<(BTreeSet<Cid>, Bytes)> {
        std::mem::take(&mut self.aside)
    }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{Tid, key::Secret};

    use super::*;

    const NOW: u64 = 1_790_000_000 * SECOND;

    fn said(person: u8, device: u16, rev: u64) -> (Block, Whereabouts) {
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&device.to_be_bytes());
        let key = Secret::from_seed(seed);
        let did = Secret::from_seed([person; 32]).did();
        let said = Whereabouts { did, device: key.did(), rev: Tid::new(rev, 0), peer: "12D3".into(), addrs: vec![] };
        (said.seal(&key).unwrap(), said)
    }

    fn own() -> Did {
        Secret::from_seed([200; 32]).did()
    }

    #[test]
    fn the_later_word_is_news_and_one_from_long_ago_or_from_the_future_is_not() {
        let mut book = Book::default();
        let ((a, old), (b, new)) = (said(1, 1, NOW - 2), said(1, 1, NOW));
        assert!(book.is_news(&b, &new, NOW));
        book.put(b.clone(), new.clone(), &own());
        assert!(!book.is_news(&a, &old, NOW) && !book.is_news(&b, &new, NOW));
        for rev in [NOW - FORGOTTEN, NOW + AHEAD] {
            let (block, said) = said(2, 2, rev);
            assert!(!book.is_news(&block, &said, NOW));
        }
        assert_eq!(book.prune(NOW, |_| true), []);
        assert_eq!(book.prune(NOW + FORGOTTEN, |_| true), [new.device]);
    }

    #[test]
    fn what_came_since_is_told_once_and_again_when_it_changed() {
        let mut book = Book::default();
        let ((a, first), (b, second)) = (said(1, 1, NOW), said(2, 2, NOW));
        book.put(a.clone(), first, &own());
        let before = book.seq();
        book.put(b.clone(), second, &own());
        assert_eq!(book.since(0, |_| true), [a.bytes().clone(), b.bytes().clone()]);
        assert_eq!(book.since(before, |_| true), [b.bytes().clone()]);
        let (again, first) = said(1, 1, NOW + 1);
        book.put(again.clone(), first, &own());
        assert_eq!(book.since(before, |_| true), [b.bytes().clone(), again.bytes().clone()]);
        assert!(book.since(0, |_| false).is_empty());
    }

    #[test]
    fn a_full_book_lets_go_of_the_oldest_of_whoever_fills_it() {
        let mut book = Book::default();
        let (block, quiet) = said(1, 0, NOW - 1000);
        book.put(block, quiet.clone(), &own());
        for device in 1..=limits::NODES_KNOWN as u16 {
            let (block, said) = said(2, device, NOW + u64::from(device));
            let gone = book.put(block, said, &own());
            assert_eq!(gone.len(), usize::from(usize::from(device) == limits::NODES_KNOWN));
        }
        assert_eq!(book.all().count(), limits::NODES_KNOWN);
        assert!(book.get(&quiet.device).is_some());
        assert!(book.get(&said(2, 1, 0).1.device).is_none(), "the oldest of the one with the most");
    }

    #[test]
    fn a_bounded_number_waits_for_a_roster() {
        let mut book = Book::default();
        for n in 0..1000_u32 {
            book.set_aside(BTreeSet::new(), Bytes::copy_from_slice(&n.to_be_bytes()));
        }
        assert_eq!(book.take_aside().len(), limits::NODES_ASIDE);
        assert!(book.take_aside().is_empty());
    }
}
