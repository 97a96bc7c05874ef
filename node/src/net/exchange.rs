//! Frames on a stream: an unsigned-varint length, then that many bytes (≤ `limits::FRAME`).
//! Nothing here has a deadline: whoever reads or writes knows how long its exchange may take.

use std::io;

use bytes::{Bytes, BytesMut};
use folkmoot_schemas::limits;
use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Memory taken on the word of a length prefix; the rest is taken as bytes arrive.
const FIRST_TAKE: usize = 64 * 1024;

type Inner = libp2p::Stream;

/// A two-way stream of frames.
#[derive(Debug)]
pub struct Stream(Inner);

impl Stream {
    pub(super) fn new(inner: Inner) -> Self {
        Self(inner)
    }

    /// The next frame; None at a clean end. A frame longer than `limit` (never above `limits::FRAME`) is an error.
    pub async fn read(&mut self, limit: usize) -> io::Result<Option<Bytes>> {
        read_frame(&mut self.0, limit).await
    }

    pub async fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        write_frame(&mut self.0, frame).await
    }

    /// Closes our side: the other side reads a clean end.
    pub async fn close(&mut self) -> io::Result<()> {
        self.0.close().await
    }

    /// Two halves, for a stream that is read and written at once.
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        let (read, write) = self.0.split();
        (ReadHalf(read), WriteHalf(write))
    }
}

#[derive(Debug)]
pub struct ReadHalf(futures::io::ReadHalf<Inner>);

impl ReadHalf {
    /// As [`Stream::read`].
    pub async fn read(&mut self, limit: usize) -> io::Result<Option<Bytes>> {
        read_frame(&mut self.0, limit).await
    }
}

#[derive(Debug)]
pub struct WriteHalf(futures::io::WriteHalf<Inner>);

impl WriteHalf {
    pub async fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        write_frame(&mut self.0, frame).await
    }

    /// As [`Stream::close`].
    pub async fn close(&mut self) -> io::Result<()> {
        self.0.close().await
    }
}

async fn read_frame(from: &mut (impl AsyncRead + Unpin), limit: usize) -> io::Result<Option<Bytes>> {
    let limit = limit.min(limits::FRAME);
    let Some(length) = read_length(from).await? else { return Ok(None) };
    if length > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes, {limit} allowed")));
    }
    let mut frame = BytesMut::new();
    while frame.len() < length {
        let have = frame.len();
        frame.resize(length.min(have + FIRST_TAKE), 0);
        from.read_exact(&mut frame[have..]).await?;
    }
    Ok(Some(frame.freeze()))
}

/// A canonical varint of at most 4 bytes; `limits::FRAME` needs no more.
async fn read_length(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<usize>> {
    let mut buffer = [0_u8; 4];
    for at in 0..buffer.len() {
        if from.read(&mut buffer[at..=at]).await? == 0 {
            return if at == 0 { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        if buffer[at] & 0x80 == 0 {
            return match unsigned_varint::decode::usize(&buffer[..=at]) {
                Ok((length, _)) => Ok(Some(length)),
                Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            };
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "a frame length of more than 4 bytes"))
}

async fn write_frame(to: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    if frame.len() > limits::FRAME {
        let why = format!("a frame of {} bytes, {} allowed", frame.len(), limits::FRAME);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    let mut buffer = unsigned_varint::encode::usize_buffer();
    to.write_all(unsigned_varint::encode::usize(frame.len(), &mut buffer)).await?;
    to.write_all(frame).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};

    use super::*;

    fn read(bytes: &[u8], limit: usize) -> io::Result<Option<Bytes>> {
        block_on(read_frame(&mut Cursor::new(bytes.to_vec()), limit))
    }

    #[test]
    fn frames_come_back_as_written_and_end_cleanly() {
        let mut written = Cursor::new(Vec::new());
        let long = vec![7; 200_000];
        block_on(async {
            for frame in [&b""[..], b"hello", &long] {
                write_frame(&mut written, frame).await.unwrap();
            }
        });
        written.set_position(0);
        block_on(async {
            for (frame, limit) in [(&b""[..], 10), (b"hello", 10), (&long, limits::FRAME)] {
                assert_eq!(read_frame(&mut written, limit).await.unwrap().unwrap(), frame);
            }
            assert!(read_frame(&mut written, 10).await.unwrap().is_none());
        });
    }

    #[test]
    fn a_frame_over_the_limit_a_cut_frame_and_an_odd_length_are_refused() {
        assert_eq!(read(&[11], 10).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(&[5, 1, 2], 10).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(read(&[0x85], 10).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(read(&[0x85, 0x00], 10).unwrap_err().kind(), io::ErrorKind::InvalidData, "not the shortest form");
        assert_eq!(read(&[0xff; 9], 10).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
