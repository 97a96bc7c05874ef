//! A person's devices: one is lost, one is stolen, one is let in; and a backup that comes back twice.

use std::{fs, path::Path};

use folkmoot_integration_tests::{Home, Running, eventually};
use serde_json::Value;

fn text_of<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// CIDs of everything that person wrote, as this home shows it.
fn written(home: &Home, did: &str) -> Vec<String> {
    let mut cids: Vec<String> = home
        .json(&["feed", "--limit", "1000"])
        .iter()
        .filter(|post| post["did"] == did)
        .map(|post| text_of(post, "cid").to_owned())
        .collect();
    cids.sort();
    cids
}

fn snapshot(home: &Home) -> Result<String, String> {
    let community = home.status()["communities"][0].clone();
    match (&community["complete"], &community["snapshot_members"]) {
        (Value::Bool(true), Value::String(cid)) => Ok(cid.clone()),
        _ => Err(community.to_string()),
    }
}

fn level(a: &Home, b: &Home) {
    eventually("both hold the same", || match (snapshot(a)?, snapshot(b)?) {
        (a, b) if a == b => Ok(()),
        (a, b) => Err(format!("{a} is not {b}")),
    });
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a home") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type") {
            kind if kind.is_dir() => copy(&entry.path(), &target),
            kind if kind.is_file() => drop(fs::copy(entry.path(), &target).expect("a copy")),
            // A socket of a node that ran.
            _ => {}
        }
    }
    fs::set_permissions(to, fs::metadata(from).expect("a home").permissions()).expect("permissions");
}

/// Ada with twenty posts and an event in a community; Bob holds all of it on a node that goes on.
struct Street {
    ada: Home,
    bob: Home,
    words: String,
    link: String,
    did: String,
}

impl Street {
    fn new() -> Self {
        Self::of("--public")
    }

    fn of(visibility: &str) -> Self {
        let (ada, bob) = (Home::new("ada"), Home::new("bob"));
        let words = ada.scratch("words").to_str().expect("a UTF-8 path").to_owned();
        ada.ok(&["init", "--name", "Ada", "--device", "laptop", "--phrase-file", &words]);
        ada.ok(&["community", "create", "River Street", visibility]);
        for n in 0..20 {
            ada.ok(&["post", &format!("Post number {n}")]);
        }
        ada.ok(&["event", "add", "Harbour Gig", "in 2 weeks 20:00", "--duration", "3h", "--zone", "Europe/Berlin"]);
        ada.ok(&["rsvp", "Harbour Gig", "yes"]);
        let node = ada.start(&["serve"]);
        let link = text_of(&ada.one(&["invite", "--uses", "9"]), "link").to_owned();
        bob.ok(&["join", &link, "--name", "Bob"]);
        let bobs = bob.start(&["serve"]);
        level(&ada, &bob);
        for node in [node, bobs] {
            assert!(node.stop().success());
        }
        let did = text_of(&ada.one(&["whoami"]), "did").to_owned();
        Self { ada, bob, words, link, did }
    }

    fn recover(&self, home: &Home, via: &Running<'_>, more: &[&str]) -> Value {
        let address = via.address();
        let args = ["init", "--recover", "--via", &self.link, "--via", &address, "--phrase-file", &self.words];
        home.one(&[&args, more].concat())
    }
}

