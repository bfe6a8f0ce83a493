//! `cargo xtask size --rust`: the README's part about Rust, word for word in empty projects, and what the client adds
//! to an application.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::compressed::{self, Size, kb};
use crate::tools::progress::{self, say};
use crate::tools::toolchain::Toolchain;
use crate::tools::{files, npm, paths, requirements, run, shell, wasm_bindgen};

/// A framework, and how the README's command for Leptos reads for it.
struct Framework {
    name: &'static str,
    /// The README's heading of its `src/main.rs`.
    heading: &'static str,
}

const FRAMEWORKS: [Framework; 2] = [
    Framework { name: "Leptos", heading: "`src/main.rs` in Leptos:" },
    Framework { name: "Yew", heading: "`src/main.rs` in Yew:" },
];

/// In place of the README's `src/room.rs`: an application without a client.
const WITHOUT: &str = "pub async fn follow(show: impl Fn(String)) -> Result<(), String> {\n    \
                       show(\"hi\".to_string());\n    Ok(())\n}\n";

/// The most that the client may add to an application, gzipped.
const GZIP_MAX: u64 = 40 * 1024;
const COMMANDS_WITHIN: Duration = Duration::from_secs(3600);

/// Where the numbers are written.
const PAGE: &str = "docs/SIZE.md";
const HEADING: &str = "## In Rust\n";

/// What precedes a block of the README.
const PROFILE: &str = "Add this to `Cargo.toml`:";
const INDEX: &str = "Save this page as `www/index.html`:";

/// Builds the applications, and writes their sizes into the page.
pub fn compare() -> Result<()> {
    requirements::ensure(requirements::PACK)?;
    let readme = Readme::read()?;
    natively(&readme)?;
    let (mut rows, mut over) = (Vec::new(), Vec::new());
    for framework in &FRAMEWORKS {
        let without = application(framework, &readme, false)?;
        let with = application(framework, &readme, true)?;
        let more = with.gzip.saturating_sub(without.gzip);
        if more > GZIP_MAX {
            over.push(format!(
                "the client adds {more} bytes (gzip) to {}, more than {GZIP_MAX}",
                framework.name
            ));
        }
        let columns = [without.gzip, with.gzip, more].map(kb).join(" | ");
        rows.push(format!("| {} | {columns} |", framework.name));
    }
    say!("\n| gzip, KB | without the client | with it | more |");
    rows.iter().for_each(|row| say!("{row}"));
    write(&rows.join("\n"))?;
    match over.is_empty() {
        true => Ok(()),
        false => bail!("{}", over.join("\n")),
    }
}

/// The size of an application: its wasm and its glue.
fn application(framework: &Framework, readme: &Readme, has_client: bool) -> Result<Size> {
    let name = format!("{}-{}", framework.name.to_lowercase(), if has_client { "with" } else { "without" });
    let is_needed = |line: &String| has_client || !(line.contains("seamline") || line.contains("futures"));
    let create: Vec<_> = readme.create(framework)?.into_iter().filter(is_needed).collect();
    let room = if has_client { readme.room()? } else { WITHOUT.to_string() };
    let chat = project(&name, &create, &room, &readme.block(framework.heading)?)?;
    append(&chat.join("Cargo.toml"), &readme.block(PROFILE)?)?;
    files::write_if_changed(&chat.join("www/index.html"), readme.block(INDEX)?.as_bytes())?;
    progress::step(&format!("build {name} (some minutes)"), || commands(&readme.build()?, &chat))?;
    let built = ["chat.js", "chat_bg.wasm"].map(|file| chat.join("www").join(file));
    Ok(compressed::sizes(&built)?.into_iter().sum())
}

/// Without features and off wasm, as a server compiles the application that it renders.
fn natively(readme: &Readme) -> Result<()> {
    let create = readme.create(&FRAMEWORKS[0])?.into_iter().filter(|line| !line.contains("leptos"));
    let main = "mod room;\n\nfn main() {\n    drop(room::follow(drop));\n}\n";
    let chat = project("natively", &create.collect::<Vec<_>>(), &readme.room()?, main)?;
    progress::step("check the application natively", || commands(&["cargo check".to_string()], &chat))
}

/// Creates a project in an empty folder, with the README's commands. Outside of the clone: cargo would make it a member
/// of the workspace.
fn project(name: &str, create: &[String], room: &str, main: &str) -> Result<PathBuf> {
    let all = env::temp_dir().join("seamline-rust-apps");
    let dir = all.join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("cannot empty {}", dir.display()))?;
    }
    fs::create_dir_all(&dir)?;
    commands(create, &dir)?;
    let chat = dir.join("chat");
    fs::write(chat.join("src/room.rs"), room)?;
    fs::write(chat.join("src/main.rs"), main)?;
    // The applications are built from the same crates.
    let built = all.join("target");
    fs::create_dir_all(&built)?;
    #[cfg(unix)]
    std::os::unix::fs::symlink(&built, chat.join("target"))?;
    Ok(chat)
}

