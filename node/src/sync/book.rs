//! What members' devices said of where their nodes are: the newest word of each, and in which order it came here. Pure;
//! whose word counts, the caller knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use folkmoot_schemas::{Cid, Did, block::Block, limits, whereabouts::Whereabouts};

use crate::net::PeerId;

const SECOND: u64 = 1_000_000;
/// A word that is dated further ahead than this is of a clock that is wrong, or of somebody who wants the last word.
const AHEAD: u64 = limits::NODE_AHEAD * SECOND;
const FORGOTTEN: u64 = limits::NODE_FORGOTTEN * SECOND;
const CHANGE: u64 = limits::NODE_CHANGE * SECOND;

/// What a device said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) block: Block,
    pub(super) said: Whereabouts,
    /// Who told it here; it is not told back. None: we ourselves, now or in an earlier run.
    pub(super) from: Option<PeerId>,
}

#[derive(Debug)]
struct Entry {
    word: Word,
    /// Rises with every word that was news.
    seq: u64,
    /// When it was taken, by our clock.
    at: u64,
    /// A later one that came too soon after it.
    waiting: Option<Word>,
}

/// For the store: by device, what it says now; None: forgotten.
pub(super) type Rows = Vec<(Did, Option<Block>)>;

#[derive(Debug)]
struct Aside {
    /// The communities that whoever told it shares with us.
    shared: BTreeSet<Cid>,
    from: PeerId,
    bytes: Bytes,
}

/// One word of each device.
#[derive(Debug, Default)]
pub(super) struct Book {
    entries: BTreeMap<Did, Entry>,
    seq: u64,
    opened: bool,
    /// Words of devices that no roster here knows yet.
    aside: VecDeque<Aside>,
}

impl Book {
    /// What was kept from an earlier run; once.
    pub(super) fn open(&mut self, kept: Vec<(Block, Whereabouts)>) {
        if std::mem::replace(&mut self.opened, true) {
            return;
        }
        for (block, said) in kept {
            self.insert(Word { block, said, from: None }, 0);
        }
    }

    /// Not older than what is known, nor too old or too far ahead to be of use now. Local: another node may think
    /// otherwise for a while.
    pub(super) fn is_news(&self, block: &Block, said: &Whereabouts, now: u64) -> bool {
        let known = self.entries.get(&said.device);
        let later = |word: &Word| said.beats(block.cid(), &word.said, word.block.cid());
        is_timely(said, now) && known.is_none_or(|known| later(&known.word) && known.waiting.as_ref().is_none_or(later))
    }

    /// Takes a word that was found to be news, or, if its device's last one is new itself, keeps it for then: whoever
    /// changes their word all the time costs the others no more than one in a while. What to store. `own` never waits,
    /// and never goes to make room.
    pub(super) fn put(&mut self, word: Word, now: u64, own: &Did) -> Rows {
        let device = word.said.device;
        if let Some(known) = self.entries.get_mut(&device).filter(|known| device != *own && known.is_new(now)) {
            known.waiting = Some(word);
            return Vec::new();
        }
        let mut rows = vec![(device, Some(word.block.clone()))];
        self.insert(word, now);
        while self.entries.len() > limits::NODES_KNOWN {
            let Some(device) = self.dispensable(own) else { break };
            self.entries.remove(&device);
            rows.push((device, None));
        }
        rows
    }

    /// Takes what waited long enough.
    fn release(&mut self, now: u64) -> Rows {
        let mut ready: Vec<Word> = Vec::new();
        for entry in self.entries.values_mut().filter(|entry| !entry.is_new(now)) {
            ready.extend(entry.waiting.take());
        }
        let mut rows = Vec::with_capacity(ready.len());
        for word in ready {
            rows.push((word.said.device, Some(word.block.clone())));
            self.insert(word, now);
        }
        rows
    }

    fn insert(&mut self, word: Word, at: u64) {
        self.seq += 1;
        self.entries.insert(word.said.device, Entry { word, seq: self.seq, at, waiting: None });
    }

    /// The oldest of the person who takes the most room: nobody pushes others out by having many devices.
    fn dispensable(&self, own: &Did) -> Option<Did> {
        let mut people: BTreeMap<Did, usize> = BTreeMap::new();
        for said in self.all() {
            *people.entry(said.did).or_default() += 1;
        }
        let others = self.all().filter(|said| said.device != *own);
        let worst = others.max_by_key(|said| (people.get(&said.did), std::cmp::Reverse(said.rev)));
        worst.map(|said| said.device)
    }

