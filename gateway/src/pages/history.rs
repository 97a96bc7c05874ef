//! `/e/<id>/history`: what was changed in an event, when and by whom, the last change first. Of the versions that are
//! public, counted, and whose proof this node kept.

use std::collections::BTreeMap;

use askama::Template;
use folkmoot_node::store::{
    StoreError,
    read_history::{EventVersion, Written},
    reader::Entry,
};
use folkmoot_schemas::{Cid, kind::Kind, records::event::Event};

use super::{
    Shown, html,
    notice::{gone, not_found},
};
use crate::{
    answer::Caching,
    changes::{self, Changes},
    html::{Frame, Link, Person, Section},
    reading::{Found, Reading},
    route::Page,
    words,
};

/// On a page.
const VERSIONS: usize = 40;

#[derive(Debug, Template)]
#[template(path = "history.html")]
struct History {
    frame: Frame,
    event: Link,
    lang: Option<String>,
    versions: Vec<Shape>,
    /// More versions than there is room for.
    older: bool,
}

/// A version as the page shows it.
#[derive(Debug)]
struct Shape {
    time: (String, String),
    by: Person,
    right: Option<&'static str>,
    kind: Change,
    set_aside: bool,
}

#[derive(Debug)]
enum Change {
    Published,
    /// What came before is not here.
    Oldest,
    Changed(Changes),
}

pub(super) fn answer(reading: &Reading<'_>, id: &str) -> Shown {
    let entry = match reading.by_short(id, Event::NAME)? {
        Found::Entry(entry) => entry,
        Found::Gone => return Ok(gone(reading)),
        Found::Absent => return Ok(not_found(Some(reading))),
    };
    let Some(now) = entry.record.as_event() else { return Ok(not_found(Some(reading))) };
    let community = entry.uri.community;
    let versions = reading.view.event_history(&entry)?;
    let older = versions.len() > VERSIONS;
    let mut shapes = Vec::new();
    for (version, changes) in told(versions, now) {
        let original = version.rev.micros() <= entry.created.saturating_add(60_000_000);
        shapes.push(Shape {
            time: words::written(version.rev.micros(), reading.zone(&community)),
            by: reading.person(&community, &version.did)?,
            right: match version.written {
                Written::Own(_) => None,
                Written::Revision(right, _) => Some(right.word()),
            },
            kind: match changes {
                Some(changes) => Change::Changed(changes),
                None if original => Change::Published,
                None => Change::Oldest,
            },
            set_aside: version.set_aside,
        });
    }
    shapes.reverse();
    let page = Page::EventHistory(id.to_owned());
    let page = History {
        frame: Frame { listed: false, ..reading.frame(Section::Events, &format!("Changes: {}", now.name), "", &page) },
        event: Link { href: reading.href(&community, &Page::Event(id.to_owned())), label: now.name.clone() },
        lang: words::lang(now.lang.as_deref()).map(str::to_owned).or_else(|| reading.lang(&community)),
        versions: shapes,
        older,
    };
    html(&page, Caching::Revalidate)
}

/// Where it can be read, if there is more to read than the event's own page has.
pub(super) fn offer(reading: &Reading<'_>, entry: &Entry) -> Result<Option<String>, StoreError> {
    let changed = reading.view.was_changed(entry)?;
    Ok(changed.then(|| reading.href(&entry.uri.community, &Page::EventHistory(entry.uri.short_id()))))
}

/// What each version made of the one it changed, the oldest first: of the last that there is room for. None: that one is
/// not known.
fn told(versions: Vec<EventVersion>, now: &Event) -> Vec<(EventVersion, Option<Changes>)> {
    let skipped = versions.len().saturating_sub(VERSIONS);
    let mut stood: BTreeMap<Cid, Event> = BTreeMap::new();
    let mut told = Vec::new();
    for (n, version) in versions.into_iter().enumerate() {
        let base = version.base.as_ref().and_then(|base| stood.get(base));
        let event = match (&version.written, base) {
            (Written::Own(event), _) => Event::clone(event),
            (Written::Revision(right, revision), Some(base)) => revision.over(base, *right),
            // What it was laid over comes before it always.
            (Written::Revision(..), None) => continue,
        };
        let changes = base.filter(|_| n >= skipped).map(|before| changes::between_versions(before, &event, now));
        stood.insert(version.cid, event);
        if n >= skipped {
            told.push((version, changes));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::{
        Tid, Uri,
        block::{DAG_CBOR, cid_of},
        key::Secret,
        records::revision::{Revision, Right},
    };
    use serde_json::json;

    use super::*;
    use crate::occasion::tests::event;

    fn jam(day: &str, status: &str) -> Event {
        event(json!({"name": "Jam", "start": {"date": day}, "status": status}))
    }

    fn version(rev: u64, written: Written) -> EventVersion {
        let did = Secret::from_seed([2; 32]).did();
        let base = rev.checked_sub(1).map(|before| cid(&before.to_string()));
        EventVersion { rev: Tid::new(rev, 0), cid: cid(&rev.to_string()), did, written, base, set_aside: false }
    }

    fn cid(name: &str) -> Cid {
        cid_of(DAG_CBOR, name.as_bytes())
    }

    fn fields(versions: Vec<EventVersion>) -> Vec<Vec<String>> {
        let told = told(versions, &jam("2026-10-03", "confirmed")).into_iter();
        told.map(|(_, changes)| changes.unwrap_or_default().told.into_iter().map(|change| change.field).collect())
            .collect()
    }

    #[test]
    fn a_steward_changes_no_more_than_whether_it_takes_place() {
        let of = Uri::new(cid("charter"), Secret::from_seed([3; 32]).did(), Event::NAME, "3l6oveex3ii2l").unwrap();
        let by = |right, event| Written::Revision(right, Box::new(Revision { of: of.clone(), seen: cid("1"), event }));
        let own = |day: &str| Written::Own(Box::new(jam(day, "confirmed")));
        let all = vec![
            version(1, own("2026-10-01")),
            version(2, by(Right::Host, jam("2026-10-02", "confirmed"))),
            version(3, by(Right::Steward, jam("2026-12-31", "cancelled"))),
            version(4, own("2026-10-03")),
        ];
        let none: &[&str] = &[];
        assert_eq!(fields(all), [none, &["When"], &["Status"], &["Status", "When"]]);
    }

    #[test]
    fn of_more_versions_than_there_is_room_for_the_last_ones_are_told_and_each_says_what_it_changed() {
        let day = |n: usize| format!("2026-{:02}-{:02}", 1 + n / 28, 1 + n % 28);
        let own = |n: usize| version(n as u64, Written::Own(Box::new(jam(&day(n), "confirmed"))));
        let told = fields((0..VERSIONS + 5).map(own).collect());
        assert_eq!(told, vec![["When"]; VERSIONS]);
    }
    #[test]
    fn a_version_says_what_it_changed_in_the_one_it_was_made_from_and_not_in_one_it_did_not_know_of() {
        let own = |day: &str, status: &str| Written::Own(Box::new(jam(day, status)));
        let first = version(1, own("2026-10-01", "confirmed"));
        let aside = EventVersion { set_aside: true, ..version(2, own("2026-10-03", "confirmed")) };
        let later = EventVersion { base: Some(first.cid), ..version(3, own("2026-10-01", "tentative")) };
        assert_eq!(fields(vec![first, aside, later]), [vec![], vec!["When"], vec!["Status"]]);
    }
}
