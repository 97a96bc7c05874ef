//! How a list goes on: from the answers that stand and the list before, and from nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::{Admission, Key, Party};
use crate::{
    key::Did,
    limits,
    records::event::{RsvpMode, RsvpRules},
    tid::Tid,
};

/// An answer of "going" that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub did: Did,
    pub guest: Option<String>,
    pub count: u32,
    /// Since when it stands. Orders those which came since the last list; what is on a list keeps its place whatever it
    /// says.
    pub since: Tid,
    /// Given after answers were closed: gains nothing.
    pub late: bool,
}

/// What whoever keeps the list decides about one answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub key: Key,
    pub admit: bool,
}

impl Admission {
    /// The list after `previous`.
    ///
    /// Who has a place keeps it while their answer stands, also when there are fewer places than before. New answers join
    /// at the end, in the order in which they were given. Free places go to the first of those waiting whose whole
    /// party fits; a party that does not fit is passed over, not dropped. With `approval` nobody gets a place but by a
    /// decision, which may go beyond the capacity. What the record has no room for is as if it had not been seen yet.
    pub fn next(rules: &RsvpRules, claims: &[Claim], previous: &Self, decision: Option<&Decision>) -> Self {
        let mut previous = previous.clone();
        if let Some(decision) = decision {
            previous.decide(decision, claims);
        }
        let mut claims: Vec<&Claim> = claims.iter().collect();
        claims.sort_by_key(|claim| (claim.since, claim.did, claim.guest.clone()));
        let most = rules.plus_max.map_or(11, |plus| plus.min(10) + 1);
        // What each still asks for.
        let mut open: BTreeMap<Key, u32> = BTreeMap::new();
        for claim in &claims {
            open.entry((claim.did, claim.guest.clone())).or_insert(claim.count);
        }
        let late: BTreeSet<Key> =
            claims.iter().filter(|claim| claim.late).map(|claim| (claim.did, claim.guest.clone())).collect();

        let mut list = Self::empty(previous.event.clone(), previous.occurrence.clone());
        let mut room = Room::default();
        for party in &previous.admitted {
            let Some(left) = open.get_mut(&party.key()).filter(|left| **left > 0) else { continue };
            let places = party.2.min(*left);
            *left = (*left).min(most).saturating_sub(places);
            list.give(party.key(), places, &mut room);
        }
        for party in previous.declined {
            open.remove(&party.key());
            room.put(&mut list.declined, party);
        }
        let mut queue: Vec<Party> = Vec::new();
        for party in &previous.waiting {
            if let Some(left) = open.remove(&party.key()).map(|left| left.min(most)).filter(|left| *left > 0) {
                let asks = if late.contains(&party.key()) { left.min(party.2) } else { left };
                queue.push(Party(party.0, party.1.clone(), asks));
            }
        }
        for claim in claims.iter().filter(|claim| !claim.late) {
            let left = open.remove(&(claim.did, claim.guest.clone())).map(|left| left.min(most));
            if let Some(left) = left.filter(|left| *left > 0) {
                queue.push(Party(claim.did, claim.guest.clone(), left));
            }
        }

        let approval = rules.mode == RsvpMode::Approval;
        let taken: u32 = list.admitted.iter().map(|party| party.2).sum();
        let mut free = match (approval, rules.capacity) {
            (true, _) => 0,
            (false, Some(capacity)) => capacity.saturating_sub(taken),
            (false, None) => u32::MAX,
        };
        for party in queue {
            if party.2 <= free && list.give(party.key(), party.2, &mut room) {
                free -= party.2;
            } else if approval || rules.waitlist {
                room.put(&mut list.waiting, party);
            }
        }
        list
    }

