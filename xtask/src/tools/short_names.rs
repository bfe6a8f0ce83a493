//! Shortens the names of the imports and exports of the wasm, in the wasm and in its glue. The names that wasm-bindgen
//! generates are long and unique, so gzip does not help: they are 2 % of the download. Imports that only code used that
//! wasm-opt has removed are removed from the glue.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// The output of wasm-opt: `imports` as module, name and new name, `exports` as name and new name.
type Names = HashMap<String, Vec<Vec<String>>>;

/// Renames in the file `wasm` with `wasm-opt`, and returns the text of its glue with the new names.
pub fn shorten(wasm_opt: &mut Command, wasm: &Path, glue: &Path) -> Result<String> {
    wasm_opt.arg("--minify-imports-and-exports-and-modules").arg(wasm).arg("-o").arg(wasm);
    let output = wasm_opt.output().context("cannot start wasm-opt")?;
    if !output.status.success() {
        bail!("wasm-opt cannot rename imports and exports: {}", String::from_utf8_lossy(&output.stderr));
    }
    let names = serde_json::from_slice(&output.stdout).context("wasm-opt printed no new names")?;
    rename(&fs::read_to_string(glue)?, &names)
}

fn rename(glue: &str, names: &Names) -> Result<String> {
    let mut glue = glue.to_owned();
    let of = |kind| names.get(kind).into_iter().flatten();
    for import in of("imports") {
        let [module, name, short] = &import[..] else {
            bail!("wasm-opt printed an unknown import: {import:?}")
        };
        let key = format!(" {name}:");
        ensure!(glue.matches(&key).count() == 1, "the glue does not provide `{name}`");
        glue = glue.replace(&key, &format!(" {short}:"));
        // All imports have the same module, which is renamed to this.
        glue = glue.replace(&format!("\"{module}\": import0"), "\"a\": import0");
    }
    for export in of("exports") {
        let [name, short] = &export[..] else { bail!("wasm-opt printed an unknown export: {export:?}") };
        glue = replace_word(&glue, &format!("wasm.{name}"), &format!("wasm.{short}"));
    }
    Ok(without_unused(&glue))
}

/// Removes the imports that the wasm does not have any more: they still have their long names.
fn without_unused(glue: &str) -> String {
    let mut is_unused = false;
    let keeps = |line: &&str| {
        is_unused |= line.starts_with("        __wb") && line.ends_with(" {");
        let keeps = !is_unused;
        is_unused &= *line != "        },";
        keeps
    };
    glue.lines().filter(keeps).map(|line| format!("{line}\n")).collect()
}

/// Replaces a whole word.
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let mut parts = text.split(word);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let continues = part.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$');
        result += if continues { word } else { by };
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
            "return { \"a\": import0 };\n b: function() {},\n wasm.c(1); wasm.engine_cast_2(wasm.d, wasm.d.buffer)\n"
        );
    }

    #[test]
    fn imports_that_the_wasm_does_not_have_are_removed() {
        let glue = "        b: function() {\n            now();\n        },\n        __wbg_throw_4c: function(a) {\n            \
                    throw a;\n        },\n        c: function() {\n        },\n";
        assert_eq!(
            without_unused(glue),
            "        b: function() {\n            now();\n        },\n        c: function() {\n        },\n"
        );
    }

    #[test]
    fn an_import_missing_in_the_glue_is_an_error() {
        let names = serde_json::from_str(r#"{"imports": [["m", "missing", "b"]]}"#).expect("names");
        let error = rename("nothing", &names).expect_err("not there");
        assert_eq!(error.to_string(), "the glue does not provide `missing`");
    }
}
