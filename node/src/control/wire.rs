//! One frame each way: four bytes of length (big-endian, ≤ [`limits::FRAME`]), then DAG-CBOR `{v, request}` or
//! `{v, reply}`. Read through the one decoder like everything from outside, though only our own user can connect.

use std::io;

use folkmoot_schemas::{block::Block, limits};
use serde::{Deserialize, Serialize};

use crate::request::{Failure, Reply, Request};

/// Raised when requests or replies change shape.
const VERSION: u64 = 1;

/// Bytes of the length in front of a frame.
pub(crate) const HEAD: usize = 4;

#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("version {0}, not {VERSION}")]
    Version(u64),
    #[error("{0}")]
    Malformed(#[from] folkmoot_schemas::Error),
    #[error("a frame without {0}")]
    Empty(&'static str),
}

#[derive(Deserialize)]
struct Version {
    v: u64,
}

#[derive(Serialize)]
struct AskedOut<'a> {
    v: u64,
    request: &'a Request,
}

#[derive(Deserialize)]
struct Asked {
    request: Option<Request>,
}

#[derive(Serialize)]
struct AnsweredOut<'a> {
    v: u64,
    reply: &'a Reply,
}

#[derive(Deserialize)]
struct Answered {
    reply: Option<Reply>,
}

/// Length of the frame that follows.
pub(crate) fn length(head: [u8; HEAD]) -> io::Result<usize> {
    match usize::try_from(u32::from_be_bytes(head)) {
        Ok(length) if length <= limits::FRAME => Ok(length),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a frame is longer than allowed")),
    }
}

pub(crate) fn request(request: &Request) -> io::Result<Vec<u8>> {
    frame(&AskedOut { v: VERSION, request })
}

pub(crate) fn read_request(bytes: Vec<u8>) -> Result<Request, WireError> {
    open(bytes)?.view::<Asked>()?.request.ok_or(WireError::Empty("request"))
}

/// An answer too long for a frame becomes a failure that says so.
pub(crate) fn reply(reply: &Reply) -> io::Result<Vec<u8>> {
    frame(&AnsweredOut { v: VERSION, reply }).or_else(|why| {
        let failure = Failure::bug("the answer cannot be sent").because(why.to_string());
        frame(&AnsweredOut { v: VERSION, reply: &Reply::Failed(failure) })
    })
}

pub(crate) fn read_reply(bytes: Vec<u8>) -> Result<Reply, WireError> {
    open(bytes)?.view::<Answered>()?.reply.ok_or(WireError::Empty("reply"))
}

fn open(bytes: Vec<u8>) -> Result<Block, WireError> {
    match Block::decode::<Version>(bytes, limits::FRAME)? {
        (block, Version { v: VERSION }) => Ok(block),
        (_, Version { v }) => Err(WireError::Version(v)),
    }
}

fn frame<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
    let block = Block::encode(value).map_err(|why| invalid(why.to_string()))?;
    let bytes = block.bytes();
    if bytes.len() > limits::FRAME {
        return Err(invalid(format!("{} bytes, {} fit one frame", bytes.len(), limits::FRAME)));
    }
    let mut frame = Vec::with_capacity(HEAD + bytes.len());
    frame.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    frame.extend_from_slice(bytes);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(frame: &[u8]) -> Vec<u8> {
        assert_eq!(length(frame[..HEAD].try_into().unwrap()).unwrap(), frame.len() - HEAD);
        frame[HEAD..].to_vec()
    }

    #[test]
    fn requests_and_replies_come_back_as_they_went() {
        let sent = Request::List {
            community: None,
            collection: "org.folkmoot.post".into(),
            before: Some((1_700_000_000_000_000, "abcdefgh".into())),
            limit: 20,
        };
        let back = read_request(body(&request(&sent).unwrap())).unwrap();
        assert_eq!(format!("{back:?}"), format!("{sent:?}"));
        let sent = Reply::Failed(Failure::network("nobody answered").because("two were asked").hint("try again"));
        let back = read_reply(body(&reply(&sent).unwrap())).unwrap();
        assert_eq!(format!("{back:?}"), format!("{sent:?}"));
    }

    #[test]
    fn another_version_is_named_before_its_content_is_read() {
        #[derive(Serialize)]
        struct Later {
            v: u64,
            request: &'static str,
        }
        let frame = frame(&Later { v: 2, request: "SomethingNew" }).unwrap();
        assert!(matches!(read_request(body(&frame)), Err(WireError::Version(2))));
    }

    #[test]
    fn bytes_that_are_no_frame_are_refused() {
        assert!(length([0xff; HEAD]).is_err());
        for bytes in [&b""[..], b"\xa0", b"\xff\xff", b"{\"v\":1}"] {
            assert!(read_request(bytes.to_vec()).is_err());
            assert!(read_reply(bytes.to_vec()).is_err());
        }
    }

    #[test]
    fn an_answer_that_does_not_fit_says_so_instead() {
        let reply = Reply::Failed(Failure::bug("x".repeat(limits::FRAME)));
        let back = read_reply(body(&super::reply(&reply).unwrap())).unwrap();
        assert!(matches!(back, Reply::Failed(f) if f.message == "the answer cannot be sent"));
    }
}
