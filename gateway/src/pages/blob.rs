//! `/b/<cid>`: files that public records link. Three image types, told by their first bytes, are shown; all else is
//! handed over as a file. A name that is a hash can be kept for good.

use folkmoot_node::store::View;
use folkmoot_schemas::Cid;

use super::{Shown, notice};
use crate::answer::{Answer, BYTES, Caching};

pub(super) fn answer(view: &View, cid: &Cid) -> Shown {
    let Some(block) = view.public_block(cid)? else { return Ok(notice::not_found(None)) };
    let bytes = block.bytes().clone();
    Ok(match image_type(&bytes) {
        Some(kind) => Answer::new(kind, bytes, Caching::Immutable),
        None => Answer::new(BYTES, bytes, Caching::Immutable).attachment(),
    })
}

fn image_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_image_types_are_shown_in_place() {
        assert_eq!(image_type(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(image_type(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(image_type(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        for other in [&b"<svg xmlns="[..], b"<html>", b"GIF89a", b"RIFF\0\0\0\0WAVE", b"\x89PNG", b""] {
            assert_eq!(image_type(other), None);
        }
    }
}
