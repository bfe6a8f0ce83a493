//! Short names for what the wasm and its glue call each other by. wasm-bindgen makes them long and
//! unlike any other, which a page downloads twice and gzip cannot help: 2 % of it all.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// What wasm-opt prints: `imports` as module, name and new name, `exports` as name and new name.
type Names = HashMap<String, Vec<Vec<String>>>;

/// Renames in the file `wasm`, with `wasm-opt`, and in the text of its glue, which is returned.
pub fn shorten(wasm_opt: &mut Command, wasm: &Path, glue: &Path) -> Result<String> {
    wasm_opt.arg("--minify-imports-and-exports-and-modules").arg(wasm).arg("-o").arg(wasm);
    let output = wasm_opt.output().context("could not start wasm-opt")?;
    if !output.status.success() {
        bail!("wasm-opt could not rename: {}", String::from_utf8_lossy(&output.stderr));
    }
    let names = serde_json::from_slice(&output.stdout).context("wasm-opt does not tell the new names")?;
    rename(&fs::read_to_string(glue)?, &names)
}

fn rename(glue: &str, names: &Names) -> Result<String> {
    let mut glue = glue.to_owned();
    let of = |kind| names.get(kind).into_iter().flatten();
    for import in of("imports") {
        let [module, name, short] = &import[..] else { bail!("no import: {import:?}") };
        let key = format!(" {name}:");
        ensure!(glue.matches(&key).count() == 1, "the glue does not provide `{name}`");
        glue = glue.replace(&key, &format!(" {short}:"));
        // All have the same module, which is called so now.
        glue = glue.replace(&format!("\"{module}\": import0"), "\"a\": import0");
    }
    for export in of("exports") {
        let [name, short] = &export[..] else { bail!("no export: {export:?}") };
        glue = replace_word(&glue, &format!("wasm.{name}"), &format!("wasm.{short}"));
    }
    Ok(glue)
}

/// Replaces a word where it does not go on.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut parts = text.split(word);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let goes_on = part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$');
        result += if goes_on { word } else { by };
        result += part;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_and_exports_get_their_new_names() {
        let glue = "return { \"./seamline_bg.js\": import0 };\n __wbg_now_4f: function() {},\n \
                    wasm.engine_cast(1); wasm.engine_cast_2(wasm.memory, wasm.memory.buffer)";
        let names = serde_json::from_str(
            r#"{"imports": [["./seamline_bg.js", "__wbg_now_4f", "b"]],
                "exports": [["engine_cast", "c"], ["memory", "d"]]}"#,
        );
        let renamed = rename(glue, &names.expect("names")).expect("all is there");
        assert_eq!(
            renamed,
            "return { \"a\": import0 };\n b: function() {},\n wasm.c(1); wasm.engine_cast_2(wasm.d, wasm.d.buffer)"
        );
    }

    #[test]
    fn an_import_that_the_glue_does_not_have_is_an_error() {
        let names = serde_json::from_str(r#"{"imports": [["m", "missing", "b"]]}"#).expect("names");
        let error = rename("nothing", &names).expect_err("not there");
        assert_eq!(error.to_string(), "the glue does not provide `missing`");
    }
}
