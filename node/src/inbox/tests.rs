use folkmoot_schemas::{
    Audience, Record,
    charter::Visibility,
    kind::Kind,
    records::{
        admission::{Admission, Party},
        event::{Event, Host, HostRole, Override, RsvpRules, Status},
        poll::{Count, Poll, PollOption, PollResult, Tally},
        post::{Mention, Post, PostKind, Reply},
        revision::Revision,
        rsvp::Answer,
        vote::{Choice, Chosen, Vote},
    },
    recur::{Freq, Rule},
    roster::{Act, Cut, Role},
    uri::StrongRef,
    when::{Start, parse_local},
};

use super::*;
use crate::store::{
    Scope, Store,
    reader::Lookup,
    tests::{NOON, Person, SECOND, edit, found, post, put},
    told::To,
    write::Change,
};

const DAY: u64 = 86_400 * SECOND;

/// Ada, Bo and Cy in one community, all of it in one store.
struct World {
    store: Store,
    community: Cid,
    ada: Person,
    bo: Person,
    cy: Person,
}

impl World {
    fn new() -> Self {
        let (ada, bo, cy) = (Person::new(1), Person::new(2), Person::new(3));
        let store = ada.store();
        let community = found(&store, &ada, Visibility::Public, &[&bo, &cy]);
        Self { store, community, ada, bo, cy }
    }

    fn entry(&self, uri: &Uri) -> Entry {
        match self.store.view(Scope::Members).unwrap().get(uri).unwrap() {
            Lookup::Found(entry) => *entry,
            other => panic!("{other:?}"),
        }
    }

    /// `day` days after the beginning.
    fn items(&self, me: &Person, day: u64) -> Vec<Item> {
        let view = self.store.view(Scope::Members).unwrap();
        let community = view.community(&self.community).unwrap().unwrap();
        items(&view, &[&community], &me.did(), ((NOON + day * DAY) / SECOND) as i64).unwrap()
    }

    fn told(&self, me: &Person) -> Vec<String> {
        self.items(me, 1).iter().map(|item| self.words(item)).collect()
    }

    fn words(&self, item: &Item) -> String {
        match &item.what {
            What::Answer { event, answer } => {
                let (event, rsvp) = (event.record.as_event().unwrap(), answer.record.as_rsvp().unwrap());
                words::answered(&self.who(&item.by), event, rsvp, None)
            }
            What::Changed { event, since, .. } => words::changed(event.record.as_event().unwrap(), since),
            What::Deleted { .. } => "deleted".into(),
            What::Place { event, mine, standing } => words::place(event.record.as_event().unwrap(), mine, *standing),
            What::Named { event, part } => words::named(&self.who(&item.by), event.record.as_event().unwrap(), part),
            What::Left { event, going } => {
                words::left(&self.who(&item.by), event.record.as_event().unwrap(), going.as_deref(), "the club")
            }
            What::Asked { poll } => words::asked(&self.who(&item.by), poll_of(poll)),
            What::Decided { poll } => words::decided(&self.who(&item.by), poll_of(poll)),
            What::Vote { poll, vote } => match &vote.record {
                Record::Vote(vote) => words::voted(&self.who(&item.by), poll_of(poll), vote),
                other => panic!("{other:?}"),
            },
            What::Post { post, why, .. } => format!("{why:?}: {}", post.record.as_post().unwrap().text),
        }
    }

    fn who(&self, did: &Did) -> String {
        let all = [("Ada", &self.ada), ("Bo", &self.bo), ("Cy", &self.cy)];
        all.iter().find(|(_, person)| person.did() == *did).unwrap().0.to_owned()
    }

    /// With Cy among the hosts, who may answer for guests.
    fn hosted_gig(&self) -> Uri {
        let host = Host { did: Some(self.cy.did()), name: "Cy".into(), role: HostRole::Host, edit: false };
        self.ada.publish(&self.store, self.community, NOON, Event { hosts: vec![host], ..gig() })
    }

    fn gig(&self) -> Uri {
        self.ada.publish(&self.store, self.community, NOON, gig())
    }

    fn answer(&self, who: &Person, event: &Uri, status: Answer, at: u64) -> Uri {
        self.answer_for(who, event, status, at, None, None)
    }

    fn answer_for(
        &self,
        who: &Person,
        event: &Uri,
        status: Answer,
        at: u64,
        occurrence: Option<&str>,
        guest: Option<&str>,
    ) -> Uri {
        let entry = self.entry(event);
        let rsvp = Rsvp {
            seen_sequence: entry.record.as_event().unwrap().sequence,
            occurrence: occurrence.map(str::to_owned),
            guest_name: guest.map(str::to_owned),
            ..Rsvp::new(event.clone(), entry.cid, status)
        };
        let done = who.commit(&self.store, self.community, Audience::Members, at, vec![put(rsvp)]);
        Uri::new(self.community, who.did(), Rsvp::NAME, done.puts[0].path.split_once('/').unwrap().1).unwrap()
    }

    /// Says yes to the event as it is shown, whoever changed it last.
    fn confirm(&self, who: &Person, event: &Uri, at: u64) {
        let entry = self.entry(event);
        let shown = entry.record.as_event().unwrap();
        let rsvp = Rsvp {
            seen_sequence: shown.sequence,
            seen_plan: Some(shown.plan_id(None)),
            ..Rsvp::new(event.clone(), entry.shown_cid(), Answer::Going)
        };
        who.commit(&self.store, self.community, Audience::Members, at, vec![put(rsvp)]);
    }

    fn change(&self, event: &Uri, at: u64, change: impl FnOnce(&mut Event)) {
        let old = self.entry(event).record.as_event().unwrap().clone();
        let mut new = old.clone();
        change(&mut new);
        new.follow(&old);
        self.ada.commit(&self.store, self.community, Audience::Public, at, vec![edit(&event.path(), new)]);
    }

