//! Vectors of records: each kind with few fields and with all of them.

use folkmoot_schemas::{
    Block, Record, Tid, Uri,
    kind::Kind,
    records::{
        admission::Admission, event::Event, poll::Poll, post::Post, profile::Profile, revision::Revision, rsvp::Rsvp,
        tombstone::Tombstone, venue::Venue, vote::Vote,
    },
};
use ipld_core::{ipld, ipld::Ipld, serde::from_ipld};

use crate::{Vector, cast::*};

/// Encodes a record given by its fields, and makes sure that the typed form lost none of them.
fn record<K: Kind + Into<Record>>(rev: Tid, fields: Ipld) -> Block {
    let Ipld::Map(mut map) = fields else { panic!("a record is a map") };
    let record: Record = from_ipld::<K>(Ipld::Map(map.clone())).unwrap().into();
    let block = record.encode(rev).unwrap();
    map.insert("$type".into(), K::NAME.into());
    map.insert("rev".into(), rev.to_string().into());
    assert_eq!(block.view::<Ipld>().unwrap(), Ipld::Map(map));
    block
}

fn uri(collection: &str, seconds: u64) -> Uri {
    Uri::new(community(), did(ALICE), collection, &at(seconds).to_string()).unwrap()
}

/// The records of Alice's public tree, by path.
pub(crate) fn public() -> Vec<(String, Block)> {
    vec![
        (uri(Post::NAME, 200).path(), post()),
        (uri(Post::NAME, 300).path(), reply()),
        (uri(Event::NAME, 400).path(), concert()),
        (uri(Event::NAME, 500).path(), fair()),
        (format!("{}/self", Profile::NAME), profile()),
    ]
}

pub(crate) fn vectors() -> Vec<(&'static str, Vector)> {
    let event = uri(Event::NAME, 400);
    let rkey = |block: &Block| Record::view(block).unwrap().1.rkey().unwrap();
    vec![
        (
            "post",
            Vector::new("a note", &post())
                .derived("uri", uri(Post::NAME, 200))
                .derived("short_id", uri(Post::NAME, 200).short_id()),
        ),
        ("post-reply", Vector::new("a reply with every other field a post can have", &reply())),
        ("post-mention", Vector::new("a note that speaks to somebody", &mention())),
        ("profile", Vector::new("a band with every field", &profile()).derived("rkey", rkey(&profile()))),
        (
            "event",
            Vector::new("a concert with every field", &concert())
                .derived("uri", &event)
                .derived("short_id", event.short_id()),
        ),
        ("event-all-day", Vector::new("two days, and nothing that is not needed", &fair())),
        ("revision", Vector::new("an event as a co-host changed it", &revision()).derived("rkey", rkey(&revision()))),
        ("rsvp", Vector::new("an answer to a whole event", &answer()).derived("rkey", rkey(&answer()))),
        ("rsvp-plan", Vector::new("an answer that names the plan it saw", &planned()).derived("plan", plan())),
        ("rsvp-guest", Vector::new("an answer to one date, for a guest", &guest()).derived("rkey", rkey(&guest()))),
        ("rsvp-mail", Vector::new("a guest's answer by mail", &mailed()).derived("rkey", rkey(&mailed()))),
        ("rsvp-confirmed", Vector::new("an answer that goes on from an earlier one", &confirmed())),
        ("admission", Vector::new("a list for one date", &list()).derived("rkey", rkey(&list()))),
        ("venue", Vector::new("a venue with every field", &mill())),
        ("poll", Vector::new("a poll of dates that became an event", &when_to_play())),
        ("poll-words", Vector::new("a poll of words that is open", &what_to_eat())),
        ("vote", Vector::new("a vote for dates", &vote()).derived("rkey", rkey(&vote()))),
        ("event-of-poll", Vector::new("an event whose date a poll chose", &played())),
        ("event-imported", Vector::new("a series that follows a calendar, one date of it a message", &followed())),
        ("event-invited", Vector::new("a series that follows an invitation by mail", &invited())),
        ("tombstone", Vector::new("a deletion across devices", &record::<Tombstone>(at(900), Ipld::Map([].into())))),
    ]
}

