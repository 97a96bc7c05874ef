//! Who comes, who has a place, and who knows of the last change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use folkmoot_schemas::{
    Did,
    kind::Kind,
    records::{
        admission::{Decision, Key, Standing},
        event::{Event, Plans, RsvpMode, ShowAnswers},
        rsvp::{Answer as Said, Rsvp},
        text::is_same_name,
    },
};

use serde::{Deserialize, Serialize};

use super::{
    Failure, Reply,
    failure::could_not,
    handle::{Answer, Outcome},
    resolve::{Reading, SHOWN},
    veil::veiled,
};
use crate::{
    publish,
    store::{answers::Given, answers::is_host, reader::Entry},
};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct AnswersInfo {
    /// False: this home is no member there, so nothing is known.
    #[serde(default)]
    pub known: bool,
    pub going: u32,
    pub maybe: u32,
    pub interested: u32,
    pub not_going: u32,
    /// Of those going: answered to another plan than the one that stands.
    pub before_change: u32,
    /// Of those going: answered since the plan changed. 0 for one that never did.
    #[serde(default)]
    pub confirmed: u32,
    /// Of those going: answered after answers were closed.
    #[serde(default)]
    pub late: u32,
    /// As far as this home's person may see them; their own first.
    pub people: Vec<AnswerLine>,
    /// Answers that there are beyond those in `people`.
    #[serde(default)]
    pub more: usize,
    /// Where there are only so many places, or each has to be given.
    #[serde(default)]
    pub list: Option<ListInfo>,
    /// This home's person is one of the hosts.
    #[serde(default)]
    pub host: bool,
}

