//! Several devices of one person, and one device twice.

use std::{fs, path::Path};

use folkmoot_integration_tests::{Home, Running, eventually};
use folkmoot_node::{clock::Clock, home};
use folkmoot_schemas::{
    Tid,
    identity::{Device, Identity},
    phrase::Phrase,
};
use serde_json::Value;

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn link(home: &Home) -> String {
    text_of(&home.one(&["invite"]), "link").to_owned()
}

fn snapshot(home: &Home) -> Result<String, String> {
    let community = home.status()["communities"][0].clone();
    match (community["complete"].as_bool(), community["snapshot_members"].as_str()) {
        (Some(true), Some(snapshot)) => Ok(snapshot.to_owned()),
        _ => Err(format!("incomplete: {community}")),
    }
}

fn level(homes: &[&Home]) -> Result<(), String> {
    let all = homes.iter().map(|home| snapshot(home)).collect::<Result<Vec<_>, _>>()?;
    if all.windows(2).all(|two| two[0] == two[1]) { Ok(()) } else { Err(format!("{all:?}")) }
}

/// Two devices of one person: two homes whose identity lists both.
fn two_devices(first: &Home, second: &Home) {
    let root = || Phrase::from_entropy([9; 16]);
    let clock = Clock::system();
    let made = [(first, "laptop"), (second, "phone")].map(|(at, name)| {
        let home = home::Home::create(&at.path(), &root(), name, &clock).expect("a home");
        let device = Device { key: home.device_key().expect("a key").did(), name: name.into(), added: Tid::new(1, 0) };
        (home.open_store().expect("a store"), device)
    });
    let (store, _) = &made[0];
    let (before, identity) =
        Identity::open(&store.meta("identity").expect("a store").expect("a document")).expect("ours");
    let devices = made.iter().map(|(_, device)| device.clone()).collect();
    let both =
        Identity { seq: 1, prev: Some(*before.cid()), devices, ..identity }.seal(&root().root()).expect("signed");
    for (store, _) in &made {
        store.set_meta("identity", Some(both.bytes())).expect("stored");
    }
}

fn keep_to(home: &Home, node: &Running<'_>) {
    home.ok(&["peer", "add", &node.address()]);
}

#[test]
fn two_devices_of_one_person_that_were_apart_agree_and_the_person_is_told() {
    let (laptop, phone, bob) = (Home::new("laptop"), Home::new("phone"), Home::new("bob"));
    two_devices(&laptop, &phone);
    let l = laptop.start(&["quickstart", "River Street", "--public"]);
    phone.ok(&["join", &link(&laptop)]);
    bob.ok(&["join", &link(&laptop)]);
    let (p, b) = (phone.start(&["serve"]), bob.start(&["serve"]));
    keep_to(&laptop, &b);
    keep_to(&phone, &b);
    let gig = laptop.one(&["event", "add", "Harbour Gig", "in 2 weeks 20:00", "--duration", "3h"]);
    let post = phone.one(&["post", "Bring your own cup"]);
    let (gig, post) = (text_of(&gig, "uri").to_owned(), text_of(&post, "uri").to_owned());
    eventually("all three hold both", || {
        for home in [&laptop, &phone, &bob] {
            for uri in [&gig, &post] {
                if !home.moot(&["show", uri]).status.success() {
                    return Err(format!("{uri} is not everywhere"));
                }
            }
        }
        level(&[&laptop, &phone, &bob])
    });

    // Apart: both change the event, the laptop deletes what the phone wrote.
    assert!(l.stop().success() && p.stop().success());
    laptop.ok(&["event", "edit", &gig, "--name", "Harbour Gig at the pier"]);
    laptop.ok(&["delete", &post]);
    phone.ok(&["event", "edit", &gig, "--name", "Harbour Gig in the shed"]);

    let (l, p) = (laptop.start(&["serve"]), phone.start(&["serve"]));
    eventually("all three show the same", || {
        for home in [&laptop, &phone, &bob] {
            let shown = home.one(&["event", "show", &gig]);
            if shown["record"]["name"] != "Harbour Gig in the shed" {
                return Err(shown["record"]["name"].to_string());
            }
            if home.moot(&["show", &post]).status.success() {
                return Err("the post is still there".into());
            }
        }
        level(&[&laptop, &phone, &bob])
    });
    let short = gig.rsplit('/').next().unwrap_or_default();
    assert!(b.page("/").contains("Harbour Gig in the shed"), "{short}");

    // The author is told on the device whose version gave way, and finds what it said.
    let (told, _) = eventually("the laptop says so", || {
        let status = laptop.status();
        match status["notices"].as_array().filter(|notices| !notices.is_empty()) {
            Some(notices) => Ok(notices.clone()),
            None => Err(status.to_string()),
        }
    });
    assert_eq!(told.len(), 1, "{told:?}");
    let what = &told[0]["what"]["overruled"];
    assert_eq!(text_of(&what["item"], "uri"), gig);
    assert_eq!((text_of(&what["lost"], "name"), text_of(&what["won"], "name")), ("laptop", "phone"));
    assert!(laptop.ok(&["status"]).contains("to know:"));
    let history = laptop.ok(&["history", &gig]);
    let both = ["Harbour Gig  →  Harbour Gig in the shed", "Harbour Gig  →  Harbour Gig at the pier"];
    for line in [both[0], both[1], "on phone", "on this device  set aside", "neither knew of the other"] {
        assert!(history.contains(line), "no {line:?} in\n{history}");
    }
    laptop.refused(1, &["doctor"]);
    let doctor = folkmoot_integration_tests::text(&laptop.moot(&["doctor"]));
    let counts = ["counts     what phone wrote at", "set aside  what this device wrote at", "moot event edit"];
    assert!(counts.iter().all(|line| doctor.contains(line)), "{doctor}");
    let dismissed = laptop.ok(&["doctor", "--dismiss"]);
    assert!(dismissed.starts_with("dismissed 1 notice\n") && !dismissed.contains("set aside"), "{dismissed}");
    assert!(!laptop.ok(&["doctor"]).contains("Harbour Gig"));
    for node in [l, p, b] {
        assert!(node.stop().success());
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    fs::set_permissions(to, fs::metadata(from).expect("a folder").permissions()).expect("the same mode");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                fs::copy(entry.path(), target).expect("a copy");
            }
        }
    }
}

