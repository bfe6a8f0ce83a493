//! How many bytes files have, as they are and compressed.

use std::iter::Sum;
use std::ops::Add;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::tools::shell;

/// Node is required anyway, and has both compressions.
const COMPRESS: &str = r#"
const { gzipSync, brotliCompressSync } = require("zlib");
const sizes = process.argv.slice(1).map((file) => {
  const bytes = require("fs").readFileSync(file);
  return [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes).length];
});
console.log(JSON.stringify(sizes));
"#;

/// The bytes of a file or of several.
#[derive(Clone, Copy, Default)]
pub struct Size {
    pub raw: u64,
    pub gzip: u64,
    pub brotli: u64,
}

impl Add for Size {
    type Output = Size;

    fn add(self, other: Size) -> Size {
        Size { raw: self.raw + other.raw, gzip: self.gzip + other.gzip, brotli: self.brotli + other.brotli }
    }
}

impl Sum for Size {
    fn sum<I: Iterator<Item = Size>>(sizes: I) -> Size {
        sizes.fold(Size::default(), Size::add)
    }
}

/// The size of each file.
pub fn sizes<P: AsRef<Path>>(files: &[P]) -> Result<Vec<Size>> {
    let files = files.iter().map(AsRef::as_ref);
    let printed = shell::output(shell::command("node").args(["-e", COMPRESS, "--"]).args(files));
    let rows: Value = serde_json::from_str(&printed.context("node cannot compress the files")?)?;
    let size =
        |row: &Value| Some(Size { raw: row[0].as_u64()?, gzip: row[1].as_u64()?, brotli: row[2].as_u64()? });
    rows.as_array().and_then(|rows| rows.iter().map(size).collect()).context("node printed no sizes")
}

/// Bytes as KB, with one digit after the point.
pub fn kb(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / 1024.0)
}
