//! `org.folkmoot.revision`: an event as a co-host who may edit it, or a steward, has changed it, in their own repository.
//!
//! What an event is follows from the author's newest record and the revisions of those who may write them; nothing
//! that a revision says gives anybody a right, so that only the author hands out what the author has.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::event::{Event, event_uri};
use crate::{
    block::Cid,
    card::Card,
    commit::Audience,
    error::Fault,
    key::Did,
    kind::Kind,
    limits,
    roster::{Role, State},
    tid::Tid,
    uri::Uri,
};

/// Material changes that one revision may count beyond its first: a co-host can change a plan many times over the same
/// record of its author, and a forged number cannot use up all there are.
const LEAP: u32 = 1000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The event.
    pub of: Uri,
    /// The author's record it was made from, as text: it counts only while that is the newest.
    #[serde(with = "crate::block::cid_text")]
    pub seen: Cid,
    /// The whole event as it is to be.
    pub event: Event,
}

/// How much of somebody else's event a person may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Whether it takes place, and a word on that.
    Steward,
    /// Everything but who the hosts are and who keeps the list.
    Host,
}

impl Right {
    /// What `did` may change of the event at `uri`, by its author's own newest record and the roster. An author who came
    /// back under another did is a host.
    pub fn of(did: &Did, uri: &Uri, own: &Event, state: &State) -> Option<Self> {
        Self::with_role(did, uri, own, state, state.role(did)?)
    }

    /// What `did` may change, or could while they were in: of somebody who is out nothing but what the roster keeps of
    /// theirs is there, and that stands. Who called an evening off does not hold it after all by going.
    pub fn ever(did: &Did, uri: &Uri, own: &Event, state: &State) -> Option<Self> {
        let former = || {
            let former = state.former.get(did).filter(|former| !former.left_apart)?;
            // As somebody new they are what they were let in as.
            Some(state.role(&state.today(did)).map_or(former.role, |role| role.min(former.role)))
        };
        Self::with_role(did, uri, own, state, state.role(did).or_else(former)?)
    }

    /// What orders revisions: of somebody who was put out none is later than that, whatever it says of itself.
    pub fn rank(did: &Did, rev: Tid, state: &State) -> Tid {
        match state.former.get(did) {
            Some(former) if former.by != *did => rev.min(former.since),
            _ => rev,
        }
    }

    fn with_role(did: &Did, uri: &Uri, own: &Event, state: &State, role: Role) -> Option<Self> {
        let person = state.today(did);
        let mut hosts = own.hosts.iter().filter(|host| host.edit).filter_map(|host| host.did).chain([uri.did]);
        match role {
            _ if *did == uri.did => None,
            Role::Guest => None,
            _ if hosts.any(|host| state.today(&host) == person) => Some(Self::Host),
            Role::Steward => Some(Self::Steward),
            _ => None,
        }
    }

    /// Everybody whose revisions count.
    pub fn all(uri: &Uri, own: &Event, state: &State) -> Vec<(Did, Self)> {
        let hosts = own.hosts.iter().filter_map(|host| host.did).chain([uri.did]);
        let lines = hosts.flat_map(|host| {
            let person = state.today(&host);
            state.formerly(&person).into_iter().chain([person])
        });
        let members = state.members.iter().map(|(did, member)| (did, member.role));
        let former = state.former.iter().map(|(did, former)| (did, former.role));
        let stewards = members.chain(former).filter(|(_, role)| *role == Role::Steward).map(|(did, _)| *did);
        let all: BTreeSet<Did> = lines.chain(stewards).collect();
        all.into_iter().filter_map(|did| Some((did, Self::ever(&did, uri, own, state)?))).collect()
    }

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Steward => "steward",
            Self::Host => "co-host",
        }
    }

    /// `old` as somebody with this right may make it: what they may not change stays.
    pub fn bound(self, old: &Event, new: &Event) -> Event {
        let mut event = match self {
            Self::Host => Event { hosts: old.hosts.clone(), ..new.clone() },
            Self::Steward => Event { status: new.status, status_note: new.status_note.clone(), ..old.clone() },
        };
        let anchor = old.rsvp.as_ref().and_then(|rules| rules.anchor);
        match &mut event.rsvp {
            Some(rules) => rules.anchor = anchor,
            None if anchor.is_some() => event.rsvp.get_or_insert_default().anchor = anchor,
            None => {}
        }
        event
    }
}

impl Revision {
    /// The rkey of everybody's revision of one event: 26 characters of sha256([event uri]).
    pub fn key(of: &Uri) -> String {
        crate::derive::id(&[Some(&of.to_string())], 26)
    }

