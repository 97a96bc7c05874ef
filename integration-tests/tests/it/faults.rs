//! Disks that fail and disks that are full: one sentence, nothing lost, nothing twice, and it goes on by itself.

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use folkmoot_integration_tests::{Home, eventually, has_tool, text};
use folkmoot_node::store::{Store, backup};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// All faults, or a sample that takes seconds.
fn is_long() -> bool {
    std::env::var_os("MOOT_LONG").is_some()
}

fn quiet_lane(name: &str) -> Home {
    let home = Home::new(name);
    home.ok(&["init", "--name", "Ada"]);
    home.ok(&["community", "create", "Quiet Lane", "--public"]);
    home
}

/// CIDs of the posts with this text.
fn saying(home: &Home, wanted: &str) -> Vec<String> {
    let posts = home.json(&["feed", "--limit", "1000"]);
    let found = posts.iter().filter(|post| post["record"]["text"] == wanted);
    found.map(|post| post["cid"].as_str().expect("a CID").to_owned()).collect()
}

/// One sentence and what belongs to it, no panic.
fn is_a_sentence(said: &str) -> bool {
    said.lines().filter(|line| line.starts_with("moot: ")).count() == 1 && !said.contains("panicked")
}

#[test]
fn a_post_whose_nth_write_or_sync_fails_is_refused_in_a_sentence_and_never_there_twice() {
    if !has_tool("strace", "failing writes and syncs") {
        return;
    }
    let home = quiet_lane("faulty");
    let log = home.scratch("strace.log");
    let (mut refused, mut total) = (0, 0);
    for call in ["write", "pwrite64", "fsync", "fdatasync", "ftruncate"] {
        for error in ["EIO", "ENOSPC"] {
            // `n`: that one alone; `n+`: all from there.
            let whens: Vec<String> = match is_long() {
                true => (1..=40).flat_map(|n| [n.to_string(), format!("{n}+")]).collect(),
                false => ["1", "4+", "9", "14+"].map(str::to_owned).into(),
            };
            for when in whens {
                let words = format!("{call} {error} {when}");
                let inject = format!("inject={call}:error={error}:when={when}");
                let trace = format!("trace={call}");
                let options =
                    ["-f", "-qq", "-o", log.to_str().expect("UTF-8"), "-e", trace.as_str(), "-e", inject.as_str()];
                let output = home.strace(&options, &["--json", "post", &words]).output().expect("strace starts");
                let injected = fs::read_to_string(&log).expect("a log").contains("(INJECTED)");
                let said = String::from_utf8_lossy(&output.stderr);
                let code = output.status.code().unwrap_or_else(|| panic!("{words}: {}", text(&output)));
                let first = serde_json::from_slice::<Value>(&output.stdout).ok();
                if code != 0 {
                    // What cannot be written to standard error is not said there.
                    assert!(
                        code == 1 && (is_a_sentence(&said) || call == "write"),
                        "{words}: {code}: {}",
                        text(&output)
                    );
                    refused += 1;
                }
                let seen = saying(&home, &words);
                assert!(seen.len() <= 1 && (code != 0 || seen.len() == 1), "{words}: {seen:?}");
                let again = home.one(&["post", &words]);
                let cid = again["cid"].as_str().expect("a CID");
                assert!(seen.is_empty() || seen == [cid], "{words}: {seen:?}, then {cid}");
                if let (0, Some(first)) = (code, first) {
                    assert_eq!(first["cid"], cid, "{words}");
                }
                assert_eq!(saying(&home, &words), [cid], "{words}");
                total += 1;
                if !injected {
                    break;
                }
            }
        }
    }
    println!("{refused} of {total} posts were refused");
    assert!(refused >= 10);
}

/// strace on a running process, failing calls until dropped.
struct Failing(Child);

impl Failing {
    /// None: this system lets nobody look into another process.
    fn on(pid: u32, inject: &str, log: &Path) -> Option<Self> {
        let child = Command::new("strace")
            .args(["-f", "-p", &pid.to_string(), "-e", "trace=pwrite64,fdatasync,fsync,ftruncate", "-e", inject, "-o"])
            .arg(log)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace starts");
        let mut this = Self(child);
        let mut first = String::new();
        let stderr = this.0.stderr.take().expect("a pipe");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stderr), &mut first).expect("strace speaks");
        first.contains("attached").then_some(this)
    }
}

impl Drop for Failing {
    fn drop(&mut self) {
        // Interrupted, it lets go of the process.
        let _ = kill_process(Pid::from_child(&self.0), Signal::INT);
        let _ = self.0.wait();
    }
}

