//! Everything leaves as one file, arrives the same elsewhere, and is checked by whoever wants to.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use folkmoot_integration_tests::Home;
use serde_json::Value;

fn utf8(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}

/// A home with a public community of some posts, an event and an answer to it.
fn settled() -> Home {
    let home = Home::new("ada");
    home.ok(&["init", "--name", "Ada"]);
    home.ok(&["community", "create", "River Street", "--public"]);
    for n in 0..20 {
        home.ok(&["post", &format!("Post {n} by the river")]);
    }
    let event = home.one(&["event", "add", "Lantern walk", "2031-11-11 18:00"]);
    home.ok(&["rsvp", event["short"].as_str().expect("a short id"), "yes"]);
    home
}

fn community(home: &Home) -> Value {
    let mut all = home.json(&["community", "list"]);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[test]
fn a_community_moves_to_another_home_with_the_same_names() {
    let (ada, dora) = (settled(), Home::new("dora"));
    let (file, public) = (ada.scratch("river.car"), ada.scratch("public.car"));
    let exported = ada.one(&["export", "--all", "-o", utf8(&file)]);
    assert_eq!(exported["audience"], "members");
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o077, 0, "for its owner alone");
    ada.ok(&["export", "--all", "--public", "-o", utf8(&public)]);
    let there = community(&ada);
    assert_eq!(exported["roots"][0], there["snapshot_members"]);
    let said = ada.refused(1, &["export", "--all", "-o", utf8(&file)]);
    assert!(said.contains("--force"), "{said}");
    let before = fs::read(&file).expect("the file");
    ada.ok(&["export", "--all", "-o", utf8(&file), "--force"]);
    assert!(fs::read(&file).expect("the file") == before, "equal stores, equal files");
    let folder = fs::read_dir(file.parent().expect("a folder")).expect("a folder");
    let left: Vec<_> =
        folder.filter_map(|e| e.ok()?.file_name().into_string().ok()).filter(|n| n.ends_with(".part")).collect();
    assert!(left.is_empty(), "{left:?}");

    // Elsewhere, and with nothing of Ada's machine left.
    dora.ok(&["init", "--name", "Dora"]);
    let moved = dora.scratch("river.car");
    fs::copy(&file, &moved).expect("a copy");
    drop(ada);
    let imported = dora.one(&["import", utf8(&moved)]);
    assert_eq!(imported["whole"], true, "{imported}");
    let share = &imported["communities"][0];
    assert_eq!((&share["as_archived"], &share["joined"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!((&share["snapshot"], &share["snapshot_members"]), (&there["snapshot"], &there["snapshot_members"]));
    assert_eq!(community(&dora)["snapshot"], there["snapshot"]);
    assert_eq!(dora.json(&["feed", "--limit", "100"]).len(), 20);
    for command in [&["community", "list"][..], &["community", "show"], &["status"]] {
        let said = folkmoot_integration_tests::text(&dora.moot(command));
        assert!(said.contains(", not joined") && said.contains("moot join LINK"), "{command:?}: {said}");
    }
    let again = dora.one(&["import", utf8(&moved)]);
    assert_eq!((&again["communities"][0]["repositories"], &again["whole"]), (&0.into(), &Value::Bool(true)));
    // Who is no member gets no archive of what is for members.
    let out = dora.scratch("again.car");
    assert_eq!(dora.one(&["export", "--all", "-o", utf8(&out)])["audience"], "public");
}

#[test]
fn a_person_is_exported_by_name_by_did_and_by_the_end_of_it_that_people_are_shown() {
    let ada = settled();
    let me = ada.one(&["whoami"])["did"].as_str().expect("a did").to_owned();
    let (name, end) = (ada.json(&["member", "list"])[0]["name"].clone(), &me[me.len() - 8..]);
    let mut files = Vec::new();
    for who in [&me, name.as_str().expect("a name"), end] {
        let file = ada.scratch(&format!("{}.car", files.len()));
        ada.ok(&["export", "--person", who, "-o", utf8(&file)]);
        files.push(fs::read(&file).expect("a file"));
    }
    assert!(files[0] == files[1] && files[1] == files[2]);
    assert!(ada.ok(&["profile", "show", end]).contains(name.as_str().expect("a name")));
    assert!(ada.refused(1, &["export", "--person", "Nobody", "-o", utf8(&ada.scratch("n.car"))]).contains("Nobody"));
}

#[test]
fn a_running_node_takes_an_archive_in_and_shows_it() {
    let (ada, dora) = (settled(), Home::new("dora"));
    let file = ada.scratch("river.car");
    ada.ok(&["export", "--all", "--public", "-o", utf8(&file)]);
    dora.ok(&["init", "--name", "Dora"]);
    let node = dora.start(&["serve"]);
    let imported = dora.one(&["import", utf8(&file)]);
    assert_eq!(imported["communities"][0]["as_archived"], true, "{imported}");
    assert!(node.page("/posts/").contains("Post 19 by the river"));
    // Of an event a stranger sees all but who answered.
    let shown = dora.one(&["show", "Lantern walk"]);
    assert_eq!((&shown["record"]["name"], &shown["answers"]["known"]), (&"Lantern walk".into(), &Value::Bool(false)));
    let said = dora.refused(1, &["event", "guests", "Lantern walk"]);
    assert!(said.contains("only members"), "{said}");
    // And from there it leaves again, written by the node.
    let again = dora.scratch("again.car");
    dora.ok(&["export", "--all", "-o", utf8(&again)]);
    assert!(fs::read(&again).expect("a file") == fs::read(&file).expect("a file"));
}

#[test]
fn a_page_is_not_believed_but_its_proof_is() {
    let home = settled();
    let node = home.start(&["serve"]);
    let post = home.json(&["feed"]).remove(0);
    let short = post["short"].as_str().expect("a short id");
    let page = node.page(&format!("/n/{short}"));
    let address = format!("{}/n/{short}", node.http());
    assert!(page.contains(&format!("/n/{short}.car")) && page.contains(&format!("moot verify {address}")), "{page}");

    // From a machine that has nothing of ours.
    let nobody = Home::new("nobody");
    let verified = nobody.one(&["verify", &address]);
    assert_eq!((&verified["holds"], &verified["uri"]), (&Value::Bool(true), &post["uri"]));
    assert_eq!((&verified["author"]["role"], &verified["newest"]), (&"steward".into(), &Value::Null));
    assert!(!nobody.path().exists(), "looking makes no home");
    let said = nobody.ok(&["verify", &address]);
    for words in ["true: post", "Post 19 by the river", "River Street, public", "steward"] {
        assert!(said.contains(words), "no {words:?} in:\n{said}");
    }

    // Where there is a home, it knows whether there is something newer.
    assert_eq!(home.one(&["verify", short])["newest"], true);
    let old = home.scratch("old.car");
    home.ok(&["export", short, "-o", utf8(&old)]);
    home.ok(&["edit", short, "Post 19, by the sea"]);
    assert_eq!(home.one(&["verify", utf8(&old)])["newest"], false);
    assert!(home.ok(&["verify", utf8(&old)]).contains("newer one here"));
    home.refused(1, &["verify", &format!("{}/n/aaaaaaaaaaaaaaaa", node.http())]);
    home.refused(1, &["verify", &format!("{}/about", node.http())]);
    nobody.refused(3, &["verify", "http://127.0.0.1:1/n/aaaaaaaaaaaaaaaa"]);
}

/// Answers every request with these bytes, whatever was asked for. Ends with the test.
fn serve_always(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream: TcpStream = stream;
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", bytes.len());
            let asked = stream.read(&mut [0; 4096]);
            if asked.and_then(|_| stream.write_all(head.as_bytes())).and_then(|()| stream.write_all(&bytes)).is_err() {
                return;
            }
        }
    });
    format!("http://{address}")
}