fn append(file: &Path, text: &str) -> Result<()> {
    let old = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    files::write_if_changed(file, format!("{old}\n{text}").as_bytes())
}

/// Runs lines of a shell, with the clone in place of `path/to/seamline`.
fn commands(lines: &[String], dir: &Path) -> Result<()> {
    let script = lines.join("\n").replace("path/to/seamline", &paths::root().to_string_lossy());
    let mut sh = shell::command("sh");
    sh.args(["-e", "-c", &script]).current_dir(dir).env_remove("CARGO_TARGET_DIR");
    let programs = [wasm_bindgen::dir()?, npm::bin("wasm-opt").parent().expect("it lies in a folder").into()];
    let path = env::var_os("PATH").unwrap_or_default();
    sh.env("PATH", env::join_paths(programs.into_iter().chain(env::split_paths(&path)))?);
    Toolchain::get()?.apply(&mut sh);
    let (passed, output) = run::quietly(&mut sh, COMMANDS_WITHIN)?;
    if !passed {
        bail!("these commands failed in {}:\n{script}\n{output}", dir.display());
    }
    Ok(())
}

/// The README's part about Rust.
struct Readme(String);

impl Readme {
    fn read() -> Result<Readme> {
        let text = fs::read_to_string(paths::root().join("README.md")).context("cannot read README.md")?;
        let part = text.split("\n## ").find(|part| part.starts_with("In Rust"));
        Ok(Readme(part.context("README.md has no section `In Rust`")?.to_string()))
    }

    /// The code block after a text.
    fn block(&self, text: &str) -> Result<String> {
        let after = self.0.split_once(text).with_context(|| format!("README.md has no `{text}`"))?.1;
        let block = after.split_once("```").and_then(|(_, rest)| rest.split_once('\n')?.1.split_once("```"));
        Ok(block.with_context(|| format!("README.md has no code after `{text}`"))?.0.to_string())
    }

    /// The commands that create the project. A comment has the command for another framework.
    fn create(&self, framework: &Framework) -> Result<Vec<String>> {
        let other = format!("# in {}: ", framework.name);
        let command = |line: &str| match (line.split_once(&other), line.split_once('#')) {
            (Some((_, instead)), _) => instead.trim().to_string(),
            (None, Some((command, _))) => command.trim().to_string(),
            (None, None) => line.to_string(),
        };
        Ok(self.block("in Leptos or in Yew:")?.lines().map(command).collect())
    }

    fn room(&self) -> Result<String> {
        self.block("It calls a function with each message:")
    }

    /// The commands that build the page.
    fn build(&self) -> Result<Vec<String>> {
        let block = self.block("Build, and start a server with the page.")?;
        Ok(block.lines().filter(|line| !line.starts_with("cargo run")).map(str::to_string).collect())
    }
}

/// Writes the rows into the page's table.
fn write(rows: &str) -> Result<()> {
    let file = paths::root().join(PAGE);
    let page = fs::read_to_string(&file).with_context(|| format!("cannot read {PAGE}"))?;
    files::write_if_changed(&file, page.replacen(&table(&page)?, rows, 1).as_bytes())
}

/// The rows of the table that is in the page.
pub fn table(page: &str) -> Result<String> {
    let under = page.split_once(HEADING).with_context(|| format!("{PAGE} has no `{}`", HEADING.trim()))?.1;
    let table = under.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    Ok(table.take_while(|line| line.starts_with('|')).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_every_part_of_the_applications() {
        let readme = Readme::read().unwrap();
        let commands = FRAMEWORKS.map(|framework| {
            assert!(readme.block(framework.heading).unwrap().contains("room::follow"));
            readme.create(&framework).unwrap().join("\n")
        });
        assert!(commands[0].contains("cargo add leptos") && !commands[0].contains("yew"));
        assert!(commands[1].contains("cargo add yew") && !commands[1].contains("leptos"));
        assert!(readme.room().unwrap().contains("Client::builder"));
        assert!(readme.block(PROFILE).unwrap().contains("opt-level"));
        assert!(readme.block(INDEX).unwrap().contains("chat.js"));
        assert_eq!(readme.build().unwrap().len(), 3);
    }

    #[test]
    fn the_rows_of_the_table_are_found() {
        let page = "# Size\n\n| x |\n|---|\n| 0 |\n\n## In Rust\n\nText.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\n## Next\n";
        assert_eq!(table(page).unwrap(), "| 1 | 2 |\n| 3 | 4 |");
        assert!(table("# Size\n").is_err());
    }
}
