//! How one version of an event follows another, and how one date of a series differs from the event.

use std::collections::BTreeSet;

use super::{DateSince, Event, Override, Plans, Status};
use crate::{
    limits,
    records::rsvp::Rsvp,
    recur::{self, Instance},
    when::Start,
};

/// Earlier starts an event remembers.
const PREVIOUS: usize = 5;

impl Event {
    /// True when `newer` is another plan: an RSVP given before it must be confirmed.
    pub fn material_change(&self, newer: &Self) -> bool {
        self.plan() != newer.plan()
    }

    /// Makes `self` the successor of `older`: raises `sequence` on a material change and fills `previous` when the start
    /// moved. Back at an earlier start, what came after it is forgotten: nobody has to be told of a way there and back.
    pub fn follow(&mut self, older: &Self) {
        let material = older.material_change(self);
        self.sequence = older.sequence.saturating_add(u32::from(material));
        (self.all_since, self.dates_since) = (older.all_since, older.dates_since.clone());
        if material {
            self.count_dates(older);
        }
        self.previous.clone_from(&older.previous);
        if self.start != older.start {
            self.previous.push(older.start.clone());
        }
        if let Some(back) = self.previous.iter().position(|start| *start == self.start) {
            self.previous.truncate(back);
        }
        let surplus = self.previous.len().saturating_sub(PREVIOUS);
        self.previous.drain(..surplus);
    }

    /// Notes which dates a change of `older` touched: one of a single date says nothing about the others.
    fn count_dates(&mut self, older: &Self) {
        let but_for_dates = Self { overrides: older.overrides.clone(), ..self.clone() };
        let (before, now) = (older.plan().overrides, self.plan().overrides);
        let of = |list: &[Override], at: &str| list.iter().find(|change| change.at == at).cloned();
        let both = before.iter().chain(&now).map(|change| change.at.as_str());
        let touched: BTreeSet<&str> = both.filter(|at| of(&before, at) != of(&now, at)).collect();
        self.all_since.get_or_insert(older.sequence);
        for at in touched {
            let day = at.split_once('T').map_or(at, |(day, _)| day);
            self.dates_since.retain(|date| date.at != day);
            self.dates_since.push(DateSince { at: day.to_owned(), sequence: self.sequence });
        }
        let many = self.dates_since.len() > limits::EVENT_CHANGES;
        if self.recur.is_none() || many || older.material_change(&but_for_dates) {
            (self.all_since, self.dates_since) = (None, Vec::new());
        }
    }

    /// `answer` was to another plan than this; `day`: of that date of a series, by the rule. Of many answers, ask
    /// [`Plans`].
    pub fn outdates(&self, answer: &Rsvp, day: Option<&str>) -> bool {
        Plans::of(self).outdates(answer, day)
    }

    pub(super) fn outdates_sequence(&self, sequence: u32, day: Option<&str>) -> bool {
        let since = match self.all_since.filter(|_| self.recur.is_some()) {
            Some(all) => {
                let date = self.dates_since.iter().find(|date| Some(date.at.as_str()) == day);
                date.map_or(all, |date| date.sequence.max(all))
            }
            None => self.sequence,
        };
        // One that saw a later plan saw none that stands: what it saw has been overruled, or was made up.
        sequence < since || sequence > self.sequence
    }

    /// For an answer that saw this very plan of the date on `day`.
    pub(super) fn outdates_date(&self, sequence: u32, day: Option<&str>) -> bool {
        let changed = |date: &DateSince| Some(date.at.as_str()) == day && sequence < date.sequence;
        sequence > self.sequence || self.dates_since.iter().any(changed)
    }

    /// Takes over the changes `older` had for single dates, each to the same date of this series: an override names its
    /// date by the start, which moves with the time of day. Returns those whose date the series no longer has; dates that
    /// were left out anyway are not among them.
    pub fn carry_overrides(&mut self, older: &Self) -> Vec<Override> {
        let (mut kept, mut lost) = (Vec::new(), Vec::new());
        for change in &older.overrides {
            let Some(at) = older.start.named(&change.at).filter(|at| recur::has(older, at)) else { continue };
            let at = self.start.on(at.civil_date());
            if self.recur.is_some() && recur::has(self, &at) {
                let start = change.start.as_ref().map(|start| start.in_form_of(&older.start, &self.start));
                let duration = change.duration.filter(|_| self.start.zone().is_some());
                kept.push(Override { at: at.text(), start, duration, ..change.clone() });
            } else if !change.gone {
                lost.push(change.clone());
            }
        }
        self.overrides = kept;
        lost
    }

    /// The event as it is on one of its dates: a single event with that date's start and the fields its override sets.
    pub fn on(&self, instance: &Instance) -> Self {
        let mut event = Self { start: instance.start.clone(), recur: None, overrides: Vec::new(), ..self.clone() };
        event.doors = self.doors_beside(&instance.start);
        if instance.start != instance.at {
            event.previous = vec![instance.at.clone()];
        } else if self.recur.is_some() {
            // That the series once moved says nothing about this date.
            event.previous.clear();
        }
        if let Some(change) = instance.change.and_then(|i| self.overrides.get(i)) {
            event.status = change.status.unwrap_or(self.status);
            event.status_note = change.note.clone().or(event.status_note);
            event.duration = change.duration.or(self.duration);
            event.open_end = self.open_end && change.duration.is_none();
            event.name = change.name.clone().unwrap_or(event.name);
            event.text = change.text.clone().or(event.text);
            event.places = change.places.clone().unwrap_or(event.places);
        }
        event
    }
}

impl Start {
    /// A start of one date, after the series went from the form and zone of `old` to those of `new`.
    pub(super) fn in_form_of(&self, old: &Self, new: &Self) -> Self {
        match (self, new) {
            (Self::Local { local, zone }, Self::Local { zone: other, .. }) => {
                let zone = if old.zone() == Some(zone) { other } else { zone };
                Self::Local { local: *local, zone: zone.clone() }
            }
            _ => new.on(self.civil_date()),
        }
    }
}

impl Status {
    /// For lists and labels: "cancelled".
    pub fn word(self) -> &'static str {
        match self {
            Self::Tentative => "tentative",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Postponed => "postponed",
        }
    }
}
