//! Where in a document: `$.pages[0].markdown`, and its template `$.pages[*].markdown`.

/// A place in a document, grown and shrunk while walking it.
#[derive(Clone, Debug, Default)]
pub struct Path {
    segments: Vec<Segment>,
}

#[derive(Clone, Debug)]
enum Segment {
    Key(String),
    Index(usize),
}

impl Path {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// Goes one member further down.
    pub fn enter_key(&mut self, key: &str) {
        self.segments.push(Segment::Key(key.to_owned()));
    }

    /// Goes one element further down.
    pub fn enter_index(&mut self, index: usize) {
        self.segments.push(Segment::Index(index));
    }

    /// Goes back up by one.
    pub fn leave(&mut self) {
        self.segments.pop();
    }

    /// The place with its indexes.
    pub fn exact(&self) -> String {
        self.write(|index| format!("[{index}]"))
    }

    /// The place with `[*]` for every index.
    pub fn template(&self) -> String {
        self.write(|_| "[*]".to_owned())
    }

    fn write(&self, index: impl Fn(usize) -> String) -> String {
        let mut written = String::from("$");
        for segment in &self.segments {
            match segment {
                Segment::Index(at) => written.push_str(&index(*at)),
                Segment::Key(key) if is_plain(key) => {
                    written.push('.');
                    written.push_str(key);
                }
                // Debug spelling quotes and escapes, so a key cannot pose as a longer path.
                Segment::Key(key) => written.push_str(&format!("[{key:?}]")),
            }
        }
        written
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
