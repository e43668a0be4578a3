//! What changed inside a text, word by word, for a person to look at.

use serde::{Deserialize, Serialize};
use similar::{Algorithm, ChangeTag, DiffOp, capture_diff_slices};

/// Words on either side that are compared after equal ends are off; beyond, one deletion and one
/// insertion say it. Keeps the quadratic algorithm under some ten million steps.
pub const WORDS_MAX: usize = 2000;

/// What a run of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// In both.
    Equal,
    /// Only in the candidate.
    Insert,
    /// Only in the control.
    Delete,
}

/// A run of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Where it is.
    pub tag: Tag,
    /// The text.
    pub text: String,
}

/// A text difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextDiff {
    /// In order: all but the inserts give the control, all but the deletes the candidate.
    pub runs: Vec<Run>,
    /// The texts were too long to compare word by word.
    pub truncated: bool,
}

/// Compares two texts word by word.
pub fn diff_text(left: &str, right: &str) -> TextDiff {
    let (old, new) = (words(left), words(right));
    let head = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(one, other)| one == other).count();
    let (old_middle, new_middle) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);

    let mut diff = TextDiff::default();
    diff.add(ChangeTag::Equal, &old[..head]);
    if old_middle.len().max(new_middle.len()) > WORDS_MAX {
        diff.truncated = true;
        diff.add(ChangeTag::Delete, old_middle);
        diff.add(ChangeTag::Insert, new_middle);
    } else {
        for operation in capture_diff_slices(Algorithm::Myers, old_middle, new_middle) {
            let (lefts, rights) = (&old_middle[operation.old_range()], &new_middle[operation.new_range()]);
            if matches!(operation, DiffOp::Equal { .. }) {
                diff.add(ChangeTag::Equal, lefts);
            } else {
                diff.add(ChangeTag::Delete, lefts);
                diff.add(ChangeTag::Insert, rights);
            }
        }
    }
    diff.add(ChangeTag::Equal, &old[old.len() - tail..]);
    diff
}

impl TextDiff {
    fn add(&mut self, tag: ChangeTag, words: &[&str]) {
        if words.is_empty() {
            return;
        }
        let tag = match tag {
            ChangeTag::Equal => Tag::Equal,
            ChangeTag::Insert => Tag::Insert,
            ChangeTag::Delete => Tag::Delete,
        };
        let text = words.concat();
        match self.runs.last_mut() {
            Some(run) if run.tag == tag => run.text.push_str(&text),
            _ => self.runs.push(Run { tag, text }),
        }
    }
}

/// Words and the space between them, alternating, so that nothing is lost.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut in_space = None;
    for (at, character) in text.char_indices() {
        let space = character.is_whitespace();
        if in_space.is_some_and(|before| before != space) {
            words.push(&text[start..at]);
            start = at;
        }
        in_space = Some(space);
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}
