use std::fs;

use serde_json::Value;

use crate::home::Home;

#[test]
fn settings_say_where_they_came_from() {
    let home = Home::settled();
    home.ok(&["config", "http", "127.0.0.1:9999"]);
    let rows = home.json(&["config"]);
    let origin = |key: &str| rows.iter().find(|r| r["key"] == key).map(|r| r["origin"].clone()).unwrap();
    assert_eq!((origin("http"), origin("listen")), ("config.toml".into(), "default".into()));
    assert!(home.refused(1, &["config", "htp"]).contains("http"));
    home.ok(&["use", "quiet"]);
    assert_eq!(home.json(&["config", "community"])[0]["origin"], "config.toml");
}

#[test]
fn a_quota_of_ones_own_refuses_in_a_sentence() {
    let home = Home::settled();
    home.ok(&["config", "quota_member", "1KiB"]);
    home.ok(&["post", "short"]);
    let said = home.refused(1, &["post", &"long ".repeat(200)]);
    assert!(said.contains("this node keeps 1 KiB for a member") && said.contains("moot config quota_member"), "{said}");
    home.ok(&["config", "quota_member", "200"]);
    assert!(home.ok(&["status"]).contains("filling up"));
    home.ok(&["config", "quota_member", "none"]);
    home.ok(&["post", &"long ".repeat(200)]);
    assert!(home.refused(1, &["config", "quota_member", "much"]).contains("256MiB"));
}

#[test]
fn a_size_that_cannot_be_read_is_refused_with_the_forms_that_can() {
    let home = Home::new();
    home.ok(&["init"]);
    for (key, value, form) in
        [("quota_member", "20kb", "256MiB"), ("http", "8080", "127.0.0.1:4780"), ("gateway", "maybe", "true or false")]
    {
        let said = home.refused(1, &["config", key, value]);
        assert!(said.lines().last().unwrap().contains(form), "{said}");
    }
    let listed = home.ok(&["config"]);
    assert!(listed.lines().any(|line| line.starts_with("quota_community  4GiB")), "{listed}");
}

#[test]
fn every_key_of_the_status_is_in_the_manual() {
    fn keys(value: &Value, all: &mut Vec<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(key, value)| {
                all.push(key.clone());
                keys(value, all);
            }),
            Value::Array(list) => list.iter().for_each(|value| keys(value, all)),
            _ => {}
        }
    }
    let home = Home::settled();
    home.ok(&["post", "The keys hang behind the bar."]);
    let mut all = Vec::new();
    keys(&home.json(&["status"])[0], &mut all);
    let manual = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/manual.md")).unwrap();
    for key in all {
        assert!(manual.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn the_end_of_an_invite_is_told_by_the_clock_of_the_settings() {
    let home = Home::settled();
    home.ok(&["invite"]);
    let here = home.ok(&["invite", "list"]);
    home.ok(&["config", "zone", "Asia/Tokyo"]);
    let there = home.ok(&["invite", "list"]);
    assert!(here.contains("until ") && here != there, "{here}{there}");
    assert_eq!(home.json(&["invite", "list"]).len(), 1);
}
