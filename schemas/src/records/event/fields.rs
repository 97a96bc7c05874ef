//! Everything an event says, field by field in words: what a change of it is told by.

use super::{Event, Host, Mode, OnlineLink, Override, Place, Price, RsvpMode, RsvpRules, ShowAnswers, ShowPlace};
use crate::when;

impl Event {
    /// Field and value, in the order of a page; what there is several of stands several times. Nothing that programs work
    /// out of the rest, such as how often the plan changed.
    pub fn in_fields(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = Vec::new();
        let mut field = |name: &str, value: Option<String>| all.extend(value.map(|value| (name.to_owned(), value)));
        field("name", Some(self.name.clone()));
        field("status", Some(self.status.word().to_owned()));
        field("note", self.status_note.clone());
        field("when", Some(self.when_words()));
        field("repeats", self.recur.as_ref().map(crate::recur::Rule::in_words));
        for change in &self.overrides {
            let date = self.start.named(&change.at);
            let day = date.map_or_else(|| change.at.clone(), |date| when::date_words(date.civil_date()));
            field(&day, Some(date_words(change)));
        }
        field("doors", self.doors.clone());
        field("takes place", (self.mode != Mode::InPerson).then(|| self.mode.word().to_owned()));
        self.places.iter().for_each(|place| field("where", Some(place_words(place))));
        self.online.iter().for_each(|link| field("online", Some(online_words(link))));
        field("price", self.price.as_ref().map(Price::words));
        for link in &self.links {
            field("link", Some(format!("{}: {}", link.label, link.url)));
        }
        self.hosts.iter().for_each(|host| field("host", Some(host_words(host))));
        for act in &self.acts {
            let words = [act.at.clone(), Some(act.name.clone()), act.url.clone()];
            field("with", Some(words.into_iter().flatten().collect::<Vec<_>>().join(" ")));
        }
        field("contact", self.contact.clone());
        field("access", self.access.clone());
        field("from age", self.age_min.map(|age| age.to_string()));
        for (name, value) in self.rsvp.iter().flat_map(rules) {
            field(name, Some(value));
        }
        for image in self.image.iter().chain(&self.images) {
            field("picture", Some(format!("{} ({} × {})", image.alt, image.width, image.height)));
        }
        field("tags", Some(self.tags.join(", ")).filter(|tags| !tags.is_empty()));
        field("category", self.category.clone());
        field("language", self.lang.clone());
        field("part of", self.parent.as_ref().map(|parent| parent.short_id()));
        field("from the poll", self.poll.as_ref().map(|poll| poll.short_id()));
        field("imported from", self.source.as_ref().and_then(|source| source.url.clone()));
        field("summary", self.summary.clone());
        field("text", self.text.clone());
        all
    }
}

fn place_words(place: &Place) -> String {
    let show = match place.show {
        Some(ShowPlace::Area) => Some("the address is not published"),
        Some(ShowPlace::Ask) => Some("the address on request"),
        Some(ShowPlace::Public) | None => None,
    };
    let words = [place.name.clone(), place.address(), place.position(), place.access.clone(), show.map(str::to_owned)];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn online_words(link: &OnlineLink) -> String {
    link.label.as_ref().map_or_else(|| link.url.clone(), |label| format!("{label}: {}", link.url))
}

fn host_words(host: &Host) -> String {
    if host.edit { format!("{}, who may change it", host.name) } else { host.name.clone() }
}

fn rules(rules: &RsvpRules) -> Vec<(&'static str, String)> {
    let how = match (rules.mode, &rules.url) {
        (RsvpMode::Open, _) => None,
        (RsvpMode::Approval, _) => Some("the hosts say who has a place".to_owned()),
        (RsvpMode::Members, _) => Some("no guests of the community".to_owned()),
        (RsvpMode::None, _) => Some("none are taken".to_owned()),
        (RsvpMode::External, url) => Some(format!("taken at {}", url.as_deref().unwrap_or("another place"))),
    };
    let shown = match rules.show {
        ShowAnswers::Count => None,
        ShowAnswers::Names => Some("with names"),
        ShowAnswers::Hosts => Some("to the hosts alone"),
    };
    let no_list = rules.capacity.is_some() && !rules.waitlist;
    let all = [
        ("answers", how),
        ("places", rules.capacity.map(|places| places.to_string())),
        ("waiting list", no_list.then(|| "none".to_owned())),
        ("each may bring", rules.plus_max.map(|most| most.to_string())),
        ("answers until", rules.closes.as_ref().map(|closes| when::words(closes, None, None))),
        ("answers are shown", shown.map(str::to_owned)),
        ("list kept by", rules.anchor.map(|anchor| anchor.short())),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// One date of a series, as far as it differs: "cancelled: Holiday", "at Friday 11 December 2026, 19:00 (…)".
fn date_words(change: &Override) -> String {
    let places = change.places.as_ref().map(|places| places.iter().map(place_words).collect::<Vec<_>>().join(" and "));
    let words = [
        change.gone.then(|| "taken out".to_owned()),
        change.status.map(|status| status.word().to_owned()),
        change.start.as_ref().map(|start| format!("at {}", when::words(start, change.duration, None))),
        change.duration.filter(|_| change.start.is_none()).map(|seconds| format!("{} minutes", seconds / 60)),
        change.name.clone(),
        places,
        change.note.clone(),
        change.text.clone(),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::{
        difference::between,
        records::event::{Event, Place, Price, RsvpRules, Status},
        when::{Start, parse_local},
    };

    #[test]
    fn a_change_is_told_in_words_and_without_what_programs_count() {
        let at = |text: &str| Start::Local { local: parse_local(text).unwrap(), zone: "Europe/Berlin".into() };
        let shed = Place { name: Some("The Shed".into()), ..Place::default() };
        let old =
            Event { places: vec![shed], doors: Some("19:00".into()), ..Event::new("Gig", at("2026-12-05T20:00")) };
        let new = Event {
            start: at("2026-12-06T20:00"),
            status: Status::Tentative,
            doors: None,
            price: Some(Price { min: 800, max: None, currency: "EUR".into(), note: None }),
            rsvp: Some(RsvpRules { capacity: Some(9), waitlist: true, ..RsvpRules::default() }),
            previous: vec![old.start.clone()],
            sequence: 3,
            ..old.clone()
        };
        let told: Vec<String> = between(Some(&old.into()), &new.into())
            .into_iter()
            .map(|d| format!("{}: {} → {}", d.field, d.from.unwrap_or_default(), d.to.unwrap_or_default()))
            .collect();
        let want = [
            "status: confirmed → tentative",
            "when: Saturday 5 December 2026, 20:00 (Europe/Berlin) → Sunday 6 December 2026, 20:00 (Europe/Berlin)",
            "price:  → 8 EUR",
            "places:  → 9",
            "doors: 19:00 → ",
        ];
        assert_eq!(told, want);
    }
}
