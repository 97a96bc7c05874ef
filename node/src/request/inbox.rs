//! The inbox, as it goes to whoever shows it.

use folkmoot_schemas::{
    Audience, Cid, Record, Uri,
    records::{
        admission::Standing,
        event::{Event, RsvpRules},
        poll::Poll,
        revision::Right,
    },
    when,
};
use serde::{Deserialize, Serialize};

use super::{Failure, Reply, handle::Answer, records::BUDGET, resolve::Reading};
use crate::{
    inbox::{
        self, Item, What, Why,
        words::{self, one_line},
    },
    store::{
        reader::{Community, Entry, Lookup},
        told::{ItemKey, Marks, To},
    },
};

/// Something to hear of. What stands in one line is one line and steers no terminal; `text` is as its author wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxItem {
    /// Names it on this node.
    pub id: String,
    /// Another one when there is something new in it.
    pub stamp: u64,
    /// `answer`, `changed`, `deleted`, `update`, `mention`, `reply`, `thread`, `about`, `place`, `host`, `left`, `poll`,
    /// `vote`, `decided`; to the hook also `reminder` and `many`.
    pub kind: String,
    /// RFC 3339, in UTC.
    pub time: String,
    /// Microseconds since 1970.
    pub at: u64,
    pub new: bool,
    pub community: String,
    pub community_name: String,
    /// Whose doing it is.
    pub did: String,
    pub author: String,
    /// The record that says so.
    pub uri: String,
    pub short: String,
    pub event: Option<InboxEvent>,
    /// The whole in one line.
    pub headline: String,
    pub text: Option<String>,
    /// What can be done about it, where that is not plain.
    pub hint: Option<String>,
    pub answer: Option<InboxAnswer>,
    /// What the person had answered: words.
    pub mine: Vec<String>,
    /// What changed: phrases.
    pub changes: Vec<String>,
    pub url: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxEvent {
    pub uri: String,
    pub short: String,
    pub name: String,
    /// In words, with the zone.
    pub when: String,
    /// The event's own; None: all day.
    #[serde(default)]
    pub zone: Option<String>,
    /// `confirmed`, `cancelled` …
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxAnswer {
    /// `going`, `maybe`, `interested`, `notgoing`
    pub status: String,
    pub count: u32,
    pub guest: Option<String>,
    pub occurrence: Option<String>,
    pub before_change: bool,
    /// The status before, where it is still known and another one.
    pub was: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InboxInfo {
    /// Newest first.
    pub items: Vec<InboxItem>,
    /// New ones in all.
    pub new: u64,
    /// Of what was asked for, how many there are besides `items`, older.
    pub more: u64,
    /// What happened to the person's own writing and waits in `moot doctor`.
    pub notices: u64,
    /// This device is none of the person's any more: nothing new comes to it.
    #[serde(default)]
    pub out: bool,
}

impl InboxItem {
    /// `now` in seconds since 1970.
    pub(super) fn blank(kind: &str, now: i64) -> Self {
        let at = u64::try_from(now).unwrap_or_default().saturating_mul(1_000_000);
        Self {
            id: String::new(),
            stamp: 0,
            kind: kind.into(),
            time: rfc3339(at),
            at,
            new: true,
            community: String::new(),
            community_name: String::new(),
            did: String::new(),
            author: String::new(),
            uri: String::new(),
            short: String::new(),
            event: None,
            headline: String::new(),
            text: None,
            hint: None,
            answer: None,
            mine: Vec::new(),
            changes: Vec::new(),
            url: None,
        }
    }
}

impl Reading<'_> {
    /// `all`: also what was read.
    pub(super) fn inbox(&self, community: Option<&str>, all: bool, limit: u32) -> Answer {
        let marks = self.desk.store.told(To::Person)?;
        let mut items = self.inbox_items(&self.one_or_all(community)?)?;
        let new = items.iter().filter(|item| item.is_new(&marks)).count() as u64;
        items.retain(|item| all || item.is_new(&marks));
        let (mut infos, mut bytes) = (Vec::new(), 0);
        for item in items.iter().take(limit as usize) {
            let info = self.inbox_info(item, item.is_new(&marks))?;
            bytes += info.text.as_ref().map_or(0, String::len) + 2_048;
            if bytes > BUDGET {
                break;
            }
            infos.push(info);
        }
        let more = (items.len() - infos.len()) as u64;
        let notices = self.desk.store.notices()?.len() as u64;
        Ok(Reply::Inbox(InboxInfo { items: infos, new, more, notices, out: self.is_out()? }).into())
    }

    /// Marks these as read, as they were shown, and forgets the marks of what is no more.
    pub(super) fn mark_read(&self, shown: &[(String, u64)]) -> Answer {
        let present = inbox::keys(&self.inbox_items(&self.one_or_all(None)?)?);
        let marks: Marks = shown
            .iter()
            .filter_map(|(id, stamp)| Some((key_of(id)?, *stamp)))
            .filter(|(key, _)| present.contains(key))
            .collect();
        self.desk.store.mark_told(To::Person, &marks, &present)?;
        Ok(Reply::Done.into())
    }

    pub(crate) fn inbox_items(&self, communities: &[&Community]) -> Result<Vec<Item>, Failure> {
        Ok(inbox::items(&self.view, communities, &self.desk.me.did, self.desk.clock.seconds())?)
    }

    pub(crate) fn inbox_info(&self, item: &Item, new: bool) -> Result<InboxItem, Failure> {
        let mut info = self.blank("", item.community, (item.at / 1_000_000) as i64);
        info.id = id_of(&item.key);
        info.stamp = item.stamp;
        info.time = rfc3339(item.at);
        info.at = item.at;
        info.new = new;
        info.did = item.by.to_string();
        info.author = one_line(&self.view.name(&item.community, &item.by)?);
        match &item.what {
            What::Answer { event, answer } => self.answered(&mut info, event, answer)?,
            What::Changed { event, since, mine, days } => {
                info.kind = "changed".into();
                self.place(&mut info, &event.uri, event.audience);
                info.event = self.event_of(event);
                info.changes = since.iter().map(|phrase| one_line(phrase)).collect();
                info.mine = mine.iter().map(|rsvp| rsvp.status.words().to_owned()).collect();
                if let Some(fields) = event.record.as_event() {
                    let said = words::changed(fields, since);
                    info.headline = one_line(&match mine.is_empty() {
                        true => format!("{said} (by {})", info.author),
                        false => said,
                    });
                    info.hint = words::mine(fields, &event.uri.short_id(), mine, days);
                }
            }
            What::Deleted { event, mine } => {
                info.kind = "deleted".into();
                self.place(&mut info, event, Audience::Members);
                // Only a pin keeps what is deleted; nothing else is kept to be able to name it.
                info.event = self.view.kept(event)?.and_then(|kept| self.event_of(&kept));
                let name = info.event.as_ref().map(|event| event.name.as_str());
                info.headline = one_line(&words::deleted(&info.author, name));
                info.mine = vec![mine.status.words().to_owned()];
                info.hint = Some(one_line(&words::answered_once(mine)));
            }
            What::Named { event, part } => {
                info.kind = "host".into();
                self.place(&mut info, &event.uri, event.audience);
                info.event = self.event_of(event);
                if let Some(fields) = event.record.as_event() {
                    info.headline = one_line(&words::named(&info.author, fields, part));
                    let (edits, keeps_list) = self.has_to_do(event, fields)?;
                    info.hint = Some(words::named_hint(&info.short, edits, keeps_list));
                }
            }
            What::Left { event, going } => {
                info.kind = "left".into();
                self.place(&mut info, &event.uri, event.audience);
                info.event = self.event_of(event);
                if let Some(fields) = event.record.as_event() {
                    info.headline =
                        one_line(&words::left(&info.author, fields, going.as_deref(), &info.community_name));
                    let author = self.today(&event.uri, &event.uri.did);
                    if let (true, (true, keeps_list)) = (item.by == author, self.has_to_do(event, fields)?) {
                        info.hint = Some(words::carry_on(&info.short, keeps_list));
                    }
                }
            }
            What::Place { event, mine, standing } => {
                info.kind = "place".into();
                self.place(&mut info, &event.uri, event.audience);
                info.event = self.event_of(event);
                info.mine = vec![mine.status.words().to_owned()];
                if let Some(fields) = event.record.as_event() {
                    info.headline = one_line(&words::place(fields, mine, *standing));
                }
                if matches!(standing, Standing::Admitted(..)) {
                    info.hint = Some(format!("if you cannot come, say so: moot rsvp {} no", info.short));
                }
            }
            What::Asked { poll } => self.polled(&mut info, "poll", poll, words::asked),
            What::Decided { poll } => self.polled(&mut info, "decided", poll, words::decided),
            What::Vote { poll, vote } => {
                info.kind = "vote".into();
                self.place(&mut info, &poll.uri, poll.audience);
                if let (Record::Poll(asked), Record::Vote(vote)) = (&poll.record, &vote.record) {
                    info.headline = one_line(&words::voted(&info.author, asked, vote));
                }
            }
            What::Post { post, why, event } => self.posted(&mut info, post, *why, event.as_deref())?,
        }
        Ok(info)
    }

    /// Of somebody else's event: whether this home's person may edit it, and keeps its list.
    fn has_to_do(&self, entry: &Entry, event: &Event) -> Result<(bool, bool), Failure> {
        let list = event.rsvp.as_ref().is_some_and(RsvpRules::needs_list);
        let keeps_list = list && self.view.anchor(entry) == Some(self.desk.me.did);
        Ok((self.view.right(entry)? == Some(Right::Host), keeps_list))
    }

    /// With nothing in it. `now` in seconds since 1970.
    pub(super) fn blank(&self, kind: &str, community: Cid, now: i64) -> InboxItem {
        InboxItem {
            community: community.to_string(),
            community_name: self.communities.get(&community).map(|c| one_line(&c.name)).unwrap_or_default(),
            ..InboxItem::blank(kind, now)
        }
    }

    fn place(&self, info: &mut InboxItem, uri: &Uri, audience: Audience) {
        info.uri = uri.to_string();
        info.short = uri.short_id();
        info.url = self.url(uri, audience);
    }

    pub(super) fn event_of(&self, entry: &Entry) -> Option<InboxEvent> {
        let event = entry.record.as_event()?;
        Some(InboxEvent {
            uri: entry.uri.to_string(),
            short: entry.uri.short_id(),
            name: one_line(&event.name),
            when: event.when_words(),
            zone: event.start.zone().map(str::to_owned),
            status: event.status.word().to_owned(),
        })
    }

    fn answered(&self, info: &mut InboxItem, event: &Entry, answer: &Entry) -> Result<(), Failure> {
        info.kind = "answer".into();
        self.place(info, &answer.uri, answer.audience);
        info.event = self.event_of(event);
        info.url = self.url(&event.uri, event.audience);
        let (Some(fields), Some(rsvp)) = (event.record.as_event(), answer.record.as_rsvp()) else { return Ok(()) };
        let older = self.view.versions(&answer.uri)?;
        let older = older.iter().find(|old| old.cid != answer.cid).and_then(|old| Record::view(&old.block).ok());
        let older = older.map(|(_, record)| record);
        let was = older.as_ref().and_then(Record::as_rsvp);
        info.headline = one_line(&words::answered(&info.author, fields, rsvp, was));
        info.text = rsvp.note.clone();
        let changed = was.filter(|was| was.status != rsvp.status);
        info.answer = Some(InboxAnswer {
            status: super::answers::word(rsvp.status).to_owned(),
            count: rsvp.count,
            guest: rsvp.guest_name.as_deref().map(one_line),
            occurrence: rsvp.occurrence.clone(),
            before_change: fields.outdates(rsvp, rsvp.day()),
            was: changed.map(|was| super::answers::word(was.status).to_owned()),
        });
        Ok(())
    }

    /// What the answer at `uri` is to, if it is one.
    fn answered_event(&self, uri: &Uri) -> Result<Option<Entry>, Failure> {
        let Lookup::Found(entry) = self.view.get(uri)? else { return Ok(None) };
        let Some(rsvp) = entry.record.as_rsvp() else { return Ok(None) };
        Ok(match self.view.get(&rsvp.event)? {
            Lookup::Found(event) => Some(*event),
            _ => None,
        })
    }

    fn polled(&self, info: &mut InboxItem, kind: &str, poll: &Entry, said: fn(&str, &Poll) -> String) {
        info.kind = kind.into();
        self.place(info, &poll.uri, poll.audience);
        let Record::Poll(fields) = &poll.record else { return };
        info.headline = one_line(&said(&info.author, fields));
        if kind == "poll" {
            let options = (1..).zip(&fields.options).map(|(n, option)| format!("{n}  {}", one_line(&option.words())));
            info.text = Some(options.collect::<Vec<_>>().join("\n"));
            info.hint = Some(format!("moot poll vote {} …", info.short));
        } else if let Some(event) = fields.result.as_ref().and_then(|result| result.event.as_ref()) {
            info.hint = Some(format!("it became an event: moot rsvp {} yes, maybe or no", event.short_id()));
        }
    }

    fn posted(&self, info: &mut InboxItem, post: &Entry, why: Why, event: Option<&Entry>) -> Result<(), Failure> {
        info.kind = match why {
            Why::Update => "update",
            Why::Mention => "mention",
            Why::Reply => "reply",
            Why::Thread => "thread",
            Why::About => "about",
        }
        .into();
        self.place(info, &post.uri, post.audience);
        let reply = post.record.as_post().and_then(|post| post.reply.as_ref());
        let answered = match (event, reply) {
            (None, Some(reply)) => self.answered_event(&reply.root.uri)?,
            _ => None,
        };
        info.event = event.or(answered.as_ref()).and_then(|event| self.event_of(event));
        let name = info.event.as_ref().map(|event| event.name.as_str());
        info.headline = one_line(&words::posted(&info.author, why, name));
        let Some(fields) = post.record.as_post() else { return Ok(()) };
        if let (None, Some(reply)) = (event, reply) {
            // What it is about tells people more than an id.
            let to = if why == Why::Reply { &reply.parent.uri } else { &reply.root.uri };
            if let Lookup::Found(root) = self.view.get(to)? {
                info.headline += &format!(": \u{201c}{}\u{201d}", words::beginning(&root.record));
            }
        }
        info.text = Some(match &fields.title {
            Some(title) => format!("{title}\n\n{}", fields.text),
            None => fields.text.clone(),
        });
        info.hint = match why {
            Why::Update => None,
            _ => Some(format!("moot reply {} \"…\"", info.short)),
        };
        Ok(())
    }
}

fn id_of(key: &ItemKey) -> String {
    data_encoding::BASE32_NOPAD.encode(key).to_ascii_lowercase()
}

fn key_of(id: &str) -> Option<ItemKey> {
    data_encoding::BASE32_NOPAD.decode(id.to_ascii_uppercase().as_bytes()).ok()?.try_into().ok()
}

fn rfc3339(micros: u64) -> String {
    when::local_at((micros / 1_000_000) as i64, "UTC")
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        .unwrap_or_default()
}
