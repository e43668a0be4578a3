//! Pure cutover policy. The clock and the dice are arguments.
