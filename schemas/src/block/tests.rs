use std::{collections::BTreeMap, fs};

use ipld_core::ipld::Ipld;
use proptest::prelude::*;

use super::*;
use crate::{fixtures, limits};

const LIMIT: usize = limits::RECORD;

fn decode(bytes: &[u8]) -> Result<Ipld, Refusal> {
    match Block::decode::<Ipld>(bytes.to_vec(), LIMIT) {
        Ok((_, value)) => Ok(value),
        Err(Error::Decode(refusal)) => Err(refusal),
        Err(other) => panic!("{other}"),
    }
}

fn not_canonical(bytes: &[u8]) -> bool {
    matches!(decode(bytes), Err(Refusal::NotCanonical(_)))
}

/// `{"a": <link to cid>}` where the link's bytes are given.
fn link_block(link: &[u8]) -> Vec<u8> {
    let length = u8::try_from(link.len()).unwrap();
    let mut bytes = vec![0xa1, 0x61, b'a', 0xd8, 42];
    bytes.extend(if length < 24 { vec![0x40 | length] } else { vec![0x58, length] });
    bytes.extend_from_slice(link);
    bytes
}

fn link_bytes(cid: &Cid) -> Vec<u8> {
    [vec![0], cid.to_bytes()].concat()
}

#[test]
fn the_size_cap_comes_before_everything() {
    let refused = Block::decode::<Ipld>(vec![0xff; 101], 100);
    assert_eq!(refused.unwrap_err(), Refusal::Size { size: 101, limit: 100 }.into());
    assert!(Block::decode::<Ipld>(Block::raw(vec![0; 3]).bytes().clone(), 2).is_err());
}

