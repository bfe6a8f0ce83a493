//! Limits of names.

/// The longest channel name, in bytes.
pub const CHANNEL_NAME_BYTES_MAX: usize = 200;
/// The rule for channel names, for error messages.
pub const CHANNEL_NAME_RULE: &str =
    "a channel name has 1 to 200 bytes, no control characters, no space at either end";

/// Whether a channel name is allowed.
#[cfg(not(all(target_arch = "wasm32", feature = "js-texts")))]
pub fn is_channel_name(name: &str) -> bool {
    let fits = (1..=CHANNEL_NAME_BYTES_MAX).contains(&name.len());
    let spaced = name.starts_with(' ') || name.ends_with(' ');
    fits && !spaced && !name.bytes().any(|byte| byte.is_ascii_control())
}

/// Whether a channel name is allowed. Where texts stay in JavaScript, `allowed` in `js/src/text.ts` replaces others by
/// `undefined`.
#[cfg(all(target_arch = "wasm32", feature = "js-texts"))]
pub fn is_channel_name(name: &super::Text) -> bool {
    !name.is_undefined()
}

/// The longest idempotency key and the longest client id, in bytes.
pub const KEY_BYTES_MAX: usize = 200;
/// What an idempotency key must be.
pub const KEY_RULE: &str = "an idempotency key has 1 to 200 bytes";

/// The maximum number of names in a lineage: this page load and the earlier ones.
pub const LINEAGE_NAMES_MAX: usize = 8;
/// The longest name in a lineage, in bytes.
pub const LINEAGE_NAME_BYTES_MAX: usize = 40;