#[test]
fn an_identity_comes_back_from_its_words_and_the_lost_device_writes_no_more() {
    let street = Street::new();
    let Street { ada, bob, did, .. } = &street;
    let before = (written(ada, did), snapshot(ada).expect("whole"));
    assert_eq!(before.0.len(), 20);

    // The machine is gone; somebody else has a copy of its disk.
    let thief = Home::new("thief");
    copy(&ada.path(), &thief.path());
    fs::remove_dir_all(ada.path()).expect("the home is wiped");
    let b = bob.start(&["serve"]);
    let recovered = street.recover(ada, &b, &["--device", "new laptop", "--lost", "all"]);
    assert_eq!((text_of(&recovered, "did"), &recovered["complete"]), (did.as_str(), &Value::Bool(true)));
    assert_eq!(recovered["retired"], serde_json::json!(["laptop"]));
    assert_eq!(recovered["adopted"], 23, "posts, event, answer, profile");
    assert_eq!(text_of(&ada.one(&["whoami"]), "name"), "Ada");
    assert_eq!(written(ada, did), before.0, "the same records, block by block");
    let devices = ada.json(&["device", "list"]);
    assert_eq!(devices.len(), 1, "{devices:?}");
    assert_eq!(text_of(&devices[0], "name"), "new laptop");
    level(ada, bob);
    assert_eq!(written(bob, did), before.0);
    assert_eq!(bob.one(&["event", "show", "Harbour Gig"])["answers"]["going"], 1);

    // The thief's copy goes on writing, and meets the others.
    thief.ok(&["post", "Buy my pills"]);
    let t = thief.start(&["serve"]);
    thief.ok(&["peer", "add", &b.address()]);
    eventually("the thief has met a member's node", || {
        let peers = thief.json(&["peer", "list"]);
        if peers.iter().any(|peer| peer["connected"] == true) { Ok(()) } else { Err(format!("{peers:?}")) }
    });
    thief.moot(&["sync", "--wait", "5"]);
    let a = ada.start(&["serve"]);
    ada.ok(&["post", "I am back"]);
    eventually("bob hears of ada's post", || match bob.ok(&["feed"]) {
        feed if feed.contains("I am back") => Ok(()),
        feed => Err(feed),
    });
    for home in [ada, bob] {
        assert!(!home.ok(&["feed", "--limit", "1000"]).contains("pills"));
    }
    level(ada, bob);
    // The identity's newest document reached the copy, which can do nothing with it.
    eventually("the copy learns that it is out", || {
        let output = thief.moot(&["post", "More pills"]);
        if output.status.success() { Err("it still writes".into()) } else { Ok(()) }
    });
    for node in [a, b, t] {
        node.stop();
    }
}

#[test]
fn a_device_is_let_in_without_the_words_and_one_that_is_revoked_leaves_what_it_wrote() {
    let street = Street::new();
    let Street { ada, bob, words, did, .. } = &street;
    let phone = Home::new("phone");
    let request = text_of(&phone.one(&["device", "add", "--name", "phone"]), "request").to_owned();
    let said = phone.refused(1, &["feed"]);
    assert!(said.contains("moot device add"), "{said}");

    let a = ada.start(&["serve"]);
    let b = bob.start(&["serve"]);
    ada.ok(&["peer", "add", &b.address()]);
    let approved = ada.one(&["device", "approve", &request, "--phrase-file", words]);
    let entered = phone.one(&["device", "add", text_of(&approved, "welcome")]);
    assert_eq!((text_of(&entered, "did"), &entered["complete"]), (did.as_str(), &Value::Bool(true)));
    assert_eq!(written(&phone, did), written(ada, did));

    let p = phone.start(&["serve"]);
    phone.ok(&["peer", "add", &b.address()]);
    phone.ok(&["post", "From the phone"]);
    eventually("bob reads what the phone wrote", || match bob.ok(&["feed"]) {
        feed if feed.contains("From the phone") && feed.contains("Ada") => Ok(()),
        feed => Err(feed),
    });
    eventually("the laptop reads it too", || match ada.ok(&["feed"]) {
        feed if feed.contains("From the phone") => Ok(()),
        feed => Err(feed),
    });
    let revoked = ada.one(&["device", "revoke", "phone", "--phrase-file", words]);
    assert_eq!((&revoked["retired"], &revoked["adopted"]), (&serde_json::json!(["phone"]), &Value::from(1)));
    level(ada, bob);
    assert!(bob.ok(&["feed"]).contains("From the phone"), "what it wrote stays");
    eventually("the phone writes no more", || {
        let output = phone.moot(&["post", "Still here?"]);
        if output.status.success() { Err("it still writes".into()) } else { Ok(()) }
    });
    let said = phone.refused(1, &["post", "Still here?"]);
    assert!(said.contains("taken out of your identity") && said.contains("moot init --recover"), "{said}");
    assert!(!bob.ok(&["feed"]).contains("Still here?"));
    for node in [a, b, p] {
        node.stop();
    }
}

