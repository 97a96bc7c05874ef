//! Whom to dial and when. Pure: time, chance and what is known are passed in.
//!
//! What a person named (settings, `peer add`, the link we joined by) is dialled until it answers. Members' nodes that
//! were only heard of are dialled until there is company enough, then one a minute, so that two halves of a large
//! community that grew apart meet again. What a device says of a node is an entry of its own, whoever else named that
//! node: nobody's word makes us dial more than a few addresses at once, or often.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use folkmoot_schemas::{Did, limits};
use tokio::time::Instant;

use crate::{config::Multiaddr, net::PeerId};

/// Pause after the first failure and the longest one. Nodes that can reach each other again must notice within a minute.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(40);
/// The longest for those beyond the [`NEAREST`] that were reached last; a word of their own counts less, since anybody
/// can date one anew.
const LONGEST_FAR: Duration = Duration::from_secs(15 * 60);
const NEAREST: usize = 8;
/// A word about a node reaches many at once: those who never met it spread their calls over so long.
const SPREAD: Duration = Duration::from_secs(2);
/// How often another one is dialled where there is company enough.
const ANOTHER: Duration = Duration::from_secs(60);
/// A connection that did not stand so long was none: whoever hangs up on us at once is called less and less often.
const STOOD: Duration = Duration::from_secs(60);
/// Shortest time after which a new word of a node that was there begins its pauses anew.
const AGAIN: Duration = Duration::from_secs(5 * 60);
const HOUR: Duration = Duration::from_secs(3600);

/// Somebody to be connected to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whom {
    /// Where a person here named it, or where it was reached.
    Peer(PeerId),
    /// Whoever answers at an address that names no peer.
    At(Multiaddr),
    /// Where devices of this person say that it is.
    Said(PeerId, Did),
}

/// What is known of somebody.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// A person named an address of it.
    pub(super) named: bool,
    /// The likeliest first.
    pub(super) addrs: Vec<Multiaddr>,
    /// When it was last reached, microseconds; 0: never. Of what is said: when the device that says it was.
    pub(super) reached: u64,
    /// When it last said where it is, by its own clock.
    pub(super) said: u64,
    pub(super) person: Option<Did>,
    /// A device of ours, which is called whatever company there is.
    pub(super) own: bool,
}

impl Known {
    pub(super) fn add(&mut self, addr: Multiaddr) {
        if !self.addrs.contains(&addr) {
            self.addrs.push(addr);
        }
    }
}

#[derive(Debug)]
struct Attempt {
    addrs: BTreeSet<Multiaddr>,
    begun: Instant,
    next: Instant,
    pause: Duration,
    /// Since when it need not be dialled: connected, or forgotten.
    idle: Option<Instant>,
}

/// Who was dialled, and when each is dialled again.
#[derive(Debug, Default)]
pub(super) struct Dialling {
    attempts: BTreeMap<Whom, Attempt>,
    another: Option<Instant>,
    /// Up to when each person's words have used up what is dialled of them.
    spent: BTreeMap<Did, Instant>,
}

impl Dialling {
    /// Everybody is dialled at once, whatever came of it before.
    pub(super) fn begin_anew(&mut self) {
        self.attempts.clear();
    }

