//! Blocks and what is made of them.

use std::{collections::BTreeMap, fmt::Debug};

use ipld_core::{ipld::Ipld, serde::to_ipld};
use serde::Serialize;

use super::keeps::keeps;
use crate::{
    Block, Error, Record,
    announce::Announce,
    car,
    charter::Charter,
    commit::Commit,
    identity::Identity,
    key::Secret,
    limits,
    roster::{Act, Op},
    signed,
    snapshot::Snapshot,
    whereabouts::Whereabouts,
};

pub(super) fn block(bytes: &[u8]) -> bool {
    let Ok((block, value)) = Block::decode::<Ipld>(bytes.to_vec(), limits::SNAPSHOT) else { return false };
    assert_eq!(Block::encode(&value).as_ref(), Ok(&block), "accepted bytes re-encode");
    assert_eq!(Block::verify(block.cid(), bytes.to_vec(), limits::SNAPSHOT).as_ref(), Ok(&block));
    let mut links = block.links().unwrap_or_default();
    let mut seen = Record::Unknown { name: String::new(), fields: value }.links();
    // The bytes have short keys first, the value has them by the alphabet.
    links.sort();
    seen.sort();
    assert_eq!(links, seen, "every link is found");
    true
}

pub(super) fn announce(bytes: &[u8]) -> bool {
    let Ok(announce) = Announce::decode(bytes) else { return false };
    let inline = announce.records.iter().map(|(path, bytes)| path.len() + bytes.len()).sum::<usize>()
        + announce.gone.iter().map(String::len).sum::<usize>();
    let again = announce.encode().and_then(|bytes| Announce::decode(&bytes));
    if inline <= limits::ANNOUNCE_INLINE {
        assert_eq!(again.as_ref(), Ok(&announce), "it says the same when told again");
    }
    assert_eq!(again.map(|again| again.message_id()), Ok(announce.message_id()));
    true
}

pub(super) fn archive(bytes: &[u8]) -> bool {
    let Ok(mut reader) = car::Reader::new(bytes) else { return false };
    let mut blocks = Vec::new();
    let mut whole = true;
    loop {
        match reader.next_block() {
            Ok(Some(block)) => blocks.push(block),
            Ok(None) => break,
            Err(car::CarError::Block { .. }) => whole = false,
            Err(_) => return false,
        }
    }
    if whole {
        assert_eq!(car::to_vec(reader.roots(), &blocks), bytes, "an accepted archive re-encodes");
    }
    whole
}

/// Nobody can guess a signature, so the bytes are also tried as signed by keys we know.
pub(super) fn structure(bytes: &[u8]) -> bool {
    let accepted = open(bytes);
    match Block::decode(bytes.to_vec(), limits::SNAPSHOT) {
        Ok((_, Ipld::Map(map))) => match sign(map) {
            Ok(block) => open(block.bytes()),
            Err(_) => accepted,
        },
        _ => accepted,
    }
}

fn open(bytes: &[u8]) -> bool {
    let commit = opened(Commit::open(bytes), Commit::view, |_| true);
    let identity = opened(Identity::open(bytes), Identity::view, |_| true);
    let charter = opened(Charter::open(bytes), Charter::view, |_| true);
    // The view of an operation that nobody knows keeps its name only.
    let op = opened(Op::open(bytes), Op::view, |op| !matches!(op.act, Act::Unknown(_)));
    let here = Whereabouts::read(bytes).and_then(|(block, said)| said.verify(&block).map(|()| (block, said)));
    let here = opened(here, |block| Whereabouts::read(block.bytes()).map(|(_, said)| said), |_| true);
    let snapshot = match Snapshot::open(bytes) {
        Ok((block, snapshot)) => {
            let given = block.view::<Ipld>().unwrap_or(Ipld::Null);
            let kept = snapshot.encode().and_then(|block| block.view::<Ipld>());
            assert!(matches!(&kept, Ok(kept) if keeps(kept, &given, &[])), "{kept:?} of {given:?}");
            snapshot.digest();
            true
        }
        Err(_) => false,
    };
    commit || identity || charter || op || here || snapshot
}

