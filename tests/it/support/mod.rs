//! What the stories need around them.

pub(crate) mod collector;
pub(crate) mod github;
pub(crate) mod homes;
pub(crate) mod payloads;
pub(crate) mod redis;
pub(crate) mod redis_cluster;
pub(crate) mod redis_sentinel;
pub(crate) mod service;
pub(crate) mod stores;