    /// Whom to dial now, and where, of those who are not connected. `company`: the other people who are, with how many
    /// nodes; `dialling`: dials that have not ended; `chance`: a number below 1024.
    pub(super) fn due(
        &mut self,
        now: Instant,
        absent: &BTreeMap<Whom, Known>,
        company: &BTreeMap<Did, usize>,
        dialling: usize,
        mut chance: impl FnMut() -> u16,
    ) -> Vec<(Whom, Vec<Multiaddr>)> {
        self.attempts.retain(|whom, attempt| match absent.contains_key(whom) {
            true => attempt.idle.take().is_none_or(|since| now < since + STOOD),
            false => now < *attempt.idle.get_or_insert(now) + STOOD,
        });
        self.spent.retain(|_, until| *until > now);
        for (whom, known) in absent {
            if self.begins(whom, known, now) {
                let alone = known.named || known.reached > 0;
                let wait = if alone { Duration::ZERO } else { SPREAD * u32::from(chance()) / 1024 };
                let addrs = known.addrs.iter().cloned().collect();
                self.attempts
                    .insert(whom.clone(), Attempt { addrs, begun: now, next: now + wait, pause: FIRST, idle: None });
            }
        }
        let here = |known: &Known| known.person.and_then(|person| company.get(&person)).copied().unwrap_or_default();
        let mut order: Vec<(&Whom, &Known)> = absent.iter().collect();
        order.sort_by_key(|(_, known)| (!known.named, here(known), Reverse((known.reached, known.said))));
        let mut room = limits::DIALS_AT_ONCE.saturating_sub(dialling);
        let mut wanted = limits::MEMBERS_WANTED.saturating_sub(company.len());
        let another = company.len() < limits::MEMBERS_MOST && self.another.is_none_or(|at| at <= now);
        if wanted == 0 && another {
            wanted = 1;
        }
        let mut called = company.clone();
        let mut heard_of = 0;
        let mut due = Vec::new();
        for (whom, known) in order {
            heard_of += usize::from(!known.named);
            let longest = if known.named || heard_of <= NEAREST { LONGEST } else { LONGEST_FAR };
            if self.attempts.get(whom).is_none_or(|attempt| attempt.next > now) {
                continue;
            }
            let mut addrs = known.addrs.clone();
            if !known.named {
                let nodes = known.person.and_then(|person| called.get(&person)).copied().unwrap_or_default();
                if !known.own && (wanted == 0 || nodes >= limits::MEMBER_NODES) {
                    continue;
                }
                addrs.truncate(room);
                if let Whom::Said(_, person) = whom {
                    self.spend(person, &mut addrs, now);
                }
                if addrs.is_empty() {
                    continue;
                }
                room -= addrs.len();
                if !known.own {
                    wanted -= 1;
                    known.person.into_iter().for_each(|person| *called.entry(person).or_default() += 1);
                    self.another = Some(now + ANOTHER);
                }
            }
            if let Some(attempt) = self.attempts.get_mut(whom) {
                // Three to five quarters: two that lost each other do not call at the same moments for ever.
                attempt.next = now + attempt.pause * (768 + u32::from(chance()) / 2) / 1024;
                attempt.pause = (attempt.pause * 2).min(longest);
            }
            due.push((whom.clone(), addrs));
        }
        due
    }

    /// Is it dialled at once, and then with growing pauses? At a new address, yes; where it is only said, if whoever
    /// says so was there, and not too often.
    fn begins(&self, whom: &Whom, known: &Known, now: Instant) -> bool {
        let Some(attempt) = self.attempts.get(whom) else { return true };
        let new = known.addrs.iter().any(|addr| !attempt.addrs.contains(addr));
        new && match whom {
            Whom::Peer(_) | Whom::At(_) => true,
            Whom::Said(..) => known.reached > 0 && attempt.begun + AGAIN <= now,
        }
    }

    /// Leaves what may still be dialled of what this person's devices said: a half of an hour's number at once.
    fn spend(&mut self, person: &Did, addrs: &mut Vec<Multiaddr>, now: Instant) {
        let each = HOUR / limits::SAID_DIALLED;
        let spent = self.spent.get(person).copied().unwrap_or(now).max(now);
        let left = (now + HOUR / 2).saturating_duration_since(spent).as_micros() / each.as_micros();
        addrs.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        let used = u32::try_from(addrs.len()).unwrap_or(u32::MAX);
        self.spent.insert(*person, spent + each * used);
    }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::key::Secret;

    use super::*;

    fn person(n: u8) -> Did {
        Secret::from_seed([n; 32]).did()
    }

    /// So many people, each with one node.
    fn company(people: usize) -> BTreeMap<Did, usize> {
        (0..people as u8).map(|n| (person(100 + n), 1)).collect()
    }

    fn whom(due: Vec<(Whom, Vec<Multiaddr>)>) -> Vec<Whom> {
        due.into_iter().map(|(whom, _)| whom).collect()
    }

    fn said(n: u16, by: u8) -> Whom {
        let Whom::Peer(peer) = peer(n) else { unreachable!() };
        Whom::Said(peer, person(by))
    }

