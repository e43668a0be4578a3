//! The controller: what lets a lane rise, what takes it back, and what survives.

mod falls;
mod inputs;
mod operators;
mod rises;
mod stored;

use crate::stand::{QUICK, Stand};

/// At the first step of the canary.
fn at_canary() -> Stand {
    let mut stand = Stand::under(QUICK);
    stand.earn_a_step();
    assert_eq!(stand.published(), "canary 0.1");
    stand
}

/// As many mismatches as a rollback takes, and no tick.
fn fall(stand: &mut Stand) {
    let before = stand.published();
    for _ in 0..20 {
        stand.mismatches(1);
        if stand.published() != before {
            break;
        }
    }
    assert_eq!(stand.published(), "shadow", "from {before}");
}

fn names(stand: &Stand) -> Vec<String> {
    stand.waits_for().into_iter().map(|(name, _)| name).collect()
}

fn eligible(stand: &Stand) -> bool {
    stand.controller.table().load().lanes.iter().all(|lane| lane.eligible)
}
