use super::*;
use crate::{
    block::{self, Block},
    key::Secret,
    records::{
        event,
        rsvp::{self, Rsvp},
    },
    recur,
    when::parse_local,
};

fn concert() -> Event {
    Event { duration: Some(3 * 3600), ..Event::new("Concert", local("2026-12-05T20:00")) }
}

fn local(text: &str) -> Start {
    Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() }
}

/// An answer that saw so many changes.
fn saw(sequence: u32) -> Rsvp {
    Rsvp {
        seen_sequence: sequence,
        show: rsvp::ShowName::Names,
        ..Rsvp::new(uri(Event::NAME), block::cid_of(block::DAG_CBOR, b"event"), rsvp::Answer::Going)
    }
}

fn day(text: &str) -> Start {
    Start::Date { date: crate::when::parse_date(text).unwrap() }
}

fn weekly() -> Rule {
    Rule {
        freq: recur::Freq::Weekly,
        interval: None,
        by_day: vec!["SA".into()],
        by_month_day: vec![],
        until: None,
        count: None,
    }
}

fn uri(kind: &str) -> Uri {
    Uri {
        community: block::cid_of(block::DAG_CBOR, b"charter"),
        did: Secret::from_seed([7; 32]).did(),
        collection: kind.into(),
        rkey: "3l6oveex3ii2l".into(),
    }
}

fn hall() -> Place {
    Place { name: Some("Old Hall".into()), locality: Some("Cottbus".into()), ..Place::default() }
}

fn poster() -> Image {
    Image {
        blob: block::cid_of(block::RAW, b"poster"),
        mime: "image/webp".into(),
        width: 640,
        height: 480,
        alt: "A poster".into(),
    }
}

fn source() -> Source {
    Source {
        kind: "ics".into(),
        url: None,
        uid: Some("a@b".into()),
        fetched: Some(1),
        edited: Vec::new(),
        version: None,
        dates: Vec::new(),
    }
}

fn version(sequence: u32, stamp: Option<i64>) -> SourceVersion {
    SourceVersion { sequence, stamp, message: false }
}

fn of_date(at: &str) -> SourceDate {
    SourceDate { at: at.into(), version: version(0, None) }
}

#[test]
fn a_calendar_s_word_gives_way_only_to_one_that_is_certainly_newer() {
    for (one, other, older) in [
        (version(0, Some(9)), version(1, Some(1)), true),
        (version(1, Some(1)), version(0, Some(9)), false),
        (version(1, Some(1)), version(1, Some(2)), true),
        (version(1, Some(2)), version(1, Some(2)), false),
        (version(1, None), version(1, Some(2)), false),
        (version(1, Some(1)), version(1, None), false),
    ] {
        assert_eq!(one.is_older_than(other), older, "{one:?} {other:?}");
    }
}

#[test]
fn a_date_moved_by_mail_outlasts_later_mail_about_its_series_and_no_later_calendar() {
    let mail = |sequence, stamp| SourceVersion { message: true, ..version(sequence, stamp) };
    for (date, whole, stands) in [
        (version(1, Some(5)), mail(1, Some(9)), true),
        (version(1, Some(5)), mail(2, Some(1)), false),
        (version(1, Some(5)), version(0, Some(9)), false),
        (version(1, Some(5)), version(0, Some(5)), true),
        (version(1, Some(5)), version(0, None), true),
    ] {
        assert_eq!(date.stands_beside(whole), stands, "{date:?} {whole:?}");
    }
}

