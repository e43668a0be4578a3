//! The embedded store: one SQLite file, private to its owner.
//!
//! Calls block for a disk write, so they belong on the controller's, the shadow's and the admin port's threads and
//! never on a thread that serves requests.

use std::collections::HashMap;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use super::schema;

/// Seconds since 1970, UTC.
pub type Seconds = u64;

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("failed to prepare the reports folder {}: {cause}", path.display())]
    Folder { path: PathBuf, cause: std::io::Error },
    #[error("the store in {} was written by another version of Crossfade ({found}); move it away to start anew", path.display())]
    Version { path: PathBuf, found: i64 },
    #[error("another Crossfade uses the reports folder {}; give each its own", path.display())]
    InUse { path: PathBuf },
    #[error("the store failed: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("the store holds something that is not JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A lane's state and evidence as saved: JSON whose meaning is the controller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedLane {
    pub id: String,
    pub state: String,
    pub evidence: String,
}

/// A journal entry to be written.
#[derive(Clone, Debug)]
pub struct NewEntry {
    pub at: Seconds,
    /// `controller`, `operator:<name>` or `config`.
    pub actor: String,
    pub lane: Option<String>,
    pub action: String,
    pub from: Value,
    pub to: Value,
    pub reason: String,
    pub evidence: Value,
}

/// A journal entry: who did what, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    pub id: i64,
    pub at: Seconds,
    pub actor: String,
    pub lane: Option<String>,
    pub action: String,
    pub from: Value,
    pub to: Value,
    pub reason: String,
    pub evidence: Value,
}

/// One more mismatch of a cause.
#[derive(Clone, Debug)]
pub struct NewCause {
    pub id: String,
    pub lane: String,
    pub severity: String,
    pub kind: String,
    pub path: String,
    pub left_type: String,
    pub right_type: String,
    pub build: String,
    pub sample_id: String,
    pub text: String,
}

/// Mismatches with one signature.
#[derive(Clone, Debug, Serialize)]
pub struct Cause {
    pub id: String,
    pub lane: String,
    pub severity: String,
    pub kind: String,
    pub path: String,
    pub left_type: String,
    pub right_type: String,
    pub count: i64,
    pub first_seen: Seconds,
    pub last_seen: Seconds,
    pub first_build: String,
    pub sample_id: Option<String>,
    pub open: bool,
    pub text: String,
}

/// A compared pair.
#[derive(Clone, Debug)]
pub struct Sample {
    pub head: SampleHead,
    /// Structure, lengths, hashes and differences.
    pub document: Value,
    /// Bodies, where the lane's rule keeps content, and until when.
    pub content: Option<(Value, Seconds)>,
}

#[derive(Clone, Debug, Serialize)]
pub struct SampleHead {
    pub id: String,
    pub at: Seconds,
    pub lane: String,
    pub verdict: String,
    pub shape: String,
    pub status_control: u16,
    pub status_candidate: u16,
    pub differences: usize,
    pub summary: String,
}

/// Samples kept for one lane and verdict; the oldest make room.
const SAMPLES_MAX: i64 = 200;
/// Entries of the journal that one listing returns.
pub const JOURNAL_LISTED_MAX: usize = 500;

/// The store of one process.
pub struct Store {
    /// Lanes, journal, settings: a write that was reported survives a power cut.
    connection: Mutex<Connection>,
    /// Samples and causes: many a second, so a write survives the end of the process and no more.
    samples: Mutex<Connection>,
    /// The order of each lane's newest write.
    written: Mutex<HashMap<String, u64>>,
    hash_key: [u8; 32],
    /// Held while the store is open: two processes on one folder would overwrite each other's lanes.
    _lock: Option<std::fs::File>,
}

