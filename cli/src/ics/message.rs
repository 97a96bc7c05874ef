//! iTIP (RFC 5546): what a calendar file wants besides telling of events. Somebody answers, or something is called off.

use calcard::{
    common::IanaString,
    icalendar::{
        ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarMethod, ICalendarParameterName,
        ICalendarParameterValue, ICalendarParticipationStatus, ICalendarProperty, ICalendarValue,
    },
};
use folkmoot_schemas::{
    limits,
    records::{
        event::SourceVersion,
        rsvp::Answer,
        text::{clean, folded},
    },
    when::Start,
};
use serde::{Deserialize, Serialize};

use super::{
    Reading, Skipped, fields,
    time::{Zones, say},
    uid,
    version::{self, Word},
};

/// One person's answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) uid: String,
    /// One date of a series, in whatever form and zone the file has it.
    pub(crate) at: Option<Start>,
    /// Name of the guest; never a mail address.
    pub(crate) guest: String,
    /// Tells guests of one name apart, in lower case. It goes into no record.
    pub(crate) address: Option<String>,
    pub(crate) status: Answer,
    /// 1–11.
    /// None: it does not say.
    pub(crate) count: Option<u32>,
    pub(crate) note: Option<String>,
    /// SEQUENCE of the plan it answers, and when it was given.
    pub(crate) version: SourceVersion,
    pub(crate) said: Vec<String>,
}

/// An event, or one date of it, that does not take place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CalledOff {
    pub(crate) uid: String,
    pub(crate) name: String,
    pub(crate) at: Option<Start>,
    pub(crate) note: Option<String>,
    /// None: the message does not count itself, so that its stamp alone says how new it is.
    pub(crate) sequence: Option<u32>,
    pub(crate) stamp: Option<i64>,
    /// Seconds since 1970 of an earlier import, in which it came and which knew nothing that it calls off.
    pub(crate) since: Option<i64>,
}

impl CalledOff {
    /// As new as it is beside a word of this version, after which it came where it does not say. It was not sent after the
    /// import in which it came, or it would call off whatever comes under its UID one day.
    pub(crate) fn beside(&self, held: Option<SourceVersion>) -> SourceVersion {
        let (sequence, stamp) = held.map_or((0, None), |held| (held.sequence, held.stamp));
        let stamp = stamp.map(|stamp| self.since.map_or(stamp, |since| stamp.min(since)));
        SourceVersion { sequence: self.sequence.unwrap_or(sequence), stamp: self.stamp.or(stamp), message: true }
    }
}

impl Word for Answered {
    fn about(&self) -> String {
        let who = self.address.clone().unwrap_or_else(|| folded(&self.guest));
        format!("{who}\n{}\n{}", moment(self.at.as_ref()), self.uid)
    }
    fn version(&self) -> SourceVersion {
        self.version
    }
    fn says(&self) -> String {
        format!("{:?}", (&self.guest, self.status, self.count, &self.note))
    }
}

impl Word for CalledOff {
    /// Only those that say as much are newer or older than each other: the rest is judged beside what they call off.
    fn about(&self) -> String {
        let alike = (self.since.is_some(), self.sequence.is_some(), self.stamp.is_some());
        format!("{alike:?}\n{}\n{}", moment(self.at.as_ref()), self.uid)
    }
    fn version(&self) -> SourceVersion {
        self.beside(None)
    }
    fn says(&self) -> String {
        format!("{:?}", (&self.note, &self.name))
    }
}

/// The same date, in whatever zone a file names it.
pub(super) fn moment(at: Option<&Start>) -> String {
    at.map(|at| at.instant("UTC").to_string()).unwrap_or_default()
}

pub(super) fn method(calendar: &ICalendar) -> Option<&ICalendarMethod> {
    match calendar.components.first()?.property(&ICalendarProperty::Method)?.values.first()? {
        ICalendarValue::Method(method) => Some(method),
        _ => None,
    }
}

/// Takes a message that tells of no events.
pub(super) fn take(method: &ICalendarMethod, calendar: &ICalendar, zones: &Zones, reading: &mut Reading) {
    let events = calendar.components.iter().filter(|c| c.component_type == ICalendarComponentType::VEvent);
    for event in events {
        match method {
            ICalendarMethod::Reply => answered(event, zones, reading),
            ICalendarMethod::Cancel => called_off(event, zones, reading),
            other => {
                let what = fields::quoted(&other.as_str().to_ascii_uppercase());
                say(
                    &mut reading.said,
                    format!("a message of the kind {what} is left out: there is nothing to take over"),
                );
            }
        }
    }
}

