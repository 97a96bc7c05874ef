//! Bad input: one sentence, the cause, a next step, the right exit code, and nothing lost.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt};

use folkmoot_integration_tests::{Home, fixture};

/// The form every refusal has: a sentence behind `moot: `, and at the end a next step behind `hint: `.
fn in_form(said: &str) {
    assert_eq!(said.lines().filter(|line| line.starts_with("moot: ")).count(), 1, "{said}");
    assert!(said.lines().last().is_some_and(|line| line.starts_with("hint: ")), "no next step in:\n{said}");
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
}

fn settled(name: &str) -> Home {
    let home = Home::new(name);
    home.ok(&["init", "--name", "Ada"]);
    home.ok(&["community", "create", "Quiet Lane", "--public"]);
    home
}

#[test]
fn a_home_that_is_not_there_says_how_to_make_one() {
    let home = Home::new("none");
    in_form(&home.refused(1, &["post", "hello"]));
    assert!(!home.path().exists(), "a refused command leaves nothing behind");
}

#[test]
fn wrong_links_are_told_apart() {
    let home = settled("links");
    for link in ["https://example.org/join#", "moot:join#abc", "hello", "https://example.org/"] {
        in_form(&home.refused(1, &["join", link]));
    }
    let invite = home.one(&["invite"]);
    let link = invite["link"].as_str().expect("a link");
    in_form(&home.refused(1, &["join", &link[..link.len() - 9]]));
}

#[test]
fn a_link_with_nobody_behind_it_is_kept_and_exits_with_3() {
    let (home, other) = (settled("founder"), Home::new("newcomer"));
    let link = home.one(&["invite"])["link"].as_str().expect("a link").to_owned();
    in_form(&other.refused(3, &["join", &link]));
    assert!(
        other.ok(&["community", "list"]).to_lowercase().contains("pending")
            || other.status().to_string().contains("pending")
    );
}

#[test]
fn times_and_zones_are_checked() {
    let home = settled("times");
    let said = home.refused(1, &["event", "add", "Gig", "2031-05-01 20:00", "--end", "2031-05-01 02:00"]);
    in_form(&said);
    assert!(said.contains("2031-05-01 20:00") || said.contains("20:00"), "{said}");
    let said = home.refused(1, &["event", "add", "Gig", "2031-05-01 20:00", "--zone", "Europe/Berlln"]);
    in_form(&said);
    assert!(said.contains("Europe/Berlin"), "a near zone is named: {said}");
    in_form(&home.refused(1, &["event", "add", "Gig", "sometime soon"]));
    assert!(home.json(&["event", "list"]).is_empty());
}

#[test]
fn a_post_over_the_limit_says_both_numbers() {
    let home = settled("long");
    let said = home.refused(1, &["post", &"x".repeat(6_000)]);
    in_form(&said);
    assert!(said.contains("6") && said.contains("5"), "{said}");
    assert!(home.json(&["feed"]).is_empty());
}

#[test]
fn a_stranger_cannot_post_and_an_unknown_record_is_named() {
    let home = settled("stranger");
    in_form(&home.refused(1, &["--community", "No Such Place", "post", "hello"]));
    in_form(&home.refused(1, &["show", "zzzzzzzzzzzzzzzz"]));
    in_form(&home.refused(1, &["delete", "moot://nonsense"]));
}

#[test]
fn a_port_in_use_is_named_before_anything_starts() {
    let home = settled("ports");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("its address").port();
    let http = format!("127.0.0.1:{port}");
    let said = home.refused(1, &["serve", "--http", &http, "--listen", "/ip4/127.0.0.1/tcp/0"]);
    in_form(&said);
    assert!(said.contains(&port.to_string()), "{said}");
    let listen = format!("/ip4/127.0.0.1/tcp/{port}");
    let said = home.refused(1, &["serve", "--http", "127.0.0.1:0", "--listen", &listen]);
    in_form(&said);
    assert!(said.contains(&port.to_string()), "{said}");
}

