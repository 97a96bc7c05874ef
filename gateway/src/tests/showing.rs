use axum::http::StatusCode;
use folkmoot_schemas::{
    charter::Visibility,
    records::{
        poll::Poll,
        profile::{Profile, ProfileKind},
        revision::Revision,
        venue::Venue,
    },
    roster::Describe,
};
use serde_json::json;

use super::{ask, page};
use crate::sample::{self, Sample, event, post, river_street};

#[test]
fn home_shows_what_is_coming_and_what_was_written() {
    let river = river_street();
    let home = page(&river.sample.store, "/");
    assert_eq!(home.matches("<h1").count(), 1);
    for expected in [
        "River Street",
        "The Low Tides + Marta Quill",
        "Bicycle workshop",
        "<strong class=\"badge postponed\">Postponed</strong>",
        "The kitchen floor is being painted.",
        "The roof is paid for.",
        "2 replies",
        "(Europe/London)",
        "webcal://moot.example/calendar.ics",
    ] {
        assert!(home.contains(expected), "{expected}");
    }
    assert!(!home.contains("Yard cinema"), "it is over");
    assert!(!home.contains("I think it is Ada"), "a reply is shown in its thread");
    assert!(home.len() < 30_000);
}

#[test]
fn an_event_page_says_what_changed_and_who_confirmed_since() {
    let river = river_street();
    let gig = page(&river.sample.store, &format!("/e/{}", river.gig.uri.short_id()));
    for expected in [
        "Was <s>Friday 25 September 2026, 20:00</s>",
        "3 said yes (not confirmed) · 1 maybe",
        "2 of those going answered before the event was changed.",
        "Ada, Ben Okafor",
        "mailto:stage@river.example?subject=The%20Low%20Tides",
        "EventRescheduled",
        "\"previousStartDate\":\"2026-09-25T20:00:00+02:00\"",
        "New day: we play on",
    ] {
        assert!(gig.contains(expected), "{expected}");
    }
}

#[test]
fn a_picture_is_served_also_after_its_event_was_changed() {
    let river = river_street();
    let gig = page(&river.sample.store, &format!("/e/{}", river.gig.uri.short_id()));
    let (_, rest) = gig.split_once("src=\"/b/").unwrap();
    let (cid, _) = rest.split_once('"').unwrap();
    assert_eq!(ask(&river.sample.store, &format!("/b/{cid}")).status, StatusCode::OK);
}

#[test]
fn a_series_is_one_event_with_a_page_for_each_date() {
    let river = river_street();
    let (store, id) = (&river.sample.store, river.quiz.uri.short_id());
    let quiz = page(store, &format!("/e/{id}"));
    assert!(quiz.contains("every week on Tuesday") && quiz.contains("harbour special"), "{quiz}");
    let cancelled = page(store, &format!("/e/{id}/at/2026-10-06T19:30"));
    assert!(cancelled.contains("<strong>Cancelled</strong>") && cancelled.contains("EventCancelled"));
    let moved = page(store, &format!("/e/{id}/at/2026-10-20T19:30"));
    assert!(
        moved.contains("Tuesday 20 October 2026") && moved.contains("20:00–22:00") && moved.contains("harbour special")
    );
    assert_eq!(ask(store, &format!("/e/{id}/at/2026-10-21T19:30")).status, StatusCode::NOT_FOUND);
}

