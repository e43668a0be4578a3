//! The embedded store: what it keeps, for how long, for whose eyes, and what it says when it cannot.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crossfade::reports::{NewCause, NewEntry, Sample, SampleHead, SavedLane, Store, StoreError};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::folder::Folder;

const KEY: [u8; 32] = [7; 32];

fn open(folder: &Folder) -> Store {
    Store::open(&folder.path().join("reports"), KEY).unwrap()
}

fn lane(stage: &str) -> SavedLane {
    SavedLane { id: "ocr:mistral".to_owned(), state: json!({"stage": stage}).to_string(), evidence: "{}".to_owned() }
}

fn entry(action: &str) -> NewEntry {
    NewEntry {
        at: 5,
        actor: "controller".to_owned(),
        lane: Some("ocr:mistral".to_owned()),
        action: action.to_owned(),
        from: json!("shadow"),
        to: json!("canary"),
        reason: "because".to_owned(),
        evidence: json!({"pairs": 3}),
    }
}

fn sample(id: &str, at: u64, verdict: &str, content: Option<(Value, u64)>) -> Sample {
    let head = SampleHead {
        id: id.to_owned(),
        at,
        lane: "ocr:mistral".to_owned(),
        verdict: verdict.to_owned(),
        shape: "document_url:https".to_owned(),
        status_control: 200,
        status_candidate: 200,
        differences: 1,
        summary: "differs".to_owned(),
    };
    Sample { head, document: json!({"differences": []}), content }
}

fn cause(id: &str, sample_id: &str) -> NewCause {
    NewCause {
        id: id.to_owned(),
        lane: "ocr:mistral".to_owned(),
        severity: "severe".to_owned(),
        kind: "changed".to_owned(),
        path: "status".to_owned(),
        left_type: "number".to_owned(),
        right_type: "number".to_owned(),
        build: "b".to_owned(),
        sample_id: sample_id.to_owned(),
        text: "200 became 500".to_owned(),
    }
}

#[test]
fn everything_survives_reopening() {
    let folder = Folder::new();
    let store = open(&folder);
    store.save(5, 1, &[lane("canary")], &[entry("promote")]).unwrap();
    store.add_sample(&sample("s", 5, "mismatch", Some((json!("text"), 100))), &[cause("c", "s")]).unwrap();
    store.change_setting("frozen", "true", Some(&entry("freeze"))).unwrap();
    drop(store);
    // Another key is offered, as every start offers a fresh one: the first stays, or hashes would not compare.
    let store = Store::open(&folder.path().join("reports"), [9; 32]).unwrap();
    assert_eq!(store.hash_key(), KEY);
    assert_eq!(store.lane("ocr:mistral").unwrap(), Some(lane("canary")));
    assert_eq!(store.lane("ocr:other").unwrap(), None);
    let journal = store.journal(None, 10).unwrap();
    assert_eq!((journal.len(), journal[0].reason.as_str(), &journal[0].evidence), (2, "because", &json!({"pairs": 3})));
    assert_eq!(store.sample("s").unwrap().unwrap().content, Some((json!("text"), 100)));
    let causes = store.causes(Some("ocr:mistral")).unwrap();
    assert_eq!((causes.len(), causes[0].count, causes[0].open), (1, 1, true));
    assert_eq!(store.setting("frozen").unwrap().as_deref(), Some("true"));
}

#[test]
fn files_are_their_owners_alone() {
    let folder = Folder::new();
    let store = open(&folder);
    store.save(5, 1, &[lane("shadow")], &[entry("promote")]).unwrap();
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder.path().join("reports")).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", file.file_name());
        names.push(file.file_name().into_string().unwrap());
    }
    for expected in ["crossfade.db", "crossfade.db-wal", "hash.key"] {
        assert!(names.iter().any(|name| name == expected), "{names:?}");
    }
}

