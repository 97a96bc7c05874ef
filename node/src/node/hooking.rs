//! Gives what is new, and dates that are near, to the command the owner set (`hook`), one at a time. Nothing waits for it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use folkmoot_schemas::Block;

use super::{Inner, Node};
use crate::{
    config::Config,
    hook::{self, Portion, SET, TROUBLE, Tries, Trouble, run},
    inbox,
    request::{Desk, Failure, InboxItem, Reading},
    store::{
        StoreError,
        told::{ItemKey, Marks, To},
    },
};

/// How often it is looked when nothing changes: dates come near by themselves, and settings change.
const TURN: Duration = Duration::from_secs(15);
/// The shortest pause between two looks, and how much longer than a look it is: on a busy node this takes little.
const LEAST: Duration = Duration::from_secs(2);
const SHARE: u32 = 20;
const LONGEST: Duration = Duration::from_secs(60);
/// Marks without a thing that are put up with.
const STALE: usize = 64;

/// What it remembers between looks. Gone with the process: then things that failed are tried anew.
#[derive(Debug, Default)]
struct Memory {
    /// When it ran in the last hour.
    runs: Vec<i64>,
    tries: Tries,
}

/// What is to be given next.
struct Gift {
    info: InboxItem,
    /// Under which marks, and what they are to say.
    to: To,
    marks: Marks,
}

pub(super) async fn run(node: Node) {
    // Who recovers an identity reads no inbox yet.
    if node.inner.me.is_root() {
        return;
    }
    let mut changes = node.inner.changes.clone();
    let mut memory = Memory::default();
    loop {
        changes.borrow_and_update();
        let working = node.clone();
        let looked = node.inner.tasks.spawn_blocking(move || {
            let began = Instant::now();
            let done = working.give(&mut memory);
            (memory, done, began.elapsed())
        });
        let Ok((kept, done, took)) = looked.await else { return };
        memory = kept;
        if let Err(why) = done {
            tracing::warn!(%why, "the hook was put off");
        }
        tokio::time::sleep(LEAST.max(took * SHARE).min(LONGEST)).await;
        if let Ok(Err(_)) = tokio::time::timeout(TURN, changes.changed()).await {
            return;
        }
    }
}

impl Node {
    fn give(&self, memory: &mut Memory) -> Result<(), Failure> {
        let inner = &*self.inner;
        // Whoever needs the settings reports what is wrong with them.
        let Ok(config) = Config::of(&inner.home) else { return Ok(()) };
        let set = inner.store.meta(SET)?.is_some();
        if config.hook().is_empty() {
            if set {
                inner.store.set_meta(SET, None)?;
                inner.store.set_meta(TROUBLE, None)?;
            }
            return Ok(());
        }
        let spans = config.remind();
        if !set {
            return self.begin(&spans);
        }
        let now = inner.clock.seconds();
        let allowed = hook::allowed(&mut memory.runs, now);
        for gift in self.gifts(memory, &spans, now, allowed)? {
            if inner.stop.is_cancelled() {
                return Ok(());
            }
            // Where one fails the next will hardly do better.
            if !self.hand(memory, config.hook(), &gift, now)? {
                break;
            }
        }
        Ok(())
    }

    /// What is there when the hook is set is not new to anybody.
    fn begin(&self, spans: &[i64]) -> Result<(), Failure> {
        let inner = &*self.inner;
        let (items, due) = self.look(|reading| {
            let (dates, _) = reading.ahead(spans)?;
            let due = hook::due(&dates, spans, &Marks::new(), inner.clock.seconds());
            Ok((reading.everything()?, due.into_iter().flat_map(|due| due.keys).collect::<Vec<_>>()))
        })?;
        let marks: Marks = items.iter().map(|item| (item.key, item.stamp)).collect();
        inner.store.mark_told(To::Hook, &marks, &marks.keys().copied().collect())?;
        let marks: Marks = due.into_iter().map(|key| (key, 0)).collect();
        inner.store.mark_told(To::Reminders, &marks, &marks.keys().copied().collect())?;
        inner.store.set_meta(SET, Some(&inner.clock.micros().to_be_bytes()))?;
        Ok(())
    }