#[test]
fn a_node_whose_disk_fails_is_loud_shows_everything_and_writes_again_by_itself() {
    if !has_tool("strace", "a disk that fails under a running node") {
        return;
    }
    let home = quiet_lane("failing");
    let node = home.start(&["serve"]);
    home.ok(&["post", "before"]);
    for inject in ["inject=fdatasync:error=EIO", "inject=pwrite64,fdatasync,ftruncate:error=ENOSPC"] {
        let Some(failing) = Failing::on(node.pid(), inject, &home.scratch("strace.log")) else {
            println!("skipped: a disk that fails under a running node: strace may not attach here");
            return;
        };
        let said = home.refused(1, &["post", inject]);
        assert!(is_a_sentence(&said) && said.contains("disk"), "{said}");
        assert_eq!(home.status()["store"]["read_only"], true);
        assert_eq!(node.get("/healthz").0, 503);
        assert_eq!(saying(&home, "before").len(), 1);
        assert!(node.page("/").contains("before"));
        assert!(node.said().contains("the disk is full or failing"), "{}", node.said());
        drop(failing);
        let (_, took) =
            eventually("writing goes on by itself", || match home.status()["store"]["read_only"] == false {
                true => Ok(()),
                false => Err("read-only".to_owned()),
            });
        assert!(took < Duration::from_secs(60), "{took:?}");
        assert_eq!(node.get("/healthz").0, 200);
        home.ok(&["post", inject]);
        assert_eq!(saying(&home, inject).len(), 1);
    }
    assert!(node.stop().success());
}

/// A file system of its own in memory, seen through the process that holds it.
struct SmallDisk {
    holder: Child,
    root: PathBuf,
}