    /// Takes out whose device is no member's any more, what is too old, and what our clock, if it was ahead, took too
    /// early; takes what waited long enough. What to store.
    pub(super) fn tidy(&mut self, now: u64, keep: impl Fn(&Whereabouts) -> bool) -> Rows {
        let gone: Vec<Did> =
            self.all().filter(|said| !is_timely(said, now) || !keep(said)).map(|said| said.device).collect();
        for device in &gone {
            self.entries.remove(device);
        }
        let mut rows: Rows = gone.into_iter().map(|device| (device, None)).collect();
        rows.extend(self.release(now));
        rows
    }

    pub(super) fn is_open(&self) -> bool {
        self.opened
    }

    pub(super) fn get(&self, device: &Did) -> Option<&Whereabouts> {
        Some(&self.entries.get(device)?.word.said)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Whereabouts> {
        self.entries.values().map(|entry| &entry.word.said)
    }

    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// What came after `seq`, in the order it came, and not from that peer itself.
    pub(super) fn since(&self, seq: u64, to: &PeerId, tell: impl Fn(&Whereabouts) -> bool) -> Vec<Bytes> {
        let told = |entry: &&Entry| entry.seq > seq && entry.word.from != Some(*to) && tell(&entry.word.said);
        let mut found: Vec<&Entry> = self.entries.values().filter(told).collect();
        found.sort_unstable_by_key(|entry| entry.seq);
        found.into_iter().map(|entry| entry.word.block.bytes().clone()).collect()
    }

    /// Some devices are members' of one more community: who is in it has not been told of them.
    pub(super) fn tell_again(&mut self, devices: &BTreeSet<Did>) {
        for (_, entry) in self.entries.iter_mut().filter(|(device, _)| devices.contains(*device)) {
            self.seq += 1;
            entry.seq = self.seq;
        }
    }

    /// Keeps a word until a roster may know its device; a bounded number from each peer.
    pub(super) fn set_aside(&mut self, shared: BTreeSet<Cid>, from: PeerId, bytes: Bytes) {
        if self.aside.iter().any(|known| known.bytes == bytes) {
            return;
        }
        let of_peer = |aside: &Aside| aside.from == from;
        if self.aside.iter().filter(|aside| of_peer(aside)).count() >= limits::NODES_ASIDE_OF
            && let Some(oldest) = self.aside.iter().position(of_peer)
        {
            self.aside.remove(oldest);
        }
        while self.aside.len() >= limits::NODES_ASIDE {
            self.aside.pop_front();
        }
        self.aside.push_back(Aside { shared, from, bytes });
    }

    pub(super) fn take_aside(&mut self) -> impl Iterator<Item = (BTreeSet<Cid>, PeerId, Bytes)> + use<> {
        std::mem::take(&mut self.aside).into_iter().map(|aside| (aside.shared, aside.from, aside.bytes))
    }
}

impl Entry {
    /// Taken so short a time ago that its device's next word waits. A clock that was set back makes none wait for long.
    fn is_new(&self, now: u64) -> bool {
        now.abs_diff(self.at) < CHANGE
    }
}

fn is_timely(said: &Whereabouts, now: u64) -> bool {
    let at = said.rev.micros();
    at.saturating_add(FORGOTTEN) > now && at < now.saturating_add(AHEAD)
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

    /// Long after whatever was put before.
    fn put(book: &mut Book, (block, said): (Block, Whereabouts), now: u64) -> Rows {
        book.put(Word { block, said, from: None }, now, &own())
    }

    fn somebody() -> PeerId {
        PeerId::from_bytes(&[0, 1, 7]).unwrap()
    }

    #[test]
    fn the_later_word_is_news_and_one_from_long_ago_or_from_the_future_is_not() {
        let mut book = Book::default();
        let ((a, old), (b, new)) = (said(1, 1, NOW - 2), said(1, 1, NOW));
        assert!(book.is_news(&b, &new, NOW));
        put(&mut book, (b.clone(), new.clone()), NOW);
        assert!(!book.is_news(&a, &old, NOW) && !book.is_news(&b, &new, NOW));
        for rev in [NOW - FORGOTTEN, NOW + AHEAD] {
            let (block, said) = said(2, 2, rev);
            assert!(!book.is_news(&block, &said, NOW));
        }
        assert_eq!(book.tidy(NOW, |_| true), []);
        assert_eq!(book.tidy(NOW + FORGOTTEN, |_| true), [(new.device, None)]);
        put(&mut book, (b, new.clone()), NOW);
        assert_eq!(book.tidy(NOW - AHEAD, |_| true), [(new.device, None)], "our clock was ahead when it was taken");
    }

    #[test]
    fn what_came_since_is_told_once_and_again_when_it_changed() {
        let mut book = Book::default();
        let (first, second) = (said(1, 1, NOW), said(2, 2, NOW));
        let bytes = |(block, _): &(Block, Whereabouts)| block.bytes().clone();
        put(&mut book, first.clone(), NOW);
        let before = book.seq();
        put(&mut book, second.clone(), NOW);
        assert_eq!(book.since(0, &somebody(), |_| true), [bytes(&first), bytes(&second)]);
        assert_eq!(book.since(before, &somebody(), |_| true), [bytes(&second)]);
        let (block, again) = said(1, 1, NOW + 1);
        let word = Word { block, said: again, from: Some(somebody()) };
        book.put(word.clone(), NOW + CHANGE, &own());
        let other = PeerId::from_bytes(&[0, 1, 8]).unwrap();
        assert_eq!(book.since(before, &other, |_| true), [bytes(&second), word.block.bytes().clone()]);
        assert_eq!(book.since(before, &somebody(), |_| true), [bytes(&second)], "nothing is told back");
        assert!(book.since(0, &other, |_| false).is_empty());

        let before = book.seq();
        book.tell_again(&[second.1.device].into());
        assert_eq!(book.since(before, &other, |_| true), [bytes(&second)]);
    }

    #[test]
    fn a_word_that_changes_all_the_time_is_taken_once_in_a_while_and_the_newest_is_not_lost() {
        let mut book = Book::default();
        put(&mut book, said(1, 1, NOW), NOW);
        let seq = book.seq();
        for n in 1..=20 {
            let word = said(1, 1, NOW + n);
            assert!(book.is_news(&word.0, &word.1, NOW + n * SECOND));
            assert_eq!(put(&mut book, word, NOW + n * SECOND), [], "nothing to write");
        }
        let (block, late) = said(1, 1, NOW + 19);
        assert!(!book.is_news(&block, &late, NOW + 21 * SECOND), "a later one waits");
        assert_eq!((book.tidy(NOW + 29 * SECOND, |_| true), book.seq()), (Vec::new(), seq));
        let (newest, of) = said(1, 1, NOW + 20);
        assert_eq!(book.tidy(NOW + CHANGE, |_| true), [(of.device, Some(newest))]);
        assert_eq!((book.get(&of.device), book.seq()), (Some(&of), seq + 1));
        // Ours is said as seldom by ourselves.
        let (block, ours) = said(1, 1, NOW + 21);
        let word = Word { block, said: ours.clone(), from: None };
        assert_eq!(book.put(word, NOW + CHANGE, &ours.device).len(), 1);
    }

    #[test]
    fn a_full_book_lets_go_of_the_oldest_of_whoever_fills_it() {
        let mut book = Book::default();
        let (block, quiet) = said(1, 0, NOW - 1000);
        put(&mut book, (block, quiet.clone()), NOW);
        for device in 1..=limits::NODES_KNOWN as u16 {
            let rows = put(&mut book, said(2, device, NOW + u64::from(device)), NOW);
            assert_eq!(rows.len(), 1 + usize::from(usize::from(device) == limits::NODES_KNOWN));
        }
        assert_eq!(book.all().count(), limits::NODES_KNOWN);
        assert!(book.get(&quiet.device).is_some());
        assert!(book.get(&said(2, 1, 0).1.device).is_none(), "the oldest of the one with the most");
    }

    #[test]
    fn a_bounded_number_waits_for_a_roster_and_no_peer_pushes_out_what_others_told() {
        let mut book = Book::default();
        let word = |n: u32| Bytes::copy_from_slice(&n.to_be_bytes());
        let peer = |n: u32| PeerId::from_bytes(&[&[0, 4][..], &n.to_be_bytes()].concat()).unwrap();
        book.set_aside(BTreeSet::new(), somebody(), word(0));
        for n in 1..1000 {
            book.set_aside(BTreeSet::new(), peer(0), word(n));
        }
        let aside: Vec<Bytes> = book.take_aside().map(|(_, _, bytes)| bytes).collect();
        assert_eq!((aside.len(), &aside[0]), (1 + limits::NODES_ASIDE_OF, &word(0)));
        for n in 0..1000 {
            book.set_aside(BTreeSet::new(), peer(n), word(n));
        }
        assert_eq!(book.take_aside().count(), limits::NODES_ASIDE);
        assert_eq!(book.take_aside().count(), 0);
    }
}