    /// Of lists that several devices wrote without knowing of each other, the one that counts first. Of each answer the
    /// first word stands, a place or a decline: nobody loses a place that another list gave them, and nobody comes to one
    /// after they were declined.
    pub fn merged<'a>(mut lists: impl Iterator<Item = &'a Self>) -> Option<Self> {
        let mut merged = lists.next()?.clone();
        for list in lists {
            let has = |list: &[Party], party: &Party| list.iter().any(|other| other.is(&party.key()));
            for party in &list.declined {
                if !has(&merged.admitted, party) && !has(&merged.declined, party) {
                    merged.waiting.retain(|other| !other.is(&party.key()));
                    merged.declined.push(party.clone());
                }
            }
            for party in list.admitted.iter().filter(|party| !has(&merged.declined, party)).collect::<Vec<_>>() {
                match merged.admitted.iter_mut().find(|other| other.is(&party.key())) {
                    Some(other) => other.2 = other.2.max(party.2),
                    None => merged.admitted.push(party.clone()),
                }
            }
        }
        Some(merged)
    }

    /// No further answer fits the record.
    pub fn is_full(&self) -> bool {
        let bytes: usize = self.lists().iter().flat_map(|(_, list)| list.iter()).map(Party::bytes).sum();
        bytes + Party::MOST > limits::RECORD - HEAD
    }

    fn decide(&mut self, decision: &Decision, claims: &[Claim]) {
        let of = |party: &Party| party.is(&decision.key);
        let claim = claims.iter().find(|claim| (claim.did, &claim.guest) == (decision.key.0, &decision.key.1));
        let count = claim.map_or(1, |claim| claim.count.clamp(1, 11));
        let party = Party(decision.key.0, decision.key.1.clone(), count);
        self.waiting.retain(|other| !of(other));
        self.declined.retain(|other| !of(other));
        match (decision.admit, self.admitted.iter_mut().find(|other| of(other))) {
            (true, Some(other)) => other.2 = count,
            (true, None) => self.admitted.push(party),
            (false, _) => {
                self.admitted.retain(|other| !of(other));
                self.declined.push(party);
            }
        }
    }

    /// False: the record has no room for it.
    fn give(&mut self, key: Key, places: u32, room: &mut Room) -> bool {
        match self.admitted.iter_mut().find(|party| party.is(&key)) {
            Some(party) => {
                party.2 = party.2.saturating_add(places);
                true
            }
            None => room.put(&mut self.admitted, Party(key.0, key.1, places)),
        }
    }
}

/// What is written into one record so far, in bytes.
#[derive(Default)]
struct Room(usize);

/// For the record's own fields and the heads of the lists.
const HEAD: usize = 1024;

