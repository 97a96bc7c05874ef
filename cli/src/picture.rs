//! Pictures for posts and events: a file of the person's, without what it tells of them, added to the home.
//!
//! Cameras note in a picture where and when it was taken, and by which device; none of that leaves the machine. Only what
//! is needed to show it stays: which way up it is, and its colours.

mod jpeg;
mod png;
mod webp;

use std::{fs::File, io::Read, path::Path};

use folkmoot_node::request::{Reply, Request};
use folkmoot_schemas::{
    limits,
    records::{event::Image, text::clean},
};

use crate::{
    error::{Error, Result},
    output::bytes,
    session::{Session, answer},
};

/// Of a file that is read at all, before anything is taken out of it.
const MOST: u64 = 32 * 1024 * 1024;

#[derive(Debug, Default, PartialEq, clap::Args)]
pub(crate) struct Pictures {
    /// A picture (JPEG, PNG or WebP, up to 2 MiB); can be given several times, "" takes pictures away. Where and with what
    /// it was taken is left out
    #[arg(long, help_heading = "What", value_name = "FILE")]
    image: Vec<String>,
    /// What is to be seen on it, for who cannot see it; one for each picture, in the same order
    #[arg(long, help_heading = "What", value_name = "TEXT")]
    alt: Vec<String>,
}

/// What is shown of a picture: bytes without anything else, and width and height as they are shown.
#[derive(Debug, PartialEq, Eq)]
struct Stripped {
    mime: &'static str,
    bytes: Vec<u8>,
    width: u32,
    height: u32,
}

impl Pictures {
    /// Adds the files to the home. None: nothing was said of pictures.
    pub(crate) fn add(&self, session: &Session) -> Result<Option<Vec<Image>>> {
        let files: Vec<&String> = self.image.iter().filter(|path| !path.is_empty()).collect();
        if self.image.is_empty() && self.alt.is_empty() {
            return Ok(None);
        }
        if files.len() != self.alt.len() || self.alt.iter().any(|alt| alt.trim().is_empty()) {
            return Err(Error::usage("could not add the picture: each needs a text for who cannot see it")
                .hint("--image poster.jpg --alt \"Poster: three herons under a full moon\""));
        }
        let mut images = Vec::new();
        for (path, alt) in files.into_iter().zip(&self.alt) {
            let picture = read(Path::new(path))?;
            let request = Request::AddFile { bytes: picture.bytes };
            let blob = answer!(session.ask(&request)?, Reply::FileAdded(cid) => cid)?;
            let (width, height, mime) = (picture.width, picture.height, picture.mime.to_owned());
            images.push(Image { blob, mime, width, height, alt: clean(alt) });
        }
        Ok(Some(images))
    }
}

fn read(path: &Path) -> Result<Stripped> {
    let failed = |why: String| Error::refused(format!("could not use the picture {}: {why}", path.display()));
    let mut whole = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MOST + 1).read_to_end(&mut whole))
        .map_err(|error| failed(error.to_string()).hint("check the path of the file"))?;
    let picture = match whole.len() as u64 > MOST {
        true => None,
        false => Some(stripped(&whole).ok_or_else(|| {
            failed("it is no JPEG, PNG or WebP, or it is damaged".into()).hint("save it as one of these and try again")
        })?),
    };
    let size = picture.as_ref().map_or(whole.len(), |picture| picture.bytes.len());
    picture.filter(|_| size <= limits::BLOB_ACCEPTED).ok_or_else(|| {
        let (size, most) = (bytes(size as u64), bytes(limits::BLOB_ACCEPTED as u64));
        failed(format!("it is too large: {size}, {most} are allowed"))
            .hint("make it smaller, e.g. 1600 pixels wide, and save it as JPEG")
    })
}

fn stripped(whole: &[u8]) -> Option<Stripped> {
    match whole {
        [0xff, 0xd8, ..] => jpeg::stripped(whole),
        [0x89, b'P', b'N', b'G', ..] => png::stripped(whole),
        [b'R', b'I', b'F', b'F', ..] => webp::stripped(whole),
        _ => None,
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_whole_picture_is_taken_for_one() {
        for bytes in [&b""[..], b"GIF89a", b"<svg/>", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 "] {
            assert_eq!(stripped(bytes), None, "{bytes:?}");
        }
    }

    #[test]
    fn no_beginning_of_a_picture_and_no_byte_in_it_breaks_anything() {
        for whole in [jpeg::tests::photo(6), png::tests::drawing(), webp::tests::extended()] {
            assert!(stripped(&whole).is_some());
            for end in 0..whole.len() {
                let _ = stripped(&whole[..end]);
                let mut other = whole.clone();
                other[end] ^= 0xff;
                let _ = stripped(&other);
            }
        }
    }
}
