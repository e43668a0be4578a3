//! How far a JSON string goes on without anything to escape: what lies before is copied in one piece.
//!
//! A long string is gone through in blocks, which the compiler tests as a whole; the rest of it and a short one eight bytes at a time,
//! each tested within one word: a byte below `n` borrows in `word - n`, a zero byte does in `word - 1`. A borrow
//! may run into the bytes behind, never into those in front, so the first byte found is right.

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = EACH << 7;

/// The length of the beginning that needs no escape: no quote, no backslash, no control character.
pub(super) fn plain_length(text: &[u8]) -> usize {
    length_until(text, escaped, |byte| byte < 0x20 || byte == b'"' || byte == b'\\')
}

/// The same where only printable ASCII goes unescaped.
pub(super) fn plain_ascii_length(text: &[u8]) -> usize {
    length_until(
        text,
        |word| escaped(word) | word | equal(word, 0x7f),
        |byte| !(0x20..0x7f).contains(&byte) || byte == b'"' || byte == b'\\',
    )
}

/// Bytes of a block.
const BLOCK: usize = 32;

fn length_until(text: &[u8], in_word: impl Fn(u64) -> u64, is_end: impl Fn(u8) -> bool) -> usize {
    let mut length = 0;
    while let Some(chunk) = text[length..].first_chunk() {
        let found = in_word(u64::from_le_bytes(*chunk)) & HIGH;
        if found != 0 {
            return length + (found.trailing_zeros() / 8) as usize;
        }
        length += chunk.len();
        if length == BLOCK {
            length += plain_blocks(&text[length..], &is_end);
        }
    }
    // The last word laps over what has been looked at.
    match text.last_chunk() {
        Some(chunk) => match in_word(u64::from_le_bytes(*chunk)) & HIGH {
            0 => text.len(),
            found => text.len() - chunk.len() + (found.trailing_zeros() / 8) as usize,
        },
        None => text.iter().take_while(|&&byte| !is_end(byte)).count(),
    }
}

/// The length of the blocks in front that have no end in them.
fn plain_blocks(text: &[u8], is_end: impl Fn(u8) -> bool) -> usize {
    let (blocks, _) = text.as_chunks::<BLOCK>();
    // Every byte of a block is looked at: that is what makes one test of them.
    let has_end = |block: &[u8; BLOCK]| block.iter().fold(false, |found, &byte| found | is_end(byte));
    blocks.iter().take_while(|block| !has_end(block)).count() * BLOCK
}

fn escaped(word: u64) -> u64 {
    let control = word.wrapping_sub(EACH * 0x20) & !word;
    control | equal(word, b'"') | equal(word, b'\\')
}

fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (EACH * u64::from(byte));
    difference.wrapping_sub(EACH) & !difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn byte_by_byte(text: &[u8], is_ascii_only: bool) -> usize {
        let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\' && !(is_ascii_only && byte >= 0x7f);
        text.iter().position(|&byte| !is_plain(byte)).unwrap_or(text.len())
    }

    #[test]
    fn an_end_anywhere_behind_the_first_block() {
        for length in BLOCK - 1..5 * BLOCK {
            let mut text = vec![b'a'; length];
            assert_eq!((plain_length(&text), plain_ascii_length(&text)), (length, length));
            for place in 0..length {
                text[place] = b'"';
                text[length - 1] = b'"';
                assert_eq!((plain_length(&text), plain_ascii_length(&text)), (place, place));
                text[place] = b'a';
            }
        }
    }

    #[test]
    fn every_byte_at_every_place_among_its_neighbours() {
        let neighbours = [0x00, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7e, 0x7f, 0x80, 0xa0, 0xff, b'a'];
        for byte in 0..=0xff {
            for place in 0..20 {
                for neighbour in neighbours {
                    let mut text = [b'a'; 20];
                    text[place] = byte;
                    text[(place + 1) % 20] = neighbour;
                    assert_eq!(plain_length(&text), byte_by_byte(&text, false), "{text:?}");
                    assert_eq!(plain_ascii_length(&text), byte_by_byte(&text, true), "{text:?}");
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes(text: Vec<u8>) {
            proptest::prop_assert_eq!(plain_length(&text), byte_by_byte(&text, false));
            proptest::prop_assert_eq!(plain_ascii_length(&text), byte_by_byte(&text, true));
        }
    }
}