    fn leaves(&self, who: &Person, at: u64) {
        self.operate(who, at, Act::Leave { cut: self.cut(who) });
    }

    fn cut(&self, who: &Person) -> Cut {
        let heads = self.store.view(Scope::Members).unwrap().heads(&self.community).unwrap().into_iter();
        heads.filter(|head| head.repo.did == who.did()).map(|head| (head.repo, head.known)).collect()
    }

    /// Who is out comes back under another did.
    fn heir(&self, was: &Person, at: u64) -> Person {
        let heir = Person::new(4);
        let act = Act::Add { did: heir.did(), role: Role::Member, was: Some(was.did()) };
        self.operate(&self.ada, at, act);
        let identities = vec![heir.identity.clone()];
        let batch = crate::store::Batch { identities, ..crate::store::Batch::new(self.community, Audience::Members) };
        self.store.apply(batch, at).unwrap();
        heir
    }

    fn operate(&self, who: &Person, at: u64, act: Act) {
        let view = self.store.view(Scope::Members).unwrap();
        let state = view.community(&self.community).unwrap().unwrap().state;
        let op = who.op(self.community, state.heads.iter().copied().collect(), at, act, None);
        let batch =
            crate::store::Batch { ops: vec![op], ..crate::store::Batch::new(self.community, Audience::Members) };
        let applied = self.store.apply(batch, at).unwrap();
        assert!(applied.refused.is_empty(), "{:?}", applied.refused);
    }

    fn reply(&self, who: &Person, root: &Uri, parent: &Uri, text: &str, at: u64) -> Uri {
        let strong = |uri: &Uri| StrongRef { uri: uri.clone(), cid: self.entry(uri).cid };
        let reply = Some(Reply { root: strong(root), parent: strong(parent) });
        who.publish(&self.store, self.community, at, Post { reply, ..post(text) })
    }
}

fn at(text: &str) -> Start {
    Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() }
}

fn poll_of(entry: &Entry) -> &Poll {
    match &entry.record {
        Record::Poll(poll) => poll,
        other => panic!("{other:?}"),
    }
}

fn weekly() -> Rule {
    Rule { freq: Freq::Weekly, interval: None, by_day: Vec::new(), by_month_day: Vec::new(), until: None, count: None }
}

fn gig() -> Event {
    Event::new("Gig", at("2026-05-08T20:00"))
}

#[test]
fn a_host_hears_of_answers_and_of_what_becomes_of_them_but_not_of_their_own() {
    let world = World::new();
    let gig = world.hosted_gig();
    world.answer(&world.ada, &gig, Answer::Going, NOON + SECOND);
    world.answer(&world.bo, &gig, Answer::Maybe, NOON + 2 * SECOND);
    world.answer_for(&world.cy, &gig, Answer::Going, NOON + 3 * SECOND, None, Some("Grandma"));
    world.answer_for(&world.bo, &gig, Answer::Going, NOON + 3 * SECOND, None, Some("A guest of nobody"));
    assert_eq!(world.told(&world.ada), ["Grandma (by Cy) is going to Gig", "Bo may come to Gig"]);
    let before = world.items(&world.ada, 1);
    world.answer(&world.bo, &gig, Answer::NotGoing, NOON + 4 * SECOND);
    assert_eq!(world.told(&world.ada), ["Bo is not coming to Gig", "Grandma (by Cy) is going to Gig"]);
    let after = world.items(&world.ada, 1);
    assert_eq!((after[0].key, after[1].stamp), (before[1].key, before[0].stamp), "the same item");
    assert_ne!(after[0].stamp, before[1].stamp, "with something new in it");
    assert!(world.told(&world.bo).is_empty());
    // A named host hears of them too, and of the event's own author.
    world.change(&gig, NOON + 5 * SECOND, |event| {
        let did = Some(world.bo.did());
        event.hosts.push(Host { did, name: "Bo".into(), role: HostRole::Cohost, edit: false });
    });
    let answers = ["Grandma (by Cy) is going to Gig", "Ada is going to Gig"];
    assert_eq!(world.told(&world.bo), [&["Ada named you as a host of Gig"][..], &answers].concat());
}

#[test]
fn whoever_is_made_a_host_hears_of_it_once_and_again_when_they_may_do_more() {
    let world = World::new();
    let gig = world.gig();
    let host = |edit| Host { did: Some(world.bo.did()), name: "Bo".into(), role: HostRole::Host, edit };
    world.change(&gig, NOON + SECOND, |event| event.hosts.push(host(false)));
    let first = world.items(&world.bo, 1).remove(0);
    assert_eq!(world.told(&world.bo), ["Ada named you as a host of Gig"]);
    world.change(&gig, NOON + 2 * SECOND, |event| event.text = Some("Bring a cup".into()));
    let second = world.items(&world.bo, 1).remove(0);
    assert_eq!((first.key, first.stamp, first.at), (second.key, second.stamp, second.at), "nothing new in it");
    world.change(&gig, NOON + 3 * SECOND, |event| event.hosts = vec![host(true)]);
    let third = world.items(&world.bo, 1).remove(0);
    assert!(third.key == first.key && third.stamp != first.stamp);
    assert_eq!(world.told(&world.bo), ["Ada made you a co-host of Gig"]);
    world.change(&gig, NOON + 4 * SECOND, |event| {
        let anchor = Some(world.cy.did());
        event.rsvp = Some(RsvpRules { capacity: Some(9), anchor, ..RsvpRules::default() });
    });
    assert_eq!(world.told(&world.cy), ["Ada chose you to keep the list of who has a place at Gig"]);
    assert!(world.told(&world.ada).is_empty());
}