#[test]
fn a_device_of_the_same_name_gets_its_own_and_is_told_when_nobody_can_be_reached() {
    let (ada, other) = (Home::new("ada"), Home::new("other"));
    let words = ada.scratch("words").to_str().expect("a UTF-8 path").to_owned();
    ada.ok(&["init", "--name", "Ada", "--device", "vm", "--phrase-file", &words]);
    ada.ok(&["community", "create", "River Street", "--public"]);
    ada.ok(&["post", "From the first"]);
    let request = text_of(&other.one(&["device", "add", "--device", "vm"]), "request").to_owned();
    let said = other.refused(1, &["feed"]);
    assert!(said.contains("was not let into an identity yet"), "{said}");
    let approved = ada.one(&["device", "approve", &request, "--phrase-file", &words]);
    assert_eq!(text_of(&approved, "name"), "vm 2");

    // No node of Ada's ever ran, so there is no address to wait for.
    let output = other.moot(&["device", "add", text_of(&approved, "welcome")]);
    let said = folkmoot_integration_tests::text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("this device is") && said.contains("nothing of it has to be done again"), "{said}");
    assert!(said.contains("fetching what is yours") && said.contains("moot serve"), "{said}");
    assert_eq!(text_of(&other.one(&["whoami"]), "device_name"), "vm 2");
    let said = folkmoot_integration_tests::text(&other.moot(&["feed"]));
    assert!(said.contains("nothing of yours is here yet") && !said.contains("let in"), "{said}");
    assert!(other.ok(&["status"]).contains("not here yet"));
    let said = other.refused(1, &["post", "From the second"]);
    assert!(said.contains("is not here yet") && !said.contains("joined has not answered"), "{said}");

    let a = ada.start(&["serve"]);
    other.ok(&["sync", "--via", &a.address()]);
    other.ok(&["post", "From the second"]);
    other.ok(&["sync", "--via", &a.address()]);
    let devices = ada.json(&["device", "list"]);
    let key = text_of(&devices[1], "key");
    let id = &key[key.len() - 8..];
    let listed = ada.ok(&["device", "list"]);
    assert!(listed.contains(&format!("vm 2  {id}")), "{listed}");
    let revoked = ada.one(&["device", "revoke", id, "--phrase-file", &words]);
    assert_eq!((&revoked["retired"], &revoked["adopted"]), (&serde_json::json!(["vm 2"]), &Value::from(1)));
    a.stop();
}

#[test]
fn what_a_revoked_device_signs_afterwards_is_called_untrue_by_who_knows_better() {
    let street = Street::new();
    let Street { ada, bob, words, .. } = &street;
    let phone = Home::new("phone");
    let request = text_of(&phone.one(&["device", "add", "--name", "phone"]), "request").to_owned();
    let (a, b) = (ada.start(&["serve"]), bob.start(&["serve"]));
    ada.ok(&["peer", "add", &b.address()]);
    let approved = ada.one(&["device", "approve", &request, "--phrase-file", words]);
    phone.ok(&["device", "add", text_of(&approved, "welcome")]);
    ada.ok(&["device", "revoke", "phone", "--phrase-file", words]);
    level(ada, bob);
    for node in [a, b] {
        node.stop();
    }
    // It has not heard of it.
    let forged = phone.one(&["post", "I give everything to the finder"]);
    let file = phone.scratch("forged.car").to_str().expect("a UTF-8 path").to_owned();
    phone.ok(&["export", text_of(&forged, "uri"), "-o", &file]);
    for home in [ada, bob] {
        let said = home.refused(1, &["verify", &file]);
        assert!(said.contains("none of its author's"), "{said}");
    }
}