impl Store {
    /// Opens or creates the store in `folder`. Files are readable by their owner alone.
    pub fn open(folder: &Path, fresh_key: [u8; 32]) -> Result<Self, StoreError> {
        let in_folder = |cause| StoreError::Folder { path: folder.to_owned(), cause };
        std::fs::create_dir_all(folder).map_err(in_folder)?;
        let hash_key = hash_key(&folder.join("hash.key"), fresh_key).map_err(in_folder)?;
        let lock =
            OpenOptions::new().create(true).append(true).mode(0o600).open(folder.join("lock")).map_err(in_folder)?;
        lock.try_lock().map_err(|_| StoreError::InUse { path: folder.to_owned() })?;
        let path = folder.join("crossfade.db");
        // Created with its mode before SQLite sees it; the journal files inherit the mode.
        OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(in_folder)?;
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(in_folder)?;
        let connection = connect(&path, "FULL")?;
        let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match found {
            0 => connection.execute_batch(&format!(
                "BEGIN; {} PRAGMA user_version = {}; COMMIT;",
                schema::TABLES,
                schema::VERSION
            ))?,
            schema::VERSION => {}
            found => return Err(StoreError::Version { path, found }),
        }
        let samples = connect(&path, "NORMAL")?;
        Ok(Self::of(connection, samples, hash_key, Some(lock)))
    }

    /// A store that ends with the process.
    pub fn in_memory(hash_key: [u8; 32]) -> Result<Self, StoreError> {
        // Each in-memory database is one of its own; what either holds is never asked of the other.
        let (connection, samples) = (Connection::open_in_memory()?, Connection::open_in_memory()?);
        connection.execute_batch(schema::TABLES)?;
        samples.execute_batch(schema::TABLES)?;
        Ok(Self::of(connection, samples, hash_key, None))
    }

    fn of(connection: Connection, samples: Connection, hash_key: [u8; 32], lock: Option<std::fs::File>) -> Self {
        let (connection, samples) = (Mutex::new(connection), Mutex::new(samples));
        Self { connection, samples, written: Mutex::default(), hash_key, _lock: lock }
    }

    /// Keys the hashes of contents, so that a store cannot be searched for a known prompt.
    pub fn hash_key(&self) -> [u8; 32] {
        self.hash_key
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sample_connection(&self) -> MutexGuard<'_, Connection> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn lane(&self, id: &str) -> Result<Option<SavedLane>, StoreError> {
        let connection = self.connection();
        let mut query = connection.prepare_cached("SELECT id, state, evidence FROM lanes WHERE id = ?1")?;
        let lane =
            query.query_row([id], |row| Ok(SavedLane { id: row.get(0)?, state: row.get(1)?, evidence: row.get(2)? }));
        Ok(lane.optional()?)
    }

    /// Saves lanes and journal entries in one transaction: a stage and its reason are never apart.
    ///
    /// `order` grows with the moment that `lanes` were looked at. Writers do not wait for each other before they come
    /// here, and a lane that was written with a later order stays as it is.
    pub fn save(&self, at: Seconds, order: u64, lanes: &[SavedLane], entries: &[NewEntry]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = |lane: &&SavedLane| written.get(&lane.id).is_none_or(|newest| *newest <= order);
        let lanes: Vec<&SavedLane> = lanes.iter().filter(newest).collect();
        let transaction = connection.transaction()?;
        {
            let mut lane = transaction.prepare_cached(
                "INSERT INTO lanes (id, state, evidence, updated_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (id) DO UPDATE SET state = ?2, evidence = ?3, updated_at = ?4",
            )?;
            for saved in &lanes {
                lane.execute(params![saved.id, saved.state, saved.evidence, at])?;
            }
        }
        write_entries(&transaction, entries)?;
        transaction.commit()?;
        written.extend(lanes.iter().map(|lane| (lane.id.clone(), order)));
        Ok(())
    }