impl SmallDisk {
    /// None: nothing can be mounted here.
    fn mount(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let script = format!(
            "mount -t tmpfs -o size={mebibytes}m,mode=0700 none {0} && echo ready && exec sleep 600",
            folder.display()
        );
        for how in [&["-r", "-m"][..], &["-m"]] {
            let mut command = Command::new("unshare");
            command.args(how).args(["sh", "-c", &script]).stdout(Stdio::piped()).stderr(Stdio::null());
            let Ok(mut holder) = command.spawn() else { continue };
            let mut said = String::new();
            let out = holder.stdout.take().expect("a pipe");
            std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut said).expect("it speaks or ends");
            let root = PathBuf::from(format!("/proc/{}/root{}", holder.id(), folder.display()));
            let this = Self { holder, root };
            if said == "ready\n" && fs::read_dir(&this.root).is_ok() {
                return Some(this);
            }
        }
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[test]
fn a_full_disk_stops_writing_not_reading_and_writing_goes_on_when_there_is_space() {
    let Some(disk) = SmallDisk::mount(128) else {
        println!("skipped: a full disk: nothing can be mounted here");
        return;
    };
    let home = Home::within("full", &disk.root);
    home.ok(&["init", "--name", "Ada"]);
    home.ok(&["community", "create", "Quiet Lane", "--public"]);
    let node = home.start(&["serve"]);
    home.ok(&["post", "before"]);
    let ballast = disk.root.join("ballast");
    // Nearly full, then to the last byte.
    for mebibytes in [90, 1000] {
        let mut file = File::create(&ballast).expect("a file");
        for _ in 0..mebibytes {
            if file.write_all(&[1; 1 << 20]).is_err() {
                break;
            }
        }
        drop(file);
        let words = format!("after {mebibytes}");
        let said = home.refused(1, &["post", &words]);
        assert!(is_a_sentence(&said) && said.contains("the disk is full"), "{said}");
        assert_eq!(home.status()["store"]["read_only"], true);
        assert_eq!(node.get("/healthz").0, 503);
        assert_eq!(saying(&home, "before").len(), 1);
        assert!(node.page("/").contains("before"));
        fs::remove_file(&ballast).expect("it can be removed");
        let (_, took) = eventually("writing goes on by itself", || match node.get("/healthz").0 {
            200 => Ok(()),
            status => Err(status.to_string()),
        });
        assert!(took < Duration::from_secs(60), "{took:?}");
        home.ok(&["post", &words]);
        assert_eq!(saying(&home, &words).len(), 1);
    }
    assert!(node.stop().success());
    // Without a node: the same sentence, and reading works.
    let mut file = File::create(&ballast).expect("a file");
    while file.write_all(&[1; 1 << 20]).is_ok() {}
    drop(file);
    let said = home.refused(1, &["post", "alone"]);
    assert!(is_a_sentence(&said) && said.contains("the disk is full"), "{said}");
    assert_eq!(saying(&home, "before").len(), 1);
    fs::remove_file(&ballast).expect("it can be removed");
    home.ok(&["post", "alone"]);
}

#[test]
fn a_second_process_on_one_home_is_told_so_in_a_sentence() {
    let home = quiet_lane("shared");
    let node = home.start(&["serve"]);
    for args in [&["serve", "--http", "127.0.0.1:0"][..], &["quickstart", "--http", "127.0.0.1:0"]] {
        let said = home.refused(1, args);
        assert!(is_a_sentence(&said), "{args:?}: {said}");
    }
    assert!(node.stop().success());

    // Somebody holds the store and answers nothing.
    let store = home.path().join("store.redb");
    let owner = Store::open(&store).expect("it opens");
    let file = home.scratch("backup");
    let backup = ["backup", file.to_str().expect("UTF-8")];
    std::thread::scope(|scope| {
        let ways: [&[&str]; 8] = [
            &["post", "hello"],
            &["feed"],
            &["status"],
            &["sync"],
            &["serve", "--no-gateway", "--listen", "/ip4/127.0.0.1/tcp/0"],
            &["quickstart", "--http", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/tcp/0"],
            &["join", "https://moot.example.org/join#abc"],
            &backup,
        ];
        for args in ways {
            let home = &home;
            scope.spawn(move || {
                let said = home.refused(1, args);
                assert!(is_a_sentence(&said), "{args:?}: {said}");
                if args[0] != "join" {
                    assert!(said.contains("another process is using"), "{args:?}: {said}");
                }
            });
        }
    });
    drop(owner);
    assert!(!file.exists());
    home.ok(&["post", "hello"]);
}

#[test]
fn a_backup_taken_while_the_node_runs_holds_everything_but_the_keys() {
    let home = quiet_lane("kept");
    home.ok(&["post", "before"]);
    let node = home.start(&["serve"]);
    home.ok(&["invite", "--uses", "3"]);
    let mut files = Vec::new();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| (0..10).for_each(|n| drop(home.ok(&["post", &format!("meanwhile {n}")]))));
        while !writing.is_finished() {
            let file = home.scratch(&format!("backup-{}", files.len()));
            let done = home.one(&["backup", file.to_str().expect("UTF-8")]);
            assert_eq!(done["bytes"], fs::metadata(&file).expect("a file").len());
            assert!(done["communities"] == 1 && done["blocks"].as_u64() > Some(3));
            files.push(file);
        }
    });
    let last = home.scratch("backup-last");
    home.ok(&["backup", last.to_str().expect("UTF-8")]);
    let said = home.refused(1, &["backup", last.to_str().expect("UTF-8")]);
    assert!(is_a_sentence(&said) && said.contains("exists already"), "{said}");
    assert!(node.stop().success());
    files.push(last.clone());
    let keys = ["device", "peer"].map(|key| fs::read_to_string(home.path().join("keys").join(key)).expect("a key"));
    let to = home.scratch("restored.redb");
    for file in &files {
        let bytes = fs::read(file).expect("readable");
        for key in &keys {
            let seed = (0..32).map(|n| u8::from_str_radix(&key[2 * n..2 * n + 2], 16).expect("hexadecimal"));
            let seed: Vec<u8> = seed.collect();
            assert!(!bytes.windows(32).any(|w| w == seed), "a key is in the backup");
        }
        backup::restore(file, &to).expect("it can be restored");
        let store = Store::open(&to).expect("it opens");
        assert!(store.metas("seed/").expect("readable").is_empty());
        drop(store);
        fs::remove_file(&to).expect("it can be removed");
    }
    let about = backup::restore(&last, &to).expect("it can be restored");
    assert_eq!(about.device, home.one(&["whoami"])["device"]);
    assert!(about.config.expect("settings").contains("Ada"));
    let restored = Store::open(&to).expect("it opens");
    let view = restored.view(folkmoot_node::store::Scope::Members).expect("readable");
    let community = view.communities().expect("readable").remove(0).id;
    assert_eq!(view.list(&community, "org.folkmoot.post", None, 100).expect("readable").len(), 11);
    assert_eq!(
        view.snapshot(&community).expect("readable").to_string(),
        home.status()["communities"][0]["snapshot_members"].as_str().expect("a CID")
    );
}