/// Who has a place, in numbers of people.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListInfo {
    /// Who keeps it.
    pub keeper: String,
    /// This home's person does.
    pub mine: bool,
    pub capacity: Option<u32>,
    /// Who waits, waits until a host says yes.
    #[serde(default)]
    pub approval: bool,
    /// False: nobody has said yet who has a place.
    pub written: bool,
    pub admitted: u32,
    pub waiting: u32,
    /// No more answers fit it: who answers now has no place before somebody withdraws.
    #[serde(default)]
    pub full: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReachInfo {
    /// The version that is shown.
    pub cid: String,
    pub sequence: u32,
    /// A node runs, and so knows who is connected.
    pub running: bool,
    pub people: Vec<ReachLine>,
    /// People that there are beyond those.
    #[serde(default)]
    pub more: usize,
    /// Of all: known to have it.
    #[serde(default)]
    pub reached: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReachLine {
    pub did: String,
    pub name: String,
    /// False: it is not known.
    pub has: bool,
    /// `here` (it is us), `answered` (since it changed), `connected` (their node says it holds all we hold).
    pub how: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AnswerLine {
    pub did: String,
    pub name: String,
    pub guest: Option<String>,
    pub status: String,
    pub count: u32,
    /// For hosts, and for who wrote it.
    pub note: Option<String>,
    pub before_change: bool,
    pub me: bool,
    #[serde(default)]
    pub late: bool,
    /// Answered since the plan changed.
    #[serde(default)]
    pub confirmed: bool,
    /// `admitted`, `waiting`, `declined`, `open` (not on the list); None: no list is kept.
    #[serde(default)]
    pub place: Option<String>,
    /// How many of them have a place.
    #[serde(default)]
    pub places: Option<u32>,
    /// On the waiting list, from 1.
    #[serde(default)]
    pub number: Option<u32>,
    /// Of one's own that were given as answers (a vote is none): who may see the name.
    #[serde(default)]
    pub show: Option<folkmoot_schemas::records::rsvp::ShowName>,
}

/// Answers that one reply lists.
const LINES: usize = 2000;

impl Reading<'_> {
    pub(super) fn answers(&self, target: &str, community: Option<&str>, occurrence: Option<&str>) -> Answer {
        let (entry, event) = self.event(target, community)?;
        if !self.joined(&entry) {
            return Ok(Reply::Answers(AnswersInfo::default()).into());
        }
        Ok(Reply::Answers(self.answers_of(&entry, &event, occurrence)?).into())
    }

    fn answers_of(&self, entry: &Entry, event: &Event, occurrence: Option<&str>) -> Result<AnswersInfo, Failure> {
        let counts = self.view.answers(entry, occurrence)?;
        let host = self.hosts(entry, event);
        let shown = event.rsvp.as_ref().map_or(ShowAnswers::default(), |rules| rules.show);
        let mut given = self.view.given(entry, occurrence)?;
        let is_me = |one: &Given| one.entry.uri.did == self.desk.me.did;
        // What is for hosts alone is shown to nobody else, though any member's node holds it.
        let may_see = |one: &&Given| host || is_me(one) || shown != ShowAnswers::Hosts;
        given.sort_by_key(|one| !is_me(one));
        let seen = given.iter().filter(may_see).count();
        let mut people = Vec::new();
        for one in given.iter().filter(may_see).take(LINES) {
            let me = is_me(one);
            people.push(self.line(entry, event, one, host || me, me)?);
        }
        let late = given.iter().filter(|one| one.late && one.rsvp.status == Said::Going);
        let anchor = self.view.anchor(entry);
        let written = self.view.list_of(entry, occurrence)?;
        let list = match (counts.needs_list, anchor) {
            (true, Some(anchor)) => Some(ListInfo {
                keeper: self.view.name(&entry.uri.community, &anchor)?,
                mine: anchor == self.desk.me.did,
                capacity: event.rsvp.as_ref().and_then(|rules| rules.capacity),
                approval: event.rsvp.as_ref().is_some_and(|rules| rules.mode == RsvpMode::Approval),
                written: written.is_some(),
                full: written.is_some_and(|list| list.is_full()),
                admitted: counts.listed.map_or(0, |listed| listed.admitted),
                waiting: counts.listed.map_or(0, |listed| listed.waiting),
            }),
            _ => None,
        };
        Ok(AnswersInfo {
            known: true,
            more: seen - people.len(),
            going: counts.going,
            maybe: counts.maybe,
            interested: counts.interested,
            not_going: counts.not_going,
            before_change: counts.before_change,
            confirmed: if event.sequence == 0 { 0 } else { counts.confirmed },
            late: late.map(|one| one.rsvp.count).sum(),
            people,
            list,
            host,
        })
    }

    fn line(&self, entry: &Entry, event: &Event, one: &Given, open: bool, me: bool) -> Result<AnswerLine, Failure> {
        let Given { entry: answer, rsvp, late, before_change, standing, .. } = one;
        let did = answer.uri.did;
        let shown = event.rsvp.as_ref().map_or(ShowAnswers::default(), |rules| rules.show);
        let (rsvp, named) = match open {
            true => (rsvp.clone(), true),
            false => veiled(rsvp, shown),
        };
        let (place, places, number) = match standing {
            _ if rsvp.status != Said::Going => (None, None, None),
            None => (None, None, None),
            Some(Standing::Admitted(places, number)) => (Some("admitted"), Some(*places), *number),
            Some(Standing::Waiting(number)) => (Some("waiting"), None, Some(*number)),
            Some(Standing::Declined) => (Some("declined"), None, None),
            Some(Standing::Open) => (Some("open"), None, None),
        };
        Ok(AnswerLine {
            did: if named { did.to_string() } else { String::new() },
            name: if named { self.view.name(&entry.uri.community, &did)? } else { "somebody".to_owned() },
            guest: rsvp.guest_name,
            status: word(rsvp.status).to_owned(),
            count: rsvp.count,
            note: rsvp.note,
            before_change: *before_change,
            me,
            late: *late,
            confirmed: !before_change && event.sequence > 0,
            place: place.map(str::to_owned),
            places,
            number,
            show: (me && answer.uri.collection == Rsvp::NAME).then_some(rsvp.show),
        })
    }

    /// Whoever keeps the list gives somebody a place, or declines.
    pub(super) fn admit(
        &self,
        (target, community): (&str, Option<&str>),
        occurrence: Option<&str>,
        (who, guest): (&str, Option<String>),
        admit: bool,
    ) -> Answer {
        let (entry, event) = self.event(target, community)?;
        let act = if admit { "give them a place" } else { "decline them" };
        if event.recur.is_some() && occurrence.is_none() {
            return Err(Failure::refused(format!("could not {act}: each date of a series has its own list"))
                .hint("say which date with --at"));
        }
        self.for_hosts(&entry, &event, "have a say in who has a place")?;
        let key = self.who_answered(&entry, occurrence, who, guest.as_deref())?;
        let desk = &self.desk;
        let decision = Decision { key, admit };
        let published =
            publish::decide(desk.store, desk.me, desk.clock, &entry, occurrence, &decision).map_err(could_not(act))?;
        let info = self.again()?.answers_of(&entry, &event, occurrence)?;
        Ok(Outcome::publishing(Reply::Answers(info), entry.uri.community, published))
    }

    /// Of those who answered, the one a text means: a place can only be given to who asked for one. A guest's own name does
    /// where nobody else is called so; with `guest` it is whoever answered for them that `who` means.
    fn who_answered(
        &self,
        entry: &Entry,
        occurrence: Option<&str>,
        who: &str,
        guest: Option<&str>,
    ) -> Result<Key, Failure> {
        let mut names = BTreeSet::new();
        let mut found: BTreeMap<Key, String> = BTreeMap::new();
        for one in self.view.given(entry, occurrence)? {
            let (did, theirs) = (one.entry.uri.did, one.rsvp.guest_name.as_deref());
            if one.rsvp.status != Said::Going
                || guest.is_some_and(|guest| !theirs.is_some_and(|t| is_same_name(t, guest)))
            {
                continue;
            }
            let name = self.view.name(&entry.uri.community, &did)?;
            let line = theirs.map_or_else(|| name.clone(), |theirs| format!("{theirs} (by {name})"));
            let text = did.to_string();
            let person = is_same_name(&name, who) || text == who || (who.len() >= 6 && text.ends_with(who));
            let meant = match (theirs, guest) {
                (None, _) | (Some(_), Some(_)) => person,
                (Some(theirs), None) => is_same_name(theirs, who),
            };
            if meant {
                found.insert((did, theirs.map(str::to_owned)), line.clone());
            }
            names.insert(line);
        }
        // As it was written, where guests of one person are called alike.
        if found.keys().any(|(_, theirs)| guest.is_some() && theirs.as_deref() == guest) {
            found.retain(|(_, theirs), _| theirs.as_deref() == guest);
        }
        let listed =
            |failure: Failure, lines: Vec<String>| lines.into_iter().take(SHOWN).fold(failure, Failure::because);
        match found.len() {
            0 => Err(listed(Failure::refused(format!("nobody called {who:?} said yes")), names.into_iter().collect())
                .hint("moot event guests EVENT lists who did")),
            1 => found.into_keys().next().ok_or_else(|| Failure::bug("nobody is one")),
            _ => {
                let lines = found.into_iter().map(|((did, _), line)| format!("{line}  {did}")).collect();
                Err(listed(Failure::refused(format!("{who:?} could be more than one")), lines).hint(
                    "give the did, or its last characters; for a guest: whoever answered for them, and --guest NAME",
                ))
            }
        }
    }

    /// Who of those who answered is known to hold the event as it is now. What is not known is said to be so.
    pub(super) fn reach(&self, target: &str, community: Option<&str>) -> Answer {
        let (entry, event) = self.event(target, community)?;
        self.for_hosts(&entry, &event, "see whom the last change has reached")?;
        let shown = entry.shown_cid();
        let empty = BTreeSet::new();
        let holders = self.desk.live.holders.get(&entry.uri.community).unwrap_or(&empty);
        let mut people: Vec<ReachLine> = Vec::new();
        let mut plans = Plans::of(&event);
        let mut lines: HashMap<Did, usize> = HashMap::new();
        for one in self.view.about_event(&entry)? {
            let did = one.0;
            let counted = one.1.seen_sequence == event.sequence && event.sequence > 0;
            let saw = (one.1.seen == shown || counted) && !plans.outdates(&one.1, one.1.day());
            let me = did == self.desk.me.did;
            let how = match (me, saw, holders.contains(&did)) {
                (true, ..) => Some("here"),
                (_, true, _) => Some("answered"),
                (_, _, true) => Some("connected"),
                _ => None,
            };
            let known = lines.get(&did).and_then(|at| people.get_mut(*at));
            match (known, how.map(str::to_owned)) {
                (None, how) => {
                    let name = self.view.name(&entry.uri.community, &did)?;
                    lines.insert(did, people.len());
                    people.push(ReachLine { did: did.to_string(), name, has: how.is_some(), how });
                }
                (Some(line), Some(how)) => (line.has, line.how) = (true, Some(how)),
                (Some(_), None) => {}
            }
        }
        let more = people.len().saturating_sub(LINES);
        let reached = people.iter().filter(|line| line.has).count();
        people.sort_by_key(|line| line.did != self.desk.me.did.to_string());
        people.truncate(LINES);
        Ok(Reply::Reach(ReachInfo {
            cid: shown.to_string(),
            sequence: event.sequence,
            running: self.desk.live.running,
            people,
            more,
            reached,
        })
        .into())
    }

    fn event(&self, target: &str, community: Option<&str>) -> Result<(Entry, Event), Failure> {
        let entry = self.record(target, community)?;
        let Some(event) = entry.record.as_event().cloned() else {
            return Err(Failure::refused(format!("{} is not an event", entry.uri.short_id()))
                .hint("`moot event list` shows events"));
        };
        Ok((entry, event))
    }

    fn joined(&self, entry: &Entry) -> bool {
        self.communities.get(&entry.uri.community).is_some_and(|community| community.joined)
    }

    /// What names those who answered, whatever they chose to show.
    fn for_hosts(&self, entry: &Entry, event: &Event, what: &str) -> Result<(), Failure> {
        match (self.joined(entry), self.hosts(entry, event)) {
            (true, true) => Ok(()),
            (false, _) => Err(Failure::refused("only members of a community see who answered")
                .hint("ask a member for an invite link, then `moot join LINK`")),
            (true, false) => Err(Failure::refused(format!("only the hosts of an event {what}"))
                .hint("moot event guests EVENT shows what everybody here may see")),
        }
    }

    pub(super) fn hosts(&self, entry: &Entry, event: &Event) -> bool {
        let community = self.communities.get(&entry.uri.community);
        community.is_some_and(|community| is_host(&self.desk.me.did, &entry.uri, event, &community.state))
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