#[test]
fn lists_and_pages_say_that_a_date_was_moved_and_from_when() {
    let at = |local: &str| json!({"local": local, "zone": "Europe/Berlin"});
    let sample = with_events([
        json!({"name": "Choir", "start": at("2026-12-03T20:00"), "recur": {"freq": "weekly"},
               "overrides": [{"at": "2026-12-31T20:00", "start": at("2026-12-30T20:00"), "note": "New Year"}]}),
        json!({"name": "Tea", "start": at("2026-12-02T16:00"), "previous": [at("2026-12-02T15:00")], "sequence": 1}),
    ]);
    let month = page(&sample.store, "/events/2026/12/");
    assert_eq!(month.matches("New date, was Thursday 31 December").count(), 1, "{month}");
    assert_eq!(month.matches("New time, was 15:00").count(), 1);
    let address = |name: &str| {
        let before = month.split(&format!(">{name}<")).next().unwrap();
        before.rsplit("href=\"").next().unwrap().split('"').next().unwrap().to_owned()
    };
    assert!(page(&sample.store, &address("Tea")).contains("<strong>New time, was 15:00</strong>"));
    let choir = address("Choir");
    let (series, _) = choir.split_once("/at/").unwrap();
    let moved = page(&sample.store, &format!("{series}/at/2026-12-31T20:00"));
    assert!(moved.contains("<strong>New date, was Thursday 31 December</strong> <span>New Year</span>"), "{moved}");
    let plain = page(&sample.store, &format!("{series}/at/2026-12-10T20:00"));
    let (own, _) = plain.split_once("<h1").unwrap();
    assert!(!own.contains("class=\"status"));
    assert!(page(&sample.store, series).contains("New date, was Thursday 31 December"));
}

#[test]
fn an_event_page_says_until_when_answers_are_taken_and_how_many_one_may_bring() {
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let describe = Describe { zone: Some("Europe/Berlin".into()), ..Describe::default() };
    let community = sample.found(&ada, "Club", Visibility::Public, describe);
    // The sample's now is 16:13 in Berlin.
    let shown = |rules: serde_json::Value| {
        let start = json!({"local": "2026-09-26T20:00", "zone": "Europe/Berlin"});
        let gig = sample.publish(&ada, &community, event(json!({"name": "Gig", "start": start, "rsvp": rules})));
        page(&sample.store, &format!("/e/{}", gig.uri.short_id()))
    };
    let until = |local: &str| json!({"local": local, "zone": "Europe/Berlin"});
    let open = shown(json!({"closes": until("2026-09-21T16:15"), "plus_max": 3}));
    let said = "Answers until Monday 21 September 2026, 16:15 (Europe/Berlin). Each may bring up to 3 others.";
    assert!(open.contains(said) && open.contains("Members answer with"), "{open}");
    let closed = shown(json!({"closes": until("2026-09-21T16:10"), "plus_max": 3}));
    assert!(closed.contains("Answers closed Monday 21 September 2026, 16:10 (Europe/Berlin).<"), "{closed}");
    assert!(!closed.contains("Members answer with") && !closed.contains("may bring"));
    // A day alone ends answers as it begins, where the community is.
    let day = shown(json!({"closes": {"date": "2026-09-22"}}));
    assert!(day.contains("Answers until Tuesday 22 September 2026, 00:00 (Europe/Berlin)."));
    // Also where nobody is told who comes.
    let hidden = shown(json!({"show": "hosts", "closes": until("2026-09-22T12:00"), "plus_max": 0}));
    assert!(hidden.contains("12:00 (Europe/Berlin). Nobody may bring others.") && !hidden.contains("Who is going"));
    assert!(!shown(json!({"mode": "open"})).contains("class=\"terms\""));
}

#[test]
fn a_feed_says_which_dates_of_a_series_are_off_or_moved_and_what_a_moved_event_was() {
    let at = |local: &str| json!({"local": local, "zone": "Europe/Berlin"});
    let sample = with_events([
        json!({"name": "Choir", "start": at("2026-09-03T20:00"), "recur": {"freq": "weekly"}, "overrides": [
            {"at": "2026-09-10T20:00", "status": "cancelled", "note": "Long over"},
            {"at": "2026-12-31T20:00", "start": at("2026-12-30T20:00")},
            {"at": "2026-12-24T20:00", "status": "cancelled", "note": "Christmas"},
            {"at": "2026-12-17T20:00", "start": at("2026-12-17T21:00")},
            {"at": "2026-11-05T20:00", "start": at("2026-11-06T19:00"), "note": "<Hall> closed"},
            {"at": "2026-11-12T20:00", "name": "Open rehearsal"},
            {"at": "2026-11-13T20:00", "status": "cancelled", "note": "No such date"}]}),
        json!({"name": "Tea", "start": at("2026-12-02T16:00"), "previous": [at("2026-12-03T16:00")], "sequence": 1}),
    ]);
    let feed = page(&sample.store, "/events.atom");
    let said = [
        "Friday 6 November, 19:00 instead of Thursday 5 November, 20:00: &amp;lt;Hall&amp;gt; closed&lt;",
        "Thursday 17 December 2026, 21:00, was 20:00&lt;",
        "Thursday 24 December 2026 is cancelled: Christmas&lt;",
        "Wednesday 30 December instead of Thursday 31 December&lt;",
    ];
    let places: Vec<_> = said.map(|text| feed.find(text).unwrap_or_else(|| panic!("{text}: {feed}"))).into();
    assert!(places.is_sorted());
    assert!(feed.contains("New date, was Thursday 3 December&lt;"), "{feed}");
    for not in ["Long over", "No such date", "12 November"] {
        assert!(!feed.contains(not), "{not}");
    }
}