#[test]
fn last_weeks_disk_image_put_back_and_used_loses_nothing_of_the_week() {
    let (alice, bob) = (Home::new("alice"), Home::new("bob"));
    let a = alice.start(&["quickstart", "River Street", "--public"]);
    bob.ok(&["join", &link(&alice)]);
    let b = bob.start(&["serve"]);
    keep_to(&alice, &b);
    let rota = alice.one(&["post", "Rota: Ada opens"]);
    let (old, slip) = (text_of(&rota, "uri").to_owned(), alice.one(&["post", "A slip of the tongue"]));
    let slip = text_of(&slip, "uri").to_owned();
    eventually("bob has it", || level(&[&alice, &bob]));
    assert!(a.stop().success());
    let image = alice.scratch("image");
    copy(&alice.path(), &image);

    let a = alice.start(&["serve"]);
    for n in 1..=3 {
        alice.ok(&["post", &format!("Of the week: {n}")]);
    }
    alice.ok(&["edit", &old, "Rota: Bo opens"]);
    alice.ok(&["delete", &slip]);
    eventually("bob has the week", || level(&[&alice, &bob]));
    assert!(a.stop().success());

    fs::remove_dir_all(alice.path()).expect("the disk is lost");
    copy(&image, &alice.path());
    for n in 1..=2 {
        alice.ok(&["post", &format!("Written on the image: {n}")]);
    }
    assert!(alice.ok(&["show", &old]).contains("Ada opens"));

    let a = alice.start(&["serve"]);
    let posts = [
        "Of the week: 1",
        "Of the week: 2",
        "Of the week: 3",
        "Rota: Bo opens",
        "Written on the image: 1",
        "Written on the image: 2",
    ];
    eventually("both have the week and what came after", || {
        for home in [&alice, &bob] {
            let feed = home.ok(&["feed"]);
            if let Some(lost) = posts.iter().find(|post| !feed.contains(*post)) {
                return Err(format!("{lost:?} is missing in\n{feed}"));
            }
            if feed.contains("slip of the tongue") || feed.contains("Ada opens") {
                return Err(format!("what the week had changed is back:\n{feed}"));
            }
        }
        level(&[&alice, &bob])
    });
    let told = alice.status()["notices"].clone();
    assert_eq!(told[0]["what"]["put_back"]["records"], 4, "{told}");
    assert_eq!(told[0]["what"]["put_back"]["removed"], 1, "{told}");
    assert_eq!(told.as_array().map(Vec::len), Some(1), "{told}");
    let said = alice.refused(1, &["doctor"]);
    assert!(said.contains("needs you"), "{said}");
    assert!(a.stop().success() && b.stop().success());
}
