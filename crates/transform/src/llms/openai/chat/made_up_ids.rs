//! Ids for what a provider left unnamed: LiteLLM draws a UUID for each, here one draw of the caller's yields them all.

/// Far apart and odd, so that numbers that differ give ids that differ.
const STRIDE: u64 = 0x9e37_79b9_7f4b;
const LAST_DIGITS: u64 = 0xffff_ffff_ffff;

/// The id of a draw with this number; number 0 is the draw itself, and what is no UUID is all of its ids.
pub(crate) fn made_up(draw: &str, number: u64) -> String {
    let parts = draw.rsplit_once('-').and_then(|(rest, last)| Some((rest, u64::from_str_radix(last, 16).ok()?)));
    match parts {
        Some((rest, last)) if number > 0 => {
            format!("{rest}-{:012x}", last.wrapping_add(number.wrapping_mul(STRIDE)) & LAST_DIGITS)
        }
        _ => draw.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_differ_give_ids_that_differ() {
        let draw = "0b6f7b0e-6b0f-4c5e-9a44-fffffffffffe";
        let ids: std::collections::BTreeSet<String> = (0..1000).map(|number| made_up(draw, number)).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.contains(draw));
        assert!(ids.iter().all(|id| id.len() == draw.len() && id.starts_with("0b6f7b0e-6b0f-4c5e-9a44-")));
        assert_eq!(made_up(&made_up(draw, 3), 4), made_up(draw, 7));
        assert_eq!(made_up("id", 5), "id");
    }
}
