//! A small invented community in a store in memory: for tests, and for `cargo run -p folkmoot-gateway --example sample`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use folkmoot_node::{
    clock::{Clock, Source},
    publish::{self, Draft, Me, PublishedItem},
    store::{Batch, Store},
};
use folkmoot_schemas::{
    Audience, Cid, Record, Tid, Uri,
    block::Block,
    charter::Visibility,
    identity::{Device, Identity},
    key::Secret,
    records::{
        event::{Event, Image},
        post::{Post, PostKind, Reply},
        profile::{Profile, ProfileKind},
        rsvp::{Answer, Rsvp},
    },
    roster::{Act, Describe, NamedLink, Role},
    uri::StrongRef,
};
use serde_json::{Value, json};

/// Monday 21 September 2026, 14:13 UTC.
pub(crate) const NOW: u64 = 1_790_000_000_000_000;

/// A minute later at each look; "random" bytes that count.
struct Ticking(AtomicU64);

impl Source for Ticking {
    fn micros(&self) -> u64 {
        self.0.fetch_add(60_000_000, Ordering::Relaxed)
    }
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::Relaxed) as u8;
        }
    }
}

/// Stands still.
struct Fixed(u64);

impl Source for Fixed {
    fn micros(&self) -> u64 {
        self.0
    }
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// The time at which the sample is looked at.
pub(crate) fn clock() -> Clock {
    Clock::new(Arc::new(Fixed(NOW)))
}

/// A store that several people write to, as no real one would be.
pub(crate) struct Sample {
    pub(crate) store: Store,
    clock: Clock,
}

pub(crate) struct Somebody {
    me: Me,
    identity: Block,
}

impl Somebody {
    pub(crate) fn did(&self) -> folkmoot_schemas::Did {
        self.me.did
    }
}

impl Sample {
    pub(crate) fn new() -> Self {
        // Everything was written within the days before.
        let clock = Clock::new(Arc::new(Ticking(AtomicU64::new(NOW - 3 * 86_400_000_000))));
        Self { store: Store::in_memory().unwrap(), clock }
    }

    pub(crate) fn somebody(&self, number: u8) -> Somebody {
        let (root, device) = (Secret::from_seed([number; 32]), Secret::from_seed([number + 100; 32]));
        let devices = vec![Device { key: device.did(), name: "laptop".into(), added: Tid::new(NOW, 0) }];
        let identity = Identity { did: root.did(), seq: 0, prev: None, devices }.seal(&root).unwrap();
        Somebody { me: Me { did: root.did(), device }, identity }
    }

    fn at_the_keyboard(&self, who: &Somebody) {
        self.store.set_meta("me", Some(who.me.did.to_string().as_bytes())).unwrap();
        self.store.set_meta("identity", Some(who.identity.bytes())).unwrap();
    }

    pub(crate) fn found(&self, who: &Somebody, name: &str, visibility: Visibility, describe: Describe) -> Cid {
        self.at_the_keyboard(who);
        publish::found(&self.store, &who.me, &self.clock, name, visibility, describe).unwrap()
    }

    pub(crate) fn add(&self, by: &Somebody, community: &Cid, who: &Somebody) {
        self.at_the_keyboard(by);
        let act = Act::Add { did: who.me.did, role: Role::Member, was: None };
        publish::operate(&self.store, &by.me, &self.clock, community, act).unwrap();
        let batch = Batch { identities: vec![who.identity.clone()], ..Batch::new(*community, Audience::Members) };
        self.store.apply(batch, self.clock.micros()).unwrap();
    }

    pub(crate) fn publish(&self, who: &Somebody, community: &Cid, record: impl Into<Record>) -> PublishedItem {
        self.put(who, community, None, record)
    }

    /// A newer version of a record of theirs.
    pub(crate) fn edit(&self, who: &Somebody, uri: &Uri, record: impl Into<Record>) -> PublishedItem {
        self.put(who, &uri.community, Some(uri.rkey.clone()), record)
    }

    fn put(&self, who: &Somebody, community: &Cid, rkey: Option<String>, record: impl Into<Record>) -> PublishedItem {
        self.at_the_keyboard(who);
        let draft = Draft { audience: None, rkey, record: record.into(), again: true };
        publish::publish(&self.store, &who.me, &self.clock, community, vec![draft]).unwrap().items.remove(0)
    }

    pub(crate) fn delete(&self, who: &Somebody, uri: &Uri) {
        self.at_the_keyboard(who);
        publish::delete(&self.store, &who.me, &self.clock, uri).unwrap();
    }

    pub(crate) fn reply(
        &self,
        who: &Somebody,
        root: &PublishedItem,
        parent: &PublishedItem,
        text: &str,
    ) -> PublishedItem {
        let link = |to: &PublishedItem| StrongRef { uri: to.uri.clone(), cid: to.cid };
        let reply = Some(Reply { root: link(root), parent: link(parent) });
        self.publish(who, &root.uri.community, Post { reply, ..post(text) })
    }