#[test]
fn a_page_that_offers_the_proof_of_another_record_is_not_called_true() {
    let (home, nobody) = (settled(), Home::new("nobody"));
    let posts = home.json(&["feed"]);
    let [shown, proved] = [0, 1].map(|n| posts[n]["short"].as_str().expect("a short id"));
    let file = home.scratch("other.car");
    home.ok(&["export", proved, "-o", utf8(&file)]);
    let host = serve_always(fs::read(&file).expect("the file"));
    for path in [format!("/n/{shown}"), format!("/e/{proved}")] {
        let said = nobody.refused(1, &["verify", &format!("{host}{path}")]);
        assert!(said.contains("the proof of another record"), "{said}");
    }
    let (here, elsewhere) = (community(&home), posts[0]["cid"].as_str().expect("a CID"));
    let said = nobody.refused(1, &["verify", &format!("{host}/c/{elsewhere}/n/{proved}")]);
    assert!(said.contains("in another community"), "{said}");
    nobody.ok(&["verify", &format!("{host}/n/{proved}")]);
    nobody.ok(&["verify", &format!("{host}/c/{}/n/{proved}", here["cid"].as_str().expect("a CID"))]);
    // Nor is a whole archive a proof of one record.
    home.ok(&["export", "--all", "--public", "-o", utf8(&file), "--force"]);
    let host = serve_always(fs::read(&file).expect("the file"));
    let said = nobody.refused(1, &["verify", &format!("{host}/n/{shown}")]);
    assert!(said.contains("no proof of one record"), "{said}");
}

#[test]
fn a_changed_byte_is_said_with_its_place_and_the_rest_is_kept() {
    let (ada, dora) = (settled(), Home::new("dora"));
    let file = ada.scratch("river.car");
    ada.ok(&["export", "--all", "-o", utf8(&file)]);
    let said = ada.ok(&["verify", utf8(&file)]);
    assert!(said.starts_with("true: 2 repositories of 1 person"), "{said}");
    let mut bytes = fs::read(&file).expect("the file");
    let at = bytes.windows(7).position(|window| window == b"Post 7 ").expect("the post's text");
    bytes[at] ^= 1;
    fs::write(&file, &bytes).expect("a file");
    let said = ada.refused(1, &["verify", utf8(&file)]);
    assert!(said.contains("damaged at byte") && said.contains("missing: a record"), "{said}");

    dora.ok(&["init", "--name", "Dora"]);
    let output = dora.moot(&["--json", "import", utf8(&file)]);
    assert_eq!(output.status.code(), Some(1));
    let imported: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!((&imported["damaged"]["total"], &imported["whole"]), (&1.into(), &Value::Bool(false)));
    let offset = imported["damaged"]["shown"][0]["offset"].as_u64().expect("a place");
    assert!(offset < at as u64 && at as u64 - offset < 300, "{offset} for {at}");
    // The repository of members is whole, the public one is not; the undamaged file mends it.
    assert_eq!(imported["communities"][0]["repositories"], 1);
    bytes[at] ^= 1;
    fs::write(&file, &bytes).expect("a file");
    assert_eq!(dora.one(&["import", utf8(&file)])["communities"][0]["as_archived"], true);
    for other in ["not an archive", ""] {
        fs::write(&file, other).expect("a file");
        let said = dora.refused(1, &["import", utf8(&file)]);
        assert!(said.contains("it is no archive") && said.contains("CARv1"), "{said}");
    }
}
