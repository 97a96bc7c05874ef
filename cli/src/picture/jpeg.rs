//! JPEG (ITU-T T.81) with the Exif header of CIPA DC-008, as far as it says which way up a picture is.

use super::{Stripped, be16};

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const ORIENTATION: usize = 0x0112;

/// Segments that decoders need, JFIF, colour profile and Adobe's colour transform among them, up to the end of the picture:
/// what follows it is another file.
pub(super) fn stripped(whole: &[u8]) -> Option<Stripped> {
    let mut kept = vec![0xff, SOI];
    let (mut at, mut size, mut turn) = (2, None, 1);
    loop {
        // Any number of fill bytes may stand before a marker.
        while whole.get(at..at + 2)? == [0xff, 0xff] {
            at += 1;
        }
        let [0xff, marker] = *whole.get(at..at + 2)? else { return None };
        if marker == EOI {
            kept.extend([0xff, EOI]);
            break;
        }
        let length = be16(whole, at + 2).filter(|length| *length >= 2)?;
        let segment = whole.get(at..at + 2 + length)?;
        let body = &segment[4..];
        match marker {
            0xe1 => turn = orientation(body).unwrap_or(turn),
            0xe2 if body.starts_with(b"ICC_PROFILE\0") => kept.extend(segment),
            // Without its thumbnail.
            0xe0 if body.starts_with(b"JFIF\0") && body.len() >= 12 => {
                kept.extend([0xff, 0xe0, 0, 16]);
                kept.extend(&body[..12]);
                kept.extend([0, 0]);
            }
            0xee if body.starts_with(b"Adobe") => kept.extend(segment),
            // Other application data, extensions and comments.
            0xe0..=0xfe => {}
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                size = Some((be16(body, 3)?, be16(body, 1)?));
                kept.extend(segment);
            }
            _ => kept.extend(segment),
        }
        at += segment.len();
        if marker == SOS {
            let begin = at;
            // Within a scan 0xff stands before 0, restart markers, or the next marker.
            loop {
                let next = whole.get(at..)?.iter().position(|byte| *byte == 0xff)? + at;
                match whole.get(next + 1)? {
                    0 | 0xd0..=0xd7 => at = next + 2,
                    0xff => at = next + 1,
                    _ => {
                        at = next;
                        break;
                    }
                }
            }
            kept.extend(&whole[begin..at]);
        }
    }
    let (width, height) = size.filter(|(width, height)| *width > 0 && *height > 0)?;
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    if turn > 1 {
        kept.splice(2..2, turned(turn));
    }
    // From 5 on it lies on its side.
    let (width, height) = if turn >= 5 { (height, width) } else { (width, height) };
    Some(Stripped { mime: "image/jpeg", bytes: kept, width, height })
}

/// 1 to 8, as Exif counts them.
fn orientation(body: &[u8]) -> Option<u8> {
    let tiff = body.strip_prefix(b"Exif\0\0")?;
    let little = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let two = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(usize::from(if little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) }))
    };
    let four = tiff.get(4..8)?.try_into().ok()?;
    let first = usize::try_from(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }).ok()?;
    let entries = short(first)?;
    let entry = |n: usize| first.checked_add(2 + n * 12);
    let at = (0..entries).filter_map(entry).find(|at| short(*at) == Some(ORIENTATION))?;
    u8::try_from(short(at.checked_add(8)?)?).ok().filter(|turn| (1..=8).contains(turn))
}

/// An Exif segment that says nothing but which way up it is.
fn turned(turn: u8) -> Vec<u8> {
    let mut tiff = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    tiff.extend([turn, 0, 0, 0, 0, 0, 0]);
    let mut segment = vec![0xff, 0xe1, 0, (tiff.len() + 2) as u8];
    segment.extend(tiff);
    segment
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// 4 × 3, with everything a camera adds.
    pub(in crate::picture) fn photo(turn: u8) -> Vec<u8> {
        let segment = |marker: u8, body: &[u8]| [&[0xff, marker, 0, (body.len() + 2) as u8][..], body].concat();
        let place = b"Exif\0\0II\x2a\0\x08\0\0\0\x02\0\x0f\x01\x02\0\x04\0\0\0GPS!\x12\x01\x03\0\x01\0\0\0".to_vec();
        let exif = [place, vec![turn, 0, 0, 0, 0, 0, 0, 0]].concat();
        [
            vec![0xff, SOI],
            segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            segment(0xe1, &exif),
            segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0GPS!"),
            segment(0xe2, b"ICC_PROFILE\0\x01\x01colours"),
            segment(0xe2, b"MPF\0GPS!"),
            segment(0xfe, b"GPS!"),
            segment(0xc0, b"\x08\0\x03\0\x04\x01\x01\x11\0"),
            segment(SOS, b"\x01\x01\0\0\x3f\0"),
            b"\x12\xff\0\x34\xff\xd0\x56".to_vec(),
            vec![0xff, EOI],
            b"a film: GPS!".to_vec(),
        ]
        .concat()
    }

    #[test]
    fn a_photo_keeps_its_look_and_tells_nothing_else() {
        for (turn, width, height) in [(1, 4, 3), (3, 4, 3), (6, 3, 4)] {
            let picture = stripped(&photo(turn)).unwrap();
            assert_eq!((picture.mime, picture.width, picture.height), ("image/jpeg", width, height));
            let has = |text: &[u8]| picture.bytes.windows(text.len()).any(|part| part == text);
            assert!(!has(b"GPS!") && has(b"colours") && has(b"JFIF") && has(b"\x12\xff\0\x34\xff\xd0\x56\xff\xd9"));
            assert_eq!(has(b"Exif"), turn != 1);
            // Once more changes nothing, and it lies as it did.
            assert_eq!(stripped(&picture.bytes).unwrap(), picture);
        }
    }

    #[test]
    fn a_photo_without_an_end_or_a_size_is_none() {
        let whole = photo(1);
        let end = whole.windows(2).rposition(|part| part == [0xff, EOI]).unwrap();
        assert_eq!(stripped(&whole[..end]), None);
        assert_eq!(stripped(b"\xff\xd8\xff\xd9"), None);
    }
}