    /// The newest entries, of one lane or of all.
    pub fn journal(&self, lane: Option<&str>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let connection = self.connection();
        let mut query = connection.prepare_cached(
            "SELECT id, at, actor, lane, action, before, after, reason, evidence FROM journal
             WHERE ?1 IS NULL OR lane = ?1 OR lane IS NULL ORDER BY id DESC LIMIT ?2",
        )?;
        let rows = query.query_map(params![lane, limit.min(JOURNAL_LISTED_MAX)], entry)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps a sample and counts its causes, in one transaction.
    pub fn add_sample(&self, sample: &Sample, causes: &[NewCause]) -> Result<(), StoreError> {
        let head = &sample.head;
        let mut connection = self.sample_connection();
        let transaction = connection.transaction()?;
        let (content, until) = match &sample.content {
            Some((content, until)) => (Some(content.to_string()), Some(*until)),
            None => (None, None),
        };
        transaction.prepare_cached(
            "INSERT INTO samples (id, at, lane, verdict, shape, status_control, status_candidate, differences, summary, document, content, content_until)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute(params![
            head.id, head.at, head.lane, head.verdict, head.shape, head.status_control, head.status_candidate,
            head.differences, head.summary, sample.document.to_string(), content, until
        ])?;
        transaction
            .prepare_cached(
                "DELETE FROM samples WHERE lane = ?1 AND verdict = ?2 AND id NOT IN
             (SELECT id FROM samples WHERE lane = ?1 AND verdict = ?2 ORDER BY at DESC, rowid DESC LIMIT ?3)",
            )?
            .execute(params![head.lane, head.verdict, SAMPLES_MAX])?;
        for cause in causes {
            transaction.prepare_cached(
                "INSERT INTO causes (id, lane, severity, kind, path, left_type, right_type, count, first_seen, last_seen, first_build, sample_id, open, text)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?8, ?9, ?10, 1, ?11)
                 ON CONFLICT (id) DO UPDATE SET count = count + 1, last_seen = ?8, sample_id = ?10, text = ?11, open = 1",
            )?
            .execute(params![
                cause.id, cause.lane, cause.severity, cause.kind, cause.path, cause.left_type, cause.right_type,
                head.at, cause.build, cause.sample_id, cause.text
            ])?;
        }
        transaction.commit()?;
        Ok(())
    }

