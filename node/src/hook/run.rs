//! Running the owner's command once: what it is given on standard input, for how long, and what of its words is kept.
//!
//! Its words come from the settings alone, never from a shell, and its environment from this machine: nothing that others
//! wrote reaches either. Its output is read up to a bound and thrown away but for the last line.

use std::{
    io::{self, Read, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// How long it may take.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How long its last words are waited for when it has ended: what left its group may hold the pipe for ever.
const LAST_WORDS: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes of its output that are kept: the end.
const KEPT: usize = 4_096;
/// Characters of its last line.
const LINE: usize = 200;
/// What it may know of the environment.
const KNOWN: [&str; 8] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// Gives `input` to the command. The error is a sentence.
pub fn run(
    words: &[String],
    dir: &Path,
    input: &[u8],
    patience: Duration,
    stop: &dyn Fn() -> bool,
) -> Result<(), String> {
    let Some((program, args)) = words.split_first() else { return Err("there is no command".into()) };
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).env_clear().env("MOOT_HOME", dir);
    command.envs(KNOWN.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))));
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    // A group of its own, so that what it starts ends with it.
    let mut child = command.process_group(0).spawn().map_err(|why| format!("{program} could not be started: {why}"))?;
    let group = Pid::from_child(&child);
    // These two end with their pipe, and nobody waits for them beyond that.
    if let Some(mut to) = child.stdin.take() {
        let input = input.to_vec();
        // Who does not read what they are given may still be content.
        thread::spawn(move || drop(to.write_all(&input)));
    }
    let (told, said) = mpsc::sync_channel(1);
    if let Some(from) = child.stderr.take() {
        thread::spawn(move || told.send(tail(from)));
    }
    let ended = wait(&mut child, patience, stop);
    // Also what it left behind in the background.
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
    let said = said.recv_timeout(LAST_WORDS).unwrap_or_default();
    match ended {
        Ok(Some(status)) if status.success() => Ok(()),
        Ok(Some(status)) => Err(match said.is_empty() {
            true => format!("{program} failed: {status}"),
            false => format!("{program} failed: {status}: {said}"),
        }),
        Ok(None) => Err(format!("{program} did not end within {} seconds", patience.as_secs())),
        Err(why) => Err(format!("{program} was lost: {why}")),
    }
}

/// None: it did not end in time, or is to stop.
fn wait(child: &mut Child, patience: Duration, stop: &dyn Fn() -> bool) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline || stop() {
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}

/// Reads all there is; the last line with anything in it.
fn tail(mut from: impl Read) -> String {
    let (mut kept, mut buffer) = (Vec::new(), [0; 4_096]);
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        kept.extend_from_slice(&buffer[..n]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&kept);
    let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    last.chars().filter(|c| !c.is_control()).take(LINE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, input: &[u8], patience: Duration) -> Result<(), String> {
        let words = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&words, Path::new("/"), input, patience, &|| false)
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn it_gets_what_it_is_given_and_nothing_of_our_environment() {
        let dir = tempfile::tempdir().unwrap();
        let words = ["/bin/sh", "-c", "cat > got; env > env", "$(touch evil)"].map(str::to_owned);
        run(&words, dir.path(), b"{\"a\":\"$(touch evil)\"}\n", LONG, &|| false).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("got")).unwrap(), "{\"a\":\"$(touch evil)\"}\n");
        assert!(!dir.path().join("evil").exists());
        let env = std::fs::read_to_string(dir.path().join("env")).unwrap();
        assert!(!env.contains("CARGO"), "{env}");
    }

    #[test]
    fn a_failure_says_its_last_line_and_cannot_steer_a_terminal() {
        let why = sh("echo first >&2; printf '\\033[2Jno route\\n\\n' >&2; exit 3", b"", LONG).unwrap_err();
        assert!(why.ends_with("exit status: 3: [2Jno route"), "{why}");
        assert!(run(&["/no/such/file".into()], Path::new("/"), b"", LONG, &|| false).unwrap_err().contains("started"));
    }

    #[test]
    fn one_that_hangs_ends_with_everything_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let words = ["/bin/sh", "-c", "sleep 1000 & echo $! > pid; wait"].map(str::to_owned);
        let pid = || std::fs::read_to_string(dir.path().join("pid")).ok().filter(|pid| pid.ends_with('\n'));
        let why = run(&words, dir.path(), b"", LONG, &|| pid().is_some()).unwrap_err();
        assert!(why.contains("did not end"), "{why}");
        let stat = format!("/proc/{}/stat", pid().unwrap().trim());
        let lives = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        // It was sent the signal; the system takes it away in its own time.
        let deadline = Instant::now() + LONG;
        while lives() && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
        assert!(!lives(), "its child is gone");
    }

    #[test]
    fn what_left_its_group_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        let words = ["/bin/sh", "-c", "setsid sleep 300 & echo $! > pid"].map(str::to_owned);
        run(&words, dir.path(), b"", LONG, &|| false).unwrap();
        let pid = std::fs::read_to_string(dir.path().join("pid")).unwrap().trim().parse().unwrap();
        let signal = rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
        assert!(signal.is_ok(), "it was not waited for: {signal:?}");
    }

    #[test]
    fn one_that_reads_nothing_and_says_much_does_no_harm() {
        let big = vec![b'x'; 1 << 20];
        sh("head -c 1000000 /dev/zero >&2; exit 0", &big, LONG).unwrap();
        assert!(sh("yes | head -c 1000000 >&2; exit 1", &big, LONG).unwrap_err().len() < 300);
    }

    #[test]
    fn what_it_leaves_in_the_background_does_not_hold_it_up() {
        sh("sleep 1000 & exit 0", b"", LONG).unwrap();
    }
}
