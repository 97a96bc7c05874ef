use folkmoot_schemas::{
    Record,
    charter::Visibility,
    records::{
        post::{Post, PostKind},
        profile::Profile,
    },
    roster::{Describe, NamedLink},
};
use serde_json::{Value, json};

use super::page;
use crate::sample::{Sample, event};

/// Ends attributes, elements, comments, scripts and templates.
const BAIT: &str = "\"'></a></title></script><!--<img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}&lt;b&gt;";

fn link(url: &str) -> NamedLink {
    NamedLink { url: url.into(), label: BAIT.into() }
}

/// Every text that a person can write, with bait in it.
fn trap() -> (Sample, Vec<String>) {
    let sample = Sample::new();
    let eve = sample.somebody(9);
    let describe = Describe {
        about: Some(BAIT.into()),
        rules: Some(BAIT.into()),
        links: Some(vec![link("https://a.example/?q=%22&x='1")]),
        support: Some(vec![link("https://a.example/?a=1&b=2")]),
        ..Describe::default()
    };
    let community = sample.found(&eve, &BAIT[..60], Visibility::Public, describe);
    let name: String = BAIT.chars().take(60).collect();
    sample.publish(
        &eve,
        &community,
        Profile {
            name,
            about: Some(BAIT.into()),
            pronouns: Some(BAIT.chars().take(20).collect()),
            place: Some(BAIT.chars().take(40).collect()),
            ..Profile::default()
        },
    );
    let place: Value = json!({"name": BAIT, "street": BAIT, "postcode": "\"><b>", "locality": BAIT, "access": BAIT});
    let mut fields = json!({
        "name": BAIT, "summary": BAIT, "text": format!("{BAIT}\n\n[x](javascript:alert(1)) ![x](https://a.example/x.png)"),
        "start": {"local": "2026-10-01T20:00", "zone": "Europe/Berlin"}, "duration": 3600, "status": "cancelled",
        "status_note": BAIT, "places": [place], "contact": BAIT, "access": BAIT, "tags": ["\"><b>"],
        "online": [{"url": "https://a.example/'\"><b>", "label": BAIT}],
        "links": [{"url": "https://a.example/", "label": "\"><b>", "kind": "tickets"}],
        "price": {"min": 1, "currency": "EUR", "note": BAIT}, "hosts": [{"name": BAIT, "role": "host"}],
        "acts": [{"name": BAIT}], "rsvp": {"mode": "open", "show": "names"},
    });
    // What publishing already refuses cannot reach a page; the rest must be harmless there.
    let gig = loop {
        let gig = event(fields.clone());
        match Record::from(gig.clone()).check() {
            Ok(()) => break gig,
            Err(fault) => {
                let field = fault.field.split(['[', '.']).next().unwrap_or_default().to_owned();
                assert!(fields.as_object_mut().unwrap().remove(&field).is_some(), "{fault}");
            }
        }
    };
    for kept in ["name", "summary", "text", "status_note", "places", "contact"] {
        assert!(fields.get(kept).is_some(), "{kept} was refused, so the test would show nothing");
    }
    let gig = sample.publish(&eve, &community, gig);
    let note = sample.publish(
        &eve,
        &community,
        Post {
            title: Some(BAIT.into()),
            text: format!("{BAIT}\n\n```\n{BAIT}\n```\n\n`{BAIT}` <https://a.example/\"onmouseover=alert(1)>"),
            tags: vec!["\"><b>".into()],
            about: Some(gig.uri.clone()),
            kind: PostKind::Update,
            ..Post::default()
        },
    );
    sample.reply(&eve, &note, &note, BAIT);
    let (gig, note) = (gig.uri.short_id(), note.uri.short_id());
    let mut paths: Vec<String> = [
        "/",
        "/events/",
        "/events/?tag=%22%3E%3Cb%3E",
        "/events/2026/10/",
        "/events/past/",
        "/posts/",
        "/join",
        "/subscribe",
        "/about",
    ]
    .map(str::to_owned)
    .into();
    paths.extend([format!("/e/{gig}"), format!("/n/{note}"), format!("/p/{}", eve.did())]);
    (sample, paths)
}

#[test]
fn hostile_text_in_any_field_never_becomes_markup() {
    let (sample, paths) = trap();
    for path in paths {
        let html = page(&sample.store, &path);
        // The only script element is the data block of an event page, and nothing ends it early.
        let blocks = html.matches("<script").count();
        assert_eq!(blocks, html.matches("<script type=\"application/ld+json\">").count(), "{path}");
        assert_eq!(blocks, html.matches("</script").count(), "{path}");
        for tag in html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
            let name = tag.split_whitespace().next().unwrap_or_default();
            assert!(!matches!(name, "b" | "iframe" | "object" | "form" | "!--"), "{path}: <{tag}>");
            assert!(name != "img" || tag.contains("src=\"/b/"), "{path}: <{tag}>");
            for handler in ["onerror", "onmouseover", "javascript:", "style="] {
                assert!(!outside_quotes(tag).contains(handler), "{path}: <{tag}>");
            }
        }
        assert!(!html.contains("href=\"javascript:"), "{path}");
        assert!(
            html.contains("7*7") || path == "/events/past/" || path == "/subscribe",
            "{path}: the bait is not there"
        );
    }
}

/// Attribute names of a tag: what stands outside its quoted values.
fn outside_quotes(tag: &str) -> String {
    tag.split('"').step_by(2).collect()
}

#[test]
fn hostile_text_adds_nothing_to_calendar_and_feed() {
    let (sample, _) = trap();
    let feed = page(&sample.store, "/feed.atom");
    assert!(!feed.contains("<script") && !feed.contains("<img"), "{feed}");
    assert_eq!(feed.matches("<entry").count(), feed.matches("</entry>").count());
    let calendar = page(&sample.store, "/calendar.ics");
    assert_eq!(calendar.matches("\r\nBEGIN:VEVENT\r\n").count(), 1);
}
