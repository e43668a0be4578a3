//! The lines of a body, as httpx gives them to whoever reads a stream by lines.
//!
//! Source: httpx `_decoders.py` `TextDecoder`, `LineDecoder`: a line ends wherever `str.splitlines` says, also inside of what JSON
//! calls a string.

use crate::python::bytes_decode::TextDecoder;

/// A line longer than this ends the stream.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Lines off the bytes they come in.
#[derive(Debug)]
pub(crate) struct Lines {
    decoder: TextDecoder,
    text: String,
    /// Where the next line begins, and up to where no end was found.
    at: usize,
    searched: usize,
    has_ended: bool,
}

impl Lines {
    pub(crate) fn of(content_type: Option<&str>) -> Self {
        let decoder = TextDecoder::of(content_type);
        Self { decoder, text: String::new(), at: 0, searched: 0, has_ended: false }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.text.drain(..self.at);
        self.searched -= self.at;
        self.at = 0;
        let decoded = self.decoder.decode(bytes);
        self.text.push_str(&decoded);
    }

    /// No more bytes follow; what is left is a line too.
    pub(crate) fn finish(&mut self) {
        self.text.push_str(self.decoder.finish());
        self.has_ended = true;
    }

    /// The next whole line, without its end.
    pub(crate) fn next(&mut self) -> Option<&str> {
        let rest = &self.text[self.searched..];
        let Some((start, end)) = rest.char_indices().find(|(_, character)| ends_line(*character)) else {
            self.searched = self.text.len();
            return self.last();
        };
        let (from, start) = (self.at, self.searched + start);
        let behind = start + end.len_utf8();
        match (end, self.text.as_bytes().get(behind)) {
            // A line feed may follow.
            ('\r', None) if !self.has_ended => {
                self.searched = start;
                return None;
            }
            ('\r', Some(b'\n')) => self.at = behind + 1,
            _ => self.at = behind,
        }
        self.searched = self.at;
        Some(&self.text[from..start])
    }

    fn last(&mut self) -> Option<&str> {
        let from = self.at;
        if !self.has_ended || from == self.text.len() {
            return None;
        }
        self.at = self.text.len();
        Some(&self.text[from..])
    }

    /// Whether more waits for its end than a line may have.
    pub(crate) fn is_too_long(&self) -> bool {
        self.text.len() - self.at > LINE_BYTES_MAX
    }
}

/// Where Python's `str.splitlines` cuts.
fn ends_line(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8], size: usize) -> Vec<String> {
        let mut lines = Lines::of(None);
        let mut found = Vec::new();
        for piece in text.chunks(size) {
            lines.push(piece);
            while let Some(line) = lines.next() {
                found.push(line.to_owned());
            }
        }
        lines.finish();
        while let Some(line) = lines.next() {
            found.push(line.to_owned());
        }
        found
    }

    #[test]
    fn cuts_as_python_does_however_the_bytes_come() {
        let cases: [(&[u8], &[&str]); 8] = [
            (b"", &[]),
            (b"a", &["a"]),
            (b"a\r\n\r\nb\r", &["a", "", "b"]),
            (b"\n\r\n\r", &["", "", ""]),
            ("é\u{2028}漢\u{85}\u{b}x".as_bytes(), &["é", "漢", "", "x"]),
            (b"a\xff\xc3(\xf0\x9f\n", &["a\u{fffd}\u{fffd}(\u{fffd}"]),
            (b"\xe6\xbc", &["\u{fffd}"]),
            (b"\n\n", &["", ""]),
        ];
        for (text, expected) in cases {
            for size in 1..=text.len().max(1) {
                assert_eq!(lines(text, size), expected, "{text:?} by {size}");
            }
        }
    }
}