fn post() -> Block {
    record::<Post>(at(200), ipld!({ "text": "Grüße vom Fluss. 🛶", "kind": "note" }))
}

fn mention() -> Block {
    let bob = did(BOB).to_string();
    record::<Post>(
        at(250),
        ipld!({ "text": "Who has the key? @Bob?", "mentions": [{ "did": bob, "name": "Bob" }], "kind": "note" }),
    )
}

fn reply() -> Block {
    let strong =
        |seconds, name| ipld!({ "uri": uri(Post::NAME, seconds).to_string(), "cid": elsewhere(name).to_string() });
    let image = Ipld::Map(
        [
            ("blob".to_string(), Ipld::Link(picture())),
            ("mime".to_string(), "image/jpeg".to_string().into()),
            ("width".to_string(), Ipld::Integer(640)),
            ("height".to_string(), Ipld::Integer(480)),
            ("alt".to_string(), "A canoe under the bridge".to_string().into()),
        ]
        .into(),
    );
    let mut fields = ipld!({
        "text": "**Moved** to the other bank.",
        "title": "Where we meet",
        "tags": ["river", "canoe"],
        "lang": "en",
        "about": uri(Event::NAME, 400).to_string(),
        "kind": "update"
    });
    set(&mut fields, "images", Ipld::List(vec![image]));
    set(
        &mut fields,
        "reply",
        Ipld::Map([("root".into(), strong(200, "root")), ("parent".into(), strong(210, "parent"))].into()),
    );
    record::<Post>(at(300), fields)
}

fn profile() -> Block {
    let mut fields = ipld!({
        "name": "The Millstones",
        "about": "Three people, four chords.",
        "kind": "band",
        "pronouns": "they/them",
        "links": [{ "url": "https://example.org/millstones", "label": "Songs" }],
        "place": "Cottbus",
        "zone": "Europe/Berlin",
        "lang": "de",
        "birthday": "--05-17"
    });
    let mut avatar = ipld!({ "mime": "image/png", "width": 64, "height": 64, "alt": "A millstone" });
    set(&mut avatar, "blob", Ipld::Link(picture()));
    set(&mut fields, "avatar", avatar);
    record::<Profile>(at(150), fields)
}

fn concert() -> Block {
    let mut image = ipld!({ "mime": "image/webp", "width": 1200, "height": 630, "alt": "The poster" });
    set(&mut image, "blob", Ipld::Link(picture()));
    let mut fields = ipld!({
        "name": "The Millstones",
        "summary": "One night by the water",
        "text": "Bring **chairs**.",
        "start": { "local": "2026-12-03T20:00", "zone": "Europe/Berlin" },
        "duration": 9000,
        "doors": "19:00",
        "status": "confirmed",
        "status_note": "An hour later than first said",
        "previous": [{ "local": "2026-12-03T19:00", "zone": "Europe/Berlin" }],
        "mode": "hybrid",
        "places": [{
            "name": "The Mill", "street": "River Street 1", "locality": "Cottbus", "region": "Brandenburg",
            "postcode": "03046", "country": "DE", "lat_e7": 517_563_000, "lon_e7": 143_329_000,
            "access": "Step-free by the yard", "show": "public", "venue": uri("org.folkmoot.venue", 50).to_string()
        }],
        "online": [{ "url": "https://example.org/live", "label": "Stream" }],
        "links": [{ "url": "https://example.org/tickets", "label": "Tickets", "kind": "tickets" }],
        "price": { "min": 500, "max": 1000, "currency": "EUR", "note": "pay what you can" },
        "tags": ["music"],
        "category": "music",
        "lang": "de",
        "hosts": [{ "did": did(BOB).to_string(), "name": "Bob", "role": "cohost", "edit": true }],
        "acts": [{ "name": "The Millstones", "url": "https://example.org/millstones", "did": did(ALICE).to_string(), "at": "20:30" }],
        "contact": "mill@example.org",
        "access": "Quiet room upstairs",
        "age_min": 16,
        "recur": { "freq": "monthly", "interval": 2, "by_day": ["1TH"], "count": 6 },
        "overrides": [{
            "at": "2027-02-04T20:00", "status": "cancelled", "note": "The river froze"
        }, {
            "at": "2027-04-01T20:00", "gone": true
        }],
        "parent": uri(Event::NAME, 500).to_string(),
        "rsvp": {
            "mode": "approval", "capacity": 80, "waitlist": true, "plus_max": 2, "show": "names",
            "closes": { "local": "2026-12-02T12:00", "zone": "Europe/Berlin" }, "anchor": did(ALICE).to_string()
        },
        "sequence": 1,
        "source": { "kind": "ics", "url": "https://example.org/a.ics", "uid": "1@example.org", "fetched": 1_767_225_600 }
    });
    set(&mut fields, "images", Ipld::List(vec![image.clone()]));
    set(&mut fields, "image", image);
    record::<Event>(at(400), fields)
}

