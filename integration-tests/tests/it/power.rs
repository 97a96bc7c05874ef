//! Power cuts at every kind of moment, on images of the disk built from a trace of what was written and synced.

use std::{collections::BTreeSet, fs, path::Path};

use folkmoot_integration_tests::{Home, eventually, has_tool, power::Recording};
use folkmoot_node::{
    clock::Clock,
    home::{self, HomeError},
    store::{Scope, Store, StoreError},
};
use folkmoot_schemas::{Cid, phrase::Phrase};

/// Images per test here; `.ci/long` asks for more.
fn cuts() -> usize {
    std::env::var("MOOT_CUTS").ok().and_then(|n| n.parse().ok()).unwrap_or(60)
}

/// Calls `check` with an image, the moment of its cut, and what had been said until then.
fn at_moments(recording: &Recording, mut check: impl FnMut(&Path, usize, &str)) {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    for n in 0..cuts() {
        // Every moment once, in a scattered order; then again with other seeds.
        let moment = (n * 7919) % recording.moments();
        let image = scratch.path().join(n.to_string());
        recording.cut(moment, n as u64, &image);
        check(&image, moment, &recording.said(moment));
        fs::remove_dir_all(&image).expect("an image can be removed");
    }
}

/// A test beside this one may be starting a process, which holds every lock of ours until it has become another program.
fn unlocked<T>(act: impl Fn() -> Result<T, HomeError>) -> Result<T, HomeError> {
    let (done, _) = eventually("nobody else holds the store", || match act() {
        Err(HomeError::Store(why @ StoreError::Locked(_))) => Err(why.to_string()),
        done => Ok(done),
    });
    done
}

fn posts(store: &Store) -> BTreeSet<Cid> {
    let view = store.view(Scope::Members).expect("it can be read");
    let communities = view.communities().expect("it can be read");
    let posts = view.list(&communities[0].id, "org.folkmoot.post", None, 1000).expect("it can be read");
    posts.into_iter().map(|entry| entry.cid).collect()
}

fn cids(said: &str) -> BTreeSet<Cid> {
    let lines = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    lines.filter_map(|line| line["cid"].as_str().map(|cid| cid.parse().expect("a CID"))).collect()
}

#[test]
fn after_a_power_cut_at_any_moment_the_store_opens_and_nothing_acknowledged_is_missing() {
    if !has_tool("strace", "power cuts while posting") {
        return;
    }
    let home = Home::new("power");
    home.ok(&["init", "--name", "Ada"]);
    home.ok(&["community", "create", "Quiet Lane", "--public"]);
    let log = home.scratch("strace.log");
    let mut recording = Recording::of(&home.path());
    for text in ["one", "two", "three"] {
        let output = recording.run(home.strace(&Recording::options(&log), &["--json", "post", text]), &log);
        assert!(output.status.success());
    }
    assert_eq!(cids(&recording.said(recording.moments() - 1)).len(), 3);
    at_moments(&recording, |image, moment, said| {
        let acknowledged = cids(said);
        let open = || unlocked(|| home::Home::open(image).and_then(|home| home.open_store()));
        let store = open().unwrap_or_else(|why| panic!("cut at {moment}: {why}"));
        let kept = posts(&store);
        assert!(kept.is_superset(&acknowledged), "cut at {moment}: lost {:?}", acknowledged.difference(&kept));
        assert!(kept.len() <= acknowledged.len() + 1, "cut at {moment}");
        store.set_meta("after", Some(b"the cut")).expect("it can be written");
        drop(store);
        assert_eq!(posts(&open().expect("it opens again")), kept);
    });

    // A disk that lies about syncs does lose something, so these images would show it.
    let forgetful = recording.without_syncs();
    let whole = |image: &Path, said: &str| {
        let store = unlocked(|| home::Home::open(image).and_then(|home| home.open_store()));
        store.is_ok_and(|store| posts(&store).is_superset(&cids(said)))
    };
    let mut damaged = 0;
    at_moments(&forgetful, |image, _, said| damaged += u32::from(!whole(image, said)));
    assert!(damaged > 0);
}

#[test]
fn a_power_cut_during_init_leaves_no_home_or_a_whole_one() {
    if !has_tool("strace", "power cuts during init") {
        return;
    }
    // Once where nothing is yet, once in a folder that is there.
    for prepared in [false, true] {
        let home = Home::new("new");
        if prepared {
            fs::create_dir(home.path()).expect("a folder");
        }
        let root = home.path().parent().expect("a parent").to_owned();
        let outside = tempfile::tempdir().expect("a temporary folder");
        let log = outside.path().join("strace.log");
        let words = home.scratch("words");
        let args = ["--json", "init", "--name", "Ada", "--phrase-file", words.to_str().expect("UTF-8")];
        let mut recording = Recording::of(&root);
        let output = recording.run(home.strace(&Recording::options(&log), &args), &log);
        assert!(output.status.success());
        at_moments(&recording, |image, moment, said| {
            let dir = image.join("home");
            match home::Home::open(&dir) {
                Ok(home) => {
                    let store = home.open_store().unwrap_or_else(|why| panic!("cut at {moment}: {why}"));
                    let me = store.meta("me").expect("readable").unwrap_or_else(|| panic!("cut at {moment}: no me"));
                    let words = fs::read_to_string(image.join("words"))
                        .unwrap_or_else(|why| panic!("cut at {moment}: a home without its words: {why}"));
                    let phrase = Phrase::parse(&words).unwrap_or_else(|why| panic!("cut at {moment}: {why}"));
                    assert_eq!(phrase.root().did().to_string().as_bytes(), me);
                    if said.contains("\"did\"") {
                        let config = fs::read_to_string(home.config_path()).expect("settings");
                        assert!(config.contains("Ada"), "cut at {moment}: {config:?}");
                    }
                }
                Err(HomeError::Absent(_)) => {
                    assert!(!said.contains("\"did\""), "cut at {moment}: the home that was acknowledged is gone");
                    let phrase = Phrase::from_entropy([7; 16]);
                    unlocked(|| home::Home::create(&dir, &phrase, "laptop", &Clock::system()))
                        .unwrap_or_else(|why| panic!("cut at {moment}: the next try fails: {why}"));
                }
                Err(why) => panic!("cut at {moment}: {why}"),
            }
        });
    }
}