fn called_off(event: &ICalendarComponent, zones: &Zones, reading: &mut Reading) {
    let name = name(event);
    match at(event, zones, &mut Vec::new()) {
        Ok(at) => {
            let note = comment(event, limits::EVENT_NOTE);
            let (sequence, stamp) = (version::sequence(event), version::stamp(event, zones));
            reading.called_off.push(CalledOff { uid: uid(event), name, at, note, sequence, stamp, since: None });
        }
        Err(why) => reading.skipped.push(Skipped { key: uid(event), name, why }),
    }
}

fn answered(event: &ICalendarComponent, zones: &Zones, reading: &mut Reading) {
    match answer(event, zones) {
        Ok(answer) => {
            reading.answers.push(answer);
        }
        Err(why) => reading.skipped.push(Skipped { key: uid(event), name: name(event), why }),
    }
}

fn answer(event: &ICalendarComponent, zones: &Zones) -> Result<Answered, String> {
    let mut said = Vec::new();
    let attendee = event.property(&ICalendarProperty::Attendee).ok_or("it does not say who answers")?;
    if event.properties(&ICalendarProperty::Attendee).count() > 1 {
        say(&mut said, "it names several people: the answer is taken as that of the first".into());
    }
    let guest = guest(attendee).ok_or("it does not say who answers")?;
    let status = match attendee.parameter(&ICalendarParameterName::Partstat) {
        Some(ICalendarParameterValue::Partstat(status)) => status,
        _ => return Err(format!("{guest} gives no answer")),
    };
    let status = match status {
        ICalendarParticipationStatus::Accepted => Answer::Going,
        ICalendarParticipationStatus::Tentative => Answer::Maybe,
        ICalendarParticipationStatus::Declined => Answer::NotGoing,
        ICalendarParticipationStatus::Delegated => {
            return Err(format!("{guest} sends somebody else: enter that guest with moot rsvp EVENT yes --guest NAME"));
        }
        _ => return Err(format!("{guest} has not answered yet")),
    };
    let others = attendee.params.iter().find(|p| p.name.as_str().eq_ignore_ascii_case("X-NUM-GUESTS"));
    let others = others.and_then(|p| p.value.as_integer()).filter(|_| status != Answer::NotGoing);
    if let Some(others) = others.filter(|others| *others > 10) {
        say(&mut said, format!("brings {others} people, 10 are kept"));
    }
    Ok(Answered {
        uid: uid(event),
        at: at(event, zones, &mut said)?,
        guest,
        address: address(attendee),
        status,
        count: others.map(|others| 1 + u32::try_from(others.min(10)).unwrap_or(0)),
        note: comment(event, limits::RSVP_NOTE),
        version: version::of(event, zones),
        said,
    })
}

/// The name, else what stands before the @ of the address: the address itself is nobody else's business.
fn guest(attendee: &ICalendarEntry) -> Option<String> {
    let name = attendee.parameter(&ICalendarParameterName::Cn).and_then(|cn| cn.as_text()).map(bare);
    let address = || bare(attendee.values.first()?.as_text()?).into();
    let guest: Option<String> = name.filter(|name| !name.is_empty()).or_else(address);
    let short = fields::start_of(&guest?, limits::PERSON_NAME);
    Some(short.trim().to_owned()).filter(|name| !name.is_empty())
}

fn address(attendee: &ICalendarEntry) -> Option<String> {
    let text = fields::one_line(attendee.values.first()?.as_text()?);
    let address = without_scheme(&text).trim().to_lowercase();
    // What programs write for somebody whose address they do not know.
    Some(address).filter(|address| !address.is_empty() && address != "invalid:nomail")
}

fn bare(text: &str) -> String {
    let text = fields::one_line(text);
    without_scheme(&text).split('@').next().unwrap_or_default().trim().to_owned()
}

fn without_scheme(text: &str) -> &str {
    text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:")).map_or(text, |_| &text[7..])
}

fn at(event: &ICalendarComponent, zones: &Zones, said: &mut Vec<String>) -> Result<Option<Start>, String> {
    match event.property(&ICalendarProperty::RecurrenceId) {
        None => Ok(None),
        Some(entry) => Ok(Some(zones.start(entry, said).ok_or("the date it is about could not be read")?)),
    }
}

fn comment(event: &ICalendarComponent, max: usize) -> Option<String> {
    let text = clean(&fields::text(event, &ICalendarProperty::Comment)?);
    Some(fields::cut(text.trim().to_owned(), max, "", &mut Vec::new())).filter(|text| !text.is_empty())
}

fn name(event: &ICalendarComponent) -> String {
    fields::text(event, &ICalendarProperty::Summary).map(|text| fields::quoted(&text)).unwrap_or_default()
}