fn fair() -> Block {
    let fields = ipld!({
        "name": "Summer fair", "start": { "date": "2026-07-04" }, "days": 2,
        "status": "tentative", "mode": "inperson", "sequence": 0
    });
    record::<Event>(at(500), fields)
}

fn mill() -> Block {
    let fields = ipld!({
        "name": "The Mill", "street": "River Street 1", "locality": "Cottbus", "region": "Brandenburg",
        "postcode": "03046", "country": "DE", "lat_e7": 517_563_000, "lon_e7": 143_329_000,
        "access": "Step-free by the yard", "capacity": 120, "url": "https://example.org/mill",
        "aliases": ["Old Mill", "Mühle"], "same_as": [uri(Venue::NAME, 60).to_string()]
    });
    record::<Venue>(at(50), fields)
}

fn revision() -> Block {
    let event = ipld!({
        "name": "Summer fair", "start": { "date": "2026-07-05" }, "days": 1, "status": "confirmed",
        "previous": [{ "date": "2026-07-04" }], "mode": "inperson", "sequence": 1
    });
    let mut fields = ipld!({ "of": uri(Event::NAME, 500).to_string(), "seen": fair().cid().to_string() });
    set(&mut fields, "event", event);
    record::<Revision>(at(600), fields)
}

fn when_to_play() -> Block {
    let start = |local: &str| ipld!({ "start": { "local": local, "zone": "Europe/Berlin" } });
    let fields = ipld!({
        "question": "When do we play?", "text": "At the **mill**.",
        "options": [start("2026-12-04T20:00"), start("2026-12-05T20:00")],
        "closes": { "local": "2026-12-01T12:00", "zone": "Europe/Berlin" },
        "place": { "name": "The Mill", "locality": "Cottbus" }, "duration": 7200,
        "result": {
            "tally": { "people": 2, "counts": [{ "yes": 2, "maybe": 0, "no": 0 }, { "yes": 0, "maybe": 1, "no": 1 }] },
            "chosen": "2026-12-04T20:00", "event": uri(Event::NAME, 1000).to_string()
        }
    });
    record::<Poll>(at(920), fields)
}

fn what_to_eat() -> Block {
    let fields = ipld!({
        "question": "What do we eat?", "options": [{ "text": "Soup" }, { "text": "Kürbis" }], "several": true
    });
    record::<Poll>(at(930), fields)
}

fn vote() -> Block {
    let fields = ipld!({
        "poll": uri(Poll::NAME, 910).to_string(),
        "choices": [{ "option": "2026-12-04T20:00", "answer": "yes" }, { "option": "2026-12-05T20:00", "answer": "maybe" }]
    });
    record::<Vote>(at(940), fields)
}

fn played() -> Block {
    let fields = ipld!({
        "name": "At the mill", "start": { "local": "2026-12-04T20:00", "zone": "Europe/Berlin" }, "duration": 7200,
        "status": "confirmed", "mode": "inperson", "sequence": 0, "poll": uri(Poll::NAME, 910).to_string()
    });
    record::<Event>(at(1000), fields)
}

