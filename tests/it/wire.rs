//! HTTP/1.1 byte by byte: a client and a scripted server that see exactly what is on the wire, faults included.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// A test that waits longer than this has failed; none waits that long to pass.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// One message, read from the wire.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// The request line or the status line.
    pub first: String,
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The chunks as they were framed, if they were.
    pub chunks: Vec<Vec<u8>>,
    /// False: the connection ended before the message did.
    pub whole: bool,
}

impl Message {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn status(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    pub fn path(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or_default()
    }

    pub fn method(&self) -> &str {
        self.first.split(' ').next().unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn bodiless(&self) -> bool {
        let status = self.status();
        self.first.starts_with("HTTP/") && ((100..200).contains(&status) || status == 204 || status == 304)
    }
}

/// One connection, from either end.
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let begun = Instant::now();
        loop {
            match TcpStream::connect(address) {
                Ok(stream) => return Self::over(stream),
                // Another process on this machine may have shared the port for a moment.
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{address}: {error}"),
            }
            std::thread::yield_now();
        }
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, unread: Vec::new() }
    }

    /// Writes; a peer that has gone is seen at the next read.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Writes what may be refused halfway; true if all of it was taken.
    pub fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next message; `None` when the peer closes, or resets, before its head is whole.
    pub fn read(&mut self) -> Option<Message> {
        let head = self.until(b"\r\n\r\n")?;
        let text = String::from_utf8(head).unwrap();
        let mut lines = text.trim_end().split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap();
                (name.to_ascii_lowercase(), value.trim().to_owned())
            })
            .collect();
        let mut message = Message { first, headers, ..Message::default() };
        self.read_body(&mut message);
        Some(message)
    }

    fn read_body(&mut self, message: &mut Message) {
        let length = message.header("content-length").map(|value| value.parse::<usize>().unwrap());
        let chunked = message.header("transfer-encoding").is_some_and(|value| value.contains("chunked"));
        message.whole = true;
        if message.bodiless() {
            return;
        }
        if chunked {
            message.whole = self.read_chunks(message).is_some();
        } else if let Some(length) = length {
            while self.unread.len() < length && self.fill() {}
            let end = length.min(self.unread.len());
            message.whole = end == length;
            message.body = self.unread.drain(..end).collect();
        } else if message.first.starts_with("HTTP/") {
            while self.fill() {}
            message.body = std::mem::take(&mut self.unread);
        }
    }

    fn read_chunks(&mut self, message: &mut Message) -> Option<()> {
        loop {
            let line = self.until(b"\r\n")?;
            let size = usize::from_str_radix(String::from_utf8(line).unwrap().trim(), 16).unwrap();
            while self.unread.len() < size + 2 {
                if !self.fill() {
                    let end = size.min(self.unread.len());
                    message.body.extend(self.unread.drain(..end));
                    return None;
                }
            }
            let chunk: Vec<u8> = self.unread.drain(..size).collect();
            self.unread.drain(..2);
            if size == 0 {
                return Some(());
            }
            message.body.extend(&chunk);
            message.chunks.push(chunk);
        }
    }

    /// Everything up to and with the mark; `None` when the connection ends first.
    fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.unread[searched..].windows(mark.len()).position(|window| window == mark) {
                return Some(self.unread.drain(..searched + at + mark.len()).collect());
            }
            searched = self.unread.len().saturating_sub(mark.len());
            if !self.fill() {
                return None;
            }
        }
    }

    /// Reads what is there; false at the end of the connection, however it came.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                panic!("the peer was silent for {PATIENCE:?}; unread: {:?}", String::from_utf8_lossy(&self.unread))
            }
            Err(_) => false,
        }
    }

    /// Reads until these bytes have come; false when the connection ends first. Keeps nothing.
    pub fn wait_for(&mut self, mark: &[u8]) -> bool {
        self.until(mark).is_some()
    }

    /// Blocks until the peer has closed or reset the connection; what it still sends is dropped.
    pub fn wait_for_end(&mut self) {
        while self.fill() {}
        self.unread.clear();
    }

    /// Whether the peer ends the connection within this time; what it sends is kept for the next read.
    pub fn ends_within(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let mut buffer = [0; 4096];
        let ended = loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break true,
                Ok(count) => self.unread.extend_from_slice(&buffer[..count]),
                Err(error) => {
                    break !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
                }
            }
        };
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        ended
    }

    /// Whether the peer has ended the connection and sent nothing more.
    pub fn ended(&mut self) -> bool {
        self.unread.is_empty() && !self.fill()
    }

    pub fn close(self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Sends one request over a connection of its own and reads the answer.
pub fn ask(address: SocketAddr, request: impl AsRef<[u8]>) -> Message {
    let mut connection = Connection::open(address);
    connection.send(request);
    connection.read().unwrap_or_else(|| panic!("the connection was closed without an answer"))
}

/// A request with a `content-length`.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = head(method, path, headers);
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// A request in chunks of this size.
pub fn chunked(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = head(method, path, headers);
    bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
    bytes.extend(chunks(body, size));
    bytes
}

fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: gateway.example\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.into_bytes()
}

/// A body as chunks, the last one included.
pub fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in body.chunks(size) {
        bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// An answer with a `content-length`.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} X\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = format!("{text}content-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Bytes that show a piece which got lost, doubled or moved.
pub fn pattern(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

/// What a scripted server does once it has read a request's head and body.
type Script = dyn Fn(&Message, &mut Connection) -> Then + Send + Sync;

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    KeepOpen,
    Close,
}

/// A server that answers as scripted and tells what it saw.
pub struct Server {
    pub address: SocketAddr,
    seen: Receiver<Message>,
}

impl Server {
    /// The script is called once for every request, on the connection's own thread.
    pub fn start(script: impl Fn(&Message, &mut Connection) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, seen) = channel();
        let script: Arc<Script> = Arc::new(script);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (script, tell) = (Arc::clone(&script), tell.clone());
                std::thread::spawn(move || serve(stream, &*script, &tell));
            }
        });
        Self { address, seen }
    }

    /// The same answer to everything.
    pub fn answering(status: u16, headers: &'static [(&'static str, &'static str)], body: &'static [u8]) -> Self {
        Self::start(move |_, connection| {
            connection.send(answer(status, headers, body));
            Then::KeepOpen
        })
    }

    /// The next request, in the order of their ends.
    pub fn next(&self) -> Message {
        self.seen.recv_timeout(PATIENCE).expect("the server was asked nothing")
    }

    /// Whether nothing more has come. Meaningful once the answer to the client is there.
    pub fn idle(&self) -> bool {
        self.seen.try_recv().is_err()
    }
}

fn serve(stream: TcpStream, script: &Script, tell: &Sender<Message>) {
    // An idle connection may stay open for as long as the test likes.
    let mut connection = Connection::over(stream);
    connection.stream.set_read_timeout(None).unwrap();
    while let Some(message) = connection.read() {
        if message.path() == "/health/liveliness" {
            connection.send(answer(200, &[], b"\"I'm alive!\""));
            continue;
        }
        let _ = tell.send(message.clone());
        if script(&message, &mut connection) == Then::Close {
            return;
        }
    }
}

/// An address where nobody listens.
pub fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