#[test]
fn a_file_that_others_could_read_is_closed_to_them() {
    let folder = Folder::new();
    drop(open(&folder));
    let path = folder.path().join("reports/crossfade.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&folder));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// What opening says once this was done to the folder of a good store.
fn refuses(what: &str, spoil: impl Fn(&Path), expected: &[&str]) {
    let folder = Folder::new();
    drop(open(&folder));
    spoil(&folder.path().join("reports"));
    let error = Store::open(&folder.path().join("reports"), KEY).err().unwrap_or_else(|| panic!("{what} was accepted"));
    let said = error.to_string();
    for part in expected {
        assert!(said.contains(part), "{what}: {said}");
    }
}

#[test]
fn what_it_cannot_trust_it_refuses_and_names() {
    refuses(
        "another version",
        |path| {
            let database = Connection::open(path.join("crossfade.db")).unwrap();
            database.pragma_update(None, "user_version", 99).unwrap();
        },
        &["crossfade.db", "another version", "99", "move it away"],
    );
    refuses("a short key", |path| std::fs::write(path.join("hash.key"), [1; 31]).unwrap(), &["hash.key", "32 bytes"]);
    refuses("an empty key", |path| std::fs::write(path.join("hash.key"), []).unwrap(), &["hash.key", "32 bytes"]);
    refuses(
        "no database",
        |path| std::fs::write(path.join("crossfade.db"), [b'x'; 4096]).unwrap(),
        &["not a database"],
    );
    refuses(
        "a file for a folder",
        |path| {
            std::fs::remove_dir_all(path).unwrap();
            std::fs::write(path, b"").unwrap();
        },
        &["reports folder", "/reports"],
    );
}

#[test]
fn a_refused_store_is_left_as_it_was() {
    let folder = Folder::new();
    drop(open(&folder));
    let path = folder.path().join("reports/crossfade.db");
    let database = Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    assert!(matches!(Store::open(&folder.path().join("reports"), KEY), Err(StoreError::Version { found: 99, .. })));
    let database = Connection::open(&path).unwrap();
    let kept: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 99);
}

#[test]
fn a_lane_and_its_reason_are_never_apart() {
    let folder = Folder::new();
    let store = open(&folder);
    store.save(5, 1, &[lane("shadow")], &[]).unwrap();
    let aside = Connection::open(folder.path().join("reports/crossfade.db")).unwrap();
    aside.execute_batch("ALTER TABLE journal RENAME TO journal_away").unwrap();
    assert!(store.save(6, 2, &[lane("canary")], &[entry("promote")]).is_err());
    assert_eq!(store.lane("ocr:mistral").unwrap(), Some(lane("shadow")), "the lane moved without its reason");
    aside.execute_batch("ALTER TABLE journal_away RENAME TO journal").unwrap();
    store.save(7, 3, &[lane("canary")], &[entry("promote")]).unwrap();
    assert_eq!((store.lane("ocr:mistral").unwrap(), store.journal(None, 9).unwrap().len()), (Some(lane("canary")), 1));
}

#[test]
fn a_late_write_never_replaces_a_newer_one() {
    let store = Store::in_memory(KEY).unwrap();
    for (order, stage, kept) in
        [(1, "canary", "canary"), (3, "shadow", "shadow"), (2, "canary", "shadow"), (3, "off", "off")]
    {
        store.save(5, order, &[lane(stage)], &[entry("promote")]).unwrap();
        assert_eq!(store.lane("ocr:mistral").unwrap(), Some(lane(kept)), "{order}");
    }
    assert_eq!(store.journal(None, 9).unwrap().len(), 4, "what it has to say is kept all the same");
}

#[test]
fn a_sample_and_its_causes_are_never_apart() {
    let folder = Folder::new();
    let store = open(&folder);
    let aside = Connection::open(folder.path().join("reports/crossfade.db")).unwrap();
    aside.execute_batch("ALTER TABLE causes RENAME TO causes_away").unwrap();
    assert!(store.add_sample(&sample("s", 1, "mismatch", None), &[cause("c", "s")]).is_err());
    assert!(store.sample("s").unwrap().is_none());
}

#[test]
fn the_oldest_samples_make_room() {
    const LIMIT: u64 = 200;
    let store = Store::in_memory(KEY).unwrap();
    for at in 0..LIMIT {
        store.add_sample(&sample(&format!("m{at}"), at, "mismatch", None), &[]).unwrap();
    }
    store.add_sample(&sample("match", 0, "match", None), &[]).unwrap();
    let kept = |verdict| store.samples(None, Some(verdict), 500).unwrap().len() as u64;
    assert!(store.sample("m0").unwrap().is_some());
    assert_eq!(kept("mismatch"), LIMIT);
    store.add_sample(&sample("new", LIMIT, "mismatch", None), &[]).unwrap();
    assert_eq!((kept("mismatch"), kept("match")), (LIMIT, 1), "verdicts do not take each other's room");
    assert!(store.sample("m0").unwrap().is_none() && store.sample("m1").unwrap().is_some());
    assert_eq!(store.samples(None, Some("mismatch"), 1).unwrap()[0].id, "new");
}

#[test]
fn content_ends_when_its_time_is_over() {
    let store = Store::in_memory(KEY).unwrap();
    store.add_sample(&sample("short", 1, "match", Some((json!("text"), 100))), &[]).unwrap();
    store.add_sample(&sample("long", 1, "match", Some((json!("text"), 101))), &[]).unwrap();
    let content = |id| store.sample(id).unwrap().unwrap().content.map(|(content, _)| content);
    for (now, forgotten, short) in [(99, 0, Some(json!("text"))), (100, 1, None), (100, 0, None)] {
        assert_eq!(store.expire(now).unwrap(), forgotten, "at {now}");
        assert_eq!(content("short"), short, "at {now}");
    }
    assert_eq!(content("long"), Some(json!("text")));
    assert_eq!(store.expire(101).unwrap(), 1);
    assert_eq!(store.sample("long").unwrap().unwrap().document, json!({"differences": []}), "structure stays");
}

/// "Forgotten" means that the bytes are gone from the disk, too.
#[test]
fn forgotten_content_is_not_in_the_files() {
    let folder = Folder::new();
    let store = open(&folder);
    let secret = "a sentence that a client wrote".repeat(200);
    store.add_sample(&sample("s", 1, "match", Some((json!(secret), 100))), &[]).unwrap();
    store.expire(100).unwrap();
    drop(store);
    for file in std::fs::read_dir(folder.path().join("reports")).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes.windows(30).any(|window| window == b"a sentence that a client wrote");
        assert!(!found, "{} still holds it", path.display());
    }
}