fn followed() -> Block {
    let fields = ipld!({
        "name": "Choir", "start": { "local": "2027-01-07T19:30", "zone": "Europe/Berlin" }, "duration": 5400,
        "status": "confirmed", "mode": "inperson", "recur": { "freq": "weekly" },
        "overrides": [{ "at": "2027-01-14T19:30", "status": "cancelled" }], "sequence": 1, "all_since": 0,
        "dates_since": [{ "at": "2027-01-14", "sequence": 1 }],
        "source": {
            "kind": "ics", "uid": "choir@example.org", "fetched": 1_798_000_000, "version": { "sequence": 2 },
            "dates": [{ "at": "2027-01-14", "version": { "sequence": 3, "stamp": 1_797_990_000 } }]
        }
    });
    record::<Event>(at(1100), fields)
}

fn invited() -> Block {
    let fields = ipld!({
        "name": "Choir", "start": { "local": "2027-01-07T19:30", "zone": "Europe/Berlin" },
        "status": "confirmed", "mode": "inperson", "recur": { "freq": "weekly" }, "sequence": 0,
        "source": {
            "kind": "ics", "uid": "choir@example.org",
            "version": { "sequence": 0, "stamp": 1_797_000_000, "message": true }
        }
    });
    record::<Event>(at(1200), fields)
}

fn answer() -> Block {
    let mut fields = ipld!({
        "event": uri(Event::NAME, 400).to_string(), "seen": concert().cid().to_string(), "seen_sequence": 1,
        "status": "going", "count": 2, "note": "with Carol", "show": "names"
    });
    set(&mut fields, "occurrence", Ipld::Null);
    record::<Rsvp>(at(700), fields)
}

/// The plan of the concert.
fn plan() -> String {
    Record::view(&concert()).unwrap().1.as_event().unwrap().plan_id(None)
}

fn planned() -> Block {
    let mut fields = ipld!({
        "event": uri(Event::NAME, 400).to_string(), "seen": concert().cid().to_string(), "seen_sequence": 1,
        "seen_plan": plan(), "status": "maybe", "count": 1, "show": "members"
    });
    set(&mut fields, "occurrence", Ipld::Null);
    record::<Rsvp>(at(720), fields)
}

fn list() -> Block {
    let party = |seed: u8, guest: Option<&str>, count: i128| {
        let guest = guest.map_or(Ipld::Null, |name| name.to_string().into());
        Ipld::List(vec![did(seed).to_string().into(), guest, Ipld::Integer(count)])
    };
    let mut fields = ipld!({ "event": uri(Event::NAME, 400).to_string(), "occurrence": "2027-06-03" });
    set(&mut fields, "admitted", Ipld::List(vec![party(BOB, None, 2), party(ALICE, Some("Jörg"), 1)]));
    set(&mut fields, "waiting", Ipld::List(vec![party(ALICE, None, 1)]));
    set(&mut fields, "declined", Ipld::List(Vec::new()));
    record::<Admission>(at(850), fields)
}

fn guest() -> Block {
    let fields = ipld!({
        "event": uri(Event::NAME, 400).to_string(), "seen": concert().cid().to_string(), "seen_sequence": 1,
        "occurrence": "2027-06-03T20:00", "status": "notgoing", "count": 1, "show": "hosts", "guest_name": "Jörg"
    });
    record::<Rsvp>(at(800), fields)
}

fn mailed() -> Block {
    let mut fields = ipld!({
        "event": uri(Event::NAME, 400).to_string(), "seen": concert().cid().to_string(), "seen_sequence": 0,
        "status": "maybe", "count": 1, "show": "hosts", "guest_name": "Zoë", "given": 1_797_000_000
    });
    set(&mut fields, "occurrence", Ipld::Null);
    record::<Rsvp>(at(850), fields)
}

fn confirmed() -> Block {
    let mut fields = ipld!({
        "event": uri(Event::NAME, 400).to_string(), "seen": concert().cid().to_string(), "seen_sequence": 1,
        "status": "going", "count": 2, "show": "names", "since": at(700).to_string()
    });
    set(&mut fields, "occurrence", Ipld::Null);
    record::<Rsvp>(at(860), fields)
}

fn set(map: &mut Ipld, key: &str, value: Ipld) {
    let Ipld::Map(map) = map else { panic!("not a map") };
    map.insert(key.into(), value);
}
