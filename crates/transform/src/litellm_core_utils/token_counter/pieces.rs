//! How tokenizers cut a text before they merge: what their patterns match, one alternative after the other.
//!
//! Written out, because the patterns look ahead and Rust's `regex` doesn't. Each function names the alternative it stands for.
//! Source: tiktoken 0.14.0 `tiktoken_ext/openai_public.py`; tokenizers 0.23.3 `ByteLevel`.

use super::characters::{Characters, Class};

/// Which pattern cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Cl100kBase,
    O200kBase,
    /// GPT-2's, which Anthropic's tokenizer has.
    ByteLevel,
}

/// The pieces of a text, in order, without gaps.
pub(super) struct Pieces<'a> {
    text: &'a str,
    at: usize,
    pattern: Pattern,
    characters: &'static Characters,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(text: &'a str, pattern: Pattern) -> Self {
        let characters = match pattern {
            Pattern::Cl100kBase | Pattern::O200kBase => Characters::tiktoken(),
            Pattern::ByteLevel => Characters::anthropic(),
        };
        Self { text, at: 0, pattern, characters }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let first = self.look(self.at)?;
        let end = match self.pattern {
            Pattern::Cl100kBase => self.cl100k_base(first),
            Pattern::O200kBase => self.o200k_base(first),
            Pattern::ByteLevel => self.byte_level(first),
        };
        let piece = &self.text[self.at..end];
        self.at = end;
        Some(piece)
    }
}

/// A character, where the one behind it begins.
#[derive(Clone, Copy)]
struct Seen {
    character: char,
    class: Class,
    behind: usize,
}

impl Seen {
    fn is_line_end(self) -> bool {
        matches!(self.character, '\r' | '\n')
    }

    /// `[^\r\n\p{L}\p{N}]`
    fn may_lead_a_word(self) -> bool {
        !self.is_line_end() && !self.class.is_letter() && self.class != Class::Number
    }
}

