//! HTTP/1 as a benchmark needs it: where a head ends, how its body is framed, and a decoder for chunks.
//!
//! Nothing here copies or validates more than it must: what is measured stands between two of these.

use std::io;

use memchr::{memchr, memmem};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The largest head that is read before the peer is given up.
const HEAD_MAX: usize = 256 << 10;
/// How much is asked of the kernel at once.
const PORTION: usize = 64 << 10;

/// How the bytes after a head belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(usize),
    Chunked,
}

/// The length of the head at the beginning of `bytes`, its blank line included, once it is there.
pub fn head_length(bytes: &[u8]) -> Option<usize> {
    memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4)
}

/// The first value of a header. `head` is a whole head, `name` in lower case.
pub fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = &head[memchr(b'\n', head)? + 1..];
    while let Some(end) = memchr(b'\n', rest) {
        let line = &rest[..end];
        if line.len() > name.len() && line[name.len()] == b':' && line[..name.len()].eq_ignore_ascii_case(name) {
            return Some(line[name.len() + 1..].trim_ascii());
        }
        rest = &rest[end + 1..];
    }
    None
}

/// How the body after `head` is framed; without a word about it there is none.
pub fn framing(head: &[u8]) -> Framing {
    if let Some(value) = header(head, b"content-length")
        && let Some(length) = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok())
    {
        return Framing::Length(length);
    }
    match header(head, b"transfer-encoding") {
        Some(_) => Framing::Chunked,
        None => Framing::Length(0),
    }
}

/// The status of a response's head.
pub fn status(head: &[u8]) -> u16 {
    head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok()).unwrap_or(0)
}

/// Method and target of a request's head.
pub fn request_line(head: &[u8]) -> (&[u8], &[u8]) {
    let line = &head[..memchr(b'\r', head).unwrap_or(head.len())];
    let mut words = line.split(|byte| *byte == b' ');
    (words.next().unwrap_or(b""), words.next().unwrap_or(b"/"))
}

/// What the peer sent and nobody has taken yet.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    taken: usize,
}

impl Inbox {
    /// What has arrived.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Forgets the first `count` bytes.
    pub fn take(&mut self, count: usize) {
        self.taken += count;
        if self.taken >= self.bytes.len() {
            self.bytes.clear();
            self.taken = 0;
        }
    }

    /// One read; the number of bytes it brought, 0 at the peer's end.
    pub async fn fill<S: AsyncRead + Unpin>(&mut self, socket: &mut S) -> io::Result<usize> {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.reserve(PORTION);
        socket.read_buf(&mut self.bytes).await
    }

    /// Reads until a head is there and gives its length; none if the peer ended in between two messages.
    pub async fn head<S: AsyncRead + Unpin>(&mut self, socket: &mut S) -> io::Result<Option<usize>> {
        loop {
            if let Some(length) = head_length(self.bytes()) {
                return Ok(Some(length));
            }
            if self.bytes().len() > HEAD_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.fill(socket).await? == 0 {
                return if self.bytes().is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    /// Reads a whole body, framing taken off, after its head was taken.
    pub async fn body<S: AsyncRead + Unpin>(
        &mut self,
        socket: &mut S,
        framing: Framing,
        into: &mut Vec<u8>,
    ) -> io::Result<()> {
        into.clear();
        let mut chunks = Chunks::default();
        loop {
            let done = match framing {
                Framing::Length(length) => {
                    let count = self.bytes().len().min(length - into.len());
                    into.extend_from_slice(&self.bytes()[..count]);
                    self.take(count);
                    into.len() == length
                }
                Framing::Chunked => {
                    let consumed = chunks.feed(self.bytes(), |data| into.extend_from_slice(data))?;
                    self.take(consumed);
                    chunks.ended()
                }
            };
            if done {
                return Ok(());
            }
            if self.fill(socket).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Takes `transfer-encoding: chunked` off as bytes come.
#[derive(Debug, Default)]
pub struct Chunks {
    state: ChunkState,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum ChunkState {
    #[default]
    Size,
    Data(usize),
    AfterData,
    Trailer,
    Ended,
}

impl Chunks {
    /// The last chunk and its trailer were seen.
    pub fn ended(&self) -> bool {
        self.state == ChunkState::Ended
    }

    /// Gives the data in `bytes` to `sink`; returns how many bytes are used up.
    pub fn feed(&mut self, bytes: &[u8], mut sink: impl FnMut(&[u8])) -> io::Result<usize> {
        let mut at = 0;
        while at < bytes.len() && self.state != ChunkState::Ended {
            let rest = &bytes[at..];
            if let ChunkState::Data(left) = self.state {
                let count = left.min(rest.len());
                sink(&rest[..count]);
                at += count;
                self.state = if count == left { ChunkState::AfterData } else { ChunkState::Data(left - count) };
                continue;
            }
            let Some(end) = memchr(b'\n', rest) else { break };
            let line = rest[..end].trim_ascii();
            at += end + 1;
            self.state = match self.state {
                ChunkState::Size => match size(line)? {
                    0 => ChunkState::Trailer,
                    size => ChunkState::Data(size),
                },
                ChunkState::Trailer if line.is_empty() => ChunkState::Ended,
                ChunkState::Trailer => ChunkState::Trailer,
                _ => ChunkState::Size,
            };
        }
        Ok(at)
    }
}

fn size(line: &[u8]) -> io::Result<usize> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or(b"");
    std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| usize::from_str_radix(digits.trim(), 16).ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_the_same_however_they_are_cut() {
        let wire = b"5\r\nhello\r\n1;x=y\r\n \r\n6\r\nworld!\r\n0\r\nt: 1\r\n\r\nNEXT";
        for cut in 0..wire.len() {
            let (mut chunks, mut data, mut pending, mut used) = (Chunks::default(), Vec::new(), Vec::new(), 0);
            for part in [&wire[..cut], &wire[cut..]] {
                pending.extend_from_slice(part);
                let consumed = chunks.feed(&pending, |bytes| data.extend_from_slice(bytes)).unwrap();
                pending.drain(..consumed);
                used += consumed;
            }
            assert!(chunks.ended(), "cut at {cut}");
            assert_eq!((data.as_slice(), used), (b"hello world!".as_slice(), wire.len() - 4), "cut at {cut}");
        }
    }

    #[test]
    fn heads_are_read() {
        let head = b"HTTP/1.1 503 no\r\nContent-Length:  17 \r\nX-A: b\r\n\r\n";
        assert_eq!(head_length(head), Some(head.len()));
        assert_eq!((status(head), framing(head)), (503, Framing::Length(17)));
        assert_eq!(header(head, b"x-a"), Some(b"b".as_slice()));
        assert_eq!(header(head, b"x"), None);
        assert_eq!(framing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Framing::Chunked);
        assert_eq!(request_line(b"POST /v1/x HTTP/1.1\r\n\r\n"), (b"POST".as_slice(), b"/v1/x".as_slice()));
    }
}
