//! Compression of what is kept: bodies as they are, and our own JSON against a text that is typical of it.
//!
//! Events and traces are short, and much of them is the same in each. zstd finds that in a single one hardly, and in
//! `typical.json`, as its dictionary, at once: the event of a pull request shrinks to a fifth instead of to a half.

use std::borrow::Cow;
use std::cell::RefCell;
use std::error::Error;
use std::io::Read;
use std::sync::LazyLock;

use zstd::bulk::Compressor;
use zstd::dict::{DecoderDictionary, EncoderDictionary};

use super::{Result, StoreError};

/// The level that costs about 100 µs for 24 KB and leaves a tenth of it.
const LEVEL: i32 = 3;

/// The largest body that is ever unpacked: a little over what the door lets in.
const MOST: u64 = 32 * 1024 * 1024;

/// Shorter JSON is not worth it.
const SHORT: usize = 96;

/// What a zstd frame begins with; neither JSON nor [`BY_TYPICAL`] does.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Stands before a frame that was compressed against [`TYPICAL`]. A better text gets a number of its own.
const BY_TYPICAL: u8 = 1;

/// Never changed: what is stored can be read with this text alone. What is most frequent stands last.
const TYPICAL: &[u8] = include_bytes!("typical.json");

static ENCODER: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(TYPICAL, LEVEL));
thread_local! {
    /// Kept, because its tables cost as much to set up as an event does to compress.
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(TYPICAL));

/// Compresses a body for [`super::Store::save_body`].
pub fn compress(body: &[u8]) -> Result<Vec<u8>> {
    zstd::bulk::compress(body, LEVEL)
        .map_err(|error| StoreError::Damaged { what: "a body to compress".into(), why: error.to_string() })
}

/// What [`compress`] was given.
pub fn decompress(compressed: &[u8]) -> Result<Vec<u8>> {
    zstd::stream::Decoder::new(compressed).map_err(unreadable).and_then(read)
}

/// JSON of our own as it is kept.
pub(super) fn pack(json: Vec<u8>) -> Result<Vec<u8>> {
    if json.len() < SHORT {
        return Ok(json);
    }
    let compressed = PACKER
        .with_borrow_mut(|packer| {
            let packer = match packer {
                Some(packer) => packer,
                none => none.insert(Compressor::with_prepared_dictionary(&ENCODER)?),
            };
            packer.compress(&json)
        })
        .map_err(|error| StoreError::Damaged { what: "JSON to compress".into(), why: error.to_string() })?;
    let mut packed = Vec::with_capacity(1 + compressed.len());
    packed.push(BY_TYPICAL);
    packed.extend(compressed);
    Ok(packed)
}

/// What [`pack`] was given.
pub(super) fn unpack(packed: &[u8]) -> Result<Cow<'_, [u8]>> {
    match packed {
        [BY_TYPICAL, frame @ ..] => {
            let decoder = zstd::stream::Decoder::with_prepared_dictionary(frame, &DECODER);
            decoder.map_err(unreadable).and_then(read).map(Cow::Owned)
        }
        // As it was kept before there was a dictionary.
        frame if frame.starts_with(ZSTD) => decompress(frame).map(Cow::Owned),
        json => Ok(Cow::Borrowed(json)),
    }
}

/// Whether this is what [`pack`] makes of JSON that is not short.
pub(super) fn is_packed(stored: &[u8]) -> bool {
    stored.first() == Some(&BY_TYPICAL) || stored.starts_with(ZSTD)
}

/// Reads no more than there may be: a damaged frame may say that it is large.
fn read(decoder: impl Read) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    decoder.take(MOST + 1).read_to_end(&mut body).map_err(unreadable)?;
    if body.len() as u64 > MOST { Err(unreadable("it is too large")) } else { Ok(body) }
}

fn unreadable(why: impl Into<Box<dyn Error>>) -> StoreError {
    StoreError::Damaged { what: "what is stored compressed".into(), why: why.into().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_back_as_it_was() {
        let body = b"{\"action\":\"closed\"}".repeat(2000);
        let small = compress(&body).unwrap();
        assert!(small.len() < body.len() / 10);
        assert_eq!(decompress(&small).unwrap(), body);
        assert!(decompress(b"not zstd").is_err());
    }

    #[test]
    fn our_own_json_comes_back_however_it_was_kept() {
        let event = br#"{"schema":1,"provider":"github","kind":"pull_request.merged","triggers":["pull_request.merged"],"repo":{"id":"7","name":"till","path":"bank/till"}}"#;
        let packed = pack(event.to_vec()).unwrap();
        assert!(packed.len() < event.len() / 2, "{} of {}", packed.len(), event.len());
        assert_eq!(*unpack(&packed).unwrap(), *event);
        assert_eq!(*unpack(&compress(event).unwrap()).unwrap(), *event);
        assert_eq!(pack(b"{}".to_vec()).unwrap(), b"{}");
        assert_eq!(*unpack(b"{}").unwrap(), *b"{}");
        assert!(unpack(&[BY_TYPICAL, 7]).is_err() && unpack(&packed[..packed.len() - 1]).is_err());
    }

    #[test]
    fn the_dictionary_is_what_stored_data_was_written_with() {
        use sha2::{Digest, Sha256};
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(TYPICAL));
        assert_eq!(
            digest, "81e9a2b6863a8dba66e845c11d2307ffd67d81b50d653dda39cfe2a5ed786142",
            "stored data could not be read any more"
        );
    }
}