    pub(crate) fn answer(&self, who: &Somebody, to: &PublishedItem, sequence: u32, status: Answer, count: u32) {
        let rsvp = Rsvp { seen_sequence: sequence, count, ..Rsvp::new(to.uri.clone(), to.cid, status) };
        self.publish(who, &to.uri.community, rsvp);
    }
}

pub(crate) fn post(text: &str) -> Post {
    Post { text: text.into(), ..Post::default() }
}

pub(crate) fn event(fields: Value) -> Event {
    serde_json::from_value(fields).unwrap()
}

fn link(label: &str, url: &str) -> NamedLink {
    NamedLink { url: url.into(), label: label.into() }
}

fn berlin(local: &str) -> Value {
    json!({"local": local, "zone": "Europe/Berlin"})
}

/// What the sample's pages are about.
pub(crate) struct RiverStreet {
    pub(crate) sample: Sample,
    pub(crate) community: Cid,
    pub(crate) gig: PublishedItem,
    pub(crate) quiz: PublishedItem,
    pub(crate) thread: PublishedItem,
    pub(crate) deleted: Uri,
}

/// Four people, events of every sort, posts and answers.
pub(crate) fn river_street() -> RiverStreet {
    let sample = Sample::new();
    let [ada, ben, cleo, tides] = [1, 2, 3, 4].map(|n| sample.somebody(n));
    let describe = Describe {
        about: Some(
            "An old boathouse, a small stage and a workshop by the river. We put on concerts, mend bicycles and cook \
             together. Everyone is welcome, and everything is run by the people who use it."
                .into(),
        ),
        zone: Some("Europe/Berlin".into()),
        lang: Some("en".into()),
        colour: Some("#17665a".into()),
        rules: Some("- Be kind.\n- Clean up after yourself.\n- The last one out locks the river gate.".into()),
        links: Some(vec![link("The boathouse on a map", "https://www.openstreetmap.org/#map=17/52.5/13.4")]),
        support: Some(vec![link("Standing order to the club", "https://river.example/support")]),
        ..Describe::default()
    };
    let community = sample.found(&ada, "River Street", Visibility::Public, describe);
    for who in [&ben, &cleo, &tides] {
        sample.add(&ada, &community, who);
    }
    let profile = |name: &str, about: &str, kind| Profile {
        name: name.into(),
        about: Some(about.into()),
        kind,
        ..Profile::default()
    };
    sample.publish(&ada, &community, profile("Ada", "Books the stage, fixes the dimmer.", ProfileKind::Person));
    sample.publish(&ben, &community, profile("Ben Okafor", "Bicycles.", ProfileKind::Person));
    sample.publish(&cleo, &community, profile("Cleo", "Cooks on Tuesdays.", ProfileKind::Person));
    let band = "Slow songs with loud endings. Four people, two of them on bass.";
    sample.publish(&tides, &community, profile("The Low Tides", band, ProfileKind::Band));

    let boathouse = json!({
        "name": "Old Boathouse", "street": "River Street 7", "postcode": "10179", "locality": "Berlin", "country": "DE",
        "lat_e7": 525_130_000, "lon_e7": 134_130_000, "access": "Step-free from the yard. Accessible toilet.",
    });
    sample.publish(
        &ada,
        &community,
        event(json!({
            "name": "Summer flea market", "start": {"date": "2026-08-29"}, "days": 2, "places": [boathouse],
            "text": "Thank you all. 1 240 euros for the roof.",
        })),
    );
    sample.publish(&ada, &community, event(json!({
        "name": "Yard cinema: Metropolis", "start": berlin("2026-09-12T20:30"), "duration": 9000, "places": [boathouse],
    })));
    let poster = Block::raw(&include_bytes!("../examples/poster.png")[..]);
    sample.store.put_blob(&poster, 0).unwrap();
    let image = Image {
        blob: *poster.cid(),
        mime: "image/png".into(),
        width: 800,
        height: 1000,
        alt: "Poster: orange circles over dark green water, The Low Tides and Marta Quill, Saturday 26 September"
            .into(),
    };
    let mut gig = event(json!({
        "name": "The Low Tides + Marta Quill", "summary": "The record is out at last. One long evening, two sets, the stove is on.",
        "start": berlin("2026-09-26T20:00"), "duration": 12600, "doors": "19:00", "places": [boathouse],
        "price": {"min": 800, "max": 1200, "currency": "EUR", "note": "pay what you can"},
        "acts": [{"name": "Marta Quill", "url": "https://marta.example/", "at": "20:30"}, {"name": "The Low Tides", "at": "21:45"}],
        "hosts": [{"name": "River Street", "role": "host"}, {"name": "The Low Tides", "role": "cohost"}],
        "links": [{"url": "https://tickets.example/tides", "label": "Tickets", "kind": "tickets"},
                  {"url": "https://tides.example/record", "label": "Hear the record", "kind": "info"}],
        "contact": "stage@river.example", "age_min": 14, "tags": ["concert", "record release"], "lang": "en",
        "rsvp": {"mode": "open", "show": "names", "capacity": 80},
        "text": "Three years, one flood and two drummers later *Ebb* is finished, and we play it from the first note to the last.\n\n\
                 **Marta Quill** opens with songs for voice and a very small harmonium.\n\n\
                 - Soup and bread from seven\n- Vinyl and tapes at the door, cash only\n- The last train leaves at 00:41, \
                 [the night bus](https://bus.example/n7) all night",
    }));
    gig.image = Some(image);
    // Moved by a day after Ada had answered for two.
    let saturday = gig.start.clone();
    gig.start = event(json!({"name": "-", "start": berlin("2026-09-25T20:00")})).start;
    let first = sample.publish(&tides, &community, gig.clone());
    sample.answer(&ada, &first, 0, Answer::Going, 2);
    gig.start = saturday;
    let gig = sample.edit(&tides, &first.uri, gig);
    sample.answer(&ben, &gig, 1, Answer::Going, 1);
    sample.answer(&cleo, &gig, 1, Answer::Maybe, 1);

    let quiz = sample.publish(&cleo, &community, event(json!({
        "name": "Kitchen quiz", "start": berlin("2026-09-29T19:30"), "duration": 7200, "places": [boathouse],
        "summary": "Teams of four, forty questions, one pot of stew.",
        "recur": {"freq": "weekly", "by_day": ["TU"]},
        "overrides": [{"at": "2026-10-06T19:30", "status": "cancelled", "note": "The kitchen floor is being painted."},
                      {"at": "2026-10-20T19:30", "name": "Kitchen quiz: harbour special", "start": berlin("2026-10-20T20:00")}],
    })));
    sample.publish(
        &ben,
        &community,
        event(json!({
            "name": "Bicycle workshop", "start": berlin("2026-09-27T11:00"), "duration": 14400,
            "places": [{"name": "Workshop", "street": "River Street 7, in the yard", "locality": "Berlin"}],
            "summary": "Bring your bike. We have stands, tools and patience.", "price": {"min": 0, "currency": "EUR"},
        })),
    );
    sample.publish(
        &ada,
        &community,
        event(json!({
            "name": "Open stage", "start": berlin("2026-10-03T19:00"), "open_end": true, "places": [boathouse],
            "status": "postponed", "status_note": "The sound engineer is ill. A new date follows.",
        })),
    );
    sample.publish(&ada, &community, event(json!({
        "name": "Winter programme: planning call", "start": {"local": "2026-10-07T18:00", "zone": "Europe/London"}, "duration": 3600,
        "mode": "online", "online": [{"url": "https://meet.example/river", "label": "Video call"}], "status": "tentative",
    })));
    sample.publish(&ada, &community, event(json!({
        "name": "Lantern weekend", "start": {"date": "2026-10-17"}, "days": 2, "places": [boathouse], "tags": ["families"],
        "summary": "Build a lantern on Saturday, carry it along the river on Sunday.",
    })));

    let deleted = sample.publish(&ben, &community, post("Wrong thread, sorry.")).uri;
    sample.delete(&ben, &deleted);
    sample.publish(&ben, &community, Post {
        title: Some("What we need for the workshop".into()),
        tags: vec!["workshop".into()],
        ..post("If you have any of these lying around, bring them on Sunday:\n\n1. 26-inch tubes\n2. brake cable, any length\n3. a bench vice that somebody can *lift*")
    });
    let thread = sample.publish(&cleo, &community, post(
        "There is a pot with a red lid in the boathouse kitchen that belongs to nobody. If nobody claims it by Tuesday it becomes the quiz prize.",
    ));
    let claim = sample.reply(&ben, &thread, &thread, "I think it is Ada’s. It was full of plums in August.");
    sample.reply(
        &ada,
        &thread,
        &claim,
        "It is mine! It may still be the prize, **if** the winner fills it with plums.",
    );
    sample.publish(&tides, &community, Post {
        about: Some(gig.uri.clone()),
        kind: PostKind::Update,
        ..post("New day: we play on **Saturday the 26th**, not on Friday. Tickets stay valid. If you cannot come, write to us and you get your money back.")
    });
    sample.publish(&ada, &community, post(
        "The roof is paid for. All of it. Thank you to everyone who carried tables in the rain. The accounts hang by the door and are at https://river.example/accounts",
    ));
    RiverStreet { sample, community, gig, quiz, thread, deleted }
}