#[test]
fn causes_count_and_open_again() {
    let store = Store::in_memory(KEY).unwrap();
    store.add_sample(&sample("a", 1, "mismatch", None), &[cause("c", "a")]).unwrap();
    let open = |store: &Store| store.open_causes().unwrap().remove("ocr:mistral").unwrap_or_default();
    assert_eq!(open(&store), 1);
    assert_eq!(store.close_causes(Some("c"), None).unwrap(), 1);
    assert_eq!(open(&store), 0);
    assert_eq!(store.close_causes(Some("c"), None).unwrap(), 0, "closed once");
    assert_eq!(store.close_causes(Some("other"), None).unwrap(), 0);
    store.add_sample(&sample("b", 9, "mismatch", None), &[cause("c", "b")]).unwrap();
    let causes = store.causes(None).unwrap();
    let one = &causes[0];
    assert_eq!((one.count, one.first_seen, one.last_seen, one.open), (2, 1, 9, true));
    assert_eq!(one.sample_id.as_deref(), Some("b"));
}

#[test]
fn the_journal_is_listed_newest_first_with_what_concerns_all() {
    let store = Store::in_memory(KEY).unwrap();
    let all = NewEntry { lane: None, ..entry("freeze") };
    let other = NewEntry { lane: Some("ocr:other".to_owned()), ..entry("hold") };
    store.save(1, 1, &[], &[entry("promote"), all, other]).unwrap();
    let listed = |lane: Option<&str>, limit| -> Vec<String> {
        store.journal(lane, limit).unwrap().into_iter().map(|entry| entry.action).collect()
    };
    assert_eq!(listed(None, 10), ["hold", "freeze", "promote"]);
    assert_eq!(listed(Some("ocr:mistral"), 10), ["freeze", "promote"]);
    assert_eq!(listed(None, 1), ["hold"]);
    assert_eq!(listed(None, 0), Vec::<String>::new());
}
