//! Answers by mail.

use folkmoot_schemas::records::rsvp::{Answer, Rsvp, ShowName};

use super::{
    super::answers::{Guests, answer, in_order},
    *,
};

/// Takes answers as [`World::import`] takes events: what was done, the answer that is there then, and what was said.
fn answered(world: &World, guests: &mut Guests, files: &[String]) -> (&'static str, Answer, String) {
    let context = Context { zone: "Europe/Berlin".into(), now: NOW };
    let mut reading = Reading::default();
    for file in files {
        reading.and(ics::read(file, &context).unwrap()).unwrap();
    }
    let known = Known::of(ME.into(), world.events.clone()).unwrap();
    let [ref one] = reading.answers[..] else { panic!("one answer: {:?}", reading.answers) };
    let step = answer(&known, (guests, &mut Memory::new(&[1; 32], NOW)), one, false).unwrap().unwrap();
    assert_eq!(step.draft.is_some(), step.act != Act::Unchanged);
    let held: Vec<Answer> = guests.answers.values().map(|(rsvp, _)| rsvp.status).collect();
    (step.act.word(), held[0], step.said.join("\n"))
}

/// Why an answer is not taken.
fn refused(world: &World, file: &str) -> String {
    refused_by(&Known::of(ME.into(), world.events.clone()).unwrap(), file)
}

pub(super) fn refused_by(known: &Known, file: &str) -> String {
    let reading = ics::read(file, &Context { zone: "Europe/Berlin".into(), now: NOW }).unwrap();
    answer(known, (&mut Guests::default(), &mut Memory::new(&[1; 32], NOW)), &reading.answers[0], false)
        .unwrap()
        .unwrap_err()
}

#[test]
fn of_answers_by_mail_the_newest_counts_in_any_order_and_again() {
    let reply = |sequence, day, status| {
        file("REPLY", sequence, day, &format!("ATTENDEE;CN=Grandma;PARTSTAT={status}:mailto:g@example.org"))
    };
    let world = World::after(&[&file("REQUEST", 0, 1, GIG)]);
    let (yes, no) = (reply(0, 2, "ACCEPTED"), reply(0, 3, "DECLINED"));
    for files in [[yes.clone(), no.clone()], [no.clone(), yes.clone()]] {
        let guests = &mut Guests::default();
        assert_eq!(answered(&world, guests, &files), ("added", Answer::NotGoing, String::new()));
        assert_eq!(answered(&world, guests, &files), ("unchanged", Answer::NotGoing, String::new()));
        let (act, held, said) = answered(&world, guests, std::slice::from_ref(&yes));
        assert!(
            (act, held) == ("unchanged", Answer::NotGoing) && said.contains("says going, which is older"),
            "{said}"
        );
        assert_eq!(answered(&world, guests, &[reply(0, 4, "ACCEPTED")]).0, "changed");
    }
    // Once the event has changed, an answer that came before does not confirm it; a new one does.
    let mut world = World::after(&[&file("REQUEST", 0, 1, GIG)]);
    let guests = &mut Guests::default();
    answered(&world, guests, std::slice::from_ref(&yes));
    world.import(&[&file("REQUEST", 1, 3, &GIG.replace("T200000", "T210000"))]);
    assert_eq!(answered(&world, guests, &[yes]).0, "unchanged");
    assert_eq!(answered(&world, guests, &[reply(1, 4, "ACCEPTED")]).0, "changed");
    assert_eq!(guests.answers.values().map(|(rsvp, _)| rsvp.seen_sequence).collect::<Vec<_>>(), [1]);
}

#[test]
fn an_answer_to_a_date_that_its_series_left_to_an_event_of_its_own_reaches_that_event() {
    let reply = |at: &str| {
        file("REPLY", 0, 5, &format!("RECURRENCE-ID:{at}\nATTENDEE;CN=Grandma;PARTSTAT=ACCEPTED:mailto:g@example.org"))
    };
    let mut world = World::after(&[&file("", 0, 1, HARD)]);
    let single = world.of("gig#2027-01-01T19:30").0.uri.clone();
    // Of a series that is not here, and of one that is and meets half an hour later now.
    let answers = |world: &World, at: &str| {
        let guests = &mut Guests::default();
        let act = answered(world, guests, &[reply(at)]).0;
        let (rsvp, _) = guests.answers.values().next().unwrap();
        (act, rsvp.event.to_string(), rsvp.occurrence.clone())
    };
    assert_eq!(answers(&world, "20270101T183000Z"), ("added", single.clone(), None));
    world.answered.push(single.clone());
    world.import(&[&file("", 0, 2, EASY)]);
    assert_eq!(answers(&world, "20270101T190000Z"), ("added", single, None));
    let series = world.of("gig").0.uri.clone();
    assert_eq!(answers(&world, "20270205T190000Z"), ("added", series, Some("2027-02-05".into())));
    // A date that is left out and is no event either is none.
    let world = World::after(&[&file("", 0, 1, &format!("{EASY}\nEXDATE:20270101T190000Z"))]);
    assert_eq!(refused(&world, &reply("20270101T190000Z")), "Choir has no date 2027-01-01T20:00");
}