    fn peer(n: u16) -> Whom {
        let [a, b] = n.to_be_bytes();
        Whom::Peer(PeerId::from_bytes(&[0, 3, 7, a, b]).unwrap())
    }

    fn known(named: bool, ports: &[u16]) -> Known {
        let addr = |port: &u16| format!("/ip4/192.0.2.1/tcp/{port}").parse().unwrap();
        Known { named, addrs: ports.iter().map(addr).collect(), ..Known::default() }
    }

    /// How often each is dialled in so many seconds, looked at every 3, with so many members connected.
    fn dials(absent: &BTreeMap<Whom, Known>, members: usize, seconds: u64) -> BTreeMap<Whom, usize> {
        let (mut dialling, start) = (Dialling::default(), Instant::now());
        let mut dials = BTreeMap::new();
        for at in (0..seconds).step_by(3) {
            for (whom, _) in dialling.due(start + Duration::from_secs(at), absent, &company(members), 0, || 512) {
                *dials.entry(whom).or_default() += 1;
            }
        }
        dials
    }

    #[test]
    fn what_a_person_named_is_dialled_within_a_minute_for_ever_and_all_else_seldom() {
        let absent: BTreeMap<_, _> = (0..100).map(|n| (peer(n), known(n == 0, &[1]))).collect();
        let day = dials(&absent, 0, 86_400);
        assert!(day[&peer(0)] > 86_400 / 60);
        let near = (1..100).filter(|n| day.get(&peer(*n)).is_some_and(|dials| *dials > 86_400 / 60)).count();
        assert_eq!(near, NEAREST);
        let far = (1..100).filter(|n| day.get(&peer(*n)).is_some_and(|dials| *dials < 150)).count();
        assert_eq!(far, 99 - NEAREST);
    }

    #[test]
    fn a_new_address_of_somebody_known_is_tried_at_once() {
        let (mut dialling, start) = (Dialling::default(), Instant::now());
        let mut absent = BTreeMap::from([(peer(1), known(true, &[1]))]);
        for at in 0..1000 {
            dialling.due(start + Duration::from_secs(at), &absent, &company(0), 0, || 0);
        }
        let now = start + Duration::from_secs(1000);
        assert!(dialling.due(now, &absent, &company(0), 0, || 0).is_empty(), "it failed just now");
        absent.insert(peer(1), known(true, &[1, 2]));
        assert_eq!(whom(dialling.due(now, &absent, &company(0), 0, || 0)), [peer(1)]);
    }

    #[test]
    fn company_enough_is_enough_but_for_one_a_minute_and_a_few_are_dialled_at_once() {
        let absent: BTreeMap<_, _> = (0..200).map(|n| (peer(n), known(false, &[1, 2]))).collect();
        let first = |members, dialling| {
            Dialling::default().due(Instant::now(), &absent, &company(members), dialling, || 0).len()
        };
        assert_eq!(first(0, 0), limits::DIALS_AT_ONCE / 2);
        assert_eq!(first(0, limits::DIALS_AT_ONCE), 0);
        let named = BTreeMap::from([(peer(1), known(true, &[1]))]);
        let busy = Dialling::default().due(Instant::now(), &named, &company(99), limits::DIALS_AT_ONCE, || 0);
        assert_eq!(whom(busy), [peer(1)], "a person is not kept waiting by what others said");
        assert_eq!(first(limits::MEMBERS_WANTED - 1, 0), 1);
        let sum = |members| dials(&absent, members, 600).values().sum::<usize>();
        assert_eq!(sum(limits::MEMBERS_WANTED), 10);
        assert_eq!(sum(limits::MEMBERS_MOST), 0);
    }

    #[test]
    fn whoever_answered_begins_anew_when_it_is_lost_unless_it_hung_up_at_once() {
        let redialled = |stood: Duration| {
            let (mut dialling, start) = (Dialling::default(), Instant::now());
            let absent = BTreeMap::from([(peer(1), known(false, &[1]))]);
            for at in 0..100 {
                dialling.due(start + Duration::from_secs(at), &absent, &company(0), 0, || 0);
            }
            let now = start + Duration::from_secs(100);
            assert!(dialling.due(now, &BTreeMap::new(), &company(1), 0, || 0).is_empty());
            whom(dialling.due(now + stood, &absent, &company(0), 0, || 0)) == [peer(1)]
        };
        assert!(redialled(STOOD) && !redialled(Duration::from_secs(3)));
    }