    /// `base` as this revision has it. `sequence` says at least what is true, and never leaps out of reach.
    pub fn over(&self, base: &Event, right: Right) -> Event {
        let mut event = right.bound(base, &self.event);
        let material = base.material_change(&event);
        if material && right == Right::Steward {
            // Whether it takes place is a matter of every date.
            (event.all_since, event.dates_since) = (None, Vec::new());
        }
        let least = base.sequence.saturating_add(u32::from(material));
        event.sequence = self.event.sequence.clamp(least, least.saturating_add(LEAP));
        event
    }
}

impl Kind for Revision {
    const NAME: &'static str = "org.folkmoot.revision";
    const AUDIENCE: Audience = Audience::Public;
    const LIMIT: usize = limits::RECORD;
    fn check(&self) -> Result<(), Fault> {
        event_uri("of", &self.of)?;
        self.event.check().map_err(|fault| Fault::new(format!("event.{}", fault.field), fault.reason))
    }
    fn rkey(&self) -> Option<String> {
        Some(Self::key(&self.of))
    }
    fn card(&self) -> Card {
        Card { kind: "revision".into(), about: self.about(), ..self.event.card() }
    }
    fn links(&self) -> Vec<Cid> {
        self.event.links()
    }
    fn about(&self) -> Option<Uri> {
        Some(self.of.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        block::{DAG_CBOR, cid_of},
        key::Secret,
        records::event::{Host, HostRole, RsvpRules, Status},
        roster::{Describe, Former, Member},
        tid::Tid,
        when::{Start, parse_local},
    };

    fn did(seed: u8) -> Did {
        Secret::from_seed([seed; 32]).did()
    }

    fn uri() -> Uri {
        Uri::new(cid_of(DAG_CBOR, b"charter"), did(1), Event::NAME, "3l6oveex3ii2l").unwrap()
    }

    fn start(text: &str) -> Start {
        Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() }
    }

    fn host(seed: u8, edit: bool) -> Host {
        Host { did: Some(did(seed)), name: "A host".into(), role: HostRole::Cohost, edit }
    }

    fn gig() -> Event {
        Event {
            hosts: vec![host(2, true), host(3, false), host(4, true), host(1, true)],
            rsvp: Some(RsvpRules { anchor: Some(did(3)), ..RsvpRules::default() }),
            sequence: 2,
            ..Event::new("Gig", start("2026-12-05T20:00"))
        }
    }

    fn revision(event: Event) -> Revision {
        Revision { of: uri(), seen: cid_of(DAG_CBOR, b"event"), event }
    }

    fn state(roles: &[(u8, Role)], heirs: &[(u8, u8)]) -> State {
        let member = |role| Member {
            role,
            since: Tid::new(1, 1),
            by: did(9),
            via: cid_of(DAG_CBOR, b"charter"),
            returned: false,
        };
        State {
            community: uri().community,
            name: "Club".into(),
            describe: Describe::default(),
            members: roles.iter().map(|(seed, role)| (did(*seed), member(*role))).collect(),
            former: BTreeMap::new(),
            heirs: heirs.iter().map(|(was, is)| (did(*was), did(*is))).collect(),
            invites: BTreeMap::new(),
            retired: BTreeMap::new(),
            heads: BTreeSet::new(),
            kept: BTreeSet::new(),
            void: BTreeMap::new(),
        }
    }

    fn rights(state: &State) -> Vec<Option<Right>> {
        (1..=6).map(|seed| Right::of(&did(seed), &uri(), &gig(), state)).collect()
    }

    /// Whose revisions count, as each is asked for and as all are listed.
    fn counting(state: &State) -> Vec<Option<Right>> {
        let all = Right::all(&uri(), &gig(), state);
        let listed = |did: Did| all.iter().find(|(other, _)| *other == did).map(|(_, right)| *right);
        let asked: Vec<_> = (1..=6).map(|seed| Right::ever(&did(seed), &uri(), &gig(), state)).collect();
        assert_eq!(asked, (1..=6).map(|seed| listed(did(seed))).collect::<Vec<_>>());
        asked
    }

    #[test]
    fn hosts_who_may_edit_and_stewards_have_a_right_while_they_are_members() {
        use Role::{Guest, Member, Moderator, Steward};
        let (host, steward) = (Some(Right::Host), Some(Right::Steward));
        let all = state(&[(1, Steward), (2, Member), (3, Member), (4, Guest), (5, Steward), (6, Moderator)], &[]);
        assert_eq!(rights(&all), [None, host, None, None, steward, None]);
        assert_eq!(counting(&all), rights(&all));
        assert_eq!(rights(&state(&[(1, Member), (5, Member)], &[])), [None; 6]);
        assert_eq!(rights(&state(&[(1, Member), (2, Steward)], &[]))[1], host);
    }

