//! The events of a stream, off the bytes it comes in.
//!
//! Source: OpenAI's SDK 2.54.0 `_streaming.py` `SSEDecoder`.

/// An event longer than this ends the stream.
pub const EVENT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Server-sent events as OpenAI's SDK reads them: by lines, an event ends at an empty one.
#[derive(Debug, Default)]
pub(super) struct Events {
    bytes: Vec<u8>,
    at: usize,
    data: Option<Vec<String>>,
    /// A field other than data has been seen, so an empty line makes an event without data.
    is_named: bool,
    has_id: bool,
}

impl Events {
    pub(super) fn push(&mut self, data: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        self.bytes.extend_from_slice(data);
    }

    /// The data of the next whole event.
    pub(super) fn next(&mut self) -> Option<Result<String, String>> {
        while let Some(line) = self.line() {
            let line = match String::from_utf8(line) {
                Ok(line) => line,
                Err(error) => return Some(Err(undecodable(&error))),
            };
            if !line.is_empty() {
                self.field(&line);
                continue;
            }
            if self.data.is_none() && !self.is_named && !self.has_id {
                continue;
            }
            self.is_named = false;
            return Some(Ok(self.data.take().unwrap_or_default().join("\n")));
        }
        if self.bytes.len() - self.at > EVENT_BYTES_MAX {
            return Some(Err("event is too long".to_owned()));
        }
        None
    }

    /// The next line, without its end; a carriage return may have a line feed behind it.
    fn line(&mut self) -> Option<Vec<u8>> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        let length = match (rest[end], rest.get(end + 1)) {
            (b'\r', None) => return None,
            (b'\r', Some(b'\n')) => 2,
            _ => 1,
        };
        let line = rest[..end].to_vec();
        self.at += end + length;
        Some(line)
    }

    fn field(&mut self, line: &str) {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => self.data.get_or_insert_default().push(value.to_owned()),
            "event" => self.is_named |= !value.is_empty(),
            "retry" => self.is_named |= value.trim().parse::<i64>().is_ok(),
            "id" if !value.contains('\0') => self.has_id = !value.is_empty(),
            _ => {}
        }
    }
}

fn undecodable(error: &std::string::FromUtf8Error) -> String {
    let at = error.utf8_error().valid_up_to();
    let byte = error.as_bytes().get(at).copied().unwrap_or_default();
    format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: invalid start byte")
}