#[test]
fn a_change_of_one_date_is_the_newest_entry_of_the_feed() {
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Club", Visibility::Public, Describe::default());
    let weekly = |overrides: serde_json::Value| {
        event(
            json!({"name": "Choir", "start": {"date": "2026-09-03"}, "recur": {"freq": "weekly"}, "overrides": overrides}),
        )
    };
    let choir = sample.publish(&ada, &community, weekly(json!([])));
    sample.publish(&ada, &community, event(json!({"name": "Tea", "start": {"date": "2026-10-01"}})));
    let first = |feed: &str| feed.split("<entry").nth(1).unwrap().to_owned();
    assert!(first(&page(&sample.store, "/events.atom")).contains("Tea"));
    sample.edit(&ada, &choir.uri, weekly(json!([{"at": "2026-12-24", "status": "cancelled"}])));
    let feed = page(&sample.store, "/events.atom");
    assert!(first(&feed).contains("Thursday 24 December 2026 is cancelled"), "{feed}");
    let updated = |text: &str| text.split("<updated>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    assert_eq!(updated(&feed), updated(&first(&feed)), "the feed's own time is its newest entry's");
}

#[test]
fn search_engines_are_told_the_author_first_and_people_and_bands_as_what_they_are() {
    let sample = Sample::new();
    let [ada, ben, cleo, tides] = [1, 2, 3, 4].map(|n| sample.somebody(n));
    let community = sample.found(&ada, "Club", Visibility::Public, Describe::default());
    for who in [&ben, &cleo, &tides] {
        sample.add(&ada, &community, who);
    }
    let profile = |name: &str, kind| Profile { name: name.into(), kind, ..Profile::default() };
    sample.publish(&ada, &community, profile("Ada", ProfileKind::Person));
    sample.publish(&tides, &community, profile("The Low Tides", ProfileKind::Band));
    sample.publish(&cleo, &community, profile("Kitchen", ProfileKind::Group));
    let organizers = |hosts: serde_json::Value| -> Vec<String> {
        let gig = event(json!({"name": "Gig", "start": {"date": "2026-09-26"}, "hosts": hosts}));
        let gig = sample.publish(&ada, &community, gig);
        let shown = page(&sample.store, &format!("/e/{}", gig.uri.short_id()));
        let (_, rest) = shown.split_once("<script type=\"application/ld+json\">").unwrap();
        let data: serde_json::Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
        let all = match &data["organizer"] {
            serde_json::Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        };
        let word = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap().to_owned();
        all.iter().map(|one| format!("{} {}", word(one, "@type"), word(one, "name"))).collect()
    };
    let host =
        |who: &sample::Somebody, name: &str| json!({"name": name, "role": "cohost", "did": who.did().to_string()});
    assert_eq!(
        organizers(json!([
            host(&ben, "Ben"), host(&tides, "The Low Tides"), host(&cleo, "Kitchen"),
            {"name": "Harbour Trust", "role": "host"}, {"name": "Old Mill", "role": "venue"},
        ])),
        [
            "Person Ada",
            "Person Ben",
            "PerformingGroup The Low Tides",
            "Organization Kitchen",
            "Organization Harbour Trust"
        ]
    );
    assert_eq!(organizers(json!([host(&ben, "Ben"), host(&ada, "Ada")])), ["Person Ben", "Person Ada"]);
    assert_eq!(organizers(json!([])), ["Organization Club"]);
}

#[test]
fn lists_go_on_without_losing_or_repeating_a_date() {
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Busy", Visibility::Public, Describe::default());
    for n in 0..90 {
        // Three at the same moment, so that a page's end falls among equals.
        let day = n / 3;
        for (month, when) in [("10", "coming"), ("08", "past")] {
            let local = format!("2026-{month}-{:02}T20:00", day % 28 + 1);
            let zone = if day >= 28 { "Europe/London" } else { "Europe/Berlin" };
            sample.publish(
                &ada,
                &community,
                event(serde_json::json!({
                    "name": format!("{when} {n:02}."), "start": {"local": local, "zone": zone},
                    "previous": [{"local": "2025-12-31T20:00", "zone": zone}],
                })),
            );
        }
    }
    for (first, when) in [("/events/", "coming"), ("/events/past/", "past"), ("/events/2026/08/", "past")] {
        let (mut path, mut seen, mut pages) = (first.to_owned(), Vec::new(), 0);
        loop {
            let html = page(&sample.store, &path);
            assert!(html.len() < 30_000, "{} bytes", html.len());
            seen.extend((0..90).map(|n| format!("{when} {n:02}.")).filter(|name| html.contains(&format!(">{name}<"))));
            pages += 1;
            let next = html.split("href=\"?").nth(1).and_then(|rest| rest.split_once('"'));
            let Some((query, _)) = next else { break };
            path = format!("{first}?{query}");
        }
        assert!(pages > 1);
        assert_eq!(seen.len(), 90, "{first}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 90, "{first}");
    }
}

#[test]
fn posts_go_on_page_by_page() {
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Chatty", Visibility::Public, Describe::default());
    let root = sample.publish(&ada, &community, post("number 00."));
    for n in 1..25 {
        sample.publish(&ada, &community, post(&format!("number {n:02}.")));
        sample.reply(&ada, &root, &root, &format!("answer {n:02}. {}", "long ".repeat(300)));
    }
    let first = page(&sample.store, "/posts/");
    assert!(first.contains("number 24.") && first.contains("number 15.") && !first.contains("number 14."));
    let (_, rest) = first.split_once("href=\"?").unwrap();
    let second = page(&sample.store, &format!("/posts/?{}", rest.split_once('"').unwrap().0));
    assert!(second.contains("number 14.") && second.contains("number 05.") && !second.contains("number 15."));

    let thread = format!("/n/{}", root.uri.short_id());
    let (mut path, mut seen) = (thread.clone(), 0);
    loop {
        let html = page(&sample.store, &path);
        assert!(html.len() < 30_000);
        seen += html.matches("answer ").count();
        let Some((_, rest)) = html.split_once("href=\"?skip=") else { break };
        path = format!("{thread}?skip={}", rest.split_once('"').unwrap().0);
    }
    assert_eq!(seen, 24);
}

#[test]
fn what_was_deleted_is_gone_and_what_never_was_is_not_found() {
    let river = river_street();
    let store = &river.sample.store;
    assert_eq!(ask(store, &format!("/n/{}", river.deleted.short_id())).status, StatusCode::GONE);
    assert_eq!(ask(store, "/n/aaaaaaaaaaaaaaaa").status, StatusCode::NOT_FOUND);
    // A post is no event, and the other way round.
    assert_eq!(ask(store, &format!("/e/{}", river.thread.uri.short_id())).status, StatusCode::NOT_FOUND);
    assert_eq!(ask(store, &format!("/n/{}", river.gig.uri.short_id())).status, StatusCode::NOT_FOUND);
}

#[test]
fn a_members_community_looks_like_one_that_never_was() {
    let river = river_street();
    let ada = river.sample.somebody(1);
    let hidden = river.sample.found(&ada, "Hidden", Visibility::Members, Describe::default());
    let secret = river.sample.publish(&ada, &hidden, post("the password is plum"));
    let store = &river.sample.store;
    let never = folkmoot_schemas::block::cid_of(folkmoot_schemas::block::DAG_CBOR, b"never");
    let id = secret.uri.short_id();
    for rest in ["/", "/events/", "/calendar.ics", "/feed.atom", "/about", "/style.css", &format!("/n/{id}")] {
        let (private, absent) = (ask(store, &format!("/c/{hidden}{rest}")), ask(store, &format!("/c/{never}{rest}")));
        assert_eq!(private.status, StatusCode::NOT_FOUND);
        assert_eq!(private.text(), absent.text(), "{rest}");
    }
    let (private, absent) = (ask(store, &format!("/n/{id}")), ask(store, "/n/aaaaaaaaaaaaaaaa"));
    assert_eq!((private.status, private.text()), (StatusCode::NOT_FOUND, absent.text()));
    for path in ["/", "/posts/", "/about", "/feed.atom"] {
        let text = page(store, path);
        assert!(!text.contains("Hidden") && !text.contains("plum\""), "{path}");
    }
    assert!(page(store, "/").contains("<h1 lang=\"en\">River Street</h1>"), "still the only public one");
}

#[test]
fn with_two_public_communities_the_root_merges_them() {
    let river = river_street();
    let ben = river.sample.somebody(2);
    let other = river.sample.found(&ben, "Hill & Dale", Visibility::Public, Describe::default());
    river.sample.publish(
        &ben,
        &other,
        event(serde_json::json!({"name": "Hill walk", "start": {"date": "2026-09-28"}})),
    );
    let store = &river.sample.store;
    let home = page(store, "/");
    assert!(home.contains("Hill &#38; Dale") && home.contains("River Street") && home.contains("Hill walk"));
    assert!(home.contains(&format!("href=\"/c/{}/e/{}\"", river.community, river.gig.uri.short_id())));
    let calendar = page(store, "/calendar.ics");
    assert!(calendar.contains("SUMMARY:Hill walk") && calendar.contains("SUMMARY;LANGUAGE=en:Kitchen quiz"));
    assert!(page(store, &format!("/c/{other}/calendar.ics")).contains("X-WR-CALNAME:Hill & Dale"));
    assert!(!page(store, &format!("/c/{other}/")).contains("Kitchen quiz"));
    // An address from the time when there was one community still finds its page.
    assert!(page(store, &format!("/e/{}", river.gig.uri.short_id())).contains("Marta Quill"));
}

#[test]
fn below_its_id_a_community_answers_with_the_same_pages() {
    let river = river_street();
    let store = &river.sample.store;
    let (root, own) = (page(store, "/about"), page(store, &format!("/c/{}/about", river.community)));
    assert!(own.contains(&format!("href=\"/c/{}/events/\"", river.community)));
    let canonical = "<link rel=\"canonical\" href=\"https://moot.example/about\">";
    assert!(root.contains(canonical) && own.contains(canonical));
}

#[test]
fn calendar_and_feed_are_equal_byte_by_byte_in_two_stores_with_the_same_data() {
    let (a, b) = (river_street(), river_street());
    for path in ["/calendar.ics", "/feed.atom", "/events.atom", "/"] {
        assert_eq!(page(&a.sample.store, path), page(&b.sample.store, path), "{path}");
    }
    let calendar = page(&a.sample.store, "/calendar.ics");
    assert!(calendar.contains("RRULE:FREQ=WEEKLY;BYDAY=TU\r\n"), "{calendar}");
    assert!(calendar.contains("RECURRENCE-ID;TZID=Europe/Berlin:20261006T193000\r\n"));
    assert!(!calendar.contains("ATTENDEE") && !calendar.contains("METHOD") && !calendar.contains("VALARM"));
    let gig = page(&a.sample.store, &format!("/e/{}.ics", a.gig.uri.short_id()));
    assert!(gig.contains("SEQUENCE:1\r\n") && gig.contains("DTSTART;TZID=Europe/Berlin:20260926T200000\r\n"));
}

/// A public community of one, with these events.
fn with_events(events: impl IntoIterator<Item = serde_json::Value>) -> sample::Sample {
    let sample = sample::Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Club", Visibility::Public, Describe::default());
    for fields in events {
        sample.publish(&ada, &community, sample::event(fields));
    }
    sample
}

#[test]
fn the_calendar_reaches_from_90_days_ago_to_400_ahead_and_keeps_what_was_cancelled() {
    // The sample's today is 21 September 2026.
    let sample = with_events([
        json!({"name": "Too long ago", "start": {"date": "2026-06-20"}}),
        json!({"name": "Cancelled long ago", "start": {"date": "2026-06-27"}, "status": "cancelled"}),
        json!({"name": "Far ahead", "start": {"date": "2027-10-20"}}),
        json!({"name": "Too far ahead", "start": {"date": "2027-10-30"}}),
        json!({"name": "Weekly for years", "start": {"date": "2020-01-07"}, "recur": {"freq": "weekly"},
               "overrides": [{"at": "2026-08-25", "status": "cancelled"}]}),
        json!({"name": "Weekly until spring", "start": {"date": "2020-01-07"}, "recur": {"freq": "weekly", "until": "2026-04-01"}}),
    ]);
    let calendar = page(&sample.store, "/calendar.ics");
    for name in ["Cancelled long ago", "Far ahead", "Weekly for years"] {
        assert!(calendar.contains(&format!("\r\nSUMMARY:{name}\r\n")), "{name}");
    }
    for name in ["Too long ago", "Too far ahead", "Weekly until spring"] {
        assert!(!calendar.contains(name), "{name}");
    }
    let cancelled = calendar.split("BEGIN:VEVENT").filter(|event| event.contains("STATUS:CANCELLED"));
    assert_eq!(cancelled.count(), 2, "the event, and one date of the series");
}

#[test]
fn a_calendar_holds_no_more_than_2000_dates() {
    let daily = |n| json!({"name": format!("Daily {n}"), "start": {"date": "2026-09-01"}, "recur": {"freq": "daily"}});
    let last = |day: &str| json!({"name": format!("On {day}"), "start": {"date": day}});
    let sample = with_events((0..5).map(daily).chain([last("2027-09-01"), last("2027-10-20")]));
    let calendar = page(&sample.store, "/calendar.ics");
    assert_eq!(calendar.matches("\r\nRRULE:FREQ=DAILY\r\n").count(), 5);
    assert!(calendar.contains("On 2027-09-01") && !calendar.contains("On 2027-10-20"));
}

#[test]
fn an_event_keeps_its_uid_and_place_in_the_calendar_when_it_is_changed() {
    let river = river_street();
    let store = &river.sample.store;
    let uids = || -> Vec<String> {
        page(store, "/calendar.ics").lines().filter(|l| l.starts_with("UID:")).map(ToOwned::to_owned).collect()
    };
    let before = uids();
    assert!(before.is_sorted());
    let cleo = river.sample.somebody(3);
    let event = json!({"name": "Quiz", "start": {"local": "2026-09-30T19:30", "zone": "Europe/Berlin"}, "sequence": 1});
    river.sample.edit(&cleo, &river.quiz.uri, sample::event(event));
    let mut after = uids();
    // The series had two changed dates, and has them no more.
    after.dedup();
    let mut before = before;
    before.dedup();
    assert_eq!(after, before);
    assert!(page(store, "/calendar.ics").contains("SUMMARY;LANGUAGE=en:Quiz\r\n"));
}

#[test]
fn what_a_co_host_changed_is_in_the_calendar_with_the_time_of_the_change() {
    let river = river_street();
    let (sample, ben) = (&river.sample, river.sample.somebody(2));
    let fields = json!({
        "name": "Jam", "start": {"local": "2026-09-30T19:30", "zone": "Europe/Berlin"},
        "hosts": [{"name": "Ben", "role": "cohost", "did": ben.did().to_string(), "edit": true}],
    });
    let jam = sample.publish(&sample.somebody(1), &river.community, event(fields.clone()));
    let calendar = || page(&sample.store, &format!("/e/{}.ics", jam.uri.short_id()));
    let line = |text: &str, name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    let before = calendar();
    let mut later = event(fields);
    later.start = event(json!({"name": "-", "start": {"local": "2026-09-30T20:30", "zone": "Europe/Berlin"}})).start;
    later.sequence = 1;
    sample.publish(&ben, &river.community, Revision { of: jam.uri.clone(), seen: jam.cid, event: later });
    let after = calendar();
    assert!(after.contains("DTSTART;TZID=Europe/Berlin:20260930T203000") && after.contains("SEQUENCE:1"), "{after}");
    assert_eq!(line(&before, "UID:"), line(&after, "UID:"));
    for stamp in ["DTSTAMP:", "LAST-MODIFIED:"] {
        assert!(line(&before, stamp) < line(&after, stamp), "{stamp}");
    }
}

#[test]
fn an_empty_gateway_has_pages_too() {
    let store = folkmoot_node::store::Store::in_memory().unwrap();
    for path in
        ["/", "/events/", "/events/past/", "/posts/", "/join", "/subscribe", "/about", "/calendar.ics", "/feed.atom"]
    {
        page(&store, path);
    }
    assert_eq!(ask(&store, &format!("/p/{}", sample::Sample::new().somebody(1).did())).status, StatusCode::NOT_FOUND);
}

#[test]
fn a_venue_has_a_page_with_what_comes_there_and_its_own_calendar_and_feed() {
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Clubs", Visibility::Public, Describe::default());
    let venue = |json: serde_json::Value| serde_json::from_value::<Venue>(json).unwrap();
    let mill = sample.publish(&ada, &community, venue(serde_json::json!({
        "name": "The <Mill>", "street": "River Street 1", "locality": "Cottbus", "lat_e7": 517_563_000, "lon_e7": 143_329_000,
        "access": "Step-free", "capacity": 120, "aliases": ["Old Mill"], "url": "https://mill.example/",
    })));
    let at = |place: serde_json::Value, name: &str, day: &str| {
        event(serde_json::json!({
            "name": name, "start": {"local": format!("{day}T20:00"), "zone": "Europe/Berlin"}, "places": [place],
        }))
    };
    let linked = serde_json::json!({"name": "The <Mill>", "street": "River Street 1", "venue": mill.uri.to_string()});
    let gig = sample.publish(&ada, &community, at(linked.clone(), "Linked gig", "2026-10-09"));
    sample.publish(&ada, &community, at(serde_json::json!({"name": "old mill"}), "Named gig", "2026-10-08"));
    sample.publish(&ada, &community, at(linked, "Old gig", "2026-09-01"));
    sample.publish(&ada, &community, at(serde_json::json!({"name": "Elsewhere"}), "Other gig", "2026-10-08"));
    let hidden = serde_json::json!({"name": "Old Mill", "show": "ask"});
    let party = sample.publish(&ada, &community, at(hidden, "Secret gig", "2026-10-10"));

    let double = serde_json::json!({"name": "Mill (old)", "same_as": [mill.uri.to_string()]});
    let double = sample.publish(&ada, &community, venue(double));
    let other = page(&sample.store, &format!("/v/{}", double.uri.short_id()));
    assert!(other.contains("The same place: <a") && other.contains("Linked gig"));

    let id = mill.uri.short_id();
    let shown = page(&sample.store, &format!("/v/{id}"));
    let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("{text} is not in {shown}"));
    assert!(place("Named gig") < place("Linked gig") && place("Linked gig") < place("What was here"));
    assert!(place("What was here") < place("Old gig"));
    for expected in ["The &#60;Mill&#62;", "River Street 1", "Step-free", "geo:51.75630,14.33290", "Also Old Mill"] {
        place(expected);
    }
    assert!(!shown.contains("Other gig") && !shown.contains("Secret gig") && !shown.contains("<Mill>"));
    assert!(shown.contains("\"maximumAttendeeCapacity\":120") && shown.matches("<h1").count() == 1);

    let calendar = page(&sample.store, &format!("/v/{id}.ics"));
    assert!(calendar.contains("Linked gig") && calendar.contains("NAME:The <Mill>") && !calendar.contains("Other gig"));
    let feed = page(&sample.store, &format!("/v/{id}.atom"));
    assert!(feed.contains("Named gig") && !feed.contains("Other gig") && feed.contains(&format!("/v/{id}")));
    let gig = page(&sample.store, &format!("/e/{}", gig.uri.short_id()));
    assert!(
        gig.contains(&format!("href=\"/v/{id}\"")) && gig.contains(&format!("\"url\":\"https://moot.example/v/{id}\""))
    );
    let party = page(&sample.store, &format!("/e/{}", party.uri.short_id()));
    assert!(party.contains("Ask the hosts for the address.") && !party.contains("/v/"));
    assert_eq!(ask(&sample.store, &format!("/v/{}", "a".repeat(16))).status, StatusCode::NOT_FOUND);
}

#[test]
fn a_festival_lists_its_parts_by_time_and_each_part_names_it() {
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Fest", Visibility::Public, Describe::default());
    let fest = sample.publish(
        &ada,
        &community,
        event(serde_json::json!({"name": "Fest", "start": {"date": "2026-10-09"}, "days": 2})),
    );
    let part = |name: &str, local: &str| {
        let part = event(serde_json::json!({
            "name": name, "start": {"local": local, "zone": "Europe/Berlin"}, "parent": fest.uri.to_string(),
        }));
        sample.publish(&ada, &community, part)
    };
    part("Late set", "2026-10-10T22:00");
    let early = part("Early set", "2026-10-09T18:00");
    let ben = sample.somebody(2);
    sample.add(&ada, &community, &ben);
    let uninvited = event(serde_json::json!({
        "name": "Uninvited", "start": {"date": "2026-10-09"}, "parent": fest.uri.to_string(),
    }));
    let uninvited = sample.publish(&ben, &community, uninvited);
    let shown = page(&sample.store, &format!("/e/{}", fest.uri.short_id()));
    assert!(shown.find("Programme").unwrap() < shown.find("Early set").unwrap());
    assert!(shown.find("Early set").unwrap() < shown.find("Late set").unwrap() && !shown.contains("Uninvited"));
    let shown = page(&sample.store, &format!("/e/{}", early.uri.short_id()));
    assert!(shown.contains("Part of <a") && shown.contains("\"superEvent\":{\"@id\""));
    let shown = page(&sample.store, &format!("/e/{}", uninvited.uri.short_id()));
    assert!(!shown.contains("Part of") && !shown.contains("superEvent"));
}

#[test]
fn a_date_that_members_chose_says_so_and_of_the_poll_nothing_is_public() {
    let sample = Sample::new();
    let [ada, ben] = [1, 2].map(|number| sample.somebody(number));
    let community = sample.found(&ada, "Club", Visibility::Public, Describe::default());
    sample.add(&ada, &community, &ben);
    let asked = |who| {
        let poll = json!({
            "question": "When shall Eve sing?", "options": [{"start": {"date": "2026-10-01"}}, {"start": {"date": "2026-10-02"}}],
        });
        sample.publish(who, &community, serde_json::from_value::<Poll>(poll).unwrap()).uri
    };
    let concert = |poll: &folkmoot_schemas::Uri, day: &str| {
        event(json!({"name": "Concert", "start": {"date": day}, "poll": poll.to_string()}))
    };
    let (own, others) = (asked(&ada), asked(&ben));
    let gig = sample.publish(&ada, &community, concert(&own, "2026-10-01"));
    let path = format!("/e/{}", gig.uri.short_id());
    let said = "The members chose this date in a poll.";
    let shown = page(&sample.store, &path);
    assert!(shown.contains(said) && !shown.contains("Eve sing") && !shown.contains(&own.short_id()), "{shown}");
    for id in [own.short_id(), others.short_id()] {
        for page in ["e", "n", "v"] {
            assert_eq!(ask(&sample.store, &format!("/{page}/{id}")).status, StatusCode::NOT_FOUND);
        }
    }
    let foreign = sample.publish(&ada, &community, concert(&others, "2026-10-01"));
    assert!(!page(&sample.store, &format!("/e/{}", foreign.uri.short_id())).contains(said), "it is not the author's");
    sample.edit(&ada, &gig.uri, concert(&own, "2026-10-05"));
    assert!(!page(&sample.store, &path).contains(said), "it was moved since");
    for path in ["/", "/events/", "/posts/", "/feed.atom", "/calendar.ics", &format!("{path}/history")] {
        assert!(!page(&sample.store, path).contains("Eve sing"), "{path}");
    }
}
