//! What the stories need around them.

pub(crate) mod homes;
pub(crate) mod redis;