/// One of everything, all within the limits.
fn full() -> Event {
    Event {
        summary: Some("Two bands".into()),
        text: Some("# Line-up\n\nTwo **bands**".into()),
        doors: Some("19:00".into()),
        status_note: Some("Sold out".into()),
        previous: vec![local("2026-11-28T20:00")],
        mode: Mode::Hybrid,
        places: vec![Place {
            lat_e7: Some(517_000_000),
            lon_e7: Some(143_000_000),
            venue: Some(uri("org.folkmoot.venue")),
            ..hall()
        }],
        online: vec![OnlineLink { url: "https://stream.example/x".into(), label: None }],
        image: Some(poster()),
        links: vec![EventLink { url: "https://t.example".into(), label: "Tickets".into(), kind: LinkKind::Tickets }],
        price: Some(Price { min: 800, max: Some(1200), currency: "EUR".into(), note: None }),
        tags: vec!["punk".into()],
        category: Some("music".into()),
        lang: Some("de".into()),
        hosts: vec![Host { did: None, name: "Club".into(), role: HostRole::Host, edit: false }],
        acts: vec![PerformingAct { name: "The Band".into(), url: None, did: None, at: Some("21:30".into()) }],
        contact: Some("mail@example.org".into()),
        access: Some("No steps".into()),
        age_min: Some(16),
        recur: Some(weekly()),
        overrides: vec![Override { status: Some(Status::Cancelled), ..Override::new("2026-12-12T20:00") }],
        rsvp: Some(RsvpRules { capacity: Some(80), waitlist: true, plus_max: Some(3), ..RsvpRules::default() }),
        parent: Some(uri(Event::NAME)),
        source: Some(Source {
            edited: vec!["status".into()],
            version: Some(version(2, Some(1))),
            dates: vec![of_date("2026-12-12")],
            ..source()
        }),
        ..concert()
    }
}

#[test]
fn a_full_event_passes_and_survives_dag_cbor() {
    assert_eq!(full().check(), Ok(()));
    let bytes = Block::encode(&full()).unwrap().bytes().clone();
    let (block, event) = Block::decode::<Event>(bytes, Event::LIMIT).unwrap();
    assert_eq!(event, full());
    assert_eq!(block.links().unwrap(), full().links());
}

#[test]
fn every_limit_names_its_field() {
    type Spoil = fn(&mut Event);
    let cases: Vec<(&str, Spoil)> = vec![
        ("name", |e| e.name = "a".repeat(201)),
        ("name", |e| e.name = "\n".into()),
        ("summary", |e| e.summary = Some("a".repeat(281))),
        ("text", |e| e.text = Some("a".repeat(10_001))),
        ("text", |e| e.text = Some("a\u{7}".into())),
        ("duration", |e| e.duration = Some(14 * 86400 + 1)),
        ("duration", |e| (e.start, e.recur, e.overrides) = (day("2026-12-05"), None, vec![])),
        ("days", |e| e.days = Some(1)),
        ("open_end", |e| e.open_end = true),
        ("doors", |e| e.doors = Some("7 pm".into())),
        ("doors", |e| e.doors = Some("19:00:30".into())),
        ("previous", |e| e.previous = vec![day("2026-12-05"); 6]),
        ("places", |e| e.places = vec![hall(); 6]),
        ("places[0]", |e| e.places = vec![Place::default()]),
        ("places[0]", |e| e.places[0].lon_e7 = None),
        ("places[0].lat_e7", |e| e.places[0].lat_e7 = Some(i32::MIN)),
        ("places[0]", |e| e.places[0].show = Some(ShowPlace::Area)),
        ("places[0]", |e| e.places = vec![Place { venue: Some(uri("org.folkmoot.venue")), ..Place::default() }]),
        ("places[0].venue", |e| e.places[0].venue = Some(uri(Event::NAME))),
        ("online[0].url", |e| e.online[0].url = "http://stream.example".into()),
        ("image.alt", |e| e.image = Some(Image { alt: String::new(), ..poster() })),
        ("images[0].alt", |e| e.images = vec![Image { alt: "a".repeat(501), ..poster() }]),
        ("links[0].url", |e| e.links[0].url = "javascript:alert(1)".into()),
        ("price.currency", |e| e.price = Some(Price { min: 1, max: None, currency: "eur".into(), note: None })),
        ("price.max", |e| e.price = Some(Price { min: 2, max: Some(1), currency: "EUR".into(), note: None })),
        ("price.min", |e| e.price = Some(Price { min: u64::MAX, max: None, currency: "EUR".into(), note: None })),
        ("tags[0]", |e| e.tags = vec!["a".repeat(41)]),
        ("tags", |e| e.tags = vec!["a".into(); 11]),
        ("category", |e| e.category = Some("Music".into())),
        ("lang", |e| e.lang = Some("de_DE".into())),
        ("hosts[0].edit", |e| e.hosts[0].edit = true),
        ("acts[0].at", |e| e.acts[0].at = Some("25:00".into())),
        ("age_min", |e| e.age_min = Some(100)),
        ("recur", |e| e.start = local("2026-12-06T20:00")),
        ("overrides", |e| e.recur = None),
        ("overrides", |e| e.overrides = vec![Override::new("2026-12-12T20:00"); 2]),
        ("overrides[0].at", |e| e.overrides[0].at = "2026-12-12".into()),
        ("overrides[0].start", |e| e.overrides[0].start = Some(day("2026-12-13"))),
        ("parent", |e| e.parent = Some(uri("org.folkmoot.post"))),
        ("rsvp.url", |e| e.rsvp = Some(RsvpRules { mode: RsvpMode::External, ..RsvpRules::default() })),
        ("rsvp.waitlist", |e| e.rsvp = Some(RsvpRules { waitlist: true, ..RsvpRules::default() })),
        ("rsvp.plus_max", |e| e.rsvp = Some(RsvpRules { plus_max: Some(11), ..RsvpRules::default() })),
        ("source.fetched", |e| e.source = Some(Source { fetched: Some(-1), ..source() })),
        ("source.version", |e| e.source = Some(Source { version: Some(version(0, Some(-1))), ..source() })),
        ("source.dates[0]", |e| e.source = Some(Source { dates: vec![of_date("2026-12-12T20:00")], ..source() })),
        ("source.dates", |e| e.source = Some(Source { dates: vec![of_date("2026-12-12"); 101], ..source() })),
        ("source.edited", |e| e.source = Some(Source { edited: vec!["name".into(); 121], ..source() })),
    ];
    for (i, (field, spoil)) in cases.into_iter().enumerate() {
        let mut event = full();
        spoil(&mut event);
        assert_eq!(event.check().map_err(|fault| fault.field), Err(field.to_owned()), "case {i}");
    }
}

