//! The one hash of this crate: FNV-1a 64 with a finaliser, written out so that it never changes
//! under us.
//!
//! Sticky assignment, shape keys and cause identities outlive a process and a build, so neither
//! the standard library's hasher (unspecified) nor a crate's (may change) would do. It is not a
//! keyed hash: nothing secret depends on it.

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// Separates fields: no byte of UTF-8 text is ever `0xff`, so `("a", "bc")` and `("ab", "c")` differ.
const FIELD_END: u8 = 0xff;

/// Hashes fields in order; the boundary between two fields counts.
pub(crate) fn fields(parts: &[&[u8]]) -> u64 {
    let mut state = FNV_OFFSET;
    for part in parts {
        for byte in part.iter().chain(std::iter::once(&FIELD_END)) {
            state = (state ^ u64::from(*byte)).wrapping_mul(FNV_PRIME);
        }
    }
    finalise(state)
}

/// Folds a further hash into a running one; order counts.
pub(crate) fn fold(running: u64, next: u64) -> u64 {
    finalise(running.rotate_left(5) ^ next.wrapping_mul(FNV_PRIME))
}

/// MurmurHash3's 64-bit finaliser. FNV alone leaves the high bits of short inputs poorly mixed, and
/// the high bits are the ones a share is read from.
fn finalise(mut state: u64) -> u64 {
    state ^= state >> 33;
    state = state.wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^= state >> 33;
    state = state.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    state ^ (state >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_between_fields_count() {
        assert_ne!(fields(&[b"a", b"bc"]), fields(&[b"ab", b"c"]));
        assert_ne!(fields(&[b"a"]), fields(&[b"a", b""]));
    }
}
