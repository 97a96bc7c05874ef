//! What was measured, against what is promised.

use std::time::{Duration, Instant};

pub(crate) struct Figures {
    missed: Vec<String>,
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self { missed: Vec::new() }
    }

    pub(crate) fn say(&self, text: String) {
        println!("{text}");
    }

    /// Speed as a share of the floor's: 1 would be as fast as the bare loop.
    pub(crate) fn ratio(&mut self, what: &str, floor: Duration, took: Duration, least: f64) {
        let share = floor.as_secs_f64() / took.as_secs_f64();
        self.judge(
            share >= least,
            format!("{what}: {share:.2} of the floor ({took:.2?}, floor {floor:.2?}; ≥ {least})"),
        );
    }

    /// How many times as long as something else.
    pub(crate) fn times(&mut self, what: &str, other: Duration, took: Duration, most: f64) {
        let times = took.as_secs_f64() / other.as_secs_f64();
        self.judge(times <= most, format!("{what}: {times:.2} times ({took:.2?}, {other:.2?}; ≤ {most})"));
    }

    pub(crate) fn most(&mut self, what: &str, value: f64, most: f64) {
        self.judge(value <= most, format!("{what}: {value:.2} (≤ {most})"));
    }

    pub(crate) fn within(&mut self, what: &str, took: Duration, seconds: f64) {
        self.judge(took.as_secs_f64() <= seconds, format!("{what}: {took:.2?} (≤ {seconds} s)"));
    }

    fn judge(&mut self, kept: bool, text: String) {
        println!("{text}{}", if kept { "" } else { "  MISSED" });
        if !kept {
            self.missed.push(text);
        }
    }

    /// Whether everything was as promised.
    pub(crate) fn kept(&self) -> bool {
        self.missed.is_empty()
    }
}

pub(crate) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1024.0 / 1024.0)
}

/// Medians of two things done in turn, so that whatever else the machine does meets both.
pub(crate) fn paired(rounds: usize, mut a: impl FnMut(), mut b: impl FnMut()) -> (Duration, Duration) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let start = Instant::now();
        a();
        first.push(start.elapsed());
        let start = Instant::now();
        b();
        second.push(start.elapsed());
    }
    (median(first), median(second))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