impl Pieces<'_> {
    fn look(&self, at: usize) -> Option<Seen> {
        let character = self.text[at..].chars().next()?;
        Some(Seen { character, class: self.characters.class(character), behind: at + character.len_utf8() })
    }

    /// The end of the longest run from here.
    fn run(&self, from: usize, belongs: impl Fn(Seen) -> bool) -> usize {
        let mut at = from;
        while let Some(seen) = self.look(at).filter(|seen| belongs(*seen)) {
            at = seen.behind;
        }
        at
    }

    fn run_of(&self, from: usize, belongs: impl Fn(Class) -> bool) -> usize {
        self.run(from, |seen| belongs(seen.class))
    }

    fn cl100k_base(&self, first: Seen) -> usize {
        // '(?i:[sdmt]|ll|ve|re)
        if let Some(end) = self.contraction(self.at) {
            return end;
        }
        // [^\r\n\p{L}\p{N}]?+\p{L}++
        let word = if first.may_lead_a_word() { first.behind } else { self.at };
        let end = self.run_of(word, Class::is_letter);
        if end > word {
            return end;
        }
        if let Some(end) = self.digits(first).or_else(|| self.signs(first, |seen| seen.is_line_end())) {
            return end;
        }
        // \s++$
        let end = self.run_of(self.at, |class| class == Class::Space);
        if end == self.text.len() {
            return end;
        }
        // \s*[\r\n]|\s+(?!\S)|\s
        self.line_end(end).unwrap_or_else(|| self.all_but_the_last(first, end))
    }

    fn o200k_base(&self, first: Seen) -> usize {
        // Both alternatives of a word: [^\r\n\p{L}\p{N}]?, then as `lower_word` or `upper_word` say, then a contraction.
        let led = first.may_lead_a_word().then_some(first.behind);
        let lower = || led.and_then(|from| self.lower_word(from)).or_else(|| self.lower_word(self.at));
        let upper = || led.and_then(|from| self.upper_word(from)).or_else(|| self.upper_word(self.at));
        if let Some(end) = lower().or_else(upper) {
            return self.contraction(end).unwrap_or(end);
        }
        let behind_signs = |seen: Seen| seen.is_line_end() || seen.character == '/';
        if let Some(end) = self.digits(first).or_else(|| self.signs(first, behind_signs)) {
            return end;
        }
        // \s*[\r\n]+|\s+(?!\S)|\s+
        let end = self.run_of(self.at, |class| class == Class::Space);
        self.line_end(end).unwrap_or_else(|| self.all_but_the_last(first, end))
    }

    fn byte_level(&self, first: Seen) -> usize {
        // 's|'t|'re|'ve|'m|'ll|'d
        let rest = &self.text[self.at..];
        if let Some(found) = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].iter().find(|word| rest.starts_with(**word))
        {
            return self.at + found.len();
        }
        //  ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+
        let from = if first.character == ' ' { first.behind } else { self.at };
        let kinds: [fn(Class) -> bool; 3] = [Class::is_letter, |class| class == Class::Number, Class::is_other];
        if let Some(end) = kinds.iter().map(|kind| self.run_of(from, kind)).find(|end| *end > from) {
            return end;
        }
        // \s+(?!\S)|\s+
        let end = self.run_of(self.at, |class| class == Class::Space);
        self.all_but_the_last(first, end)
    }

    /// `'(?i:[sdmt]|ll|ve|re)`; without regard to case, a long s is an s.
    fn contraction(&self, at: usize) -> Option<usize> {
        let mut characters = self.text[at..].strip_prefix('\'')?.chars();
        let first = characters.next()?;
        let end = at + 1 + first.len_utf8();
        match first.to_ascii_lowercase() {
            's' | 'd' | 'm' | 't' | '\u{17f}' => Some(end),
            first @ ('l' | 'v' | 'r') => {
                let second = if first == 'l' { 'l' } else { 'e' };
                characters.next().filter(|next| next.to_ascii_lowercase() == second).map(|_| end + 1)
            }
            _ => None,
        }
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`
    fn lower_word(&self, from: usize) -> Option<usize> {
        let upper_end = self.run_of(from, is_upper);
        let end = self.run_of(upper_end, is_lower);
        if end > upper_end {
            return Some(end);
        }
        // The first run gives back what the second needs: all up to the last character that both take.
        let run = &self.text[from..upper_end];
        let shared = |(_, character): &(usize, char)| is_lower(self.characters.class(*character));
        run.char_indices().rev().find(shared).map(|(at, character)| from + at + character.len_utf8())
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`
    fn upper_word(&self, from: usize) -> Option<usize> {
        let end = self.run_of(from, is_upper);
        (end > from).then(|| self.run_of(end, is_lower))
    }

    /// `\p{N}{1,3}`
    fn digits(&self, first: Seen) -> Option<usize> {
        let number = |seen: &Seen| seen.class == Class::Number;
        let mut end = Some(first).filter(number)?.behind;
        for _ in 0..2 {
            end = self.look(end).filter(number).map_or(end, |seen| seen.behind);
        }
        Some(end)
    }

    /// ` ?[^\s\p{L}\p{N}]+` and what may stand behind it.
    fn signs(&self, first: Seen, may_follow: impl Fn(Seen) -> bool) -> Option<usize> {
        let from = if first.character == ' ' { first.behind } else { self.at };
        let end = self.run_of(from, Class::is_other);
        (end > from).then(|| self.run(end, may_follow))
    }

    /// `\s*[\r\n]`: the spaces up to `end`, as far as the last end of a line.
    fn line_end(&self, end: usize) -> Option<usize> {
        self.text[self.at..end].rfind(['\r', '\n']).map(|found| self.at + found + 1)
    }

    /// `\s+(?!\S)|\s+`: the last space before a word belongs to the word.
    fn all_but_the_last(&self, first: Seen, end: usize) -> usize {
        if end == self.text.len() {
            return end;
        }
        let last = self.text[self.at..end].char_indices().next_back().map_or(0, |(at, _)| at);
        if last > 0 { self.at + last } else { end.max(first.behind) }
    }
}

/// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
fn is_upper(class: Class) -> bool {
    matches!(class, Class::Upper | Class::Caseless | Class::Mark)
}

/// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
fn is_lower(class: Class) -> bool {
    matches!(class, Class::Lower | Class::Caseless | Class::Mark)
}
