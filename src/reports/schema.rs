//! The embedded store's tables.

/// Raised when a table changes; a store of another version is refused, never guessed at.
pub(super) const VERSION: i64 = 1;

pub(super) const TABLES: &str = "
CREATE TABLE lanes (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    evidence TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    lane TEXT,
    action TEXT NOT NULL,
    before TEXT,
    after TEXT,
    reason TEXT NOT NULL,
    evidence TEXT
) STRICT;
CREATE INDEX journal_lane ON journal (lane, id);
CREATE TABLE causes (
    id TEXT PRIMARY KEY,
    lane TEXT NOT NULL,
    severity TEXT NOT NULL,
    kind TEXT NOT NULL,
    path TEXT NOT NULL,
    left_type TEXT NOT NULL,
    right_type TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    first_build TEXT NOT NULL,
    sample_id TEXT,
    open INTEGER NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX causes_lane ON causes (lane);
CREATE TABLE samples (
    id TEXT PRIMARY KEY,
    at INTEGER NOT NULL,
    lane TEXT NOT NULL,
    verdict TEXT NOT NULL,
    shape TEXT NOT NULL,
    status_control INTEGER NOT NULL,
    status_candidate INTEGER NOT NULL,
    differences INTEGER NOT NULL,
    summary TEXT NOT NULL,
    document TEXT NOT NULL,
    content TEXT,
    content_until INTEGER
) STRICT;
CREATE INDEX samples_lane ON samples (lane, at);
CREATE INDEX samples_content ON samples (content_until) WHERE content IS NOT NULL;
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
";
