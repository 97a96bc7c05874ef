//! The sweep of a running node: what is over goes every hour, and once a day all counts are checked. Neither keeps
//! others waiting: the one writes in small transactions, the other only reads.

use std::{thread, time::Duration};

use tokio::time::sleep;

use super::Node;
use crate::store::{StoreError, sweep::Swept};

/// After the start, when whoever started the node wants it for something else.
const FIRST: Duration = Duration::from_secs(10 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// A full mark comes with every so many sweeps.
const DAY: u32 = 24;
/// Pause between two steps, each of which takes some milliseconds.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn run(node: &Node) {
    sleep(FIRST).await;
    for turn in 0.. {
        let sweeping = node.clone();
        let whole = turn % DAY == 0;
        match node.inner.tasks.spawn_blocking(move || sweeping.sweep(whole)).await {
            Ok(Ok(swept)) if swept == Swept::default() => {}
            Ok(Ok(swept)) => tracing::info!(blocks = swept.blocks, bytes = swept.bytes, "swept"),
            Ok(Err(why)) => tracing::warn!(%why, "a sweep was put off"),
            Err(_) => return,
        }
        sleep(HOUR).await;
    }
}

impl Node {
    fn sweep(&self, whole: bool) -> Result<Swept, StoreError> {
        let inner = &*self.inner;
        let now = inner.clock.micros();
        // A stop does not wait for a whole mark: without pauses what is left of it takes a moment.
        let mut pace = || {
            if !inner.stop.is_cancelled() {
                thread::sleep(PAUSE);
            }
        };
        if whole { inner.store.sweep(now, &mut pace) } else { inner.store.sweep_expired(now, &mut pace) }
    }
}
