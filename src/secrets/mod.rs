//! Secrets and tokens: made, sealed, hashed and compared here and nowhere else.
//!
//! * [`Secret`] is a piece of text that prints as `…` and is wiped from memory when dropped.
//! * [`Keyring`] seals secrets for the store with an AEAD under a versioned master key.
//! * [`token`] holds the tokens of administrators and viewers, stored as hashes.

mod keyring;
mod secret;
pub mod token;

pub use keyring::{KeyError, Keyring, MasterKey, OpenError, ResealError};
pub use secret::Secret;
