//! The same bytes in other pieces.

/// Cuts `bytes` at places that follow from `seed`; 0 cuts behind every byte.
pub fn cut(bytes: &[u8], seed: u8) -> Vec<&[u8]> {
    if seed == 0 {
        return bytes.chunks(1).collect();
    }
    let mut state = u64::from(seed) | 1 << 40;
    let (mut pieces, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        // xorshift: any spread does, as long as the input alone decides.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let longest = 1 + usize::from(seed);
        let size = 1 + (state % longest as u64) as usize;
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces
}