#[test]
fn a_host_hears_that_another_host_or_somebody_who_was_going_is_out() {
    let world = World::new();
    let gig = world.hosted_gig();
    let off = world.ada.publish(&world.store, world.community, NOON + 1, Event::new("Picnic", at("2026-05-10T14:00")));
    for event in [&gig, &off] {
        world.answer(&world.bo, event, Answer::Going, NOON + SECOND);
    }
    world.answer(&world.cy, &gig, Answer::Going, NOON + SECOND);
    world.change(&off, NOON + 2 * SECOND, |event| event.status = Status::Cancelled);
    world.leaves(&world.bo, NOON + 3 * SECOND);
    let bo = "Bo, who said yes to Gig, is no longer in the club";
    assert_eq!(world.told(&world.ada), [bo, "Cy is going to Gig"]);
    assert!(world.told(&world.cy).contains(&bo.to_owned()));
    world.leaves(&world.cy, NOON + 4 * SECOND);
    assert_eq!(world.told(&world.ada), ["Cy, who holds Gig with you, is no longer in the club", bo]);
}

#[test]
fn who_leaves_after_the_date_is_missed_by_nobody() {
    let world = World::new();
    let series = world.ada.publish(&world.store, world.community, NOON, Event { recur: Some(weekly()), ..gig() });
    let gig = world.gig();
    world.answer(&world.bo, &gig, Answer::Going, NOON + SECOND);
    world.answer_for(&world.bo, &series, Answer::Going, NOON + SECOND, Some("2026-05-08"), None);
    world.answer_for(&world.cy, &series, Answer::Going, NOON + SECOND, Some("2026-05-22"), None);
    // The gig, and the first date of the series, are on the seventh day.
    world.leaves(&world.bo, NOON + 9 * DAY);
    world.leaves(&world.cy, NOON + 9 * DAY + SECOND);
    let told: Vec<String> = world.items(&world.ada, 10).iter().map(|item| world.words(item)).collect();
    assert_eq!(told, ["Cy, who said yes to Gig on Friday 22 May 2026, is no longer in the club"]);
}

#[test]
fn who_was_put_out_is_told_to_the_other_hosts_and_not_to_whoever_put_them_out() {
    let world = World::new();
    let gig = world.hosted_gig();
    world.answer(&world.bo, &gig, Answer::Going, NOON + SECOND);
    let act = Act::Remove { did: world.bo.did(), cut: world.cut(&world.bo), reason: None };
    world.operate(&world.ada, NOON + 2 * SECOND, act);
    let bo = "Bo, who said yes to Gig, is no longer in the club";
    assert_eq!(world.told(&world.cy), [bo, "Ada named you as a host of Gig"]);
    assert!(world.told(&world.ada).is_empty());
}

#[test]
fn that_somebody_left_is_told_for_a_while_and_to_nobody_who_held_nothing_then() {
    let world = World::new();
    let gig = world.ada.publish(&world.store, world.community, NOON, Event { recur: Some(weekly()), ..gig() });
    world.answer(&world.bo, &gig, Answer::Going, NOON + SECOND);
    world.leaves(&world.bo, NOON + DAY);
    let left = |who: &Person, day| {
        let items = world.items(who, day).into_iter();
        items.filter(|item| matches!(item.what, What::Left { .. })).map(|item| world.words(&item)).collect::<Vec<_>>()
    };
    assert_eq!(left(&world.ada, 90), ["Bo, who said yes to Gig, is no longer in the club"]);
    assert!(left(&world.ada, 92).is_empty(), "the rehearsals go on for ever");
    world.change(&gig, NOON + 2 * DAY, |event| {
        let did = Some(world.cy.did());
        event.hosts.push(Host { did, name: "Cy".into(), role: HostRole::Host, edit: true });
    });
    world.change(&gig, NOON + 3 * DAY, |event| event.text = Some("Bring a cup".into()));
    assert!(left(&world.cy, 4).is_empty(), "who was made a host later");
    // Nor that a host is out who was so before there was anything to hold.
    let host = Host { did: Some(world.bo.did()), name: "Bo".into(), role: HostRole::Host, edit: false };
    let later = Event { hosts: vec![host], ..Event::new("Fair", at("2026-06-08T20:00")) };
    world.ada.publish(&world.store, world.community, NOON + 3 * DAY, later);
    assert_eq!(left(&world.ada, 4).len(), 1);
}

