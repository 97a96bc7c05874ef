//! The sweep of a running node: what is over goes every hour, and once a day all counts are checked. Neither keeps
//! others waiting for long: the one writes in small transactions, the other only reads, and packs a file that is not large.

use std::{thread, time::Duration};

use tokio::time::sleep;

use super::Node;
use crate::store::{StoreError, sweep::Swept};

/// After the start, when whoever started the node wants it for something else.
const FIRST: Duration = Duration::from_secs(10 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// A full mark comes with every so many sweeps.
const DAY: u32 = 24;
/// The longest file, in bytes, that is packed without being asked for: whoever writes waits for it.
const PACKED: u64 = 256 * 1024 * 1024;
/// Pause between two steps, each of which takes some milliseconds.
const PAUSE: Duration = Duration::from_millis(20);

pub(super) async fn run(node: &Node) {
    sleep(FIRST).await;
    for turn in 0.. {
        let sweeping = node.clone();
        let whole = turn % DAY == 0;
        match node.inner.tasks.spawn_blocking(move || sweeping.sweep(whole)).await {
            Ok(Ok(swept)) if swept == Swept::default() => {}
            Ok(Ok(swept)) => tracing::info!(blocks = swept.blocks, bytes = swept.bytes, packed = swept.packed, "swept"),
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
        if !whole {
            return inner.store.sweep_expired(now, &mut pace);
        }
        let swept = inner.store.sweep(now, &mut pace)?;
        // What is swept is swept, whatever hinders this.
        let packed = inner.store.pack(PACKED).unwrap_or_else(|why| {
            tracing::warn!(%why, "the store was not packed");
            0
        });
        Ok(Swept { packed, ..swept })
    }
}
