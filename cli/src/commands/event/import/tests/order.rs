//! Whatever files say, and in whatever order.

use proptest::prelude::*;

use super::*;

/// One of many things a file can say, by numbers; on day 0 without saying when.
fn word((kind, sequence, day): (u8, u32, u32), n: usize) -> String {
    let hard = CHOIR.replace("FREQ=WEEKLY", "FREQ=MONTHLY;BYDAY=TH;BYSETPOS=1;COUNT=5");
    let named = |lines: &str| lines.replace("Choir", &format!("Choir {n}"));
    let date = if n.is_multiple_of(2) { "20270114" } else { "20270204" };
    let moved = format!("SUMMARY:Date {n}\nRECURRENCE-ID:{date}T183000Z\nDTSTART:{date}T{:02}0000Z", 10 + n);
    let off = format!("SUMMARY:Choir\nRECURRENCE-ID:{date}T183000Z");
    let text = match kind {
        0 => file("", sequence, day, &named(CHOIR)),
        1 => file("REQUEST", sequence, day, &named(CHOIR)),
        2 => file("", sequence, day, &named(&hard)),
        3 => file("REQUEST", sequence, day, &moved),
        4 => file("CANCEL", sequence, day, &off),
        5 => file("CANCEL", sequence, day, "SUMMARY:Choir"),
        6 => file("CANCEL", sequence, day, "SUMMARY:Choir").replace(&format!("SEQUENCE:{sequence}\r\n"), ""),
        7 => file("", sequence, day, &format!("{}\nEXDATE:{date}T183000Z", named(CHOIR))),
        8 => file("CANCEL", sequence, day, &off).replace(&format!("SEQUENCE:{sequence}\r\n"), ""),
        _ => file("", sequence, day, &named(&CHOIR.replace("\nRRULE:FREQ=WEEKLY", ""))),
    };
    text.replace("DTSTAMP:20261100T100000Z\r\n", "")
}

fn words(most: usize) -> impl Strategy<Value = Vec<String>> {
    let one = (0u8..10, 0u32..3, 0u32..5);
    let texts = |words: Vec<_>| words.into_iter().zip(1..).map(|(of, n)| word(of, n)).collect();
    proptest::collection::vec(one, 0..most).prop_map(texts)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_second_import_of_the_same_files_changes_nothing(files in words(7), before in words(4)) {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let mut world = World::default();
        for file in &before {
            world.import(&[file]);
        }
        world.import(&files);
        let events: Vec<Event> = world.events.iter().map(|(_, event)| event.clone()).collect();
        let done = world.import(&files);
        prop_assert!(done.acts.iter().all(|(_, act)| *act == "unchanged"), "{:?}\n{}", done.acts, done.said);
        prop_assert_eq!(events, world.events.iter().map(|(_, event)| event.clone()).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_of_files_does_not_matter(files in words(6), shuffle in any::<u64>()) {
        let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
        let one = World::after(&files);
        let by = files.len();
        for n in 0..by {
            files.swap(n, (shuffle >> (8 * n)) as usize % by);
        }
        let other = World::after(&files);
        prop_assert_eq!(one.keys(), other.keys());
        for key in one.keys() {
            let of = |world: &World| world.events.iter().find(|(_, e)| e.source.as_ref().unwrap().uid.as_deref() == Some(key)).unwrap().1.clone();
            prop_assert_eq!(of(&one), of(&other), "{}", key);
        }
    }

    #[test]
    fn cancellations_come_to_the_same_imports_before_what_they_call_off(files in words(7)) {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let (off, on): (Vec<&str>, Vec<&str>) = files.iter().partition(|file| file.contains("METHOD:CANCEL"));
        let (one, mut other) = (World::after(&files), World::after(&off));
        other.import(&on);
        prop_assert_eq!(one.keys(), other.keys());
        for (item, event) in &one.events {
            let same = other.events.iter().any(|(_, other)| other == event);
            prop_assert!(same, "{} {:?}\n{:?}", item.uri, event, other.events);
        }
    }
}
