//! simple-shuffle: a weighted draw among the candidates.

use crate::config::Deployment;

/// The weights of a draw, by the first of `weight`, `rpm`, `tpm` that any candidate sets and that does not add up to
/// nothing; else all alike.
///
/// Source  LiteLLM 1.102.4 `router_strategy/simple_shuffle.py` `simple_shuffle`
pub fn weights(candidates: &[&Deployment]) -> Vec<f64> {
    let measures: [fn(&Deployment) -> Option<f64>; 3] = [|one| one.weight, |one| one.rpm, |one| one.tpm];
    for measure in measures {
        if candidates.iter().any(|candidate| measure(candidate).is_some()) {
            let weights: Vec<f64> = candidates.iter().map(|candidate| measure(candidate).unwrap_or(0.0)).collect();
            if weights.iter().sum::<f64>() > 0.0 {
                return weights;
            }
        }
    }
    vec![1.0; candidates.len()]
}

/// The index that a draw in [0, 1) falls on.
pub fn weighted(weights: &[f64], draw: f64) -> usize {
    let target = draw * weights.iter().sum::<f64>();
    let mut passed = 0.0;
    let chosen = weights.iter().position(|weight| {
        passed += weight;
        target < passed
    });
    // Rounding may leave the target at the very end: the last candidate that can be drawn at all.
    chosen.or_else(|| weights.iter().rposition(|weight| *weight > 0.0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::tests_support::deployment;

    #[test]
    fn the_first_measure_with_any_weight_decides() {
        let measured = |weight, rpm, tpm| {
            let mut one = deployment("a");
            (one.weight, one.rpm, one.tpm) = (weight, rpm, tpm);
            one
        };
        let check = |deployments: &[Deployment], expect: &[f64]| {
            assert_eq!(weights(&deployments.iter().collect::<Vec<_>>()), expect);
        };
        check(&[measured(None, None, None), measured(None, None, None)], &[1.0, 1.0]);
        check(&[measured(Some(2.0), Some(9.0), None), measured(None, Some(9.0), None)], &[2.0, 0.0]);
        check(&[measured(Some(0.0), Some(3.0), None), measured(None, None, None)], &[3.0, 0.0]);
        check(&[measured(Some(0.0), None, Some(0.0)), measured(None, None, None)], &[1.0, 1.0]);
    }

    #[test]
    fn draws_fall_on_their_weights() {
        for (weights, draw, expect) in [
            (&[1.0, 1.0][..], 0.0, 0),
            (&[1.0, 1.0], 0.499, 0),
            (&[1.0, 1.0], 0.5, 1),
            (&[0.0, 5.0], 0.0, 1),
            (&[5.0, 0.0], 0.999_999, 0),
            (&[1.0, 2.0, 1.0], 0.74, 1),
            (&[1.0, 0.0], 1.0, 0),
            (&[], 0.3, 0),
        ] {
            assert_eq!(weighted(weights, draw), expect, "{weights:?} {draw}");
        }
    }
}
