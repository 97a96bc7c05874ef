//! Whom to dial and when. Pure: time, chance and what is known are passed in.
//!
//! What a person named (settings, `peer add`, the link we joined by) is dialled until it answers. Members' nodes that
//! were only heard of are dialled until there is company enough, then one a minute, so that two halves of a large
//! community that grew apart meet again. Nobody's word makes us dial more than a few at once, or one often.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use folkmoot_schemas::limits;
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

/// Somebody to be connected to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whom {
    Peer(PeerId),
    /// Whoever answers at an address that names no peer.
    At(Multiaddr),
}

/// What is known of somebody.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// A person named an address of it.
    pub(super) named: bool,
    pub(super) addrs: BTreeSet<Multiaddr>,
    /// When it was last reached, microseconds; 0: never.
    pub(super) reached: u64,
    /// When it last said where it is, by its own clock.
    pub(super) said: u64,
}

#[derive(Debug)]
struct Attempt {
    addrs: BTreeSet<Multiaddr>,
    next: Instant,
    pause: Duration,
}

/// Who was dialled, and when each is dialled again.
#[derive(Debug, Default)]
pub(super) struct Dialling {
    attempts: BTreeMap<Whom, Attempt>,
    another: Option<Instant>,
}

impl Dialling {
    /// Everybody is dialled at once, whatever came of it before.
    pub(super) fn begin_anew(&mut self) {
        self.attempts.clear();
    }

    /// Whom to dial now, of those who are not connected. `members`: nodes of members that are; `dialling`: dials that
    /// have not ended; `chance`: a number below 1024.
    pub(super) fn due(
        &mut self,
        now: Instant,
        absent: &BTreeMap<Whom, Known>,
        members: usize,
        dialling: usize,
        mut chance: impl FnMut() -> u16,
    ) -> Vec<Whom> {
        self.attempts.retain(|whom, _| absent.contains_key(whom));
        for (whom, known) in absent {
            let tried = self.attempts.get(whom).is_some_and(|attempt| known.addrs.is_subset(&attempt.addrs));
            if !tried {
                let alone = known.named || known.reached > 0;
                let wait = if alone { Duration::ZERO } else { SPREAD * u32::from(chance()) / 1024 };
                let attempt = Attempt { addrs: known.addrs.clone(), next: now + wait, pause: FIRST };
                self.attempts.insert(whom.clone(), attempt);
            }
        }
        let mut order: Vec<(&Whom, &Known)> = absent.iter().collect();
        order.sort_by_key(|(_, known)| (!known.named, Reverse((known.reached, known.said))));
        let mut room = limits::DIALS_AT_ONCE.saturating_sub(dialling);
        let mut company = limits::MEMBERS_WANTED.saturating_sub(members);
        let another = members < limits::MEMBERS_MOST && self.another.is_none_or(|at| at <= now);
        if company == 0 && another {
            company = 1;
        }
        let mut heard_of = 0;
        let mut due = Vec::new();
        for (whom, known) in order {
            heard_of += usize::from(!known.named);
            let longest = if known.named || heard_of <= NEAREST { LONGEST } else { LONGEST_FAR };
            let Some(attempt) = self.attempts.get_mut(whom).filter(|attempt| attempt.next <= now) else { continue };
            if !known.named {
                if room == 0 || company == 0 {
                    continue;
                }
                room -= 1;
                company -= 1;
                self.another = Some(now + ANOTHER);
            }
            // Three to five quarters: two that lost each other do not call at the same moments for ever.
            attempt.next = now + attempt.pause * (768 + u32::from(chance()) / 2) / 1024;
            attempt.pause = (attempt.pause * 2).min(longest);
            due.push(whom.clone());
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            for whom in dialling.due(start + Duration::from_secs(at), absent, members, 0, || 512) {
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
            dialling.due(start + Duration::from_secs(at), &absent, 0, 0, || 0);
        }
        let now = start + Duration::from_secs(1000);
        assert!(dialling.due(now, &absent, 0, 0, || 0).is_empty(), "it failed just now");
        absent.insert(peer(1), known(true, &[1, 2]));
        assert_eq!(dialling.due(now, &absent, 0, 0, || 0), [peer(1)]);
    }

    #[test]
    fn company_enough_is_enough_but_for_one_a_minute_and_a_few_are_dialled_at_once() {
        let absent: BTreeMap<_, _> = (0..200).map(|n| (peer(n), known(false, &[1]))).collect();
        let first = |members, dialling| Dialling::default().due(Instant::now(), &absent, members, dialling, || 0).len();
        assert_eq!(first(0, 0), limits::DIALS_AT_ONCE);
        assert_eq!(first(0, limits::DIALS_AT_ONCE), 0);
        let named = BTreeMap::from([(peer(1), known(true, &[1]))]);
        let busy = Dialling::default().due(Instant::now(), &named, 99, limits::DIALS_AT_ONCE, || 0);
        assert_eq!(busy, [peer(1)], "a person is not kept waiting by what others said");
        assert_eq!(first(limits::MEMBERS_WANTED - 1, 0), 1);
        let sum = |members| dials(&absent, members, 600).values().sum::<usize>();
        assert_eq!(sum(limits::MEMBERS_WANTED), 10);
        assert_eq!(sum(limits::MEMBERS_MOST), 0);
    }

    #[test]
    fn whoever_answered_begins_anew_when_it_is_lost() {
        let (mut dialling, start) = (Dialling::default(), Instant::now());
        let absent = BTreeMap::from([(peer(1), known(false, &[1]))]);
        for at in 0..100 {
            dialling.due(start + Duration::from_secs(at), &absent, 0, 0, || 0);
        }
        let now = start + Duration::from_secs(100);
        assert!(dialling.due(now, &BTreeMap::new(), 1, 0, || 0).is_empty());
        assert_eq!(dialling.due(now, &absent, 0, 0, || 0), [peer(1)]);
    }
}