fn opened<T: Serialize + PartialEq + Debug>(
    opened: Result<(Block, T), Error>,
    view: impl Fn(&Block) -> Result<T, Error>,
    whole: impl Fn(&T) -> bool,
) -> bool {
    let Ok((block, value)) = opened else { return false };
    assert_eq!(view(&block).as_ref(), Ok(&value));
    if whole(&value) {
        let (kept, given) = (to_ipld(&value), block.view::<Ipld>());
        assert!(matches!((&kept, &given), (Ok(kept), Ok(given)) if keeps(kept, given, &[])), "{kept:?} of {given:?}");
    }
    true
}

/// The map with keys and signatures of ours in the places where its type has them.
fn sign(mut map: BTreeMap<String, Ipld>) -> Result<Block, Error> {
    let secret = |n: usize| Secret::from_seed([n as u8; 32]);
    let did = |n: usize| Ipld::String(secret(n).did().to_string());
    map.remove("sig");
    match map.get("$type") {
        Some(Ipld::String(name)) if name == "org.folkmoot.identity" => {
            map.insert("did".into(), did(1));
            signed::seal("identity", &map, &secret(1))
        }
        Some(Ipld::String(name)) if name == "org.folkmoot.commit" => {
            map.insert("device".into(), did(2));
            signed::seal("commit", &map, &secret(2))
        }
        Some(Ipld::String(name)) if name == "org.folkmoot.whereabouts" => {
            map.insert("device".into(), did(2));
            signed::seal("whereabouts", &map, &secret(2))
        }
        Some(Ipld::String(name)) if name == "org.folkmoot.roster" => {
            map.insert("device".into(), did(2));
            signed::seal("roster", &map, &secret(2))
        }
        Some(Ipld::String(name)) if name == "org.folkmoot.charter" => {
            map.remove("sigs");
            let mut count = 0;
            if let Some(Ipld::List(founders)) = map.get_mut("founders") {
                count = founders.len().min(32);
                for (n, founder) in founders.iter_mut().enumerate().take(count) {
                    if let Ipld::Map(founder) = founder {
                        founder.insert("device".into(), did(n));
                    }
                }
            }
            let unsigned = Block::encode(&map)?;
            let sigs = (0..count).map(|n| Ipld::Bytes(secret(n).sign("charter", unsigned.bytes()).0.to_vec()));
            map.insert("sigs".into(), Ipld::List(sigs.collect()));
            Block::encode(&map)
        }
        _ => Block::encode(&map),
    }
}

/// What a record's view fills in where the bytes say nothing.
fn defaults() -> Vec<(&'static str, Ipld)> {
    let text = |text: &str| Ipld::String(text.into());
    vec![
        ("kind", text("person")),
        ("kind", text("note")),
        ("show", text("names")),
        ("show", text("count")),
        ("status", text("confirmed")),
        ("mode", text("inperson")),
        ("mode", text("open")),
        ("sequence", Ipld::Integer(0)),
    ]
}

pub(super) fn record(bytes: &[u8]) -> bool {
    let Ok((block, rev, record)) = Record::open(bytes) else { return false };
    assert_eq!(Record::view(&block), Ok((rev, record.clone())));
    let given = block.view::<Ipld>().unwrap_or(Ipld::Null);
    let kept = record.encode(rev).and_then(|block| block.view::<Ipld>());
    assert!(matches!(&kept, Ok(kept) if keeps(kept, &given, &defaults())), "{kept:?} of {given:?}");
    let checked = record.check().is_ok();
    record.card();
    record.links();
    record.about();
    record.rkey();
    if let Some(event) = record.as_event() {
        super::dates::of(event, &[0, 1_700_000_000, i64::MIN, i64::MAX]);
    }
    checked
}
