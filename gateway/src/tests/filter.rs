//! Lists, calendars and feeds of a part of what comes.

use axum::http::StatusCode;
use folkmoot_node::store::Scope;
use folkmoot_schemas::{
    charter::Visibility,
    records::{post::Post, venue::Venue},
    roster::Describe,
};
use serde_json::{Value, json};

use super::{ask, page};
use crate::sample::{Sample, event};

/// A club with two venues; the short id of one of them.
fn club() -> (Sample, String) {
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Club", Visibility::Public, Describe::default());
    let venue = |name: &str| {
        let venue: Venue = serde_json::from_value(json!({"name": name, "locality": "Cottbus"})).unwrap();
        sample.publish(&ada, &community, venue).uri
    };
    let [mill, shed] = ["Old Mill", "Shed"].map(venue);
    let at = |name: &str, venue: &folkmoot_schemas::Uri| json!([{"name": name, "venue": venue.to_string()}]);
    for (name, day, tags, places) in [
        ("Jazz in the mill", "2026-10-02", json!(["Jazz", "R&B live"]), at("Old Mill", &mill)),
        ("Jazz in the shed", "2026-10-03", json!(["jazz"]), at("Shed", &shed)),
        ("Quiz in the mill", "2026-10-04", json!([]), at("Old Mill", &mill)),
        ("Old jazz", "2026-09-01", json!(["jazz"]), at("Old Mill", &mill)),
        ("Old quiz", "2026-09-02", json!([]), at("Shed", &shed)),
    ] {
        let fields: Value = json!({"name": name, "start": {"date": day}, "tags": tags, "places": places});
        sample.publish(&ada, &community, event(fields));
    }
    (sample, mill.short_id())
}

/// Which of the club's events are in a page, in this order.
fn listed(text: &str) -> Vec<&'static str> {
    let all = ["Jazz in the mill", "Jazz in the shed", "Quiz in the mill", "Old jazz", "Old quiz"];
    all.into_iter().filter(|name| text.contains(name)).collect()
}

#[test]
fn a_list_is_narrowed_by_tag_and_venue_and_so_are_its_calendar_and_feed() {
    let (sample, mill) = club();
    let get = |path: &str| page(&sample.store, path);
    for (query, names) in [
        (String::new(), vec!["Jazz in the mill", "Jazz in the shed", "Quiz in the mill"]),
        ("?tag=jazz".into(), vec!["Jazz in the mill", "Jazz in the shed"]),
        (format!("?venue={mill}"), vec!["Jazz in the mill", "Quiz in the mill"]),
        (format!("?venue={mill}&tag=JAZZ"), vec!["Jazz in the mill"]),
        ("?tag=r%26b%20live".into(), vec!["Jazz in the mill"]),
        ("?tag=polka".into(), vec![]),
    ] {
        assert_eq!(listed(&get(&format!("/events/{query}"))), names, "{query}");
        for path in ["/calendar.ics", "/events.atom"] {
            let text = get(&format!("{path}{query}"));
            let coming: Vec<_> = listed(&text).into_iter().filter(|name| !name.starts_with("Old")).collect();
            assert_eq!(coming, names, "{path}{query}");
        }
    }
    assert_eq!(listed(&get("/events/past/?tag=jazz")), ["Old jazz"]);
    assert_eq!(ask(&sample.store, "/events/?venue=aaaaaaaaaaaaaaaa").status, StatusCode::NOT_FOUND);
    assert_eq!(ask(&sample.store, "/calendar.ics?venue=aaaaaaaaaaaaaaaa").status, StatusCode::NOT_FOUND);
}