#[test]
fn answers_close_before_a_single_event_is_over() {
    let closing =
        |at: &str| Event { rsvp: Some(RsvpRules { closes: Some(local(at)), ..RsvpRules::default() }), ..concert() };
    assert_eq!(closing("2026-12-05T18:00").check(), Ok(()));
    assert_eq!(closing("2026-12-08T18:00").check().unwrap_err().field, "rsvp.closes");
    let series = Event { recur: Some(weekly()), ..closing("2026-12-08T18:00") };
    assert_eq!(series.check(), Ok(()));
}

#[test]
fn a_whole_day_event_has_days_and_no_clock() {
    let fair = Event { days: Some(3), ..Event::new("Fair", day("2026-12-05")) };
    assert_eq!(fair.check(), Ok(()));
    assert_eq!(Event { days: Some(61), ..fair.clone() }.check().unwrap_err().field, "days");
    assert_eq!(Event { open_end: true, ..fair.clone() }.check().unwrap_err().field, "open_end");
    assert_eq!(Event { doors: Some("19:00".into()), ..fair }.check().unwrap_err().field, "doors");
}

#[test]
fn only_when_where_how_and_whether_are_material() {
    let old = full();
    let same: Vec<fn(&mut Event)> = vec![
        |e| e.name = "Another name".into(),
        |e| e.text = None,
        |e| e.price = None,
        |e| e.places[0].access = Some("Ramp at the back".into()),
        |e| e.overrides[0].note = Some("Singer is ill".into()),
        |e| e.overrides.push(Override { status: Some(Status::Confirmed), ..Override::new("2026-12-19T20:00") }),
        |e| e.source = None,
    ];
    for (i, edit) in same.into_iter().enumerate() {
        let mut new = old.clone();
        edit(&mut new);
        assert!(!old.material_change(&new), "same {i}");
    }
    let different: Vec<fn(&mut Event)> = vec![
        |e| e.start = local("2026-12-05T21:00"),
        |e| e.duration = Some(60),
        |e| e.mode = Mode::Online,
        |e| e.status = Status::Cancelled,
        |e| e.places[0].name = Some("New Hall".into()),
        |e| e.recur = None,
        |e| e.overrides.clear(),
        |e| e.overrides[0].start = Some(local("2026-12-13T20:00")),
    ];
    for (i, edit) in different.into_iter().enumerate() {
        let mut new = old.clone();
        edit(&mut new);
        assert!(old.material_change(&new), "different {i}");
    }
}