#[test]
fn guests_of_one_name_are_as_many_as_their_addresses_and_one_guest_is_one_however_they_are_spelled() {
    let reply = |day, who: &str| file("REPLY", 0, day, &format!("ATTENDEE;PARTSTAT=ACCEPTED;{who}")).replace(";:", ":");
    let first = [reply(2, "CN=Rose:mailto:rose@example.org"), reply(3, "CN=Rose:mailto:r@example.com")];
    let nameless = [reply(2, ":mailto:info@example.org"), reply(3, ":mailto:info@example.com")];
    let again = [reply(2, "CN=ROSE:MAILTO:Rose@Example.org"), reply(3, "CN=R. Smith:mailto:r@example.com")];
    let world = World::after(&[&file("REQUEST", 0, 1, GIG)]);
    let known = Known::of(ME.into(), world.events.clone()).unwrap();
    for back in [false, true] {
        let (mut guests, mut memory) = (Guests::default(), Memory::new(&[1; 32], NOW));
        let mut take = |files: &[&[String]]| {
            let mut files = files.concat();
            if back {
                files.reverse();
            }
            let mut reading = Reading::default();
            for file in files {
                reading.and(ics::read(&file, &Context { zone: "UTC".into(), now: NOW }).unwrap()).unwrap();
            }
            let mut acts = Vec::new();
            for answered in in_order(&reading.answers) {
                acts.push(answer(&known, (&mut guests, &mut memory), answered, false).unwrap().unwrap().act);
            }
            acts
        };
        assert_eq!(take(&[&first, &nameless]), [Act::Added; 4]);
        assert_eq!(take(&[&first, &nameless]), [Act::Unchanged; 4]);
        assert_eq!(take(&[&again]), [Act::Unchanged; 2]);
        let mut names: Vec<_> = guests.answers.values().filter_map(|(rsvp, _)| rsvp.guest_name.clone()).collect();
        names.sort();
        assert_eq!(names, ["Rose", "Rose (2)", "info", "info (2)"]);
        assert!(
            guests.answers.values().all(|(rsvp, _)| !format!("{rsvp:?}").contains("example")),
            "no address in a record"
        );
    }
}

#[test]
fn what_a_host_entered_by_hand_after_an_answer_by_mail_stays() {
    let world = World::after(&[&file("REQUEST", 0, 1, GIG)]);
    let reply = |day| file("REPLY", 0, day, "ATTENDEE;CN=Grandma;PARTSTAT=ACCEPTED:mailto:g@example.org");
    let guests = &mut Guests::default();
    answered(&world, guests, &[reply(2)]);
    // She rang on the 3rd.
    let entered = Start::Date { date: "2026-11-03".parse().unwrap() }.instant("UTC");
    for (rsvp, when) in guests.answers.values_mut() {
        *rsvp = Rsvp { status: Answer::NotGoing, show: ShowName::Names, given: None, ..rsvp.clone() };
        *when = entered;
    }
    assert_eq!(answered(&world, guests, &[reply(2)]).1, Answer::NotGoing);
    assert_eq!(answered(&world, guests, &[reply(4)]).1, Answer::Going);
    assert!(
        guests.answers.values().all(|(rsvp, _)| rsvp.show == ShowName::Names),
        "a mail does not say who may see it"
    );
}

#[test]
fn an_answer_in_place_of_one_of_which_another_device_knows_the_address_says_so() {
    let reply = |day, status: &str, who: &str| {
        let reply = file("REPLY", 0, day, &format!("ATTENDEE;CN=Rose;PARTSTAT={status}:mailto:{who}"));
        ics::read(&reply, &Context { zone: "UTC".into(), now: NOW }).unwrap()
    };
    let world = World::after(&[&file("REQUEST", 0, 1, GIG)]);
    let known = Known::of(ME.into(), world.events).unwrap();
    let (mut here, mut elsewhere) = (Memory::new(&[1; 32], NOW), Memory::new(&[2; 32], NOW));
    let mut guests = Guests::default();
    let mut take = |memory: &mut Memory, reply: Reading| {
        let step = answer(&known, (&mut guests, memory), &reply.answers[0], false).unwrap().unwrap();
        (step.act, step.said.join("\n"))
    };
    assert_eq!(take(&mut here, reply(2, "ACCEPTED", "rose@example.org")), (Act::Added, String::new()));
    assert_eq!(take(&mut here, reply(3, "TENTATIVE", "rose@example.org")), (Act::Changed, String::new()));
    assert_eq!(take(&mut elsewhere, reply(3, "TENTATIVE", "r@example.com")), (Act::Unchanged, String::new()));
    let mut elsewhere = Memory::new(&[2; 32], NOW);
    let (act, said) = take(&mut elsewhere, reply(4, "DECLINED", "r@example.com"));
    assert!(act == Act::Changed && said.contains("(maybe)") && said.contains("another Rose"), "{said}");
    assert_eq!(take(&mut elsewhere, reply(5, "ACCEPTED", "r@example.com")), (Act::Changed, String::new()));
    // What a host entered by hand has no address that could be known.
    guests.answers.values_mut().for_each(|(rsvp, _)| rsvp.given = None);
    let said =
        answer(&known, (&mut guests, &mut Memory::new(&[3; 32], NOW)), &reply(6, "DECLINED", "x@x").answers[0], false);
    assert_eq!(said.unwrap().unwrap().said, Vec::<String>::new());
}