#[test]
fn numbers_lengths_and_tags_must_have_their_shortest_form() {
    let longer: [&[u8]; 12] = [
        &[0x18, 0x17],
        &[0x19, 0x00, 0xff],
        &[0x1a, 0x00, 0x00, 0xff, 0xff],
        &[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
        &[0x38, 0x00],
        &[0x58, 0x01, 0x00],
        &[0x78, 0x01, b'a'],
        &[0x98, 0x01, 0x00],
        &[0xb8, 0x01, 0x61, b'a', 0x00],
        &[0xa1, 0x78, 0x01, b'a', 0x00],
        &[0xd9, 0x00, 42, 0x41, 0x00],
        &[0x1c],
    ];
    for bytes in longer {
        assert!(not_canonical(bytes), "{bytes:02x?}");
    }
    for bytes in [&[0x17][..], &[0x18, 0x18], &[0x19, 0x01, 0x00], &[0x1a, 0, 1, 0, 0], &[0x1b, 0, 0, 0, 1, 0, 0, 0, 0]]
    {
        assert!(decode(bytes).is_ok(), "{bytes:02x?}");
    }
}

#[test]
fn indefinite_lengths_are_refused() {
    for bytes in [&[0x9f, 0xff][..], &[0xbf, 0xff], &[0x5f, 0xff], &[0x7f, 0xff], &[0xff], &[0x81, 0xff], &[0x1f]] {
        assert!(not_canonical(bytes), "{bytes:02x?}");
    }
}

#[test]
fn map_keys_are_text_sorted_by_length_first_and_unique() {
    assert!(decode(&[0xa2, 0x61, b'b', 0, 0x62, b'a', b'a', 0]).is_ok());
    assert_eq!(
        decode(&[0xa2, 0x62, b'a', b'a', 0, 0x61, b'b', 0]),
        Err(Refusal::NotCanonical("map keys out of order"))
    );
    assert_eq!(decode(&[0xa2, 0x61, b'b', 0, 0x61, b'a', 0]), Err(Refusal::NotCanonical("map keys out of order")));
    assert_eq!(decode(&[0xa2, 0x61, b'a', 0, 0x61, b'a', 0]), Err(Refusal::NotCanonical("a map key twice")));
    assert_eq!(decode(&[0xa1, 0x00, 0x00]), Err(Refusal::NotCanonical("a map key that is not text")));
    assert_eq!(decode(&[0xa1, 0x41, b'a', 0x00]), Err(Refusal::NotCanonical("a map key that is not text")));
}

#[test]
fn text_must_be_utf8() {
    for bytes in [&[0x61, 0xff][..], &[0x62, 0xc0, 0x80], &[0x63, 0xed, 0xa0, 0x80], &[0xa1, 0x61, 0xff, 0x00]] {
        assert_eq!(decode(bytes), Err(Refusal::NotCanonical("text that is not UTF-8")), "{bytes:02x?}");
    }
}

#[test]
fn every_width_of_float_is_refused_by_name() {
    for bytes in [
        &[0xf9, 0x3c, 0x00][..],
        &[0xfa, 0x3f, 0x80, 0, 0],
        &[0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
        &[0xf9, 0x7e, 0x00],
        &[0x82, 0x00, 0xf9, 0x7c, 0x00],
    ] {
        assert_eq!(decode(bytes), Err(Refusal::Float), "{bytes:02x?}");
    }
    assert!(Block::encode(&1.5f64).is_err());
}

#[test]
fn only_false_true_and_null_are_simple_values() {
    for byte in 0xf4..=0xf6 {
        assert!(decode(&[byte]).is_ok());
    }
    for bytes in [&[0xf7][..], &[0xe0], &[0xf3], &[0xf8, 0xff], &[0xf8, 20], &[0xfc]] {
        assert!(not_canonical(bytes), "{bytes:02x?}");
    }
}

#[test]
fn integers_stay_where_every_language_can_hold_them() {
    let most = limits::INTEGER;
    for value in [most, -most, 0, -1] {
        let block = Block::encode(&value).unwrap();
        assert_eq!(decode(block.bytes()), Ok(Ipld::Integer(value.into())));
    }
    for value in [most + 1, -most - 1, i64::MAX, i64::MIN] {
        assert_eq!(Block::encode(&value).unwrap_err(), Refusal::Integer.into());
    }
    assert_eq!(decode(&[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(Refusal::Integer));
    assert_eq!(decode(&[0x3b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(Refusal::Integer));
}

#[test]
fn nesting_ends_at_the_stated_depth() {
    let nested = |levels: usize| [vec![0x81; levels - 1], vec![0x80]].concat();
    assert!(decode(&nested(limits::CBOR_DEPTH)).is_ok());
    assert_eq!(decode(&nested(limits::CBOR_DEPTH + 1)), Err(Refusal::Depth(limits::CBOR_DEPTH)));
    assert_eq!(decode(&vec![0x81; LIMIT]), Err(Refusal::Depth(limits::CBOR_DEPTH)));
}

#[test]
fn a_claimed_length_without_its_bytes_is_an_early_end() {
    for bytes in [
        &[][..],
        &[0x18],
        &[0x41],
        &[0x61],
        &[0x81],
        &[0xa1],
        &[0xa1, 0x61, b'a'],
        &[0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xd8],
        &[0xd8, 42],
    ] {
        assert_eq!(decode(bytes), Err(Refusal::Truncated), "{bytes:02x?}");
    }
}

#[test]
fn bytes_after_the_value_are_refused() {
    assert_eq!(decode(&[0x00, 0x00]), Err(Refusal::Trailing));
    assert_eq!(decode(&[0xa0, 0xf6]), Err(Refusal::Trailing));
}

#[test]
fn a_link_is_a_whole_cid_of_ours_and_nothing_else() {
    for codec in [DAG_CBOR, RAW, DAG_PB] {
        let cid = cid_of(codec, b"x");
        let block = Block::decode::<Ipld>(link_block(&link_bytes(&cid)), LIMIT).unwrap().0;
        assert_eq!(block.links().unwrap(), [cid]);
    }
    let good = link_bytes(&cid_of(RAW, b"x"));
    let change = |at: usize, byte: u8| {
        let mut link = good.clone();
        link[at] = byte;
        link
    };
    let refused = [
        ("no zero byte first", good[1..].to_vec()),
        ("identity multibase", change(0, 1)),
        ("CIDv0 or v2", change(1, 2)),
        ("codec dag-json", [vec![0, 1, 0xa9, 0x02], good[3..].to_vec()].concat()),
        ("codec cbor", change(2, 0x51)),
        ("sha2-512", change(3, 0x13)),
        ("identity hash", vec![0, 1, 0x55, 0, 1, b'x']),
        ("truncated digest", [vec![0, 1, 0x55, 0x12, 20], vec![7; 20]].concat()),
        ("digest shorter than it says", good[..36].to_vec()),
        ("bytes after the digest", [good.clone(), vec![0]].concat()),
        ("bare CIDv0", [vec![0, 0x12, 32], vec![7; 32]].concat()),
        ("empty", vec![]),
    ];
    for (name, link) in refused {
        assert_eq!(decode(&link_block(&link)), Err(Refusal::Link), "{name}");
    }
    assert_eq!(decode(&[0xd8, 42, 0x61, b'a']), Err(Refusal::Link), "text in place of bytes");
    assert!(not_canonical(&[0xc0, 0x61, b'a']), "another tag");
    assert!(not_canonical(&[0xd8, 43, 0x41, 0x00]), "another tag");
}

#[test]
fn a_flipped_byte_is_refused() {
    let block = Block::encode(&BTreeMap::from([("text", "hello"), ("also", "this")])).unwrap();
    assert_eq!(Block::verify(block.cid(), block.bytes().clone(), LIMIT), Ok(block.clone()));
    for at in 0..block.bytes().len() {
        let mut bytes = block.bytes().to_vec();
        bytes[at] ^= 0x10;
        assert_eq!(Block::verify(block.cid(), bytes, LIMIT), Err(Error::Hash(block.cid().to_string())));
    }
}

#[test]
fn a_right_hash_does_not_excuse_wrong_bytes() {
    let float = [0xf9, 0x3c, 0x00];
    assert_eq!(Block::verify(&cid_of(DAG_CBOR, &float), float.to_vec(), LIMIT), Err(Refusal::Float.into()));
    assert!(Block::verify(&cid_of(RAW, &float), float.to_vec(), LIMIT).is_ok());
    let foreign = cid_of(0x0129, &float);
    assert_eq!(Block::verify(&foreign, float.to_vec(), LIMIT), Err(Refusal::Link.into()));
}

#[test]
fn a_file_is_not_a_structure() {
    let file = Block::raw(vec![0xa0]);
    assert!(matches!(file.view::<Ipld>(), Err(Error::Decode(Refusal::Shape(_)))));
    assert_eq!(file.links(), Ok(vec![]));
}

#[test]
fn the_text_of_a_cid_has_one_form() {
    let cid = cid_of(DAG_CBOR, b"x");
    let text = cid.to_string();
    assert_eq!(parse_cid(&text), Ok(cid));
    let refused = [
        text.to_uppercase(),
        format!("B{}", text[1..].to_uppercase()),
        format!("b{}", text[1..].to_uppercase()),
        text[..58].to_owned(),
        format!("{text}a"),
        // The last character carries two bits; the rest of it must be zero.
        format!("{}{}", &text[..58], if text.ends_with('a') { 'b' } else { 'z' }),
        format!(" {}", &text[..58]),
        "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n".to_owned(),
        cid.to_string_of_base(cid::multibase::Base::Base58Btc).unwrap(),
        cid_of(0x51, b"x").to_string(),
        "ü".repeat(29) + "b",
    ];
    for text in refused {
        assert!(parse_cid(&text).is_err(), "{text}");
    }
}

#[test]
fn a_cid_kept_as_text_is_no_link() {
    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    struct Both {
        #[serde(with = "cid_text")]
        a: Cid,
        #[serde(with = "cid_text_opt")]
        b: Option<Cid>,
        #[serde(with = "cid_text_opt")]
        c: Option<Cid>,
    }
    let cid = cid_of(DAG_CBOR, b"x");
    let value = Both { a: cid, b: Some(cid), c: None };
    let block = Block::encode(&value).unwrap();
    assert_eq!(block.links(), Ok(vec![]));
    assert_eq!(Block::decode::<Both>(block.bytes().clone(), LIMIT).unwrap().1, value);
    let wrong = Block::encode(&BTreeMap::from([("a", "b"), ("b", "c"), ("c", "d")])).unwrap();
    assert!(wrong.view::<Both>().is_err());
}

/// The 63 canonical blocks of ipld/codec-fixtures: 37 lie within our rules, each of the others breaks one of three.
#[test]
fn the_fixtures_of_dag_cbor_re_encode_or_are_refused_by_name() {
    let Some(folder) = fixtures::path("dag-cbor") else { return };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let bytes = fs::read(&path).unwrap();
        let outcome = match Block::decode::<Ipld>(bytes.clone(), LIMIT) {
            Ok((block, value)) => {
                assert_eq!(block.cid().to_string(), name);
                assert_eq!(*Block::encode(&value).unwrap().bytes(), bytes, "{name}");
                "allowed"
            }
            Err(Error::Decode(Refusal::Float)) => "float",
            Err(Error::Decode(Refusal::Integer)) => "integer",
            Err(Error::Decode(Refusal::Link)) => "link",
            Err(other) => panic!("{name}: {other}"),
        };
        *counts.entry(outcome).or_default() += 1;
    }
    assert_eq!(counts, BTreeMap::from([("allowed", 37), ("float", 9), ("integer", 3), ("link", 14)]));
}

fn values() -> impl Strategy<Value = Ipld> {
    let leaf = prop_oneof![
        Just(Ipld::Null),
        any::<bool>().prop_map(Ipld::Bool),
        (-limits::INTEGER..=limits::INTEGER).prop_map(|value| Ipld::Integer(value.into())),
        ".{0,40}".prop_map(Ipld::String),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Ipld::Bytes),
        any::<[u8; 4]>().prop_map(|bytes| Ipld::Link(cid_of(RAW, &bytes))),
    ];
    leaf.prop_recursive(8, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Ipld::List),
            prop::collection::btree_map(".{0,12}", inner, 0..8).prop_map(Ipld::Map),
        ]
    })
}

/// Bytes that are nearly right reach further into the scanner than random ones.
fn nearly(value: Ipld, at: prop::sample::Index, byte: u8) -> Vec<u8> {
    let mut bytes = Block::encode(&value).unwrap().bytes().to_vec();
    let at = at.index(bytes.len());
    bytes[at] = byte;
    bytes
}

fn accepted_re_encodes(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let Ok((block, value)) = Block::decode::<Ipld>(bytes.clone(), LIMIT) else { return Ok(()) };
    let again = Block::encode(&value).unwrap();
    prop_assert_eq!(again.bytes(), &bytes);
    prop_assert_eq!(again.cid(), block.cid());
    Ok(())
}

proptest! {
    #[test]
    fn a_value_of_ours_survives_the_door(value in values()) {
        let block = Block::encode(&value).unwrap();
        let (again, decoded) = Block::decode::<Ipld>(block.bytes().clone(), usize::MAX).unwrap();
        prop_assert_eq!(again, block);
        prop_assert_eq!(decoded, value);
    }

    #[test]
    fn accepted_random_bytes_re_encode_equal(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        accepted_re_encodes(bytes)?;
    }

    #[test]
    fn accepted_damaged_values_re_encode_equal(value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        accepted_re_encodes(nearly(value, at, byte))?;
    }
}