#[test]
fn a_home_has_one_node() {
    let home = settled("twice");
    let node = home.start(&["serve"]);
    in_form(&home.refused(1, &["serve", "--http", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/tcp/0"]));
    assert!(node.stop().success());
}

#[test]
fn a_home_others_can_read_is_refused_until_mended() {
    let home = settled("open");
    let key = home.path().join("keys/device");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("own file");
    let said = home.refused(1, &["post", "hello"]);
    in_form(&said);
    assert!(said.contains("chmod"), "{said}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("own file");
    home.ok(&["post", "hello"]);
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("own folder");
    in_form(&home.refused(1, &["post", "hello again"]));
}

#[test]
fn a_truncated_calendar_imports_nothing() {
    let home = settled("ics");
    let source = fixture("calendars/fablab_cottbus.ics")
        .map(|path| fs::read_to_string(path).expect("readable"))
        .unwrap_or_else(|| include_str!("../../interop/workshop.ics").to_owned());
    let cut: String = source.chars().take(source.chars().count() * 2 / 3).collect();
    let file = home.scratch("cut.ics");
    fs::write(&file, cut).expect("writable");
    in_form(&home.refused(1, &["event", "import", file.to_str().expect("UTF-8")]));
    assert!(home.json(&["event", "list", "--past"]).is_empty());
    in_form(&home.refused(1, &["event", "import", "/no/such/file.ics"]));
}

#[test]
fn a_corrupt_a_foreign_and_an_empty_store_are_told_and_left_alone() {
    let home = settled("store");
    home.ok(&["post", "precious"]);
    let store = home.path().join("store.redb");
    let whole = fs::read(&store).expect("readable");
    let garbled: Vec<u8> = whole.iter().map(|b| b ^ 0x5a).collect();
    for broken in [&b"SQLite format 3\0 and so on"[..], &[], &whole[..whole.len() / 3], &garbled] {
        fs::write(&store, broken).expect("writable");
        in_form(&home.refused(1, &["feed"]));
        assert_eq!(fs::read(&store).expect("readable"), broken, "the file is left as it was");
    }
    fs::write(&store, whole).expect("writable");
    assert!(home.ok(&["feed"]).contains("precious"));
}

#[test]
fn unknown_commands_and_settings_name_the_nearest() {
    let home = settled("words");
    let said = home.refused(2, &["pots", "hello"]);
    assert!(said.contains("post"), "{said}");
    fs::write(home.path().join("config.toml"), "htp = \"127.0.0.1:1\"\n").expect("writable");
    let said = home.refused(1, &["status"]);
    in_form(&said);
    assert!(said.contains("http"), "{said}");
}

#[test]
fn a_wrong_word_of_the_phrase_is_named_with_its_neighbours() {
    let home = Home::new("phrase");
    let words = "abandon abandn abandon abandon abandon abandon abandon abandon abandon abandon abandon about\n";
    let paper = &*home.secret("paper.txt", words);
    let said = home.refused(1, &["init", "--recover", "--phrase-file", paper]);
    in_form(&said);
    assert!(said.contains("--via"), "{said}");
    let ada = Home::new("ada");
    ada.ok(&["init", "--name", "Ada"]);
    ada.ok(&["community", "create", "Quiet Lane", "--public"]);
    let invite = ada.one(&["invite"]);
    let link = invite["link"].as_str().expect("a link");
    let said = home.refused(1, &["init", "--recover", "--via", link, "--phrase-file", paper]);
    in_form(&said);
    assert!(said.contains("abandn") && said.contains("abandon"), "{said}");
    // Neither from a pipe, nor from a file that others can read.
    let said = home.refused(1, &["init", "--recover", "--via", link]);
    in_form(&said);
    assert!(said.contains("no terminal"), "{said}");
    fs::set_permissions(paper, fs::Permissions::from_mode(0o644)).expect("our own file");
    let said = home.refused(1, &["init", "--recover", "--via", link, "--phrase-file", paper]);
    in_form(&said);
    assert!(said.contains("read by others") && said.contains("chmod 0600"), "{said}");
}
