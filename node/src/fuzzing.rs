//! The doors for bytes from other nodes and from files of the home, for whoever tries to break them. See the module of
//! the same name in `folkmoot-schemas`.

#[path = "../../integration-tests/fuzz/keeps.rs"]
mod keeps;

use std::{collections::BTreeMap, path::Path};

use bytes::Bytes;
use folkmoot_schemas::{block::Block, limits};
use ipld_core::ipld::Ipld;
use serde::Serialize;

use crate::{
    config::{Config, Origin},
    control::wire,
    sync::message::Frame,
};
use keeps::keeps;

/// Takes any bytes; true: they were accepted.
pub type Target = fn(&[u8]) -> bool;

pub const TARGETS: &[(&str, Target)] = &[("control", control), ("frame", frame), ("settings", settings)];

fn frame(bytes: &[u8]) -> bool {
    let bytes = Bytes::copy_from_slice(bytes);
    let Ok(frame) = Frame::decode(&bytes) else { return false };
    let again = frame.encode();
    assert_eq!(again.as_ref().ok().and_then(|again| Frame::decode(again).ok()).as_ref(), Some(&frame));
    let value = |bytes: &Bytes| Block::decode::<Ipld>(bytes.clone(), limits::FRAME).map(|(_, value)| value);
    let (kept, given) = (again.and_then(|again| value(&again)), value(&bytes));
    assert!(matches!((&kept, &given), (Ok(kept), Ok(given)) if keeps(kept, given, &[])), "{kept:?} of {given:?}");
    true
}

/// A request or a reply. Only our own user can connect, so an absent field may stand for null; the bytes are as hostile.
fn control(bytes: &[u8]) -> bool {
    let request = wire::read_request(bytes.to_vec()).map(|request| {
        let again = wire::request(&request).map(|frame| wire::read_request(frame[wire::HEAD..].to_vec()));
        same(&request, &again.expect("a request that was read can be written").expect("and read"));
    });
    let reply = wire::read_reply(bytes.to_vec()).map(|reply| {
        let again = wire::reply(&reply).map(|frame| wire::read_reply(frame[wire::HEAD..].to_vec()));
        same(&reply, &again.expect("a reply that was read can be written").expect("and read"));
    });
    request.is_ok() || reply.is_ok()
}

fn same<T: Serialize>(one: &T, other: &T) {
    let bytes = |value| Block::encode(value).map(|block| block.bytes().clone());
    assert_eq!(bytes(one), bytes(other));
}

/// The text of `config.toml`.
fn settings(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let path = Path::new("config.toml");
    let read = |text: &str| {
        let mut config = Config::default();
        config.read(path, text).map(|()| config)
    };
    let Ok(config) = read(text) else { return false };
    let set: BTreeMap<_, _> = config.iter().filter(|(_, setting)| setting.origin == Origin::File).collect();
    // Writing back what was read changes nothing, wherever it stands in the file and however it was written there.
    for (key, setting) in &set {
        let same = Config::edited(path, text, key, Some(&setting.value)).map(|text| read(&text));
        let same = same.expect("a text that was read can be edited").expect("and read again");
        assert_eq!(same.iter().collect::<BTreeMap<_, _>>(), config.iter().collect(), "{key}");
        let without = Config::edited(path, text, key, None).map(|text| read(&text));
        let without = without.expect("a text that was read can be edited").expect("and read again");
        assert!(
            without.iter().filter(|(name, _)| name != key).eq(config.iter().filter(|(name, _)| name != key)),
            "{key}"
        );
    }
    true
}

#[cfg(test)]
#[path = "../../integration-tests/fuzz/replay.rs"]
mod replay;

#[cfg(test)]
#[test]
fn every_stored_input_is_taken_or_refused_as_its_name_says() {
    replay::all(TARGETS);
}