    /// One picture of the store, let go before anything runs.
    fn look<T>(&self, read: impl FnOnce(&Reading<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let (inner, live) = (&*self.inner, self.live());
        let desk = Desk { store: &inner.store, me: &inner.me, clock: &inner.clock, dir: inner.home.dir(), live: &live };
        read(&Reading::new(&desk)?)
    }

    /// Dates that are near first, then what is new, oldest first.
    fn gifts(&self, memory: &Memory, spans: &[i64], now: i64, allowed: usize) -> Result<Vec<Gift>, Failure> {
        let inner = &*self.inner;
        self.look(|reading| {
            let mut gifts = Vec::new();
            let (dates, infos) = reading.ahead(spans)?;
            let told = inner.store.told(To::Reminders)?;
            let waits = |keys: &[ItemKey]| keys.iter().any(|key| memory.tries.waits(key, now));
            for due in hook::due(&dates, spans, &told, now).into_iter().filter(|due| !waits(&due.keys)).take(allowed) {
                let (Some(date), Some(mine)) = (dates.get(due.date), infos.get(due.date)) else { continue };
                let info = reading.reminder(date, mine, now)?;
                gifts.push(Gift { info, to: To::Reminders, marks: due.keys.into_iter().map(|key| (key, 0)).collect() });
            }
            let (read, given) = (inner.store.told(To::Person)?, inner.store.told(To::Hook)?);
            let mut new = reading.everything()?;
            forget(inner, To::Hook, &given, &inbox::keys(&new))?;
            forget(inner, To::Reminders, &told, &hook::keys(&dates, spans))?;
            new.retain(|item| item.is_new(&read) && item.is_new(&given) && !memory.tries.waits(&item.key, now));
            new.reverse();
            match hook::portion(new.len(), allowed - gifts.len()) {
                Portion::Later => {}
                Portion::Each(n) => {
                    for item in new.iter().take(n) {
                        let info = reading.inbox_info(item, true)?;
                        gifts.push(Gift { info, to: To::Hook, marks: [(item.key, item.stamp)].into() });
                    }
                }
                Portion::AllAsOne => gifts.push(Gift {
                    info: Reading::many(&new, now),
                    to: To::Hook,
                    marks: new.iter().map(|item| (item.key, item.stamp)).collect(),
                }),
            }
            Ok(gifts)
        })
    }

    /// Marked before it runs: what a crash interrupts was given. What fails is not, and comes again.
    fn hand(&self, memory: &mut Memory, words: &[String], gift: &Gift, now: i64) -> Result<bool, Failure> {
        let inner = &*self.inner;
        inner.store.add_told(gift.to, &gift.marks)?;
        memory.runs.push(now);
        let mut line = serde_json::to_vec(&gift.info).map_err(|why| Failure::bug(why.to_string()))?;
        line.push(b'\n');
        let stop = || inner.stop.is_cancelled();
        match run::run(words, inner.home.dir(), &line, run::PATIENCE, &stop) {
            Ok(()) => {
                gift.marks.keys().for_each(|key| memory.tries.done(key));
                if inner.store.meta(TROUBLE)?.is_some() {
                    inner.store.set_meta(TROUBLE, None)?;
                }
                Ok(true)
            }
            // What a stop of the node cuts short was under way.
            Err(_) if stop() => Ok(false),
            Err(why) => {
                let (again, given_up): (Vec<ItemKey>, Vec<ItemKey>) =
                    gift.marks.keys().copied().partition(|key| memory.tries.failed(*key, now));
                inner.store.unmark_told(gift.to, &again)?;
                tracing::warn!(kind = gift.info.kind, again = again.len(), "the hook failed; moot doctor says how");
                self.note_trouble(why, given_up.len() as u64)?;
                Ok(false)
            }
        }
    }

    fn note_trouble(&self, why: String, given_up: u64) -> Result<(), Failure> {
        let inner = &*self.inner;
        let before = inner.store.meta(TROUBLE)?.and_then(Trouble::read).map_or(0, |trouble| trouble.given_up);
        let trouble = Trouble { at: inner.clock.micros(), why, given_up: before + given_up };
        let block = Block::encode(&trouble).map_err(StoreError::from)?;
        inner.store.set_meta(TROUBLE, Some(block.bytes()))?;
        Ok(())
    }
}

/// Marks of what is no more, once there are some.
fn forget(inner: &Inner, to: To, marks: &Marks, present: &BTreeSet<ItemKey>) -> Result<(), StoreError> {
    match marks.keys().filter(|key| !present.contains(*key)).count() {
        0..STALE => Ok(()),
        _ => inner.store.mark_told(to, &Marks::new(), present),
    }
}
