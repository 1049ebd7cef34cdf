//! Ids made here: 24 lower-case hex characters, time-ordered (ObjectId layout:
//! 4 bytes seconds, 5 bytes random per process, 3 bytes counter).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds in the upper 40 bits, counter in the lower 24: one atomic keeps ids of one process strictly rising.
static LAST: AtomicU64 = AtomicU64::new(0);
static PROCESS: OnceLock<[u8; 5]> = OnceLock::new();

/// A new id, greater (as text) than every id this process made before.
pub fn new_id() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let floor = now << 24;
    let previous = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some((last + 1).max(floor))).unwrap_or_else(|last| last);
    let value = (previous + 1).max(floor);
    let process = PROCESS.get_or_init(rand::random);
    let mut bytes = [0u8; 12];
    bytes[..4].copy_from_slice(&((value >> 24) as u32).to_be_bytes());
    bytes[4..9].copy_from_slice(process);
    bytes[9..].copy_from_slice(&value.to_be_bytes()[5..]);
    hex::encode(bytes)
}

/// Whether a text may be the id of an imported record, user or file: 1–64 of `A-Za-z0-9_-`.
pub fn is_acceptable(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// `n` random bytes as lower-case hex, for keys, tokens and secrets.
pub fn random_hex(n: usize) -> String {
    let mut bytes = vec![0u8; n];
    rand::fill(&mut bytes[..]);
    hex::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_and_have_24_hex_characters() {
        let ids: Vec<String> = (0..10_000).map(|_| new_id()).collect();
        assert!(ids.windows(2).all(|w| w[0] < w[1]));
        assert!(ids.iter().all(|id| id.len() == 24 && id.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())));
    }
}
