//! Votes in a poll.

use folkmoot_schemas::Record;

use super::{Failure, Reply, VoteLine, VotesInfo, handle::Answer, resolve::Reading};

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