#[test]
fn who_said_yes_to_several_dates_or_under_several_dids_is_missed_once() {
    let world = World::new();
    let gig = world.ada.publish(&world.store, world.community, NOON, Event { recur: Some(weekly()), ..gig() });
    let yes = |who: &Person, count, day: &str, at: u64| {
        let rsvp =
            Rsvp { count, occurrence: Some(day.into()), ..Rsvp::new(gig.clone(), world.community, Answer::Going) };
        who.commit(&world.store, world.community, Audience::Members, NOON + at, vec![put(rsvp)]);
    };
    yes(&world.bo, 3, "2026-05-08", 1);
    yes(&world.bo, 2, "2026-05-15", 2);
    world.leaves(&world.bo, NOON + 9 * DAY);
    let told = || {
        let items = world.items(&world.ada, 12).into_iter();
        let left = items.filter(|item| matches!(item.what, What::Left { .. }));
        left.map(|item| match &item.what {
            What::Left { going, .. } => (item.by, going.as_ref().map(|rsvp| (rsvp.count, rsvp.occurrence.clone()))),
            _ => unreachable!(),
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(told(), [(world.bo.did(), Some((2, Some("2026-05-15".into()))))], "not the one that was over");
    let dee = world.heir(&world.bo, NOON + 10 * DAY);
    assert!(told().is_empty());
    yes(&dee, 4, "2026-05-22", 10 * DAY + 1);
    world.leaves(&dee, NOON + 11 * DAY);
    assert_eq!(told(), [(dee.did(), Some((1, None)))]);
}

#[test]
fn whoever_answered_hears_of_a_change_until_they_answer_again() {
    let world = World::new();
    let gig = world.gig();
    world.answer(&world.bo, &gig, Answer::Going, NOON + SECOND);
    world.change(&gig, NOON + 2 * SECOND, |event| event.text = Some("Bring a cup".into()));
    assert!(world.told(&world.bo).is_empty(), "nothing that matters changed");
    world.change(&gig, NOON + 3 * SECOND, |event| event.start = at("2026-05-09T19:00"));
    assert_eq!(world.told(&world.bo), ["Gig: moved from Friday 8 May, 20:00 to Saturday 9 May, 19:00"]);
    assert!(world.told(&world.cy).is_empty(), "who did not answer is not told");
    let moved = world.items(&world.bo, 1).remove(0);
    world.change(&gig, NOON + 4 * SECOND, |event| {
        event.status = Status::Cancelled;
        event.status_note = Some("Storm".into());
    });
    let cancelled = world.items(&world.bo, 1).remove(0);
    assert!(world.told(&world.bo)[0].starts_with("Gig: cancelled: Storm; moved from"));
    assert!(moved.key == cancelled.key && moved.stamp != cancelled.stamp);
    world.answer(&world.bo, &gig, Answer::NotGoing, NOON + 5 * SECOND);
    assert!(world.told(&world.bo).is_empty());
}

#[test]
fn a_change_of_another_date_concerns_nobody_who_answered_for_this_one() {
    let world = World::new();
    let series = world.ada.publish(&world.store, world.community, NOON, Event { recur: Some(weekly()), ..gig() });
    world.answer_for(&world.bo, &series, Answer::Going, NOON + SECOND, Some("2026-05-15T20:00"), None);
    world.answer_for(&world.cy, &series, Answer::Going, NOON + SECOND, Some("2026-05-22T20:00"), None);
    let off =
        |at: &str| Override { status: Some(Status::Cancelled), note: Some("Holiday".into()), ..Override::new(at) };
    world.change(&series, NOON + 2 * SECOND, |event| event.overrides = vec![off("2026-05-15T20:00")]);
    assert_eq!(world.told(&world.bo), ["Gig: cancelled: Holiday"]);
    assert!(world.told(&world.cy).is_empty());
}

#[test]
fn who_answered_a_series_hears_of_a_date_that_is_put_off_or_uncertain_unless_they_answered_that_date() {
    for (status, said) in [(Status::Postponed, "is postponed"), (Status::Tentative, "is no longer certain")] {
        let world = World::new();
        let series = world.ada.publish(&world.store, world.community, NOON, Event { recur: Some(weekly()), ..gig() });
        world.answer(&world.bo, &series, Answer::Going, NOON + SECOND);
        world.answer(&world.cy, &series, Answer::Going, NOON + SECOND);
        world.answer_for(&world.cy, &series, Answer::NotGoing, NOON + SECOND, Some("2026-05-15"), None);
        let change = Override {
            at: "2026-05-15T20:00".into(),
            status: Some(status),
            start: None,
            duration: None,
            name: None,
            text: None,
            places: None,
            note: None,
            gone: false,
        };
        world.change(&series, NOON + 2 * SECOND, |event| event.overrides = vec![change]);
        assert_eq!(world.told(&world.bo), [format!("Gig: Friday 15 May 2026 {said}")]);
        assert!(world.told(&world.cy).is_empty());
        // Whoever does what the hint says is asked no more.
        let What::Changed { days, .. } = world.items(&world.bo, 1).remove(0).what else { panic!("no change") };
        assert_eq!(days, ["2026-05-15"]);
        world.answer_for(&world.bo, &series, Answer::Maybe, NOON + 3 * SECOND, Some("2026-05-15"), None);
        assert!(world.told(&world.bo).is_empty());
    }
}

#[test]
fn news_from_hosts_reaches_everybody_who_answered_and_news_of_others_the_host() {
    let world = World::new();
    let gig = world.gig();
    world.answer(&world.bo, &gig, Answer::NotGoing, NOON + SECOND);
    let about = |text: &str, kind| Post { about: Some(gig.clone()), kind, ..post(text) };
    let publish = |who: &Person, at, record| who.publish(&world.store, world.community, NOON + at * SECOND, record);
    let update = publish(&world.ada, 2, about("Doors at 19:30", PostKind::Update));
    publish(&world.cy, 3, about("Buy my shirts", PostKind::Update));
    publish(&world.ada, 4, about("I look forward to it", PostKind::Note));
    assert_eq!(world.told(&world.bo), ["Update: Doors at 19:30"]);
    assert!(world.told(&world.cy).is_empty());
    assert_eq!(world.told(&world.ada), ["About: Buy my shirts", "Bo is not coming to Gig"]);
    let before = world.items(&world.bo, 1).remove(0);
    let corrected = about("Doors at 19:00", PostKind::Update);
    world.ada.commit(
        &world.store,
        world.community,
        Audience::Public,
        NOON + 5 * SECOND,
        vec![edit(&update.path(), corrected)],
    );
    let after = world.items(&world.bo, 1).remove(0);
    assert!(before.key == after.key && before.stamp != after.stamp, "a correction is news");
}

#[test]
fn replies_and_mentions_are_found_once_each_and_a_deleted_one_is_gone() {
    let world = World::new();
    let publish = |who: &Person, at, record| who.publish(&world.store, world.community, NOON + at * SECOND, record);
    let root = publish(&world.cy, 1, post("Who has the key?"));
    world.reply(&world.cy, &root, &root, "Nobody?", NOON + 2 * SECOND);
    let mine = world.reply(&world.bo, &root, &root, "I had it", NOON + 3 * SECOND);
    world.reply(&world.ada, &root, &mine, "And now?", NOON + 4 * SECOND);
    world.reply(&world.ada, &root, &root, "I looked", NOON + 5 * SECOND);
    let mention =
        |text: &str| Post { mentions: vec![Mention { did: world.bo.did(), name: "Bo".into() }], ..post(text) };
    let named = publish(&world.cy, 6, mention("Ask @Bo"));
    let both = mention("@Bo, well?");
    let strong = |uri: &Uri| StrongRef { uri: uri.clone(), cid: world.entry(uri).cid };
    publish(&world.cy, 7, Post { reply: Some(Reply { root: strong(&root), parent: strong(&mine) }), ..both });
    assert_eq!(
        world.told(&world.bo),
        ["Mention: @Bo, well?", "Mention: Ask @Bo", "Thread: I looked", "Reply: And now?"],
        "what was written before Bo is not news to Bo"
    );
    world.cy.commit(
        &world.store,
        world.community,
        Audience::Public,
        NOON + 8 * SECOND,
        vec![Change::Remove { path: named.path() }],
    );
    assert_eq!(world.told(&world.bo).len(), 3);
    assert!(world.items(&world.bo, 200).is_empty(), "posts of long ago are no news");
}

#[test]
fn a_reply_to_an_answer_or_to_a_poll_reaches_whoever_gave_it() {
    let world = World::new();
    let gig = world.gig();
    let answer = world.answer(&world.bo, &gig, Answer::Going, NOON + SECOND);
    let reply = world.reply(&world.ada, &answer, &answer, "Bring the cables", NOON + 2 * SECOND);
    // They answer anew, and the talk goes on.
    world.answer(&world.bo, &gig, Answer::Maybe, NOON + 3 * SECOND);
    world.reply(&world.cy, &answer, &reply, "Mine are broken", NOON + 4 * SECOND);
    assert_eq!(world.told(&world.bo), ["Thread: Mine are broken", "Reply: Bring the cables"]);
    assert_eq!(world.told(&world.ada), ["Reply: Mine are broken", "Bo may come to Gig"]);
    assert!(world.told(&world.cy).is_empty());
    let words = |text: &str| PollOption { start: None, text: Some(text.into()) };
    let poll = Poll {
        question: "What do we eat?".into(),
        text: None,
        options: vec![words("Soup"), words("Salad")],
        several: false,
        closes: None,
        place: None,
        duration: None,
        result: None,
    };
    let poll = world.cy.publish(&world.store, world.community, NOON + 5 * SECOND, poll);
    world.reply(&world.bo, &poll, &poll, "Neither", NOON + 6 * SECOND);
    assert_eq!(world.told(&world.cy), ["Reply: Neither"]);
}

#[test]
fn who_came_back_under_another_did_hears_of_replies_to_what_they_said_before() {
    let world = World::new();
    let gig = world.gig();
    let answer = world.answer(&world.bo, &gig, Answer::Going, NOON + SECOND);
    let post = world.bo.publish(&world.store, world.community, NOON + 2 * SECOND, post("Who has a van?"));
    world.leaves(&world.bo, NOON + 3 * SECOND);
    let dee = world.heir(&world.bo, NOON + 4 * SECOND);
    world.reply(&world.ada, &answer, &answer, "Bring the cables", NOON + 5 * SECOND);
    world.reply(&world.cy, &post, &post, "I have", NOON + 6 * SECOND);
    assert_eq!(world.told(&dee), ["Reply: I have", "Reply: Bring the cables"]);
}

#[test]
fn nothing_of_who_is_out_is_told() {
    let world = World::new();
    let gig = world.gig();
    world.answer(&world.cy, &gig, Answer::Going, NOON + SECOND);
    assert_eq!(world.told(&world.ada).len(), 1);
    let head = world.store.view(Scope::Members).unwrap();
    let state = head.community(&world.community).unwrap().unwrap().state;
    let heads = head.heads(&world.community).unwrap().into_iter().filter(|h| h.repo.did == world.cy.did());
    let cut = heads.map(|h| (h.repo, h.known)).collect();
    let act = Act::Remove { did: world.cy.did(), cut, reason: None };
    let deps = state.heads.iter().copied().collect();
    let op = world.ada.op(world.community, deps, NOON + 2 * SECOND, act, None);
    let batch = crate::store::Batch { ops: vec![op], ..crate::store::Batch::new(world.community, Audience::Members) };
    let applied = world.store.apply(batch, NOON + 3 * SECOND).unwrap();
    assert!(applied.refused.is_empty(), "{:?}", applied.refused);
    assert!(world.told(&world.ada).is_empty());
}

#[test]
fn nobody_fills_it_alone() {
    let world = World::new();
    let gig = world.hosted_gig();
    world.answer(&world.bo, &gig, Answer::Going, NOON + SECOND);
    let guest = |n: usize| format!("Guest {n}");
    for n in 0..OF_ONE + 50 {
        world.answer_for(&world.cy, &gig, Answer::Going, NOON + (n as u64 + 2) * SECOND, None, Some(&guest(n)));
    }
    let items = world.items(&world.ada, 1);
    assert_eq!(items.len(), OF_ONE + 1);
    assert_eq!(world.words(&items[OF_ONE]), "Bo is going to Gig", "and hides nobody else");
    let view = world.store.view(Scope::Members).unwrap();
    let found = view.about_since(&world.community, &gig.to_string(), Rsvp::NAME, 0, (50, 10)).unwrap();
    assert_eq!(found.len(), 11, "however few are looked at");
}

#[test]
fn marks_are_kept_for_what_is_there_alone() {
    let world = World::new();
    let gig = world.gig();
    world.answer(&world.bo, &gig, Answer::Going, NOON + SECOND);
    let items = world.items(&world.ada, 1);
    let marks: BTreeMap<_, _> = items.iter().map(|item| (item.key, item.stamp)).collect();
    let stale = BTreeMap::from([([9; 10], 7)]);
    world.store.mark_told(To::Person, &stale, &BTreeSet::from([[9; 10]])).unwrap();
    world.store.mark_told(To::Person, &marks, &keys(&items)).unwrap();
    let told = world.store.told(To::Person).unwrap();
    assert_eq!(told, marks);
    assert!(items.iter().all(|item| !item.is_new(&told)));
    assert!(world.store.told(To::Hook).unwrap().is_empty());
    world.answer(&world.bo, &gig, Answer::Maybe, NOON + 2 * SECOND);
    assert!(world.items(&world.ada, 1)[0].is_new(&told));
}

#[test]
fn what_a_co_host_changes_reaches_the_author_and_everybody_who_answered() {
    let world = World::new();
    let host = Host { did: Some(world.bo.did()), name: "Bo".into(), role: HostRole::Cohost, edit: true };
    let gig = world.ada.publish(&world.store, world.community, NOON, Event { hosts: vec![host], ..gig() });
    world.answer(&world.cy, &gig, Answer::Going, NOON + SECOND);
    let revise = |at: u64, change: &dyn Fn(&mut Event)| {
        let entry = world.entry(&gig);
        let old = entry.record.as_event().unwrap();
        let mut event = old.clone();
        change(&mut event);
        event.follow(old);
        let revision = Revision { of: gig.clone(), seen: entry.cid, event };
        let rkey = Some(Revision::key(&gig));
        let change = Change::Put { rkey, record: revision.into(), again: false };
        world.bo.commit(&world.store, world.community, Audience::Public, NOON + at * SECOND, vec![change]);
    };
    revise(2, &|event| event.text = Some("Bring a cup".into()));
    let told = world.items(&world.ada, 1);
    assert_eq!(told.len(), 2, "the author hears of every change");
    assert_eq!(told[0].by, world.bo.did());
    assert!(world.told(&world.cy).is_empty());
    revise(3, &|event| event.start = at("2026-05-08T19:00"));
    assert_eq!(world.told(&world.cy), ["Gig: moved from 20:00 to 19:00"]);
    assert!(world.items(&world.bo, 1).iter().all(|item| !matches!(item.what, What::Changed { .. })));
    // An answer to the co-host's version, and the next change.
    world.confirm(&world.cy, &gig, NOON + 4 * SECOND);
    assert!(world.told(&world.cy).is_empty());
    revise(5, &|event| event.start = at("2026-05-08T18:00"));
    assert_eq!(world.told(&world.cy), ["Gig: moved from 19:00 to 18:00"]);
    assert!(world.told(&world.ada).contains(&"Gig: moved from 20:00 to 18:00".to_owned()));
    // What the author makes of it goes on from there.
    world.change(&gig, NOON + 6 * SECOND, |event| event.start = at("2026-05-09T18:00"));
    assert_eq!(world.told(&world.cy), ["Gig: moved from Friday 8 May, 19:00 to Saturday 9 May, 18:00"]);
    assert!(!world.told(&world.ada).iter().any(|line| line.contains("moved")), "their own change is no news");
}

#[test]
fn an_answer_to_a_date_that_is_as_it_was_is_not_asked_for_again_though_what_it_saw_is_not_here() {
    let world = World::new();
    let series = Event { recur: Some(weekly()), sequence: 1, ..gig() };
    let gig = world.ada.publish(&world.store, world.community, NOON, series.clone());
    let answer = |plan: String, at: u64| {
        let rsvp = Rsvp {
            seen_plan: Some(plan),
            occurrence: Some("2026-05-15T20:00".into()),
            ..Rsvp::new(gig.clone(), world.community, Answer::Going)
        };
        world.bo.commit(&world.store, world.community, Audience::Members, NOON + at * SECOND, vec![put(rsvp)]);
    };
    answer(series.plan_id(Some("2026-05-15")), 1);
    assert!(world.told(&world.bo).is_empty());
    answer(series.plan_id(Some("2026-05-22")), 2);
    assert_eq!(world.told(&world.bo).len(), 1);
}

#[test]
fn a_co_host_hears_what_changed_since_their_own_change_and_once() {
    let world = World::new();
    let host = |who: &Person| Host { did: Some(who.did()), name: "A host".into(), role: HostRole::Cohost, edit: true };
    let hosts = vec![host(&world.bo), host(&world.cy)];
    let gig = world.ada.publish(&world.store, world.community, NOON, Event { hosts, ..gig() });
    let revise = |who: &Person, second: u64, start: &str| {
        let entry = world.entry(&gig);
        let old = entry.record.as_event().unwrap();
        let mut event = Event { start: at(start), ..old.clone() };
        event.follow(old);
        let revision = Revision { of: gig.clone(), seen: entry.cid, event };
        let change = Change::Put { rkey: Some(Revision::key(&gig)), record: revision.into(), again: false };
        who.commit(&world.store, world.community, Audience::Public, NOON + second * SECOND, vec![change]);
    };
    let moved = |who: &Person| world.told(who).into_iter().filter(|line| line.contains("moved")).collect::<Vec<_>>();
    revise(&world.bo, 1, "2026-05-08T19:00");
    revise(&world.cy, 2, "2026-05-08T18:00");
    assert_eq!(moved(&world.bo), ["Gig: moved from 19:00 to 18:00"]);
    assert_eq!(moved(&world.ada), ["Gig: moved from 20:00 to 18:00"]);
    // One answered before their own change, for a guest afterwards.
    world.answer(&world.bo, &gig, Answer::Going, NOON + 3 * SECOND);
    revise(&world.bo, 4, "2026-05-08T19:30");
    world.answer_for(&world.bo, &gig, Answer::Going, NOON + 5 * SECOND, None, Some("Grandma"));
    assert!(moved(&world.bo).is_empty(), "their own change is no news");
    world.change(&gig, NOON + 6 * SECOND, |event| event.start = at("2026-05-08T21:00"));
    assert_eq!(moved(&world.bo), ["Gig: moved from 19:30 to 21:00"]);
}

#[test]
fn an_answer_to_a_change_that_was_overruled_is_asked_for_again_though_both_count_alike() {
    let world = World::new();
    let host = |who: &Person| Host { did: Some(who.did()), name: "A host".into(), role: HostRole::Cohost, edit: true };
    let hosts = vec![host(&world.bo)];
    let gig = world.ada.publish(&world.store, world.community, NOON, Event { hosts, ..gig() });
    let (seen, first) = (world.entry(&gig).cid, world.entry(&gig).record);
    let moved = |to: &str| {
        let mut event = Event { start: at(to), ..first.as_event().unwrap().clone() };
        event.follow(first.as_event().unwrap());
        event
    };
    let revision = Revision { of: gig.clone(), seen, event: moved("2026-05-08T19:00") };
    world.bo.publish(&world.store, world.community, NOON + SECOND, revision);
    let shown = world.entry(&gig).record.as_event().unwrap().sequence;
    world.confirm(&world.cy, &gig, NOON + 2 * SECOND);
    assert!(world.told(&world.cy).is_empty());
    // The author had not seen it, and moved the gig elsewhere.
    let change = vec![edit(&gig.path(), moved("2026-05-09T20:00"))];
    world.ada.commit(&world.store, world.community, Audience::Public, NOON + 3 * SECOND, change);
    assert_eq!(world.entry(&gig).record.as_event().unwrap().sequence, shown);
    assert_eq!(world.told(&world.cy), ["Gig: moved from Friday 8 May, 19:00 to Saturday 9 May, 20:00"]);
    let given = world.store.view(Scope::Members).unwrap().given(&world.entry(&gig), None).unwrap();
    assert!(given.iter().all(|given| given.before_change) && given.len() == 1);
}

#[test]
fn who_answered_a_series_hears_that_another_change_of_one_date_stands() {
    let world = World::new();
    let host = Host { did: Some(world.bo.did()), name: "Bo".into(), role: HostRole::Cohost, edit: true };
    let series = Event { hosts: vec![host], recur: Some(weekly()), ..gig() };
    let gig = world.ada.publish(&world.store, world.community, NOON, series.clone());
    let on = |start: Option<&str>, status| {
        let change = Override { status, start: start.map(at), ..Override::new("2026-05-15T20:00") };
        let mut event = Event { overrides: vec![change], ..series.clone() };
        event.follow(&series);
        event
    };
    let revision = Revision { of: gig.clone(), seen: world.entry(&gig).cid, event: on(None, Some(Status::Cancelled)) };
    world.bo.publish(&world.store, world.community, NOON + SECOND, revision);
    world.confirm(&world.cy, &gig, NOON + 2 * SECOND);
    assert!(world.told(&world.cy).is_empty());
    let change = vec![edit(&gig.path(), on(Some("2026-05-16T20:00"), None))];
    world.ada.commit(&world.store, world.community, Audience::Public, NOON + 3 * SECOND, change);
    let told = world.told(&world.cy);
    assert_eq!(told.len(), 1, "{told:?}");
    // A word that was spelt better is none.
    let mut event = on(Some("2026-05-16T20:00"), None);
    event.text = Some("Bring a cup".into());
    let stamp = world.items(&world.cy, 1)[0].stamp;
    world.ada.commit(
        &world.store,
        world.community,
        Audience::Public,
        NOON + 4 * SECOND,
        vec![edit(&gig.path(), event)],
    );
    assert_eq!((world.told(&world.cy).len(), world.items(&world.cy, 1)[0].stamp), (1, stamp));
}

#[test]
fn who_said_no_to_an_uncertain_date_hears_that_it_moved_and_not_how_certain_it_is() {
    for status in [Status::Tentative, Status::Postponed] {
        let world = World::new();
        let series = Event { recur: Some(weekly()), status, ..gig() };
        let series = world.ada.publish(&world.store, world.community, NOON, series);
        world.answer_for(&world.bo, &series, Answer::NotGoing, NOON + SECOND, Some("2026-05-15"), None);
        let change = |start: Option<&str>, status| Override {
            at: "2026-05-15T20:00".into(),
            status,
            start: start.map(at),
            duration: None,
            name: None,
            text: None,
            places: None,
            note: None,
            gone: false,
        };
        let is_now = |at: u64, start, status| {
            world.change(&series, NOON + at * SECOND, |event| event.overrides = vec![change(start, status)]);
            world.told(&world.bo)
        };
        let other = if status == Status::Tentative { Status::Postponed } else { Status::Tentative };
        assert!(is_now(2, None, Some(other)).is_empty());
        let moved = ["Gig: moved from Friday 15 May, 20:00 to Saturday 16 May, 20:00"];
        assert_eq!(is_now(3, Some("2026-05-16T20:00"), None), moved);
        assert_eq!(is_now(4, Some("2026-05-16T20:00"), Some(other)), moved);
        assert!(is_now(5, Some("2026-05-16T20:00"), Some(Status::Cancelled)).is_empty());
    }
}

#[test]
fn whoever_voted_for_a_date_hears_what_becomes_of_it() {
    let world = World::new();
    let date = || PollOption { start: Some(at("2026-05-08T20:00")), text: None };
    let poll = Poll {
        question: "When?".into(),
        text: None,
        options: vec![date(), PollOption { start: Some(at("2026-05-15T20:00")), text: None }],
        several: false,
        closes: None,
        place: None,
        duration: None,
        result: None,
    };
    let asked = world.ada.publish(&world.store, world.community, NOON, poll.clone());
    let choices = vec![Chosen { option: date().key(), answer: Choice::Yes }];
    world.bo.publish(&world.store, world.community, NOON + SECOND, Vote { poll: asked.clone(), choices });
    let event = Event { poll: Some(asked.clone()), ..gig() };
    let gig = world.ada.publish(&world.store, world.community, NOON + 2 * SECOND, event);
    let counts = vec![Count { yes: 1, ..Count::default() }, Count::default()];
    let tally = Tally { people: 1, counts };
    let result = PollResult { tally, chosen: Some(date().key()), event: Some(gig.clone()) };
    let change = vec![edit(&asked.path(), Poll { result: Some(result), ..poll })];
    world.ada.commit(&world.store, world.community, Audience::Public, NOON + 3 * SECOND, change);
    let moved = |who: &Person| world.told(who).into_iter().filter(|line| line.contains("moved")).collect::<Vec<_>>();
    assert!(moved(&world.bo).is_empty());
    world.change(&gig, NOON + 4 * SECOND, |event| event.start = at("2026-05-08T21:00"));
    assert_eq!(moved(&world.bo), ["Gig: moved from 20:00 to 21:00"]);
    assert!(moved(&world.cy).is_empty());
    let view = world.store.view(Scope::Members).unwrap();
    let community = view.community(&world.community).unwrap().unwrap();
    let window = (NOON / SECOND) as i64..((NOON + 30 * DAY) / SECOND) as i64;
    let dates = |who: &Person| dates::dates(&view, &community, &who.did(), window.clone()).unwrap().0.len();
    assert_eq!((dates(&world.bo), dates(&world.cy)), (1, 0), "and has it in their agenda");
}

#[test]
fn a_poll_asks_until_one_voted_and_says_what_came_of_it() {
    let world = World::new();
    let words = |text: &str| PollOption { start: None, text: Some(text.into()) };
    let poll = Poll {
        question: "What do we eat?".into(),
        text: None,
        options: vec![words("Soup"), words("Salad")],
        several: false,
        closes: None,
        place: None,
        duration: None,
        result: None,
    };
    let publish = |who: &Person, at: u64, record: Record| {
        let change = vec![put(record)];
        let done = who.commit(&world.store, world.community, Audience::Members, NOON + at * SECOND, change);
        let (collection, rkey) = done.puts[0].path.split_once('/').unwrap();
        Uri::new(world.community, who.did(), collection, rkey).unwrap()
    };
    let uri = publish(&world.ada, 1, poll.clone().into());
    assert_eq!(world.told(&world.bo), ["Ada asks: What do we eat?"]);
    assert!(world.told(&world.ada).is_empty());
    let choices = vec![Chosen { option: "Soup".into(), answer: Choice::Yes }];
    publish(&world.bo, 2, Vote { poll: uri.clone(), choices }.into());
    assert!(world.told(&world.bo).is_empty());
    assert_eq!(world.told(&world.ada), ["Bo voted on What do we eat?: yes to Soup"]);
    let counts = vec![Count { yes: 1, ..Count::default() }, Count::default()];
    let result = PollResult { tally: Tally { people: 1, counts }, chosen: Some("Soup".into()), event: None };
    let closed = Poll { result: Some(result), ..poll };
    let change = vec![edit(&uri.path(), closed)];
    world.ada.commit(&world.store, world.community, Audience::Members, NOON + 3 * SECOND, change);
    assert_eq!(world.told(&world.bo), ["What do we eat?: Ada decided for Soup"]);
    assert!(world.told(&world.cy).is_empty(), "who did not vote is asked no more, and told nothing");
}

#[test]
fn whoever_asked_for_a_place_hears_whether_they_have_one_and_not_of_every_step_of_the_list() {
    let world = World::new();
    let rules = RsvpRules { capacity: Some(2), waitlist: true, ..RsvpRules::default() };
    let gig = world.ada.publish(&world.store, world.community, NOON, Event { rsvp: Some(rules), ..gig() });
    world.answer(&world.bo, &gig, Answer::Going, NOON + SECOND);
    assert!(world.told(&world.bo).is_empty(), "nobody has said anything yet");
    let list = |admitted: &[&Person], waiting: &[&Person], at: u64| {
        let parties = |people: &[&Person]| people.iter().map(|person| Party(person.did(), None, 1)).collect();
        let list =
            Admission { admitted: parties(admitted), waiting: parties(waiting), ..Admission::empty(gig.clone(), None) };
        world.ada.commit(&world.store, world.community, Audience::Members, NOON + at * SECOND, vec![put(list)]);
    };
    list(&[&world.ada], &[&world.cy, &world.bo], 2);
    assert_eq!(world.told(&world.bo), ["Gig: you wait for a place, number 2"]);
    let before = world.items(&world.bo, 1).remove(0);
    list(&[&world.ada, &world.cy], &[&world.bo], 3);
    let after = world.items(&world.bo, 1).remove(0);
    assert_eq!((before.key, before.stamp), (after.key, after.stamp));
    list(&[&world.ada, &world.bo], &[], 4);
    assert_eq!(world.told(&world.bo), ["Gig: you have a place"]);
    assert_ne!(world.items(&world.bo, 1)[0].stamp, after.stamp);
    world.answer(&world.bo, &gig, Answer::NotGoing, NOON + 5 * SECOND);
    assert!(world.told(&world.bo).is_empty());
}
