//! Pure cutover policy. The clock and the dice are arguments.

/// Which implementation answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leg {
    Python,
    Native,
}

impl Leg {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Native => "native",
        }
    }
}
