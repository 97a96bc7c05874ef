//! Harness: real `moot` processes in temporary homes on loopback, ports chosen by the system.
//!
//! A [`Home`] is one device of one person; [`Home::moot`] runs a command to its end, [`Home::start`] a node that lives
//! until it is stopped, killed or dropped. What a node says goes to a file in its home and is shown when a test fails.

#![allow(clippy::print_stdout, reason = "what a test has to say goes to the test's output")]

pub mod power;

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Generous: a slow machine must not fail a right program.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// Asks again and again until `f` gives something; panics with `what` and the last complaint after the deadline.
/// Returns what it gave and how long that took.
pub fn eventually<T>(what: &str, mut f: impl FnMut() -> Result<T, String>) -> (T, Duration) {
    let start = Instant::now();
    loop {
        match f() {
            Ok(found) => return (found, start.elapsed()),
            Err(why) if start.elapsed() > DEADLINE => panic!("{what}: not within {} s: {why}", DEADLINE.as_secs()),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The `moot` binary beside the test binary: `cargo test --workspace` builds it for the tests of the cli crate.
pub fn moot_binary() -> PathBuf {
    let mut path = std::env::current_exe().expect("the test binary has a path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.push(format!("moot{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: run `cargo test --workspace`, or `cargo build` first", path.display());
    path
}

/// A file of the outside fixtures, or None (said loudly) where they are absent.
pub fn fixture(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("MOOT_FIXTURES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: the fixture {name} is not at {} (set MOOT_FIXTURES)", root.display());
    None
}

/// Is a tool of the system here? Says loudly what is skipped where it is not.
pub fn has_tool(name: &str, for_what: &str) -> bool {
    let found = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) {
        return true;
    }
    println!("skipped: {for_what}: {name} is not installed");
    false
}

/// One home folder and what a person does with it.
#[derive(Debug)]
pub struct Home {
    name: String,
    dir: tempfile::TempDir,
}

impl Home {
    pub fn new(name: &str) -> Self {
        Self::within(name, &std::env::temp_dir())
    }

    /// On another disk, say.
    pub fn within(name: &str, folder: &Path) -> Self {
        let prefix = format!("moot-{name}-");
        let dir = tempfile::Builder::new().prefix(&prefix).tempdir_in(folder).expect("a temporary folder");
        Self { name: name.to_owned(), dir }
    }

    /// The folder `MOOT_HOME` names; it does not exist before `init`.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Files of a test that are not the home's own.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Such a file with this text, for its owner alone, and its path.
    pub fn secret(&self, name: &str, text: &str) -> String {
        let path = self.scratch(name);
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).expect("a file");
        path.to_str().expect("a UTF-8 path").to_owned()
    }

    /// A command in this home, without a terminal and with nothing of the outside environment that could matter.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.program(&moot_binary());
        command.args(args);
        command
    }

    /// The same command under strace with these options.
    pub fn strace(&self, options: &[impl AsRef<std::ffi::OsStr>], args: &[&str]) -> Command {
        let mut command = self.program(Path::new("strace"));
        command.args(options).arg(moot_binary()).args(args);
        command
    }

    /// Any program, with nothing of this process's environment that could change what it does.
    pub fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(std::env::vars_os().filter(|(key, _)| key == "PATH" || key == "TMPDIR"))
            .env("HOME", self.dir.path())
            .env("MOOT_HOME", self.path())
            .env("TZ", "Europe/Berlin")
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, whatever that is.
    pub fn moot(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().expect("moot starts");
        let code = output.status.code();
        assert!(code.is_some() && code != Some(4), "{} moot {args:?}: our bug:\n{}", self.name, text(&output));
        output
    }

    /// Runs a command that must succeed; its standard output.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.moot(args);
        assert!(output.status.success(), "{}: moot {args:?} failed:\n{}", self.name, text(&output));
        String::from_utf8(output.stdout).expect("output is UTF-8")
    }

    /// Runs a command with `--json` that must succeed; one value a line.
    pub fn json(&self, args: &[&str]) -> Vec<Value> {
        let mut with = vec!["--json"];
        with.extend(args);
        let out = self.ok(&with);
        out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{args:?}: {e}: {line}"))).collect()
    }

    /// As [`Home::json`] for a command that prints one object.
    pub fn one(&self, args: &[&str]) -> Value {
        let mut all = self.json(args);
        assert_eq!(all.len(), 1, "{args:?} printed {all:?}");
        all.remove(0)
    }

    /// Runs a command that must fail with `code`; what it said on standard error.
    pub fn refused(&self, code: i32, args: &[&str]) -> String {
        let output = self.moot(args);
        assert_eq!(output.status.code(), Some(code), "{}: moot {args:?}:\n{}", self.name, text(&output));
        String::from_utf8(output.stderr).expect("errors are UTF-8")
    }

    /// Starts `serve` or `quickstart` (with free ports) and waits until it says it is ready.
    pub fn start(&self, args: &[&str]) -> Running<'_> {
        let log = self.scratch(&format!("{}.log", args[0]));
        let out = File::create(&log).expect("a log file");
        let mut command = self.command(args);
        command.args(["--http", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/tcp/0"]);
        command.stdout(out.try_clone().expect("a second handle")).stderr(out);
        let child = command.spawn().expect("moot starts");
        let mut running = Running { home: self, child, log };
        eventually(&format!("{} is ready", self.name), || {
            if let Some(status) = running.child.try_wait().map_err(|e| e.to_string())? {
                panic!("{} ended at start ({status}):\n{}", self.name, running.said());
            }
            let status = self.moot(&["--json", "status"]);
            let status: Value = serde_json::from_slice(&status.stdout).map_err(|e| e.to_string())?;
            if status["running"] == true && status["http"].is_string() { Ok(()) } else { Err(status.to_string()) }
        });
        running
    }

    pub fn status(&self) -> Value {
        self.one(&["status"])
    }
}

/// Both streams of a finished command, for messages.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A node in its own process. Dropped: killed.
#[derive(Debug)]
pub struct Running<'a> {
    home: &'a Home,
    child: Child,
    log: PathBuf,
}

impl Running<'_> {
    /// `http://127.0.0.1:<port>`.
    pub fn http(&self) -> String {
        let status = self.home.status();
        status["http"].as_str().unwrap_or_else(|| panic!("no http in {status}")).trim_end_matches('/').to_owned()
    }

    /// The loopback multiaddr others can dial, with the peer id.
    pub fn address(&self) -> String {
        let status = self.home.status();
        let listen = status["listen"].as_array().unwrap_or_else(|| panic!("no listen in {status}"));
        let found =
            listen.iter().filter_map(Value::as_str).find(|a| a.contains("/ip4/127.0.0.1/") && a.contains("/p2p/"));
        found.unwrap_or_else(|| panic!("no loopback address in {status}")).to_owned()
    }

    /// Status code and body of a page.
    pub fn get(&self, path: &str) -> (u16, String) {
        get(&format!("{}{path}", self.http()))
    }

    /// A page that must be there.
    pub fn page(&self, path: &str) -> String {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub fn said(&self) -> String {
        let mut said = String::new();
        if let Ok(mut log) = File::open(&self.log) {
            let _ = log.read_to_string(&mut said);
        }
        said
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGSTOP: it stands still, and its connections stay.
    pub fn hold(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).expect("a signal can be sent");
    }

    pub fn go_on(&self) {
        kill_process(Pid::from_child(&self.child), Signal::CONT).expect("a signal can be sent");
    }

    /// SIGTERM, as a service manager does; waits for the end.
    pub fn stop(mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("a signal can be sent");
        let (status, _) = eventually("the node ends after SIGTERM", || {
            self.child.try_wait().map_err(|e| e.to_string())?.ok_or_else(|| "still running".to_owned())
        });
        status
    }

    /// SIGKILL, as a power cut does to the process.
    pub fn kill(mut self) {
        self.child.kill().expect("a signal can be sent");
        self.child.wait().expect("a killed process ends");
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            println!("--- {} said:\n{}", self.home.name, self.said());
        }
    }
}

/// Status code and body; a connection that fails is status 0 with the reason.
pub fn get(url: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into();
    match agent.get(url).call() {
        Ok(mut answer) => {
            let status = answer.status().as_u16();
            (status, answer.body_mut().read_to_string().unwrap_or_else(|e| e.to_string()))
        }
        Err(error) => (0, error.to_string()),
    }
}