impl Room {
    fn put(&mut self, list: &mut Vec<Party>, party: Party) -> bool {
        let bytes = self.0 + party.bytes();
        let fits = bytes <= limits::RECORD - HEAD;
        if fits {
            self.0 = bytes;
            list.push(party);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Record, Uri,
        block::{DAG_CBOR, cid_of},
        key::Secret,
        kind::Kind,
        records::{admission::Standing, event::Event},
    };

    fn did(seed: u8) -> Did {
        Secret::from_seed([seed; 32]).did()
    }

    fn empty() -> Admission {
        let uri = Uri::new(cid_of(DAG_CBOR, b"charter"), did(1), Event::NAME, "3l6oveex3ii2l").unwrap();
        Admission::empty(uri, None)
    }

    fn rules(capacity: u32) -> RsvpRules {
        RsvpRules { capacity: Some(capacity), waitlist: true, ..RsvpRules::default() }
    }

    /// Person, how many, and when.
    fn claim((seed, count, rev): (u8, u32, u64)) -> Claim {
        Claim { did: did(seed), guest: None, count, since: Tid::new(rev, 0), late: false }
    }

    fn claims<const N: usize>(all: [(u8, u32, u64); N]) -> Vec<Claim> {
        all.map(claim).into()
    }

    /// Lists as (person, how many), by the seeds of the first nine people.
    fn said(list: &[Party]) -> Vec<(u8, u32)> {
        list.iter().map(|party| ((1..9).find(|seed| did(*seed) == party.0).unwrap(), party.2)).collect()
    }

    #[test]
    fn places_go_in_the_order_of_answers_and_a_withdrawal_moves_the_first_who_fits_up() {
        let five = claims([(2, 2, 10), (3, 1, 20), (4, 2, 30), (5, 1, 40), (6, 1, 50)]);
        let list = Admission::next(&rules(3), &five, &empty(), None);
        assert_eq!((said(&list.admitted), said(&list.waiting)), (vec![(2, 2), (3, 1)], vec![(4, 2), (5, 1), (6, 1)]));
        // One place: the couple that is first waits on, and keeps its number.
        let list = Admission::next(&rules(3), &[&five[..1], &five[2..]].concat(), &list, None);
        assert_eq!((said(&list.admitted), said(&list.waiting)), (vec![(2, 2), (5, 1)], vec![(4, 2), (6, 1)]));
        let list = Admission::next(&rules(3), &five[2..], &list, None);
        assert_eq!((said(&list.admitted), said(&list.waiting)), (vec![(5, 1), (4, 2)], vec![(6, 1)]));
    }

    #[test]
    fn an_answer_that_is_dated_back_does_not_overtake_who_is_on_the_list() {
        let first = claims([(2, 1, 50), (3, 1, 60)]);
        let list = Admission::next(&rules(1), &first, &empty(), None);
        let liar = claims([(2, 1, 50), (3, 1, 60), (4, 1, 1)]);
        let list = Admission::next(&rules(1), &liar, &list, None);
        assert_eq!((said(&list.admitted), said(&list.waiting)), (vec![(2, 1)], vec![(3, 1), (4, 1)]));
    }

    #[test]
    fn who_brings_more_waits_with_the_rest_and_who_brings_fewer_makes_room() {
        let list = Admission::next(&rules(3), &claims([(2, 1, 10), (3, 2, 20)]), &empty(), None);
        let list = Admission::next(&rules(3), &claims([(2, 3, 30), (3, 2, 20)]), &list, None);
        assert_eq!((said(&list.admitted), said(&list.waiting)), (vec![(2, 1), (3, 2)], vec![(2, 2)]));
        assert_eq!(list.standing(&(did(2), None), 3), Standing::Admitted(1, Some(1)));
        let list = Admission::next(&rules(3), &claims([(2, 2, 30), (3, 1, 40)]), &list, None);
        assert_eq!((said(&list.admitted), said(&list.waiting)), (vec![(2, 2), (3, 1)], vec![]));
    }

    #[test]
    fn raising_the_capacity_admits_and_lowering_it_puts_nobody_out() {
        let all = claims([(2, 1, 10), (3, 1, 20), (4, 1, 30)]);
        let list = Admission::next(&rules(1), &all, &empty(), None);
        let more = Admission::next(&rules(3), &all, &list, None);
        assert_eq!(said(&more.admitted), [(2, 1), (3, 1), (4, 1)]);
        assert_eq!(Admission::next(&rules(1), &all, &more, None), more);
    }

    #[test]
    fn with_approval_nobody_has_a_place_before_it_is_said() {
        let rules = RsvpRules { mode: RsvpMode::Approval, ..RsvpRules::default() };
        let all = claims([(2, 1, 10), (3, 2, 20)]);
        let decide = |list: &Admission, seed, admit| {
            let decision = Decision { key: (did(seed), None), admit };
            Admission::next(&rules, &all, list, Some(&decision))
        };
        let asked = Admission::next(&rules, &all, &empty(), None);
        assert_eq!((said(&asked.admitted), said(&asked.waiting)), (vec![], vec![(2, 1), (3, 2)]));
        let let_in = decide(&asked, 3, true);
        assert_eq!((said(&let_in.admitted), said(&let_in.waiting)), (vec![(3, 2)], vec![(2, 1)]));
        let declined = decide(&let_in, 2, false);
        assert_eq!((said(&declined.waiting), said(&declined.declined)), (vec![], vec![(2, 1)]));
        assert_eq!(Admission::next(&rules, &all, &declined, None), declined, "asking again changes nothing");
        assert_eq!(said(&decide(&declined, 2, true).admitted), [(3, 2), (2, 1)]);
        assert_eq!(said(&decide(&declined, 3, false).declined), [(2, 1), (3, 2)]);
    }

    #[test]
    fn a_decision_goes_beyond_the_capacity_and_a_late_answer_gains_nothing() {
        let all = claims([(2, 1, 10), (3, 2, 20)]);
        let list = Admission::next(&rules(1), &all, &empty(), None);
        let decision = Decision { key: (did(3), None), admit: true };
        assert_eq!(said(&Admission::next(&rules(1), &all, &list, Some(&decision)).admitted), [(2, 1), (3, 2)]);

        let late = |claim: &Claim, count| Claim { late: true, count, ..claim.clone() };
        let after = [late(&all[0], 2), late(&all[1], 2), late(&claim((4, 1, 30)), 1)];
        let list = Admission::next(&rules(9), &after, &list, None);
        assert_eq!((said(&list.admitted), said(&list.waiting)), (vec![(2, 1), (3, 2)], vec![]), "who confirms stays");
    }

    #[test]
    fn without_a_waiting_list_who_does_not_fit_is_on_none() {
        let rules = RsvpRules { waitlist: false, ..rules(1) };
        let all = claims([(2, 1, 10), (3, 1, 20)]);
        let list = Admission::next(&rules, &all, &empty(), None);
        assert_eq!((said(&list.admitted), list.waiting.len()), (vec![(2, 1)], 0));
        assert_eq!(list.standing(&(did(3), None), 1), Standing::Open);
        assert_eq!(said(&Admission::next(&rules, &all[1..], &list, None).admitted), [(3, 1)]);
    }

    #[test]
    fn nobody_loses_a_place_because_two_devices_gave_the_last_one_away() {
        let list = |seed| Admission { admitted: vec![Party(did(seed), None, 1)], ..empty() };
        let mut newest = Admission { waiting: vec![Party(did(3), None, 1)], ..list(2) };
        let merged = |newest: &Admission| Admission::merged([newest, &list(3)].into_iter()).unwrap();
        let all = claims([(2, 1, 10), (3, 1, 20)]);
        let next = Admission::next(&rules(1), &all, &merged(&newest), None);
        assert_eq!((said(&next.admitted), next.waiting.len()), (vec![(2, 1), (3, 1)], 0));
        newest.declined = vec![Party(did(3), None, 1)];
        assert_eq!(said(&Admission::next(&rules(1), &all, &merged(&newest), None).admitted), [(2, 1)]);

        // Nor does a decline on the other device come to nothing.
        let waits = Admission { waiting: vec![Party(did(3), None, 1)], ..list(2) };
        let refused = Admission { declined: vec![Party(did(3), None, 1)], ..empty() };
        let both = Admission::merged([&waits, &refused, &list(3)].into_iter()).unwrap();
        assert_eq!((said(&both.admitted), both.waiting.len(), said(&both.declined)), (vec![(2, 1)], 0, vec![(3, 1)]));
        let given = Admission::merged([&list(3), &refused].into_iter()).unwrap();
        assert_eq!((said(&given.admitted), given.declined.len()), (vec![(3, 1)], 0), "who was given one since has it");
    }

    #[test]
    fn a_list_of_any_length_fits_its_record() {
        let guest = |n: u64| format!("{n:0>64}").replace('0', "🎸").chars().take(64).collect::<String>();
        let many: Vec<Claim> = (0..3000).map(|n| Claim { guest: Some(guest(n)), ..claim((1, 1, n)) }).collect();
        for capacity in [1, 150, 100_000] {
            let list = Admission::next(&rules(capacity), &many, &empty(), None);
            assert!(Record::from(list.clone()).encode(Tid::new(1, 1)).is_ok() && list.check().is_ok());
            assert!(list.admitted.len() + list.waiting.len() > 150);
            assert_eq!(Admission::next(&rules(capacity), &many, &list, None), list);
            assert!(list.is_full());
        }
    }

    prop_compose! {
        fn some_claims()(all in prop::collection::btree_map(1_u8..9, (1_u32..=11, 0_u64..40, any::<bool>()), 0..8)) -> Vec<Claim> {
            all.into_iter().map(|(seed, (count, rev, late))| Claim { late, ..claim((seed, count, rev)) }).collect()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

        #[test]
        fn whatever_is_answered_in_whatever_order_the_list_is_fair(
            steps in prop::collection::vec((some_claims(), 1_u32..14, any::<bool>()), 1..6),
        ) {
            let mut list = empty();
            for (all, capacity, waitlist) in steps {
                let rules = RsvpRules { waitlist, ..rules(capacity) };
                let next = Admission::next(&rules, &all, &list, None);
                let backwards: Vec<Claim> = all.iter().rev().cloned().collect();
                prop_assert_eq!(&Admission::next(&rules, &backwards, &list, None), &next);
                prop_assert_eq!(&Admission::next(&rules, &all, &next, None), &next);
                prop_assert_eq!(next.check(), Ok(()));
                let of = |list: &[Party], key: &Key| list.iter().find(|p| p.key() == *key).map_or(0, |p| p.2);
                let (mut kept, mut taken) = (0, 0);
                for claim in &all {
                    let key = (claim.did, claim.guest.clone());
                    let had = of(&list.admitted, &key).min(claim.count);
                    let has = of(&next.admitted, &key);
                    prop_assert!(has >= had, "nobody loses a place while they come");
                    prop_assert!(has + of(&next.waiting, &key) <= claim.count);
                    (kept, taken) = (kept + had, taken + has);
                }
                prop_assert_eq!(taken, next.admitted.iter().map(|p| p.2).sum::<u32>(), "only who comes has a place");
                prop_assert!(taken <= capacity.max(kept));
                let free = capacity.saturating_sub(taken);
                prop_assert!(next.waiting.iter().all(|p| p.2 > free), "nobody waits who fits");
                let before: Vec<Key> = list.waiting.iter().map(Party::key).collect();
                let still: Vec<Key> = next.waiting.iter().map(Party::key).filter(|k| before.contains(k)).collect();
                let order: Vec<Key> = before.into_iter().filter(|k| still.contains(k)).collect();
                prop_assert_eq!(order, still, "nobody overtakes on the waiting list");
                list = next;
            }
        }
    }
}