#[test]
fn words_that_nobody_knows_and_nodes_that_nobody_reaches_make_nothing() {
    let street = Street::new();
    let b = street.bob.start(&["serve"]);
    let (other, nobody) = (Home::new("other"), Home::new("nobody"));
    let strangers = other.secret("strangers", &format!("{}about", "abandon ".repeat(11)));
    let args = ["init", "--recover", "--via", &street.link, "--via", &b.address(), "--phrase-file"];
    let said = other.refused(1, &[&args[..], &[&strangers]].concat());
    assert!(said.contains("do not know it"), "{said}");
    assert!(!other.path().exists(), "nothing was made");
    assert!(b.stop().success());
    let args = ["init", "--recover", "--via", &street.link, "--phrase-file", &street.words];
    let said = nobody.refused(3, &args);
    assert!(said.contains("nothing was made or signed"), "{said}");
    assert!(!nobody.path().exists());
}

#[test]
fn a_backup_restored_on_two_machines_ends_in_two_devices_and_no_fork() {
    let street = Street::new();
    let Street { ada, bob, words, did, .. } = &street;
    let file = ada.scratch("backup").to_str().expect("a UTF-8 path").to_owned();
    ada.ok(&["backup", &file]);
    let (desk, cellar) = (Home::new("desk"), Home::new("cellar"));
    let others = desk.secret("others", &format!("{}about", "abandon ".repeat(11)));
    let said = desk.refused(1, &["restore", &file, "--phrase-file", &others]);
    assert!(said.contains("another identity") && !desk.path().exists(), "{said}");
    for (home, name) in [(&desk, "desk"), (&cellar, "cellar")] {
        let restored = home.one(&["restore", &file, "--device", name, "--lost", "laptop", "--phrase-file", words]);
        assert_eq!(text_of(&restored, "did"), did);
        assert_eq!(written(home, did).len(), 20);
        home.ok(&["post", &format!("From the {name}")]);
    }

    // Both signed a document without knowing of the other's. Where they meet, one of the two counts.
    let b = bob.start(&["serve"]);
    let nodes = [desk.start(&["serve"]), cellar.start(&["serve"])];
    for home in [&desk, &cellar] {
        home.ok(&["peer", "add", &b.address()]);
    }
    let out =
        |home: &Home| !home.moot(&["device", "list"]).status.success() || !text_of_devices(home).contains("(this");
    let (loser, _) = eventually("one of them learns that it is out", || {
        [&desk, &cellar].into_iter().find(|home| out(home)).ok_or_else(|| "both think they are in".to_owned())
    });
    for node in nodes {
        node.stop();
    }
    loser.refused(1, &["post", "lost words"]);
    let recovered = loser.one(&["init", "--recover", "--via", &b.address(), "--keep", "all", "--phrase-file", words]);
    assert_eq!(text_of(&recovered, "did"), did);

    let nodes = [desk.start(&["serve"]), cellar.start(&["serve"])];
    for home in [&desk, &cellar] {
        eventually("everything both wrote is on every machine", || {
            let feed = home.ok(&["feed", "--limit", "100"]);
            let both = feed.contains("From the desk") && feed.contains("From the cellar");
            if both && written(home, did).len() == 22 { Ok(()) } else { Err(feed) }
        });
    }
    level(&desk, &cellar);
    level(&desk, bob);
    let mut names: Vec<String> =
        desk.json(&["device", "list"]).iter().map(|device| text_of(device, "name").to_owned()).collect();
    names.sort();
    assert_eq!(names, ["cellar", "desk"]);
    for node in nodes {
        node.stop();
    }
    b.stop();
}