    pub fn samples(
        &self,
        lane: Option<&str>,
        verdict: Option<&str>,
        limit: usize,
    ) -> Result<Vec<SampleHead>, StoreError> {
        let connection = self.sample_connection();
        let mut query = connection.prepare_cached(
            "SELECT id, at, lane, verdict, shape, status_control, status_candidate, differences, summary FROM samples
             WHERE (?1 IS NULL OR lane = ?1) AND (?2 IS NULL OR verdict = ?2) ORDER BY at DESC, rowid DESC LIMIT ?3",
        )?;
        let rows = query.query_map(params![lane, verdict, limit.min(JOURNAL_LISTED_MAX)], sample_head)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub fn sample(&self, id: &str) -> Result<Option<Sample>, StoreError> {
        let connection = self.sample_connection();
        let mut query = connection.prepare_cached(
            "SELECT id, at, lane, verdict, shape, status_control, status_candidate, differences, summary, document, content, content_until
             FROM samples WHERE id = ?1",
        )?;
        let found = query
            .query_row([id], |row| {
                let content: (Option<String>, Option<Seconds>) = (row.get(10)?, row.get(11)?);
                Ok((sample_head(row)?, row.get::<_, String>(9)?, content))
            })
            .optional()?;
        let Some((head, document, (content, until))) = found else { return Ok(None) };
        let content = match content.zip(until) {
            Some((content, until)) => Some((serde_json::from_str(&content)?, until)),
            None => None,
        };
        Ok(Some(Sample { head, document: serde_json::from_str(&document)?, content }))
    }

    pub fn causes(&self, lane: Option<&str>) -> Result<Vec<Cause>, StoreError> {
        let connection = self.sample_connection();
        let mut query = connection.prepare_cached(
            "SELECT id, lane, severity, kind, path, left_type, right_type, count, first_seen, last_seen, first_build, sample_id, open, text
             FROM causes WHERE ?1 IS NULL OR lane = ?1 ORDER BY open DESC, last_seen DESC LIMIT 500",
        )?;
        let rows = query.query_map(params![lane], cause)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many severe causes of a lane nobody has looked at.
    pub fn open_severe_causes(&self, lane: &str) -> Result<u64, StoreError> {
        let connection = self.sample_connection();
        let query = "SELECT COUNT(*) FROM causes WHERE lane = ?1 AND open = 1 AND severity = 'severe'";
        Ok(connection.query_row(query, [lane], |row| row.get(0))?)
    }

    /// Open causes of every lane that has any.
    pub fn open_causes(&self) -> Result<HashMap<String, u64>, StoreError> {
        let connection = self.sample_connection();
        let mut query = connection.prepare("SELECT lane, COUNT(*) FROM causes WHERE open = 1 GROUP BY lane")?;
        let counted = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(counted.collect::<Result<_, _>>()?)
    }

    /// Closes causes: one that an operator has looked at, or all of a lane whose evidence starts anew.
    pub fn close_causes(&self, id: Option<&str>, lane: Option<&str>) -> Result<usize, StoreError> {
        let changed = self.sample_connection().execute(
            "UPDATE causes SET open = 0 WHERE open = 1 AND (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR lane = ?2)",
            params![id, lane],
        )?;
        Ok(changed)
    }

    /// Forgets content whose time is over, in every file.
    pub fn expire(&self, now: Seconds) -> Result<usize, StoreError> {
        let connection = self.sample_connection();
        let changed = connection.execute(
            "UPDATE samples SET content = NULL, content_until = NULL WHERE content IS NOT NULL AND content_until <= ?1",
            [now],
        )?;
        if changed > 0 {
            // The write-ahead log still holds what was written through it.
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(changed)
    }

    pub fn setting(&self, name: &str) -> Result<Option<String>, StoreError> {
        let connection = self.connection();
        Ok(connection.query_row("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0)).optional()?)
    }

    /// Changes a setting and says why, in one transaction; what the controller only remembers needs no reason.
    pub fn change_setting(&self, name: &str, value: &str, entry: Option<&NewEntry>) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2",
            [name, value],
        )?;
        write_entries(&transaction, entry.map(std::slice::from_ref).unwrap_or_default())?;
        transaction.commit()?;
        Ok(())
    }
}

fn write_entries(transaction: &Transaction<'_>, entries: &[NewEntry]) -> rusqlite::Result<()> {
    let mut entry = transaction.prepare_cached(
        "INSERT INTO journal (at, actor, lane, action, before, after, reason, evidence)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for new in entries {
        entry.execute(params![
            new.at,
            new.actor,
            new.lane,
            new.action,
            new.from.to_string(),
            new.to.to_string(),
            new.reason,
            new.evidence.to_string()
        ])?;
    }
    Ok(())
}

fn connect(path: &Path, synchronous: &str) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", -512)?;
    // Content whose time is over is overwritten, not only unlinked.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    Ok(connection)
}

fn hash_key(path: &Path, fresh: [u8; 32]) -> std::io::Result<[u8; 32]> {
    match std::fs::read(path) {
        Ok(bytes) => bytes
            .try_into()
            .map_err(|_| std::io::Error::new(std::io::ErrorKind::InvalidData, "hash.key is not 32 bytes long")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?.write_all(&fresh)?;
            Ok(fresh)
        }
        Err(error) => Err(error),
    }
}

fn json(row: &Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let text: Option<String> = row.get(column)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        at: row.get(1)?,
        actor: row.get(2)?,
        lane: row.get(3)?,
        action: row.get(4)?,
        from: json(row, 5)?,
        to: json(row, 6)?,
        reason: row.get(7)?,
        evidence: json(row, 8)?,
    })
}

fn sample_head(row: &Row<'_>) -> rusqlite::Result<SampleHead> {
    Ok(SampleHead {
        id: row.get(0)?,
        at: row.get(1)?,
        lane: row.get(2)?,
        verdict: row.get(3)?,
        shape: row.get(4)?,
        status_control: row.get(5)?,
        status_candidate: row.get(6)?,
        differences: row.get(7)?,
        summary: row.get(8)?,
    })
}

fn cause(row: &Row<'_>) -> rusqlite::Result<Cause> {
    Ok(Cause {
        id: row.get(0)?,
        lane: row.get(1)?,
        severity: row.get(2)?,
        kind: row.get(3)?,
        path: row.get(4)?,
        left_type: row.get(5)?,
        right_type: row.get(6)?,
        count: row.get(7)?,
        first_seen: row.get(8)?,
        last_seen: row.get(9)?,
        first_build: row.get(10)?,
        sample_id: row.get(11)?,
        open: row.get(12)?,
        text: row.get(13)?,
    })
}
