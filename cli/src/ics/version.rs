//! Of several words about one thing, which is the newest (RFC 5546 §2.1.5).
//!
//! `SEQUENCE` decides, and where it is equal the stamp: the later of `DTSTAMP` and `LAST-MODIFIED`. Programs write the time
//! of the export into `DTSTAMP`, or that of the message, or the same for ever; `LAST-MODIFIED` is often missing. The later
//! of the two never runs backwards in any of these habits, so a stamp that does is an older file. A stamp in the future
//! counts as now, or a clock that was wrong once would shut out everything that follows. What is equally new is taken:
//! many calendars change without raising either.
//!
//! Against what is here only that is older which certainly is ([`SourceVersion::is_older_than`]). Among the words of one
//! import one has to be chosen, whatever the order of the files: there what has no stamp is the oldest ([`rank`]).

use std::{cmp::Ordering, collections::BTreeMap};

use calcard::icalendar::{ICalendarComponent, ICalendarProperty};
use folkmoot_schemas::records::event::SourceVersion;

use super::time::Zones;

pub(super) fn of(component: &ICalendarComponent, zones: &Zones) -> SourceVersion {
    SourceVersion { sequence: sequence(component).unwrap_or(0), stamp: stamp(component, zones), message: false }
}

/// What a message counts itself as, if it does.
pub(super) fn sequence(component: &ICalendarComponent) -> Option<u32> {
    let number = component.property(&ICalendarProperty::Sequence)?.values.first()?.as_integer()?;
    Some(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

pub(super) fn stamp(component: &ICalendarComponent, zones: &Zones) -> Option<i64> {
    let both = [ICalendarProperty::Dtstamp, ICalendarProperty::LastModified];
    let entries = both.iter().filter_map(|name| component.property(name));
    let moments = entries.filter_map(|entry| zones.start(entry, &mut Vec::new())).map(|at| at.instant("UTC"));
    moments.max().map(|at| at.clamp(0, zones.now))
}

/// How new a word is among those of one import.
pub(crate) fn rank(version: SourceVersion) -> (u32, Option<i64>) {
    (version.sequence, version.stamp)
}

/// Something a file says about one thing.
pub(crate) trait Word {
    /// The thing.
    fn about(&self) -> String;
    fn version(&self) -> SourceVersion;
    /// What it says, as text. Of two words from files between which nothing decides, the one whose text is the greater.
    fn says(&self) -> String;
}

/// Of the words about each thing the newest, in the order in which the things came up.
#[derive(Debug)]
pub(crate) struct Newest<T> {
    words: Vec<T>,
    places: BTreeMap<String, usize>,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { words: Vec::new(), places: BTreeMap::new() }
    }
}

impl<T: Word> Newest<T> {
    /// Another word of the same file: of two that are equally new the later one stays. Returns the word that stays, where
    /// there were two, and the other.
    pub(crate) fn push(&mut self, word: T) -> Option<(&mut T, T)> {
        self.add(word, |held, word| rank(word.version()) >= rank(held.version()))
    }

    /// The word of another file.
    pub(crate) fn join(&mut self, word: T) -> Option<(&mut T, T)> {
        self.add(word, |held, word| match rank(word.version()).cmp(&rank(held.version())) {
            Ordering::Equal => word.says() > held.says(),
            order => order.is_gt(),
        })
    }

    fn add(&mut self, word: T, is_newer: impl Fn(&T, &T) -> bool) -> Option<(&mut T, T)> {
        let place = *self.places.entry(word.about()).or_insert(self.words.len());
        if place == self.words.len() {
            self.words.push(word);
            return None;
        }
        let (held, mut other) = (self.words.get_mut(place)?, word);
        if is_newer(held, &other) {
            std::mem::swap(held, &mut other);
        }
        Some((held, other))
    }
}

impl<T> std::ops::Deref for Newest<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.words
    }
}

impl<T> IntoIterator for Newest<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.words.into_iter()
    }
}
