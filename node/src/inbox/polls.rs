//! Polls: a question to everybody until they vote, votes to whoever asked, and what came of it to those who voted.

use std::{collections::BTreeSet, sync::Arc};

use folkmoot_schemas::{
    Record, Uri,
    kind::Kind,
    records::{poll::Poll, vote::Vote},
};

use super::{
    OF_ONE, What,
    gather::{ANSWERS, Gathering, key},
};
use crate::store::{StoreError, reader::Entry};

/// Polls that are looked at, newest.
const POLLS: usize = 200;

impl Gathering<'_> {
    /// `now` in seconds since 1970.
    pub(super) fn polls(&mut self, now: i64) -> Result<(), StoreError> {
        let mut voted: BTreeSet<Uri> = BTreeSet::new();
        for entry in self.view.by_person(&self.community.id, &self.me, Vote::NAME, usize::MAX)? {
            if let Record::Vote(vote) = &entry.record {
                // One that names nothing was taken back.
                voted.extend((!vote.choices.is_empty()).then(|| vote.poll.clone()));
            }
        }
        for poll in self.view.list(&self.community.id, Poll::NAME, None, POLLS)? {
            if poll.updated < self.since {
                continue;
            }
            let Record::Poll(fields) = &poll.record else { continue };
            let open = fields.closes.as_ref().is_none_or(|closes| closes.instant("UTC") > now);
            let (decided, asked) = (fields.result.is_some(), open && !voted.contains(&poll.uri));
            let (by, at) = (self.state.today(&poll.uri.did), if decided { poll.updated } else { poll.created });
            let (uri, stamp) = (poll.uri.clone(), poll.rev.as_u64());
            if self.is_me(&by) {
                self.votes(&Arc::new(poll))?;
            } else if !self.state.is_member(&by) {
                continue;
            } else if decided && voted.contains(&uri) {
                self.push(key("decided", &uri), stamp, at, by, What::Decided { poll: Box::new(poll) });
            } else if !decided && asked {
                self.push(key("poll", &uri), 0, at, by, What::Asked { poll: Box::new(poll) });
            }
        }
        Ok(())
    }

    fn votes(&mut self, poll: &Arc<Entry>) -> Result<(), StoreError> {
        let uri = &poll.uri;
        for vote in self.view.about_since(&uri.community, &uri.to_string(), Vote::NAME, 0, (ANSWERS, OF_ONE))? {
            let Record::Vote(fields) = &vote.record else { continue };
            if fields.poll != *uri || self.is_me(&vote.uri.did) {
                continue;
            }
            let (key, stamp, at) = (key("vote", &vote.uri), vote.rev.as_u64(), vote.updated);
            let by = self.state.today(&vote.uri.did);
            self.push(key, stamp, at, by, What::Vote { poll: Arc::clone(poll), vote: Box::new(vote) });
        }
        Ok(())
    }
}
