//! The frames that S3's clients put around what they send, and the checksums behind it.
//!
//! `aws-chunked` is a body of chunks, `LENGTH;chunk-signature=…`, the last one empty and followed by trailers, of which
//! a checksum of the whole is one. See
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>. Signatures are not checked.

use std::str;

use aws_smithy_types::base64;
use http::HeaderMap;

use crate::sim::wire::ApiError;

/// The header, or the trailer, with the checksum that clients send unless they are told otherwise.
const CRC32: &str = "x-amz-checksum-crc32";

/// What stands in the frames.
///
/// # Errors
/// Frames that are none, and a checksum that is another one's.
pub(super) fn unframed(mut body: &[u8]) -> Result<Vec<u8>, ApiError> {
    let broken = || ApiError::new("IncompleteBody", "The request body terminated unexpectedly");
    let mut bytes = Vec::with_capacity(body.len());
    loop {
        let head = line(&mut body).ok_or_else(broken)?;
        let length = head.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(length, 16).map_err(|_| broken())?;
        if length == 0 {
            break;
        }
        let (chunk, rest) = body.split_at_checked(length).ok_or_else(broken)?;
        bytes.extend_from_slice(chunk);
        body = rest.strip_prefix(b"\r\n").ok_or_else(broken)?;
    }
    while let Some(trailer) = line(&mut body).filter(|line| !line.is_empty()) {
        if let Some((name, value)) = trailer.split_once(':')
            && name.trim().eq_ignore_ascii_case(CRC32)
        {
            compare(value.trim(), &bytes)?;
        }
    }
    Ok(bytes)
}

/// Holds the bytes of a body against the checksum in its headers, if there is one.
///
/// # Errors
/// It is another one's.
pub(super) fn check(headers: &HeaderMap, bytes: &[u8]) -> Result<(), ApiError> {
    match headers.get(CRC32).and_then(|sum| sum.to_str().ok()) {
        Some(sum) => compare(sum, bytes),
        None => Ok(()),
    }
}

/// The next line of a body without its end, of which it is freed.
fn line<'a>(body: &mut &'a [u8]) -> Option<&'a str> {
    let end = body.windows(2).position(|pair| pair == b"\r\n")?;
    let (line, rest) = body.split_at(end);
    *body = &rest[2..];
    str::from_utf8(line).ok()
}

fn compare(sum: &str, bytes: &[u8]) -> Result<(), ApiError> {
    if sum == base64::encode(crc32(bytes).to_be_bytes()) {
        return Ok(());
    }
    Err(ApiError::new("BadDigest", "The CRC32 you specified did not match the calculated checksum."))
}

/// The checksum of IEEE 802.3, as zip files have it.
fn crc32(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let shift = |sum: u32| (sum >> 1) ^ if sum & 1 == 1 { POLYNOMIAL } else { 0 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| shift(sum)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_the_known_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn frames_are_taken_off_with_and_without_signatures_and_trailers() {
        for body in [
            "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
            "b;chunk-signature=ab\r\nhello world\r\n0;chunk-signature=cd\r\n\r\n",
            "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n",
            "B\r\nhello world\r\n0\r\nX-Amz-Checksum-Crc32: DUoRhQ==\r\nx-amz-trailer-signature:ef\r\n\r\n",
            "b\r\nhello world\r\n0\r\n",
        ] {
            assert_eq!(unframed(body.as_bytes()).unwrap(), b"hello world", "{body}");
        }
    }

    #[test]
    fn broken_frames_and_wrong_checksums_are_refused() {
        for body in [
            "",
            "hello",
            "zz\r\nx\r\n0\r\n\r\n",
            "ffffffffffffffff\r\nx\r\n0\r\n",
            "2\r\nhello\r\n0\r\n",
            "5\r\nhello\r\n",
        ] {
            assert_eq!(unframed(body.as_bytes()).unwrap_err().code, "IncompleteBody", "{body}");
        }
        let body = b"b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        assert_eq!(unframed(body).unwrap_err().code, "BadDigest");
    }
}
