//! What is measured from outside: the file, a start, a command.

use std::{
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use folkmoot_integration_tests::Home;
use folkmoot_node::{
    control::client,
    home,
    request::{Reply, Request},
};
use redb::{Database, ReadableTable, TableDefinition};

use crate::{figures::paired, minimal};

/// Bytes that the closed file takes of the disk (what was never written to takes none), and of all blocks in it.
pub(crate) fn disk(home: &Home) -> (u64, u64) {
    const BLOCKS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("blocks");
    let path = home.path().join("store.redb");
    let size = path.metadata().expect("the store").blocks() * 512;
    let db = Database::open(&path).expect("the store");
    let txn = db.begin_write().expect("a transaction");
    let sum = |table: &redb::Table<'_, u64, &[u8]>| -> u64 {
        // One byte says which codec.
        table.iter().expect("rows").map(|row| row.expect("a row").1.value().len() as u64 - 1).sum()
    };
    let blocks = sum(&txn.open_table(BLOCKS).expect("blocks"));
    txn.abort().expect("nothing was written");
    (size, blocks)
}

/// From the start of the process to its first answer.
fn start(home: &Home) -> (Duration, std::process::Child) {
    let socket = home::Home::open(&home.path()).expect("the home").socket_path();
    let mut command = home.command(&["serve", "--http", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    let start = Instant::now();
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("moot starts");
    while !matches!(client::request(&socket, &Request::Status), Ok(Reply::Status(_))) {
        assert!(start.elapsed() < Duration::from_secs(60), "the node does not answer");
        thread::sleep(Duration::from_millis(2));
    }
    (start.elapsed(), child)
}

fn stop(mut child: std::process::Child) {
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM)
        .expect("a signal can be sent");
    child.wait().expect("the node ends");
}

pub(crate) fn restart(home: &Home) -> Duration {
    let (took, child) = start(home);
    stop(child);
    took
}

/// Killed while it publishes.
pub(crate) fn restart_after_kill(home: &Home) -> Duration {
    let (_, mut child) = start(home);
    for n in 0..20 {
        home.ok(&["post", &format!("Before the cut, {n}")]);
    }
    let mut writing = home.command(&["post", "While it is cut"]).stdout(Stdio::null()).spawn().expect("moot starts");
    child.kill().expect("a signal can be sent");
    child.wait().expect("a killed process ends");
    let _ = writing.kill();
    let _ = writing.wait();
    let (took, child) = start(home);
    stop(child);
    took
}

/// `moot post` with no node running, and the least a process can do, on the same file. Both programs are copies, as
/// installed ones are: what a linker wrote lies in the page cache page by page, and starting a large program from there
/// takes a fifth longer.
pub(crate) fn post_against_minimal(home: &Home) -> (Duration, Duration) {
    let copied = |from: &Path, name: &str| {
        let to = home.scratch(name);
        fs::copy(from, &to).expect("a copy");
        to
    };
    let store = copied(&home.path().join("store.redb"), "copy.redb");
    let key = home.path().join("keys/device");
    let moot = copied(&folkmoot_integration_tests::moot_binary(), "moot");
    let this = copied(&std::env::current_exe().expect("this program"), "minimal");
    let least = || run(Command::new(&this).arg(minimal::WORD).arg(&store).arg(Path::new(&key)));
    let mut n = 0;
    let post = || {
        n += 1;
        run(home.program(&moot).args(["post", &format!("By a process of its own, {n}")]));
    };
    paired(31, post, least)
}

/// What a process is given when it waits for the disk, which says what a ratio of whole processes means: median of 31.
pub(crate) fn sync(home: &Home) -> Duration {
    let path = home.scratch("synced");
    let mut file = fs::File::create(&path).expect("a file");
    let mut write = || {
        file.write_all(&[1; 4096]).expect("a page");
        file.sync_data().expect("a sync");
    };
    paired(31, &mut write, || ()).0
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().expect("the process starts");
    assert!(status.success(), "{command:?}");
}