    #[test]
    fn what_somebody_wrote_who_is_out_stands_as_what_they_were() {
        use Role::{Guest, Member, Steward};
        let (host, steward) = (Some(Right::Host), Some(Right::Steward));
        let mut all = state(&[(6, Member)], &[]);
        for (seed, role) in [(1, Steward), (2, Member), (3, Member), (4, Guest), (5, Steward)] {
            let via = cid_of(DAG_CBOR, b"removal");
            let cut = BTreeMap::new();
            let former = Former { since: Tid::new(2, 2), role, left_apart: false, by: did(9), via, reason: None, cut };
            all.former.insert(did(seed), former);
        }
        assert_eq!(counting(&all), [None, host, None, None, steward, None]);
        assert_eq!(rights(&all), [None; 6]);
        let (early, late) = (Tid::new(1, 1), Tid::new(3, 3));
        assert_eq!([early, late].map(|rev| Right::rank(&did(2), rev, &all)), [early, Tid::new(2, 2)]);
        assert_eq!(Right::rank(&did(6), late, &all), late);
        // Did 2 comes back as 6, and 5 as a plain member.
        all.heirs.insert(did(2), did(6));
        all.former.remove(&did(5));
        all.members.insert(did(5), all.members[&did(6)].clone());
        assert_eq!(counting(&all), [None, host, None, None, None, host]);
        assert_eq!(rights(&all), [None, None, None, None, None, host]);
        // A guest changes nothing, also not as whom they were; nor does who left again and again.
        all.members.get_mut(&did(6)).unwrap().role = Guest;
        assert_eq!(counting(&all), [None; 6]);
        all.former.insert(did(5), Former { role: Steward, left_apart: true, ..all.former[&did(1)].clone() });
        all.members.remove(&did(5));
        assert_eq!(counting(&all), [None; 6]);
        all.former.get_mut(&did(5)).unwrap().left_apart = false;
        assert_eq!(counting(&all)[4], steward);
    }

    #[test]
    fn somebody_who_came_back_under_another_did_goes_on_with_what_was_theirs() {
        let (member, host) = (Role::Member, Some(Right::Host));
        let all = state(&[(5, member), (6, member)], &[(2, 5), (1, 6)]);
        assert_eq!(rights(&all), [None, None, None, None, host, host]);
        assert_eq!(counting(&all), rights(&all));
    }

    #[test]
    fn a_co_host_changes_everything_but_the_hosts_and_who_keeps_the_list() {
        let mut event = Event { name: "Bigger gig".into(), hosts: vec![host(7, true)], rsvp: None, ..gig() };
        let over = revision(event.clone()).over(&gig(), Right::Host);
        assert_eq!((over.name.as_str(), over.hosts, over.sequence), ("Bigger gig", gig().hosts, 2));
        assert_eq!(over.rsvp.unwrap().anchor, Some(did(3)));
        event.rsvp = Some(RsvpRules { anchor: Some(did(7)), capacity: Some(9), ..RsvpRules::default() });
        let none = Event { rsvp: None, ..gig() };
        let rules = revision(event).over(&none, Right::Host).rsvp.unwrap();
        assert_eq!((rules.anchor, rules.capacity), (None, Some(9)));
    }

    #[test]
    fn a_steward_changes_whether_it_takes_place_and_the_note_alone() {
        let event = Event {
            status: Status::Cancelled,
            status_note: Some("The hall is closed".into()),
            sequence: 3,
            ..Event::new("Something else", start("2027-01-01T20:00"))
        };
        let over = revision(event.clone()).over(&gig(), Right::Steward);
        assert_eq!(over, Event { status: event.status, status_note: event.status_note, sequence: 3, ..gig() });
    }

    #[test]
    fn the_sequence_says_what_is_true_and_stays_within_reach() {
        let moved = |sequence| Event { start: start("2026-12-06T20:00"), sequence, ..gig() };
        for (said, counts) in [(0, 3), (2, 3), (3, 3), (7, 7), (u32::MAX, 3 + LEAP)] {
            assert_eq!(revision(moved(said)).over(&gig(), Right::Host).sequence, counts, "{said}");
        }
    }

    #[test]
    fn a_revision_is_of_an_event_and_stands_where_nobody_can_write_two() {
        let good = revision(gig());
        assert_eq!((good.check(), good.rkey().unwrap().len()), (Ok(()), 26));
        let mut post = good.clone();
        post.of.collection = "org.folkmoot.post".into();
        assert_eq!(post.check().unwrap_err().field, "of");
        let bad = revision(Event { name: String::new(), ..gig() });
        assert_eq!(bad.check().unwrap_err().field, "event.name");
    }
}
