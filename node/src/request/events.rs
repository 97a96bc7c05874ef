//! Dates of events.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    Failure, Item, Reply,
    handle::Answer,
    records::{BUDGET, MOST},
    resolve::Reading,
};
use crate::store::reader::Occurrence;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OccurrenceInfo {
    /// Index of the item in `items` is avoided: each occurrence carries its event.
    pub item: Item,
    /// `Start::text` by the rule.
    pub at: String,
    pub start: folkmoot_schemas::when::Start,
    pub from: i64,
    pub to: i64,
    pub cancelled: bool,
    pub note: Option<String>,
}

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
            bytes += date.entry.bytes();
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
}
