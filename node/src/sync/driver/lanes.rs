//! Work for the store, on blocking threads: writes one after another and in order, reads a few at a time.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use folkmoot_schemas::{Audience, Cid, announce::Announce};
use tokio::task::JoinSet;

use crate::{
    net::PeerId,
    store::StoreError,
    sync::{
        engine::Errand,
        perform::{Done, Performer},
    },
};

/// Beyond this many waiting jobs no further input is taken.
const WAITING: usize = 256;
const READS: usize = 4;

/// A piece of work.
#[derive(Debug)]
pub(super) enum Job {
    Errand(Box<Errand>),
    /// An accepted announcement from gossip.
    Heard(PeerId, Cid, Bytes),
    Announce(Cid, Audience, Box<Announce>),
    RefreshAll,
    /// Where our node can be reached: peer id and addresses.
    Here(String, Vec<String>),
}

impl Job {
    fn writes(&self) -> bool {
        match self {
            Self::Errand(errand) => {
                matches!(**errand, Errand::Check { .. } | Errand::Hear { .. } | Errand::Learn { .. })
            }
            Self::Heard(..) | Self::Announce(..) | Self::RefreshAll | Self::Here(..) => true,
        }
    }

    fn run(self, performer: &Performer) -> Result<Done, StoreError> {
        let inputs = match self {
            Self::Errand(errand) => return performer.perform(*errand),
            Self::Heard(peer, community, data) => performer.hear(peer, community, Audience::Public, data)?,
            Self::Announce(community, audience, announce) => performer.outgoing(community, audience, *announce)?,
            Self::RefreshAll => performer.refresh_all()?,
            Self::Here(peer, addrs) => performer.here(peer, addrs)?,
        };
        Ok(Done { inputs, frames: Vec::new() })
    }
}

#[derive(Debug)]
pub(super) struct Lanes {
    performer: Arc<Performer>,
    writes: VecDeque<Job>,
    reads: VecDeque<Job>,
    writing: bool,
    reading: usize,
    running: JoinSet<(bool, Result<Done, StoreError>)>,
}

impl Lanes {
    pub(super) fn new(performer: Arc<Performer>) -> Self {
        Self {
            performer,
            writes: VecDeque::new(),
            reads: VecDeque::new(),
            writing: false,
            reading: 0,
            running: JoinSet::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.writes.len() + self.reads.len() >= WAITING
    }

    pub(super) fn push(&mut self, job: Job) {
        if job.writes() {
            self.writes.push_back(job)
        } else {
            self.reads.push_back(job)
        }
        self.fill();
    }

    fn fill(&mut self) {
        if !self.writing
            && let Some(job) = self.writes.pop_front()
        {
            self.writing = true;
            self.start(job, true);
        }
        while self.reading < READS
            && let Some(job) = self.reads.pop_front()
        {
            self.reading += 1;
            self.start(job, false);
        }
    }

    fn start(&mut self, job: Job, writes: bool) {
        let performer = self.performer.clone();
        self.running.spawn_blocking(move || (writes, job.run(&performer)));
    }

    /// The next finished job; pending while none runs.
    pub(super) async fn next(&mut self) -> Done {
        loop {
            let Some(finished) = self.running.join_next().await else { return std::future::pending().await };
            match finished {
                Ok((writes, result)) => {
                    if writes {
                        self.writing = false
                    } else {
                        self.reading -= 1
                    }
                    self.fill();
                    match result {
                        Ok(done) => return done,
                        Err(error) => tracing::warn!(%error, "sync could not use the store"),
                    }
                }
                Err(error) => {
                    // Which lane it was is lost with the panic; both go on.
                    tracing::error!(%error, "a sync job ended badly");
                    self.writing = false;
                    self.reading = self.running.len().min(READS);
                    self.fill();
                }
            }
        }
    }

    /// Waits for what has been started; what waits is left.
    pub(super) async fn finish(&mut self) {
        self.writes.clear();
        self.reads.clear();
        while self.running.join_next().await.is_some() {}
    }
}
