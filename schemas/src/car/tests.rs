use std::io::Cursor;

use proptest::prelude::*;

use super::*;
use crate::block::cid_of;

fn blocks() -> Vec<Block> {
    vec![Block::encode(&["a", "record"]).unwrap(), Block::raw(vec![9; 300]), Block::encode(&()).unwrap()]
}

fn archive() -> Vec<u8> {
    to_vec(&[*blocks()[0].cid()], &blocks())
}

fn read_all(bytes: &[u8]) -> Result<Vec<Block>, CarError> {
    let mut reader = Reader::new(Cursor::new(bytes))?;
    let mut blocks = Vec::new();
    while let Some(block) = reader.next_block()? {
        blocks.push(block);
    }
    Ok(blocks)
}

fn section(cid: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut buffer = encode::usize_buffer();
    [encode::usize(cid.len() + bytes.len(), &mut buffer), cid, bytes].concat()
}

/// Where each section ends, the header's first.
fn borders() -> Vec<usize> {
    (0..=blocks().len()).map(|count| to_vec(&[*blocks()[0].cid()], &blocks()[..count]).len()).collect()
}

fn damage(bytes: &[u8]) -> (u64, String) {
    match read_all(bytes) {
        Err(CarError::Damaged { offset, why }) => (offset, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_archive_reads_back() {
    let reader = Reader::new(Cursor::new(archive())).unwrap();
    assert_eq!(reader.roots(), [*blocks()[0].cid()]);
    assert_eq!(read_all(&archive()).unwrap(), blocks());
    assert_eq!(read_all(&to_vec(&[], &[])).unwrap(), []);
}

/// `{"roots": [], "version": 1}`, as the specification's examples begin.
#[test]
fn the_header_is_the_one_of_the_specification() {
    let header = [&[0x11, 0xa2, 0x65][..], b"roots", &[0x80, 0x67], b"version", &[0x01]].concat();
    assert_eq!(to_vec(&[], &[]), header);
}

#[test]
fn an_archive_cut_inside_a_section_is_damaged_where_it_ends() {
    let whole = archive();
    let borders = borders();
    let told = 8;
    for end in 0..told {
        assert!(matches!(read_all(&whole[..end]), Err(CarError::Foreign)), "{end}");
    }
    for end in told..whole.len() {
        if !borders.contains(&end) {
            assert_eq!(damage(&whole[..end]), (end as u64, "it ends early".to_owned()));
        }
    }
    assert_eq!(read_all(&whole[..borders[2]]).unwrap(), blocks()[..2]);
}

#[test]
fn a_damaged_header_is_said_to_be_one_in_plain_words() {
    let whole = archive();
    for at in 0..borders()[0] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        match read_all(&bytes) {
            Err(CarError::Damaged { why, .. }) => assert!(!why.contains("Msg"), "{at}: {why}"),
            // A changed root is a root all the same, and an unread length leaves no header to be recognised.
            Ok(_) | Err(CarError::Foreign) => {}
            other => panic!("{at}: {other:?}"),
        }
    }
    let mut unknown = whole;
    let at = unknown.windows(5).position(|word| word == b"roots").unwrap();
    unknown[at] ^= 1;
    assert_eq!(damage(&unknown), (0, "its header cannot be read".to_owned()));
}

#[test]
fn a_changed_block_is_named_and_the_next_one_still_read() {
    let mut bytes = archive();
    let at = borders()[1] - 1;
    bytes[at] ^= 1;
    let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
    match reader.next_block() {
        Err(CarError::Block { cid, offset, source: Error::Hash(_) }) => {
            assert_eq!((*cid, offset), (*blocks()[0].cid(), borders()[0] as u64));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(reader.next_block().unwrap().as_ref(), Some(&blocks()[1]));
}

#[test]
fn names_outside_the_cid_rule_and_values_outside_ours_are_refused() {
    let header = to_vec(&[], &[]);
    let float = [0xf9, 0x3c, 0x00];
    let sha512 = [vec![1, 0x55, 0x13, 64], vec![7; 64]].concat();
    let v0 = [vec![0x12, 32], vec![7; 32]].concat();
    for cid in [cid_of(DAG_CBOR, &float).to_bytes(), cid_of(0x51, &float).to_bytes(), sha512, v0, vec![1, 0x55, 0, 0]] {
        let bytes = [header.clone(), section(&cid, &float)].concat();
        assert!(matches!(read_all(&bytes), Err(CarError::Block { .. })), "{cid:02x?}");
    }
    for junk in [section(&[], &[]), section(&[1], &[]), section(&[9; 40], &[])] {
        assert!(damage(&[header.clone(), junk].concat()).1.contains("name of a block"));
    }
}

#[test]
fn a_structure_may_not_be_as_large_as_a_file() {
    let list = Block::encode(serde_bytes::Bytes::new(&vec![0; limits::SNAPSHOT])).unwrap();
    let file = Block::raw(vec![0; limits::BLOB_ACCEPTED]);
    let header = to_vec(&[], &[]);
    let bytes = [header, section(&list.cid().to_bytes(), list.bytes())].concat();
    assert!(matches!(read_all(&bytes), Err(CarError::Block { source: Error::Decode(Refusal::Size { .. }), .. })));
    let mut writer = Writer::new(Vec::new(), &[]).unwrap();
    assert!(writer.put(&list).is_err());
    writer.put(&file).unwrap();
    assert_eq!(read_all(&writer.finish().unwrap()).unwrap(), [file]);
}

#[test]
fn claimed_lengths_are_not_believed() {
    let header = to_vec(&[], &[]);
    let claims = |length: u64| {
        let mut buffer = encode::u64_buffer();
        [&header, encode::u64(length, &mut buffer)].concat()
    };
    assert!(damage(&claims(u64::MAX)).1.contains("claims"));
    assert!(damage(&claims(SECTION as u64 + 1)).1.contains("claims"));
    assert_eq!(damage(&claims(SECTION as u64)).1, "it ends early");
    assert!(damage(&[&header[..], &[0x80, 0x00]].concat()).1.contains("length of a block"));
    assert!(damage(&[&header[..], &[0xff; 12]].concat()).1.contains("length"));
}

#[test]
fn other_files_are_told_from_archives() {
    let rootless = [&[0x0a, 0xa1, 0x67][..], b"version", &[0x01]].concat();
    assert!(damage(&rootless).1.contains("no roots"));
    let stranger =
        [&[0x14, 0xa3, 0x61][..], b"x", &[0x00, 0x65], b"roots", &[0x80, 0x67], b"version", &[0x01]].concat();
    assert!(damage(&stranger).1.contains("header"));
    let v2 = [&[0x0a, 0xa1, 0x67][..], b"version", &[0x02]].concat();
    assert!(damage(&v2).1.contains("version 2"));
    let letter = "Dear all, this letter is long enough to be taken for more by its first byte. ".repeat(40);
    for other in [
        &b"PK\x03\x04 a zip file of some length, long enough to hold what its first byte claims as header .."[..],
        b"\x89PNG\r\n\x1a\n0123456789",
        letter.as_bytes(),
        &[0; 64],
        &[0xff; 64],
    ] {
        assert!(matches!(read_all(other), Err(CarError::Foreign)), "{other:02x?}");
    }
}

#[test]
fn a_failing_disk_is_not_called_a_damaged_archive() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    assert!(matches!(Reader::new(Broken), Err(CarError::Io(_))));
    let header = to_vec(&[], &[]);
    let mut reader = Reader::new(header.chain(Broken)).unwrap();
    assert!(matches!(reader.next_block(), Err(CarError::Io(_))));
}

proptest! {
    #[test]
    fn any_bytes_end_in_blocks_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_all(&bytes);
        let _ = read_all(&[to_vec(&[], &[]), bytes].concat());
    }

    #[test]
    fn a_changed_byte_never_changes_a_block(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = archive();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for block in read_all(&bytes).unwrap_or_default() {
            prop_assert_eq!(cid_of(block.cid().codec(), block.bytes()), *block.cid());
            prop_assert!(blocks().iter().any(|ours| ours.bytes() == block.bytes()));
        }
    }
}
