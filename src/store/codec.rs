//! Compression of what is kept for reading: bodies and larger events.

use super::{Result, StoreError};

/// The level that costs about 100 µs for 24 KB and leaves a tenth of it.
const LEVEL: i32 = 3;

/// The largest body that is ever unpacked: a little over what the door lets in.
const MOST: usize = 32 * 1024 * 1024;

/// Compresses a body for [`super::Store::save_body`].
pub fn compress(body: &[u8]) -> Result<Vec<u8>> {
    zstd::bulk::compress(body, LEVEL)
        .map_err(|error| StoreError::Damaged { what: "a body to compress".into(), why: error.to_string() })
}

/// What [`compress`] was given.
pub fn decompress(compressed: &[u8]) -> Result<Vec<u8>> {
    zstd::stream::decode_all(compressed)
        .map_err(|error| error.to_string())
        .and_then(|body| if body.len() > MOST { Err("it is too large".into()) } else { Ok(body) })
        .map_err(|why| StoreError::Damaged { what: "a stored body".into(), why })
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
}