#[test]
fn a_narrowed_list_links_its_own_calendar_and_feed_and_the_way_back() {
    let (sample, mill) = club();
    let get = |path: &str| page(&sample.store, path);
    let all = get("/events/");
    for href in ["/events/?tag=Jazz", "/events/?tag=R%26B%20live", &format!("/events/?venue={mill}")] {
        assert!(all.contains(&format!("href=\"{href}\"")), "{href} in {all}");
    }
    let jazz = get("/events/?tag=jazz");
    for part in [
        "<link rel=\"canonical\" href=\"https://moot.example/events/?tag=jazz\">",
        "href=\"/events.atom?tag=jazz\"",
        "href=\"webcal://moot.example/calendar.ics?tag=jazz\"",
        "href=\"/events/past/?tag=jazz\"",
        "<a href=\"/events/\" class=\"chosen\" aria-current=\"true\">",
        &format!("href=\"/events/?tag=jazz&#38;venue={mill}\""),
        "<title>Events: jazz · Club</title>",
    ] {
        assert!(jazz.contains(part), "{part} in {jazz}");
    }
    let both = get(&format!("/events/?venue={mill}&tag=jazz"));
    assert!(both.contains(&format!("href=\"/events/?venue={mill}\" class=\"chosen\"")));
    let calendar = get("/calendar.ics?tag=jazz");
    assert!(calendar.contains("X-WR-CALNAME:Club: jazz") && !calendar.contains("Quiz"), "{calendar}");
    let feed = get(&format!("/events.atom?tag=jazz&venue={mill}"));
    assert!(feed.contains(&format!("https://moot.example/events.atom?tag=jazz&amp;venue={mill}")), "{feed}");
    let gig = get(all.split("href=\"").find(|part| part.starts_with("/e/")).unwrap().split('"').next().unwrap());
    assert!(gig.contains("<a class=\"p-category\" href=\"/events/?tag=Jazz\" rel=\"tag\">Jazz</a>"), "{gig}");
}

#[test]
fn a_narrowed_list_goes_on_where_it_was_cut_and_loses_nothing() {
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Club", Visibility::Public, Describe::default());
    let daily = |name: &str, tags: Value| {
        event(
            json!({"name": name, "start": {"date": "2026-09-22"}, "recur": {"freq": "daily", "count": 100}, "tags": tags}),
        )
    };
    sample.publish(&ada, &community, daily("Wanted", json!(["yes"])));
    sample.publish(&ada, &community, daily("Unwanted", json!([])));
    let (mut path, mut found) = ("/events/?tag=yes".to_owned(), 0);
    for _ in 0..9 {
        let shown = page(&sample.store, &path);
        assert!(!shown.contains("Unwanted") && shown.len() < 30_000);
        found += shown.matches("<article class=\"event").count();
        let Some(next) = shown.split("href=\"?tag=yes&#38;from=").nth(1) else { break };
        path = format!("/events/?tag=yes&from={}", next.split('"').next().unwrap());
    }
    assert_eq!(found, 100);
}

#[test]
fn among_very_many_dates_what_is_wanted_is_found_however_far_it_is() {
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Club", Visibility::Public, Describe::default());
    let venue: Venue = serde_json::from_value(json!({"name": "Old Mill", "locality": "Cottbus"})).unwrap();
    let mill = sample.publish(&ada, &community, venue).uri;
    for (n, start) in ["2025-10-01", "2026-08-01"].iter().cycle().take(16).enumerate() {
        let daily = json!({"name": format!("Unwanted {n}"), "start": {"date": start}, "recur": {"freq": "daily", "count": 400}});
        sample.publish(&ada, &community, event(daily));
    }
    let places = json!([{"name": "Old Mill", "venue": mill.to_string()}]);
    for (name, day) in [("Long ago", "2025-03-01"), ("Far ahead", "2027-08-20")] {
        let fields = json!({"name": name, "start": {"date": day}, "tags": ["jazz"], "places": places});
        sample.publish(&ada, &community, event(fields));
    }
    let mill = mill.short_id();
    for query in ["tag=jazz".to_owned(), format!("venue={mill}")] {
        for (path, name) in [
            ("/events/", "Far ahead"),
            ("/events/past/", "Long ago"),
            ("/calendar.ics", "Far ahead"),
            ("/events.atom", "Far ahead"),
        ] {
            let shown = page(&sample.store, &format!("{path}?{query}"));
            assert!(shown.contains(name) && !shown.contains("Unwanted"), "{path}?{query}: {shown}");
        }
    }
    for path in [format!("/v/{mill}"), format!("/v/{mill}.ics"), format!("/v/{mill}.atom")] {
        assert!(page(&sample.store, &path).contains("Far ahead"), "{path}");
    }
}

