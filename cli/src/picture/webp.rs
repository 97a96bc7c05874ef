//! WebP (RFC 9649).

use super::Stripped;

/// In the flags of an extended file: an Exif and an XMP chunk follow.
const TELLING: u8 = 0x08 | 0x04;

/// Without Exif and XMP, and without what follows its end.
pub(super) fn stripped(whole: &[u8]) -> Option<Stripped> {
    let length = usize::try_from(u32::from_le_bytes(whole.get(4..8)?.try_into().ok()?)).ok()?;
    let mut rest = whole.get(8..length.checked_add(8)?)?.strip_prefix(b"WEBP")?;
    let (mut kept, mut size, mut pixels) = (b"WEBP".to_vec(), None, false);
    while !rest.is_empty() {
        let length = usize::try_from(u32::from_le_bytes(rest.get(4..8)?.try_into().ok()?)).ok()?;
        // A chunk of an odd length has a byte behind it that counts for nothing.
        let (chunk, after) = rest.split_at_checked(length.checked_add(8 + length % 2)?)?;
        let (kind, body) = (&chunk[..4], &chunk[8..]);
        size = size.or(dimensions(kind, body));
        pixels |= matches!(kind, b"VP8 " | b"VP8L" | b"ANMF");
        match kind {
            b"VP8X" => {
                let mut plain = chunk.to_vec();
                *plain.get_mut(8)? &= !TELLING;
                kept.extend(plain);
            }
            b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ANMF" | b"ICCP" => kept.extend(chunk),
            // Exif, XMP, and what is not known.
            _ => {}
        }
        rest = after;
    }
    let (width, height) = size.filter(|(width, height)| pixels && *width > 0 && *height > 0)?;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(u32::try_from(kept.len()).ok()?.to_le_bytes());
    bytes.extend(kept);
    Some(Stripped { mime: "image/webp", bytes, width, height })
}

fn dimensions(kind: &[u8], body: &[u8]) -> Option<(u32, u32)> {
    match kind {
        b"VP8X" => {
            let side = |at: usize| {
                let three = body.get(at..at + 3)?;
                Some(u32::from_le_bytes([three[0], three[1], three[2], 0]) + 1)
            };
            Some((side(4)?, side(7)?))
        }
        b"VP8 " => {
            let frame = body.get(3..10)?.strip_prefix(b"\x9d\x01\x2a")?;
            let side = |at: usize| u32::from(u16::from_le_bytes([frame[at], frame[at + 1]]) & 0x3fff);
            Some((side(0), side(2)))
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes(body.strip_prefix(b"\x2f")?.get(..4)?.try_into().ok()?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn chunk(kind: &[u8], body: &[u8]) -> Vec<u8> {
        let odd = &b"\0"[..body.len() % 2];
        [kind, &(body.len() as u32).to_le_bytes(), body, odd].concat()
    }

    fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
        let body = [b"WEBP".to_vec(), chunks.concat()].concat();
        [b"RIFF".to_vec(), (body.len() as u32).to_le_bytes().to_vec(), body].concat()
    }

    /// 4 × 3, with what a camera adds.
    pub(in crate::picture) fn extended() -> Vec<u8> {
        let lossy = b"\0\0\0\x9d\x01\x2a\x04\0\x03\0look";
        file(&[
            chunk(b"VP8X", b"\x2c\0\0\0\x03\0\0\x02\0\0"),
            chunk(b"VP8 ", lossy),
            chunk(b"EXIF", b"GPS"),
            chunk(b"XMP ", b"GPS!"),
            chunk(b"C2PA", b"GPS!"),
        ])
    }

    #[test]
    fn a_picture_keeps_its_look_and_tells_nothing_else() {
        let picture = stripped(&extended()).unwrap();
        assert_eq!((picture.mime, picture.width, picture.height), ("image/webp", 4, 3));
        let has = |text: &[u8]| picture.bytes.windows(text.len()).any(|part| part == text);
        assert!(!has(b"GPS") && has(b"look") && has(b"VP8X\x0a\0\0\0\x20"));
        assert_eq!(stripped(&picture.bytes).unwrap(), picture, "its length is right");
    }

    #[test]
    fn the_size_of_a_bare_picture_is_read_from_its_pixels() {
        let size = |kind: &[u8], body: &[u8]| stripped(&file(&[chunk(kind, body)])).map(|p| (p.width, p.height));
        assert_eq!(size(b"VP8 ", b"\0\0\0\x9d\x01\x2a\x04\0\x03\0"), Some((4, 3)));
        assert_eq!(size(b"VP8L", b"\x2f\x03\x80\0\0"), Some((4, 3)));
        assert_eq!(size(b"VP8X", b"\0\0\0\0\x03\0\0\x02\0\0"), None, "there is nothing to see");
    }
}
