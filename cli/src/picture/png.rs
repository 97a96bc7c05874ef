//! PNG (ISO 15948).

use super::Stripped;

const BEGIN: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What decides of its look and nothing else: also of what is not known yet, nobody can say what it tells.
const LOOK: [&[u8; 4]; 19] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV",
    b"cLLI", b"bKGD", b"hIST", b"pHYs", b"acTL", b"fcTL", b"fdAT",
];

/// Without texts, time, Exif and private chunks, and without what follows its end.
pub(super) fn stripped(whole: &[u8]) -> Option<Stripped> {
    let mut rest = whole.strip_prefix(BEGIN)?;
    let mut kept = BEGIN.to_vec();
    let mut size = None;
    loop {
        let length = usize::try_from(u32::from_be_bytes(rest.get(..4)?.try_into().ok()?)).ok()?;
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?)?;
        let kind = &chunk[4..8];
        let number = |at: usize| Some(u32::from_be_bytes(chunk.get(at..at + 4)?.try_into().ok()?));
        match (kind, size) {
            (b"IHDR", None) => size = Some((number(8)?, number(12)?)),
            (_, None) => return None,
            _ => {}
        }
        if LOOK.iter().any(|look| *look == kind) {
            kept.extend(chunk);
        }
        if kind == b"IEND" {
            break;
        }
        rest = after;
    }
    let (width, height) = size.filter(|(width, height)| *width > 0 && *height > 0)?;
    Some(Stripped { mime: "image/png", bytes: kept, width, height })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::picture) fn drawing() -> Vec<u8> {
        let chunk = |kind: &[u8], body: &[u8]| [&[0, 0, 0, body.len() as u8][..], kind, body, b"sum!"].concat();
        [
            BEGIN.to_vec(),
            chunk(b"IHDR", b"\0\0\0\x04\0\0\0\x03\x08\x02\0\0\0"),
            chunk(b"tEXt", b"Author\0GPS!"),
            chunk(b"eXIf", b"GPS!"),
            chunk(b"prVt", b"GPS!"),
            chunk(b"IDAT", b"pixels"),
            chunk(b"IEND", b""),
            b"GPS!".to_vec(),
        ]
        .concat()
    }

    #[test]
    fn a_drawing_keeps_its_look_and_tells_nothing_else() {
        let picture = stripped(&drawing()).unwrap();
        assert_eq!((picture.mime, picture.width, picture.height), ("image/png", 4, 3));
        let has = |text: &[u8]| picture.bytes.windows(text.len()).any(|part| part == text);
        assert!(!has(b"GPS!") && has(b"pixels") && has(b"IEND"));
    }
}