#[test]
fn what_somebody_made_up_turns_no_text_and_is_for_no_search_engine() {
    let (sample, _) = club();
    let made_up = page(&sample.store, "/events/?tag=%E2%80%AEzzaj");
    assert!(!made_up.contains('\u{202e}') && made_up.contains("Nothing of this is planned."), "{made_up}");
    let calendar = page(&sample.store, "/calendar.ics?tag=%E2%80%AEzzaj");
    assert!(calendar.contains("X-WR-CALNAME:Club: zzaj") && !calendar.contains('\u{202e}'), "{calendar}");
    for (path, listed) in [
        ("/events/?tag=zzaj", false),
        ("/events/past/?tag=zzaj", false),
        ("/events/?tag=jazz", true),
        ("/events/", true),
    ] {
        assert_eq!(!page(&sample.store, path).contains("noindex"), listed, "{path}");
    }
}

fn tagged(text: &str, tags: &[&str]) -> Post {
    Post { text: text.into(), tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..Post::default() }
}

#[test]
fn posts_are_narrowed_by_tag_with_a_feed_of_their_own_and_the_way_back() {
    let (sample, _) = club();
    let ada = sample.somebody(1);
    let community = sample.store.view(Scope::Public).unwrap().communities().unwrap()[0].id;
    for (text, tags) in
        [("Bring a fiddle", &["Jazz", "open air"][..]), ("Keys in the shed", &["keys"]), ("No tags at all", &[])]
    {
        sample.publish(&ada, &community, tagged(text, tags));
    }
    let get = |path: &str| page(&sample.store, path);
    let posts = |text: &str| {
        ["Bring a fiddle", "Keys in the shed", "No tags at all"].into_iter().filter(|of| text.contains(of)).count()
    };
    let all = get("/posts/");
    assert_eq!(posts(&all), 3);
    for part in
        ["<a class=\"p-category\" href=\"/posts/?tag=Jazz\" rel=\"tag\">Jazz</a>", "href=\"/posts/?tag=open%20air\""]
    {
        assert!(all.contains(part), "{part} in {all}");
    }
    let jazz = get("/posts/?tag=jazz");
    assert!(posts(&jazz) == 1 && jazz.contains("Bring a fiddle"), "{jazz}");
    for part in [
        "<title>Posts: jazz · Club</title>",
        "<link rel=\"canonical\" href=\"https://moot.example/posts/?tag=jazz\">",
        "<a href=\"/posts/\" class=\"chosen\" aria-current=\"true\">jazz<span",
        "href=\"/feed.atom?tag=jazz\"",
    ] {
        assert!(jazz.contains(part), "{part} in {jazz}");
    }
    let feed = get("/feed.atom?tag=JAZZ");
    assert!(posts(&feed) == 1 && feed.contains("Bring a fiddle"), "{feed}");
    let coming: Vec<_> = listed(&feed).into_iter().filter(|name| !name.starts_with("Old")).collect();
    assert_eq!(coming, ["Jazz in the mill", "Jazz in the shed"]);
    assert!(feed.contains("https://moot.example/feed.atom?tag=JAZZ"), "{feed}");
    let none = get("/posts/?tag=polka");
    assert!(posts(&none) == 0 && none.contains("No posts with this tag.") && none.contains("noindex"), "{none}");
    assert!(!jazz.contains("noindex") && posts(&get("/posts/?venue=abcdefghijklmn27")) == 3);
}

#[test]
fn among_very_many_posts_the_one_with_the_tag_is_reached_and_the_page_stays_small() {
    let sample = Sample::new();
    let ada = sample.somebody(1);
    let community = sample.found(&ada, "Club", Visibility::Public, Describe::default());
    sample.publish(&ada, &community, tagged("Found at last", &["jazz"]));
    let long: Vec<String> = (0..10).map(|n| format!("{n}{}", "🎷".repeat(30))).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    for n in 0..420 {
        sample.publish(&ada, &community, tagged(&format!("Unwanted {n}"), &long));
    }
    assert!(page(&sample.store, "/posts/").len() < 30_000);
    let first = page(&sample.store, "/posts/?tag=jazz");
    assert!(first.contains("Nothing so far; there may be older ones.") && !first.contains("Unwanted"), "{first}");
    let next = first.split("href=\"?tag=jazz&#38;after=").nth(1).unwrap().split('"').next().unwrap();
    let second = page(&sample.store, &format!("/posts/?tag=jazz&after={next}"));
    assert!(second.contains("Found at last") && second.contains("href=\"/posts/?tag=jazz\""), "{second}");
}
