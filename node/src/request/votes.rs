//! Votes in a poll.

use folkmoot_schemas::Record;

use serde::{Deserialize, Serialize};

use super::{Failure, Item, Reply, handle::Answer, resolve::Reading};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VotesInfo {
    /// The poll.
    pub item: Item,
    /// As its author settled it, else of the votes that are here.
    pub tally: folkmoot_schemas::records::poll::Tally,
    pub people: Vec<VoteLine>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VoteLine {
    pub did: String,
    pub name: String,
    pub me: bool,
    /// Dated after the end of voting.
    pub late: bool,
    pub counts: bool,
    pub choices: Vec<folkmoot_schemas::records::vote::Chosen>,
}

impl Reading<'_> {
    pub(super) fn votes(&self, target: &str, community: Option<&str>) -> Answer {
        let entry = self.record(target, community)?;
        let Record::Poll(poll) = &entry.record else {
            return Err(Failure::refused(format!("{} is not a poll", entry.uri.short_id()))
                .hint("`moot poll list` shows polls"));
        };
        let votes = self.view.votes(&entry.uri)?;
        let tally = match &poll.result {
            Some(result) => result.tally.clone(),
            None => poll.tally(votes.iter().map(|(entry, vote)| (entry.rev, vote))),
        };
        let mut people = Vec::with_capacity(votes.len());
        for (vote, said) in &votes {
            let read = poll.read(vote.rev, said);
            people.push(VoteLine {
                did: vote.uri.did.to_string(),
                name: self.view.name(&entry.uri.community, &vote.uri.did)?,
                me: vote.uri.did == self.desk.me.did,
                late: !poll.in_time(vote.rev),
                counts: read.is_some(),
                choices: said.choices.clone(),
            });
        }
        people.sort_by(|a, b| (&a.name, &a.did).cmp(&(&b.name, &b.did)));
        Ok(Reply::Votes(VotesInfo { item: self.item(&entry)?, tally, people }).into())
    }
}