#[test]
fn a_successor_counts_material_changes_and_remembers_five_starts() {
    let mut event = concert();
    let renamed = {
        let mut next = Event { name: "Gig".into(), ..event.clone() };
        next.follow(&event);
        next
    };
    assert_eq!((renamed.sequence, renamed.previous.len()), (0, 0));
    for hour in 10..17 {
        let mut next = Event { start: local(&format!("2026-12-05T{hour}:00")), ..event.clone() };
        // What the editor sends in these fields does not count.
        (next.sequence, next.previous) = (99, vec![]);
        next.follow(&event);
        event = next;
    }
    assert_eq!(event.sequence, 7);
    let hours: Vec<String> = event.previous.iter().map(Start::text).collect();
    assert_eq!(hours.first().map(String::as_str), Some("2026-12-05T11:00"));
    assert_eq!(hours.last().map(String::as_str), Some("2026-12-05T15:00"));
    assert_eq!(hours.len(), 5);
    assert_eq!(event.check(), Ok(()));
}

#[test]
fn an_event_that_is_back_at_its_old_start_has_no_new_date() {
    let there = |start: &str, older: &Event| {
        let mut next = Event { start: local(start), ..older.clone() };
        next.follow(older);
        next
    };
    let moved = there("2026-12-05T21:00", &concert());
    assert_eq!(moved.status_words(), Some("New time"));
    let back = there("2026-12-05T20:00", &moved);
    assert_eq!((back.status_words(), back.previous.len(), back.sequence), (None, 0, 2));
    // Written by a program that kept both starts.
    let kept = Event { previous: vec![concert().start, moved.start], ..concert() };
    assert_eq!(kept.status_words(), None);
}

#[test]
fn a_moved_event_says_what_it_was_as_far_as_that_differs() {
    let moved = |previous: &[&str], start: &str| {
        let event = Event { start: local(start), previous: previous.iter().map(|p| local(p)).collect(), ..concert() };
        (event.status_words(), event.was_words())
    };
    let said = |status, was: &str| (Some(status), Some(was.to_owned()));
    assert_eq!(moved(&["2026-12-05T20:00"], "2026-12-05T19:30"), said("New time", "20:00"));
    assert_eq!(moved(&["2026-12-31T20:00"], "2026-12-30T20:00"), said("New date", "31 December"));
    assert_eq!(moved(&["2026-12-31T20:00"], "2027-01-02T20:00"), said("New date", "31 December 2026"));
    // Another time on the new day does not hide that the day is new.
    assert_eq!(moved(&["2026-12-05T20:00", "2026-12-06T20:00"], "2026-12-06T21:00"), said("New date", "5 December"));
    assert_eq!(moved(&[], "2026-12-05T20:00"), (None, None));
}