    /// Addresses dialled in an hour for one entry, or many, of which every turn says new addresses.
    fn addresses(of: impl Fn(u64) -> BTreeMap<Whom, Known>) -> usize {
        let (mut dialling, start) = (Dialling::default(), Instant::now());
        let due = |at| dialling.due(start + Duration::from_secs(at), &of(at), &company(0), 0, || 512);
        (0..3600).step_by(3).flat_map(due).map(|(_, addrs)| addrs.len()).sum()
    }

    fn ever_new(at: u64, reached: u64) -> Known {
        let ports: Vec<u16> = (0..8).map(|n| (at * 8 + n) as u16 % 60_000 + 1).collect();
        Known { reached, said: at, person: Some(person(1)), ..known(false, &ports) }
    }

    #[test]
    fn words_that_change_all_the_time_have_few_addresses_dialled_however_many_nodes_they_name() {
        let most = limits::SAID_DIALLED as usize * 3 / 2;
        for reached in [0, 1] {
            assert!(addresses(|at| [(said(1, 1), ever_new(at, reached))].into()) <= most);
            let many = |at| (0..32).map(|n| (said(n, 1), ever_new(at, reached))).collect();
            assert!(addresses(many) <= most);
            let other_nodes = |at| [(said(at as u16, 1), ever_new(at, reached))].into();
            assert!(addresses(other_nodes) <= most);
        }
    }

    #[test]
    fn a_word_about_a_node_that_a_person_named_is_no_more_than_a_word() {
        let absent = BTreeMap::from([(peer(1), known(true, &[1])), (said(1, 1), ever_new(0, 0))]);
        let crowd = Dialling::default().due(Instant::now(), &absent, &company(limits::MEMBERS_MOST), 0, || 0);
        assert_eq!(whom(crowd), [peer(1)]);
        let busy = Dialling::default().due(Instant::now(), &absent, &company(0), limits::DIALS_AT_ONCE, || 0);
        assert_eq!(whom(busy), [peer(1)]);
    }

    #[test]
    fn a_new_word_begins_anew_only_for_a_node_that_was_there_and_at_most_every_five_minutes() {
        let at = |secs| Duration::from_secs(secs);
        let begins = |reached: u64| {
            let (mut dialling, start) = (Dialling::default(), Instant::now());
            let of = |port: u16| BTreeMap::from([(said(1, 1), Known { reached, ..known(false, &[port]) })]);
            dialling.due(start, &of(1), &company(0), 0, || 0);
            dialling.attempts.get_mut(&said(1, 1)).unwrap().next = start + HOUR;
            let soon = dialling.due(start + at(299), &of(2), &company(0), 0, || 0).len();
            (soon, dialling.due(start + at(300), &of(2), &company(0), 0, || 0).len())
        };
        assert_eq!(begins(7), (0, 1));
        assert_eq!(begins(0), (0, 0));
    }

    #[test]
    fn one_person_with_many_nodes_is_not_company_for_all_and_our_own_devices_are_called_besides() {
        let of = |n: u16, by: u8| (said(n, by), Known { person: Some(person(by)), ..known(false, &[1]) });
        let absent: BTreeMap<_, _> = (0..8).map(|n| of(n, 1)).chain([of(9, 2)]).collect();
        let crowd = BTreeMap::from([(person(1), 40)]);
        assert_eq!(whom(Dialling::default().due(Instant::now(), &absent, &crowd, 0, || 0)), [said(9, 2)]);

        let mut ours = of(9, 3);
        ours.1.own = true;
        let full = company(limits::MEMBERS_MOST);
        let due = Dialling::default().due(Instant::now(), &[ours, of(1, 1)].into(), &full, 0, || 0);
        assert_eq!(whom(due), [said(9, 3)]);
    }
}
