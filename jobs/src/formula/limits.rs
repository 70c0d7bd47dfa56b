//! What one formula may cost, however it is written.

/// Characters of source text.
pub const MAX_SOURCE: usize = 10_000;

/// Characters of stored text: a column id is longer than a one-letter name.
pub const MAX_STORED: usize = 40 * MAX_SOURCE;

/// Nested parentheses, calls and minus signs. Every walk over a formula recurses
/// at most this deep, so no source overflows the stack.
pub const MAX_DEPTH: usize = 100;

/// Bytes of one text value.
pub const MAX_TEXT: usize = 64 * 1024;

/// Items of one list.
pub const MAX_LIST: usize = 10_000;

/// Bytes that one evaluation may read and write in text functions. Without this
/// a formula of ten thousand characters could build hundreds of long texts a row.
pub const MAX_WORK: usize = 4 * 1024 * 1024;

/// Characters of a regular expression.
pub const MAX_PATTERN: usize = 1_000;

/// Bytes of a compiled regular expression; `\w{1000}` would take megabytes.
pub const MAX_COMPILED_PATTERN: usize = 256 * 1024;
