//! Power cuts, as far as a process can tell: killed at any moment, nothing acknowledged is missing.

use std::{
    collections::BTreeSet,
    process::Stdio,
    time::{Duration, Instant},
};

use folkmoot_integration_tests::{Home, text};

/// Kills per test here; `.ci/long` asks for more.
fn kills() -> u32 {
    std::env::var("MOOT_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(10)
}

/// Moments spread over the time one command takes, by a fixed rule: a failure can be run again.
fn moment(round: u32) -> Duration {
    Duration::from_micros(u64::from(round.wrapping_mul(2_654_435_761) % 40_000))
}

fn feed(home: &Home) -> BTreeSet<String> {
    let posts = home.json(&["feed", "--limit", "1000"]);
    posts.iter().filter_map(|p| p["cid"].as_str().map(str::to_owned)).collect()
}

fn cid(stdout: &[u8]) -> Option<String> {
    let line: serde_json::Value = serde_json::from_slice(stdout).ok()?;
    line["cid"].as_str().map(str::to_owned)
}

#[test]
fn a_post_killed_at_any_moment_without_a_node_loses_nothing_acknowledged() {
    let home = Home::new("alone");
    home.ok(&["init", "--name", "Alone"]);
    home.ok(&["community", "create", "Quiet Lane", "--public"]);
    let mut acknowledged = BTreeSet::new();
    for round in 0..kills() {
        acknowledged.extend(cid(home.ok(&["--json", "post", &format!("whole {round}")]).as_bytes()));
        let mut child = home
            .command(&["--json", "post", &format!("cut {round}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("moot starts");
        let until = Instant::now() + moment(round);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        child.kill().expect("a signal can be sent");
        let output = child.wait_with_output().expect("a killed process ends");
        acknowledged.extend(cid(&output.stdout));
    }
    let held = feed(&home);
    assert!(acknowledged.len() as u32 >= kills());
    assert!(held.is_superset(&acknowledged), "lost: {:?}", acknowledged.difference(&held));
}

#[test]
fn a_node_killed_in_a_stream_of_posts_loses_nothing_acknowledged() {
    let home = Home::new("served");
    home.ok(&["init", "--name", "Served"]);
    home.ok(&["community", "create", "Quiet Lane", "--public"]);
    let mut acknowledged = BTreeSet::new();
    for round in 0..kills() {
        let node = home.start(&["serve"]);
        acknowledged.extend(cid(home.ok(&["--json", "post", &format!("before {round}")]).as_bytes()));
        let writer = std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let posts = (0..3).map(|n| home.command(&["--json", "post", &format!("stream {round}.{n}")]).output());
                posts.filter_map(|out| cid(&out.expect("moot starts").stdout)).collect::<Vec<_>>()
            });
            let until = Instant::now() + moment(round) * 3;
            while Instant::now() < until {
                std::hint::spin_loop();
            }
            node.kill();
            writing.join().expect("the writer ends")
        });
        acknowledged.extend(writer);
    }
    let held = feed(&home);
    assert!(acknowledged.len() as u32 >= kills());
    assert!(held.is_superset(&acknowledged), "lost: {:?}", acknowledged.difference(&held));
}

#[test]
fn posts_at_the_same_moment_all_succeed_with_and_without_a_node() {
    let home = Home::new("busy");
    home.ok(&["init", "--name", "Busy"]);
    home.ok(&["community", "create", "Quiet Lane", "--public"]);
    let together = |label: &str| {
        let children: Vec<_> = (0..4)
            .map(|n| {
                let text = format!("{label} {n}");
                home.command(&["post", &text])
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn()
                    .expect("moot starts")
            })
            .collect();
        for child in children {
            let output = child.wait_with_output().expect("it ends");
            assert!(output.status.success(), "{}", text(&output));
        }
    };
    together("alone");
    let node = home.start(&["serve"]);
    together("served");
    assert!(node.stop().success());
    assert!(feed(&home).len() >= 8);
}
