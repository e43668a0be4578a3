//! What was never compared: unseen shapes (Good–Turing) and the uncompared share.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many shapes of a lane are told apart. Requests of further shapes are counted as never
/// compared, which holds the gate rather than opening it.
pub const SHAPES_MAX: usize = 4096;

/// The longest shape name that is told apart; a longer one counts as one shape too many.
const SHAPE_BYTES_MAX: usize = 256;

/// One shape's requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShapeCount {
    /// Compared, ever since the key changed.
    pub compared: u64,
    /// Of these, how many counted toward promotion (not capped).
    pub counted: u64,
    /// Compared since the step began.
    pub step_compared: u64,
    /// Sampled but not compared, since the step began.
    pub step_uncompared: u64,
}

/// The coverage of one lane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    shapes: BTreeMap<String, ShapeCount>,
    /// Requests of shapes beyond the limit.
    overflow: ShapeCount,
}

impl Coverage {
    /// Counts a compared request; `counted` as the caps have it.
    pub fn compared(&mut self, shape: &str, counted: bool) {
        let count = self.entry(shape);
        count.compared += 1;
        count.counted += u64::from(counted);
        count.step_compared += 1;
    }

    /// Counts a sampled request that could not be compared.
    pub fn uncompared(&mut self, shape: &str) {
        self.entry(shape).step_uncompared += 1;
    }

    /// Whether a shape was ever compared under this key.
    pub fn knows(&self, shape: &str) -> bool {
        self.shapes.get(shape).is_some_and(|count| count.compared > 0)
    }

    /// The estimated chance that the next request has a shape that was never compared; 1 without data.
    ///
    /// Good–Turing's share of shapes seen once, with every request of a shape that is known but was
    /// never compared (and of the shapes beyond the limit) added to it.
    pub fn unseen_share(&self) -> f64 {
        let once = self.shapes.values().filter(|count| count.counted == 1).count() as u64;
        let counted: u64 = self.shapes.values().map(|count| count.counted).sum();
        let never =
            self.shapes.values().filter(|count| count.compared == 0).map(|count| count.step_uncompared).sum::<u64>()
                + self.overflow.compared
                + self.overflow.step_uncompared;
        if counted + never == 0 { 1.0 } else { (once + never) as f64 / (counted + never) as f64 }
    }

    /// The share of this step's sampled requests that could not be compared; 0 without data.
    pub fn uncompared_share(&self) -> f64 {
        let all = || self.shapes.values().chain(std::iter::once(&self.overflow));
        share(all().map(|count| count.step_uncompared).sum(), all().map(|count| count.step_compared).sum())
    }

    /// The shape with the greatest uncompared share among those that were compared too and were
    /// sampled `sampled_min` times or more in this step. A shape never compared is not among them:
    /// at canary it stays on Python, and it weighs in the shares above.
    pub fn least_compared(&self, sampled_min: u64) -> Option<(&str, f64)> {
        self.shapes
            .iter()
            .filter(|(_, count)| count.compared > 0 && count.step_compared + count.step_uncompared >= sampled_min)
            .map(|(name, count)| (name.as_str(), share(count.step_uncompared, count.step_compared)))
            .max_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// The shapes that were sampled but never compared, most frequent first.
    pub fn never_compared(&self) -> Vec<&str> {
        let mut shapes: Vec<_> =
            self.shapes.iter().filter(|(_, count)| count.compared == 0 && count.step_uncompared > 0).collect();
        shapes.sort_by_key(|(_, count)| std::cmp::Reverse(count.step_uncompared));
        shapes.into_iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Every shape and its counts, by name.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &ShapeCount)> {
        self.shapes.iter().map(|(name, count)| (name.as_str(), count))
    }

    /// Starts the uncompared share anew.
    pub fn begin_step(&mut self) {
        for count in self.shapes.values_mut().chain(std::iter::once(&mut self.overflow)) {
            (count.step_compared, count.step_uncompared) = (0, 0);
        }
    }

    fn entry(&mut self, shape: &str) -> &mut ShapeCount {
        let fits =
            shape.len() <= SHAPE_BYTES_MAX && (self.shapes.len() < SHAPES_MAX || self.shapes.contains_key(shape));
        if fits { self.shapes.entry(shape.to_owned()).or_default() } else { &mut self.overflow }
    }
}

fn share(part: u64, rest: u64) -> f64 {
    if part + rest == 0 { 0.0 } else { part as f64 / (part + rest) as f64 }
}