#[test]
fn changes_of_single_dates_follow_a_series_to_another_time_and_are_named_when_their_date_is_gone() {
    let cancelled = Override { status: Some(Status::Cancelled), ..Override::new("2026-12-12T20:00") };
    let moved = Override { start: Some(local("2026-12-20T15:00")), ..Override::new("2026-12-19T20:00") };
    let older = Event {
        recur: Some(weekly()),
        overrides: vec![cancelled.clone(), moved.clone(), Override { gone: true, ..Override::new("2026-12-26T20:00") }],
        ..concert()
    };
    let mut later = Event { start: local("2026-12-05T21:30"), ..older.clone() };
    assert_eq!(later.carry_overrides(&older), []);
    assert_eq!(later.check(), Ok(()));
    let names: Vec<&str> = later.overrides.iter().map(|o| o.at.as_str()).collect();
    assert_eq!(names, ["2026-12-12T21:30", "2026-12-19T21:30", "2026-12-26T21:30"]);
    assert_eq!(later.overrides[1].start, Some(local("2026-12-20T15:00")));

    let by_day = |day: &str| Some(Rule { by_day: vec![day.into()], ..weekly() });
    let mut sunday = Event { start: local("2026-12-06T20:00"), recur: by_day("SU"), ..older.clone() };
    assert_eq!(sunday.carry_overrides(&older), [cancelled, moved]);
    assert!(sunday.overrides.is_empty());

    let mut whole_days = Event { start: day("2026-12-05"), duration: None, ..older.clone() };
    assert_eq!(whole_days.carry_overrides(&older), []);
    assert_eq!(whole_days.check(), Ok(()));
}

#[test]
fn one_date_of_a_series_carries_its_own_changes() {
    let mut event = full();
    event.overrides[0].start = Some(local("2026-12-13T19:00"));
    event.overrides[0].note = Some("Singer is ill".into());
    let window = local("2026-12-12T00:00").instant("UTC")..local("2026-12-15T00:00").instant("UTC");
    let dates = recur::expand(&event, window, "UTC", recur::BUDGET).instances;
    let date = event.on(&dates[0]);
    assert_eq!(date.start, local("2026-12-13T19:00"));
    assert_eq!(date.status_words(), Some("Cancelled"));
    assert_eq!(date.status_note.as_deref(), Some("Singer is ill"));
    assert_eq!((date.name.as_str(), date.recur, date.overrides.len()), ("Concert", None, 0));
}

#[test]
fn a_card_says_where_when_and_what_it_costs() {
    let card = full().card();
    assert_eq!(card.place.as_deref(), Some("Old Hall, Cottbus"));
    let fact = |label: &str| card.facts.iter().find(|(l, _)| l == label).map(|(_, value)| value.as_str());
    assert_eq!(fact("When"), Some("Saturday 5 December 2026, 20:00–23:00 (Europe/Berlin)"));
    assert_eq!(fact("Repeats"), Some("every week on Saturday"));
    assert_eq!(fact("Price"), Some("8–12 EUR"));
    assert_eq!(fact("Status"), Some("New date"));
    assert_eq!(full().links(), vec![poster().blob]);
}

#[test]
fn prices_follow_the_currency_and_zero_is_free() {
    let price = |min, max, currency: &str| Price { min, max, currency: currency.into(), note: None }.words();
    assert_eq!(price(805, None, "EUR"), "8.05 EUR");
    assert_eq!(price(805, Some(805), "JPY"), "805 JPY");
    assert_eq!(price(1005, None, "KWD"), "1.005 KWD");
    assert_eq!(price(0, None, "EUR"), "free");
    assert_eq!(price(0, Some(500), "EUR"), "0–5 EUR");
    let noted = |min, note: &str| Price { min, max: None, currency: "EUR".into(), note: Some(note.into()) }.words();
    assert_eq!(noted(0, "Donation, 5 EUR would help"), "Donation, 5 EUR would help");
    assert_eq!(noted(0, "donations welcome"), "free (donations welcome)");
    assert_eq!(noted(500, "pay what you can"), "5 EUR (pay what you can)");
}

#[test]
fn categories_are_sorted_words_without_repeats() {
    assert!(event::CATEGORIES.is_sorted_by(|a, b| a.0 < b.0));
}

