//! What the hook is given: the items of the inbox, and reminders in the same form.

use folkmoot_schemas::{records::rsvp::Answer, when};

use serde::{Deserialize, Serialize};

use super::{Failure, Finding, Health, InboxItem, resolve::Reading};
use crate::{
    config::Config,
    hook::{self, Ahead, SET, TROUBLE, Trouble},
    inbox::{
        Item,
        dates::{self, MyDate},
        words::one_line,
    },
};

/// The command that is given what is new.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HookInfo {
    pub command: Vec<String>,
    /// A node has seen that it is set: what comes from then on is given.
    pub began: bool,
    /// How it failed last; None once it ended well.
    pub failed: Option<String>,
    /// Microseconds since 1970.
    pub failed_at: Option<u64>,
    /// Things it was not given in the end, since it last ended well.
    pub given_up: u64,
}

impl Reading<'_> {
    /// The whole inbox, newest first.
    pub(crate) fn everything(&self) -> Result<Vec<Item>, Failure> {
        self.inbox_items(&self.communities.values().collect::<Vec<_>>())
    }

    /// Dates that are answered or held and begin within the longest of these spans. Neither cancelled nor said no to.
    pub(crate) fn ahead(&self, spans: &[i64]) -> Result<(Vec<Ahead>, Vec<MyDate>), Failure> {
        let Some(longest) = spans.iter().copied().max() else { return Ok(Default::default()) };
        let now = self.desk.clock.seconds();
        let (mut ahead, mut infos) = (Vec::new(), Vec::new());
        for community in self.communities.values() {
            // A turn is short; what begins in the next minute is not too late.
            let window = now..now.saturating_add(longest).saturating_add(60);
            for mine in dates::dates(&self.view, community, &self.desk.me.did, window)?.0 {
                let instance = &mine.date.instance;
                let no = mine.answer.as_ref().is_some_and(|(rsvp, _)| rsvp.status == Answer::NotGoing);
                if no || instance.cancelled || instance.from <= now || called_off(&mine) {
                    continue;
                }
                let since = mine.answer.as_ref().map_or(mine.date.entry.created, |(_, given)| *given);
                ahead.push(Ahead {
                    event: mine.date.entry.uri.clone(),
                    at: instance.at.text(),
                    from: instance.from,
                    since: (since / 1_000_000) as i64,
                });
                infos.push(mine);
            }
        }
        Ok((ahead, infos))
    }

    pub(crate) fn reminder(&self, ahead: &Ahead, mine: &MyDate, now: i64) -> Result<InboxItem, Failure> {
        let entry = &mine.date.entry;
        let mut info = self.blank("reminder", entry.uri.community, now);
        info.did = entry.uri.did.to_string();
        info.author = one_line(&self.view.name(&entry.uri.community, &entry.uri.did)?);
        info.uri = entry.uri.to_string();
        info.short = entry.uri.short_id();
        info.url = self.url(&entry.uri, entry.audience);
        info.event = self.event_of(entry);
        info.mine = mine.answer.iter().map(|(rsvp, _)| rsvp.status.words().to_owned()).collect();
        if let Some(event) = entry.record.as_event() {
            let on = event.on(&mine.date.instance);
            let when = when::words(&on.start, on.duration, on.days);
            let place = on.place_line().map(|place| format!(", {place}")).unwrap_or_default();
            info.headline = one_line(&format!("{} {}: {when}{place}", on.name, hook::until(ahead.from - now)));
            info.text = on.status_note.clone();
            if let Some(shown) = &mut info.event {
                shown.when = when;
            }
        }
        Ok(info)
    }

    /// More than is given one by one.
    pub(crate) fn many(items: &[Item], now: i64) -> InboxItem {
        let headline = format!("{} new things for you: moot inbox", items.len());
        InboxItem { headline, ..InboxItem::blank("many", now) }
    }

    /// None: no hook is set.
    pub(super) fn hook(&self) -> Result<Option<HookInfo>, Failure> {
        let Ok(config) = Config::load(&self.desk.dir.join("config.toml"), |name| std::env::var(name).ok()) else {
            return Ok(None);
        };
        if config.hook().is_empty() {
            return Ok(None);
        }
        let trouble = self.desk.store.meta(TROUBLE)?.and_then(Trouble::read);
        Ok(Some(HookInfo {
            command: config.hook().to_vec(),
            began: self.desk.store.meta(SET)?.is_some(),
            failed: trouble.as_ref().map(|trouble| trouble.why.clone()),
            failed_at: trouble.as_ref().map(|trouble| trouble.at),
            given_up: trouble.map_or(0, |trouble| trouble.given_up),
        }))
    }

    pub(super) fn hook_finding(&self) -> Result<Option<Finding>, Failure> {
        let Some(hook) = self.hook()? else { return Ok(None) };
        let finding =
            |state, message: String| Finding { check: "hook".into(), state, message, detail: Vec::new(), hint: None };
        Ok(Some(match hook.failed {
            Some(why) => Finding {
                detail: match hook.given_up {
                    0 => vec!["what it was not given is tried again".to_owned()],
                    n => vec![format!("{n} things were given up after {} tries", hook::PAUSES.len() + 1)],
                },
                hint: Some("mend the command (moot config hook); moot inbox has everything".to_owned()),
                ..finding(Health::Wrong, why)
            },
            None if !self.desk.live.running => Finding {
                hint: Some("moot serve".to_owned()),
                ..finding(Health::Note, "the hook runs only while a node runs".to_owned())
            },
            None => finding(Health::Fine, format!("what is new goes to {}", hook.command[0])),
        }))
    }
}

fn called_off(mine: &MyDate) -> bool {
    use folkmoot_schemas::records::event::Status;
    let status = mine.date.entry.record.as_event().map(|event| event.on(&mine.date.instance).status);
    matches!(status, Some(Status::Cancelled | Status::Postponed))
}