#[test]
fn in_a_community_for_members_a_backup_restored_twice_tells_the_device_that_is_out_and_loses_nothing_it_wrote() {
    let street = Street::of("--members");
    let Street { ada, bob, words, did, .. } = &street;
    let file = ada.scratch("backup").to_str().expect("a UTF-8 path").to_owned();
    ada.ok(&["backup", &file]);
    let (desk, cellar) = (Home::new("desk"), Home::new("cellar"));
    for (home, name) in [(&desk, "desk"), (&cellar, "cellar")] {
        home.ok(&["restore", &file, "--device", name, "--lost", "laptop", "--phrase-file", words]);
        home.ok(&["post", &format!("From the {name}")]);
    }
    let b = bob.start(&["serve"]);
    let nodes = [desk.start(&["serve"]), cellar.start(&["serve"])];
    for home in [&desk, &cellar] {
        home.ok(&["peer", "add", &b.address()]);
    }
    let (loser, _) = eventually("one of them is told that it is out", || {
        let out = [&desk, &cellar].into_iter().find(|home| home.status()["out"] == true);
        out.ok_or_else(|| "both think they are in".to_owned())
    });
    for command in [&["status"][..], &["inbox"], &["device", "list"], &["whoami"]] {
        let said = folkmoot_integration_tests::text(&loser.moot(command));
        assert!(said.contains("taken out of your identity"), "{command:?}: {said}");
    }
    for command in [&["doctor"][..], &["post", "lost words"]] {
        let output = loser.moot(command);
        let said = folkmoot_integration_tests::text(&output);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
        assert!(said.contains("reaches nobody") && said.contains("moot init --recover"), "{command:?}: {said}");
    }
    let recover = ["init", "--recover", "--keep", "all", "--phrase-file", words];
    let said = loser.refused(1, &recover);
    assert!(said.contains("the node of this home is running") && said.contains("stop the node"), "{said}");
    for node in nodes {
        assert!(node.stop().success());
    }
    // It can be read, also now, and signs nothing.
    assert!(loser.ok(&["feed", "--limit", "100"]).contains("Post number 7"));
    assert_eq!(loser.status()["out"], true);
    for command in [&["sync"][..], &["serve"], &["community", "create", "Allotments", "--members"]] {
        let said = loser.refused(1, command);
        assert!(said.contains("taken out of your identity"), "{command:?}: {said}");
        assert!(said.contains("moot init --recover"), "{command:?}: {said}");
    }
    // Nobody looks for their paper in vain.
    let tablet = Home::new("tablet");
    let request = text_of(&tablet.one(&["device", "add"]), "request").to_owned();
    for command in [["device", "approve", &request], ["device", "revoke", "desk"]] {
        let said = loser.refused(1, &command);
        assert!(said.contains("could not change your devices") && said.contains("init --recover"), "{said}");
    }
    // Where Bob's node is, it remembers.
    assert_eq!(text_of(&loser.one(&recover), "did"), did);

    let nodes = [desk.start(&["serve"]), cellar.start(&["serve"])];
    for home in [&desk, &cellar, bob] {
        eventually("everything both wrote is on every machine", || {
            let feed = home.ok(&["feed", "--limit", "100"]);
            let both = feed.contains("From the desk") && feed.contains("From the cellar");
            if both && written(home, did).len() == 22 { Ok(()) } else { Err(feed) }
        });
    }
    level(&desk, &cellar);
    level(&desk, bob);
    for home in [&desk, &cellar] {
        assert_eq!((home.json(&["device", "list"]).len(), &home.status()["out"]), (2, &Value::Bool(false)));
    }
    for node in nodes {
        node.stop();
    }
    b.stop();
}

fn text_of_devices(home: &Home) -> String {
    folkmoot_integration_tests::text(&home.moot(&["device", "list"]))
}