#[test]
fn a_place_that_keeps_its_address_carries_nothing_that_leads_there() {
    let home = Place { show: Some(ShowPlace::Ask), country: Some("DE".into()), ..hall() };
    let with = |place: Place| Event { places: vec![place], ..concert() }.check();
    assert_eq!(with(home.clone()), Ok(()));
    for place in [
        Place { street: Some("Hidden Road 1".into()), ..home.clone() },
        Place { postcode: Some("SW1A 1AA".into()), ..home.clone() },
        Place { lat_e7: Some(1), lon_e7: Some(1), ..home.clone() },
        Place { access: Some("Ring at Miller".into()), ..home.clone() },
        Place { venue: Some(uri("org.folkmoot.venue")), ..home.clone() },
    ] {
        assert_eq!(with(place.clone()).unwrap_err().field, "places[0]");
        assert_eq!(with(place.area()), Ok(()));
        let of_one_date = Override { places: Some(vec![place]), ..Override::new("2026-12-12T20:00") };
        let series = Event { recur: Some(weekly()), overrides: vec![of_one_date], ..concert() };
        assert_eq!(series.check().unwrap_err().field, "overrides[0].places[0]");
    }
}

#[test]
fn a_change_of_one_date_outdates_the_answers_to_that_date_alone() {
    let series = Event { recur: Some(weekly()), ..Event::new("Choir", local("2026-12-05T20:00")) };
    let said =
        |event: &Event, seen| [None, Some("2026-12-12"), Some("2026-12-19")].map(|day| event.outdates(&saw(seen), day));
    let mut one_off = Event {
        overrides: vec![Override { status: Some(Status::Cancelled), ..Override::new("2026-12-12T20:00") }],
        ..series.clone()
    };
    one_off.follow(&series);
    assert_eq!((one_off.sequence, said(&one_off, 0)), (1, [false, true, false]));
    assert_eq!(said(&one_off, 1), [false; 3]);
    assert_eq!(said(&one_off, 2), [true; 3], "a plan that was never made");

    // Taken back, that date changed again; the others still stand.
    let mut on_again = Event { overrides: Vec::new(), ..one_off.clone() };
    on_again.follow(&one_off);
    assert_eq!(
        (on_again.sequence, said(&on_again, 0), said(&on_again, 1)),
        (2, [false, true, false], [false, true, false])
    );

    // A change of the series is one of every date.
    let mut moved = Event { duration: Some(7200), ..on_again.clone() };
    moved.follow(&on_again);
    assert_eq!((moved.sequence, said(&moved, 2)), (3, [true; 3]));
    assert_eq!((moved.all_since, moved.dates_since.len()), (None, 0));

    // Nothing that people must know leaves all as it was.
    let mut renamed = Event { name: "Big choir".into(), ..one_off.clone() };
    renamed.follow(&one_off);
    assert_eq!((renamed.sequence, said(&renamed, 0)), (1, [false, true, false]));
    // A single event has but one date.
    let single = Event { recur: None, overrides: Vec::new(), ..one_off };
    assert!(single.outdates(&saw(0), None));
}

#[test]
fn of_two_changes_that_count_alike_an_answer_is_to_the_one_it_saw() {
    let (early, late) = (local("2026-12-05T19:00"), local("2026-12-05T21:00"));
    let moved = |start: &Start| {
        let mut event = Event { start: start.clone(), ..concert() };
        event.follow(&concert());
        event
    };
    let [early, late] = [&early, &late].map(moved);
    let answer = Rsvp { seen_plan: Some(early.plan_id(None)), ..saw(1) };
    assert_eq!((early.sequence, late.sequence), (1, 1));
    assert!(!early.outdates(&answer, None) && late.outdates(&answer, None));
    let renamed = Event { name: "Big concert".into(), access: Some("Ring".into()), ..early.clone() };
    assert!(!renamed.outdates(&answer, None), "what need not be asked again is no other plan");
    assert!(!late.outdates(&saw(1), None), "who cannot tell is believed by the number");

    // Of a series, each date is a plan of its own.
    let on = |change: Override| {
        let before = Event { recur: Some(weekly()), ..concert() };
        let mut event = Event { overrides: vec![change], ..before.clone() };
        event.follow(&before);
        event
    };
    let off = on(Override { status: Some(Status::Cancelled), ..Override::new("2026-12-12T20:00") });
    let other = on(Override { start: Some(local("2026-12-13T20:00")), ..Override::new("2026-12-12T20:00") });
    let to = |day: Option<&str>| {
        let occurrence = day.map(|day| format!("{day}T20:00"));
        Rsvp { occurrence, seen_plan: Some(off.plan_id(day)), ..saw(1) }
    };
    for (day, outdated) in [(None, false), (Some("2026-12-12"), true), (Some("2026-12-19"), false)] {
        assert_eq!((off.outdates(&to(day), day), other.outdates(&to(day), day)), (false, outdated), "{day:?}");
    }
    let ids = [off.plan_id(None), off.plan_id(Some("2026-12-12")), off.plan_id(Some("2026-12-11"))];
    assert!(ids.iter().all(|id| is_plan_id(id)) && ids[0] != ids[1] && ids[1] != ids[2]);
    assert_eq!(off.plan_id(Some("2026-12-11")), other.plan_id(Some("soon")), "no date of it");
}

