//! The forms of `event add` and `event edit`: what most events have. Every other flag may be written in as a further line.

use folkmoot_schemas::{
    records::event::{Event, LinkKind, PerformingAct, Place, Price},
    recur::Rule,
    when::{self, Start},
};

use crate::form::{Filled, Form};

const MORE: &str =
    "Every flag of `moot event add --help` is a field too, e.g. \"online: https://…\" or \"tentative: yes\".";

/// Of a new event.
pub(super) fn blank() -> Form {
    fields(
        &[
            "A new event. Fill in what is known, save and close: it is published then.",
            "Lines that begin with # are left out. Nothing filled in, nothing published.",
            MORE,
        ],
        "name",
        None,
    )
}

/// Of one that is there.
pub(super) fn of(event: &Event) -> Form {
    fields(
        &[
            "Change what is to be changed, save and close: it is published then. An emptied line takes a field away.",
            "Lines that begin with # are left out.",
            MORE,
        ],
        "name",
        Some(event),
    )
}

fn fields(head: &[&str], name: &'static str, event: Option<&Event>) -> Form {
    let place = event.and_then(|event| event.places.first());
    let of = |value: fn(&Event) -> Option<String>| event.and_then(value);
    let at = |value: fn(&Place) -> Option<&String>| place.and_then(value).cloned();
    let links = |kind: LinkKind| -> Vec<String> {
        let of_kind = event.into_iter().flat_map(|event| &event.links).filter(|link| link.kind == kind);
        of_kind
            .map(|link| if kind == LinkKind::Info { format!("{}={}", link.label, link.url) } else { link.url.clone() })
            .collect()
    };
    Form::new(head)
        .field(name, "", of(|event| Some(event.name.clone())))
        .field(
            "start",
            "fri 20:00 · tomorrow 8pm · 5 dec 20:00 · 2026-12-05 20:00",
            of(|event| Some(typed(&event.start))),
        )
        .field("end", "23:00 · 02:00 (in that night) · or instead \"duration: 2h\", \"open-end: yes\"", of(end))
        .field(
            "repeat",
            "weekly on thu until 2027-06-30 · every 2 weeks · first sat of the month",
            of(|event| event.recur.as_ref().map(Rule::in_words)),
        )
        .field("doors", "", of(|event| event.doors.clone()))
        .field("place", "or instead \"venue: NAME\", if moot venue list has it", at(|place| place.name.as_ref()))
        .field("street", "", at(|place| place.street.as_ref()))
        .field("postcode", "", at(|place| place.postcode.as_ref()))
        .field("locality", "the town", at(|place| place.locality.as_ref()))
        .fields(
            "act",
            "one line each: 21:30 The Herons=https://herons.example",
            event.map(|event| event.acts.iter().map(act).collect()).unwrap_or_default(),
        )
        .field(
            "price",
            "8 EUR · 5-12 EUR · free · donation · 12 EUR, concessions 8",
            of(|event| event.price.as_ref().map(Price::words)),
        )
        .fields("tickets", "", links(LinkKind::Tickets))
        .fields("link", "one line each: More=https://example.org", links(LinkKind::Info))
        .field("capacity", "how many people fit in", of(|event| event.rsvp.as_ref()?.capacity.map(|n| n.to_string())))
        .fields("tag", "one line each", event.map(|event| event.tags.clone()).unwrap_or_default())
        .field("contact", "how to reach you: it is on the page for everybody", of(|event| event.contact.clone()))
        .field("summary", "one or two sentences", of(|event| event.summary.clone()))
        .text(of(|event| event.text.clone()))
}

/// What the form said before, as far as it counts as said: beside another start the end that stands there is meant, though
/// nobody touched it.
pub(super) fn meant(filled: &Filled, before: &Filled) -> Filled {
    let otherwise = ["duration", "days", "open-end"].iter().any(|key| filled.one(key).is_some());
    match filled.one("start") != before.one("start") && !otherwise {
        true => before.without("end"),
        false => before.clone(),
    }
}

fn act(act: &PerformingAct) -> String {
    let named = match &act.at {
        Some(at) => format!("{at} {}", act.name),
        None => act.name.clone(),
    };
    act.url.as_ref().map_or(named.clone(), |url| format!("{named}={url}"))
}

/// As it can be typed.
fn typed(start: &Start) -> String {
    start.text().replace('T', " ")
}

fn end(event: &Event) -> Option<String> {
    match &event.start {
        Start::Local { zone, .. } => {
            let end = event.start.instant(zone).checked_add(event.duration?.into())?;
            // The time alone where that is enough, so that it goes along to another day.
            when::local_at(end, zone).map(|end| match event.start.civil_date() == end.date() {
                true => end.strftime("%H:%M").to_string(),
                false => end.strftime("%Y-%m-%d %H:%M").to_string(),
            })
        }
        Start::Date { date } => {
            let more = i64::from(event.days.filter(|n| *n > 1)? - 1);
            date.checked_add(jiff::Span::new().days(more)).ok().map(|last| last.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use folkmoot_schemas::recur::Freq;
    use jiff::civil::{DateTime, datetime};

    use super::*;
    use crate::{commands::event::edit::Args, form::parse, when::repeat};

    fn now() -> DateTime {
        datetime(2026, 11, 24, 18, 30, 0, 0)
    }

    #[test]
    fn the_end_that_stands_in_the_form_is_meant_beside_another_start() {
        let start = Start::Local { local: "2026-12-12T20:00".parse().unwrap(), zone: "Europe/Berlin".into() };
        let form = of(&Event { duration: Some(3 * 3600), ..Event::new("Gig", start) });
        let before = form.as_filled();
        assert_eq!(before.one("end"), Some("23:00"), "without its day, so that it goes along to another");
        let end = |form: &str| {
            let filled = parse(form).unwrap();
            filled.args::<Args>(&meant(&filled, &before), &[], Some("x")).unwrap().fields.end
        };
        let text = form.render();
        assert_eq!(end(&text.replace("start: 2026-12-12 20:00", "start: 2026-12-13 19:00")).as_deref(), Some("23:00"));
        assert_eq!(end(&text.replace("name: Gig", "name: Night")), None);
        let longer = text.replace("start: 2026-12-12 20:00", "start: 2026-12-12 19:00\nduration: 5h");
        assert_eq!(end(&longer), None, "another word on the length stands before it");
    }

    #[test]
    fn the_words_of_a_rule_are_read_as_that_rule_again() {
        for text in [
            "daily",
            "every 3 days",
            "weekly on thu, sat until 2027-06-30",
            "every 2 weeks on mon",
            "monthly on the 1st and 15th",
            "monthly on the last day, 10 times",
            "monthly on first sat",
            "every last friday until 2027-06-30",
            "every 3 months",
            "yearly, 3 times",
        ] {
            let rule = repeat::rule(text, now()).unwrap();
            let again = repeat::rule(&rule.in_words(), now());
            assert_eq!(again.ok(), Some(rule.clone()), "{text}: {}", rule.in_words());
        }
        assert_eq!(repeat::rule("every year", now()).unwrap().freq, Freq::Yearly);
    }
}
