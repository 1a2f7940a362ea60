//! The composition root: the one place that chooses implementations and puts the rooms together.

pub mod bootstrap;