#[test]
fn a_change_of_the_series_outdates_no_answer_to_a_date_it_leaves_as_it_was() {
    let with = |time: &str, overrides| Event {
        recur: Some(weekly()),
        duration: None,
        overrides,
        ..Event::new("Choir", local(&format!("2026-12-05T{time}")))
    };
    let elsewhen = |at: &str| Override { start: Some(local("2026-12-11T18:00")), ..Override::new(at) };
    let before = with("20:00", vec![elsewhen("2026-12-12T20:00")]);
    let mut earlier = with("19:00", vec![elsewhen("2026-12-12T19:00")]);
    earlier.follow(&before);
    let to = |event: &Event, day: Option<&str>| Rsvp {
        occurrence: day.map(|day| format!("{day}T20:00")),
        seen_plan: Some(event.plan_id(day)),
        ..saw(event.sequence)
    };
    let outdated = |event: &Event, answer: &Rsvp| event.outdates(answer, answer.day());
    let [all, same, other] = [None, Some("2026-12-12"), Some("2026-12-19")].map(|day| to(&before, day));
    assert_eq!([&all, &same, &other].map(|answer| outdated(&earlier, answer)), [true, false, true]);
    assert!(outdated(&earlier, &Rsvp { seen_plan: None, ..same.clone() }), "who cannot tell is believed by the number");
    assert!(outdated(&earlier, &Rsvp { seen_sequence: 2, ..same.clone() }), "a plan that was never made");

    // The date itself was called off and is back: whoever answered before is asked again.
    let off = Override { status: Some(Status::Cancelled), ..Override::new("2026-12-12T20:00") };
    let mut called_off = with("20:00", vec![off]);
    called_off.follow(&before);
    let mut back = before.clone();
    back.follow(&called_off);
    assert_eq!(same.seen_plan, Some(back.plan_id(Some("2026-12-12"))));
    assert!(outdated(&back, &same));
    // So is who answered a whole event that went elsewhere and came back.
    let mut returned = before.clone();
    returned.follow(&earlier);
    assert_eq!([&all, &same].map(|answer| outdated(&returned, answer)), [true, false]);
}

#[test]
fn the_plan_of_a_date_is_that_of_the_event_it_is_then() {
    let place = || Some(vec![hall()]);
    let changes = [
        Override::new("2026-12-12T20:00"),
        Override { status: Some(Status::Cancelled), note: Some("Ice".into()), ..Override::new("2026-12-12T20:00") },
        Override { start: Some(local("2026-12-13T18:00")), duration: Some(60), ..Override::new("2026-12-12T20:00") },
        Override { places: place(), name: Some("Elsewhere".into()), ..Override::new("2026-12-12T20:00") },
        Override { gone: true, ..Override::new("2026-12-12T20:00") },
    ];
    let mut stamps = std::collections::BTreeSet::new();
    for change in changes {
        let series = Event { recur: Some(weekly()), open_end: true, overrides: vec![change], ..concert() };
        for day in ["2026-12-12", "2026-12-19"] {
            assert_eq!(series.plan_id(Some(day)), series.on_day(day).unwrap().plan_id(None), "{day} of {series:?}");
        }
        stamps.insert(series.plan_stamp());
    }
    assert_eq!(stamps.len(), 5);
}
