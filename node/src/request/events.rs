//! Dates of events, and answers to them.

use std::ops::Range;

use folkmoot_schemas::records::rsvp::Answer as Said;

use super::{
    AnswerLine, AnswersInfo, Failure, OccurrenceInfo, Reply,
    handle::Answer,
    records::{BUDGET, MOST},
    resolve::Reading,
};
use crate::store::reader::Occurrence;

impl Reading<'_> {
    pub(super) fn events(&self, community: Option<&str>, window: Range<i64>, limit: u32) -> Answer {
        let limit = (limit as usize).min(MOST);
        let mut cut = false;
        let mut dates = Vec::new();
        for community in self.one_or_all(community)? {
            let (found, more) = self.view.events(&community.id, window.clone(), limit)?;
            cut |= more;
            dates.extend(found);
        }
        dates.sort_by_cached_key(|o| (o.instance.from, o.instance.to, o.entry.uri.clone()));
        cut |= dates.len() > limit;
        dates.truncate(limit);
        let mut bytes = 0;
        let mut items = Vec::with_capacity(dates.len());
        for date in &dates {
            bytes += date.entry.block.bytes().len();
            if bytes > BUDGET && !items.is_empty() {
                cut = true;
                break;
            }
            items.push(self.occurrence(date)?);
        }
        Ok(Reply::Occurrences { items, cut }.into())
    }

    pub(super) fn occurrence(&self, date: &Occurrence) -> Result<OccurrenceInfo, Failure> {
        let instance = &date.instance;
        let event = date.entry.record.as_event();
        let change = instance.change.and_then(|at| event?.overrides.get(at));
        Ok(OccurrenceInfo {
            item: self.item(&date.entry)?,
            at: instance.at.text(),
            start: instance.start.clone(),
            from: instance.from,
            to: instance.to,
            cancelled: instance.cancelled,
            note: change.and_then(|c| c.note.clone()).or_else(|| event?.status_note.clone()),
        })
    }

    pub(super) fn answers(&self, target: &str, community: Option<&str>, occurrence: Option<&str>) -> Answer {
        let entry = self.record(target, community)?;
        let Some(event) = entry.record.as_event() else {
            return Err(Failure::refused(format!("{} is not an event", entry.uri.short_id()))
                .hint("`moot event list` shows events"));
        };
        let joined = self.communities.get(&entry.uri.community).is_some_and(|c| c.joined);
        if !joined {
            return Err(Failure::refused("only members of a community see who answered")
                .hint("ask a member for an invite link, then `moot join LINK`"));
        }
        let counts = self.view.answers(&entry, occurrence)?;
        let mut people = Vec::new();
        for (answer, rsvp) in self.view.rsvps(&entry.uri, occurrence)?.into_iter().take(MOST) {
            let did = answer.uri.did;
            people.push(AnswerLine {
                did: did.to_string(),
                name: self.view.name(&entry.uri.community, &did)?,
                guest: rsvp.guest_name,
                status: word(rsvp.status).to_owned(),
                count: rsvp.count,
                note: rsvp.note,
                before_change: rsvp.seen_sequence < event.sequence,
                me: did == self.desk.me.did,
            });
        }
        Ok(Reply::Answers(AnswersInfo {
            going: counts.going,
            maybe: counts.maybe,
            interested: counts.interested,
            not_going: counts.not_going,
            before_change: counts.before_change,
            people,
        })
        .into())
    }
}

pub(super) fn word(answer: Said) -> &'static str {
    match answer {
        Said::Going => "going",
        Said::Maybe => "maybe",
        Said::Interested => "interested",
        Said::NotGoing => "notgoing",
    }
}
