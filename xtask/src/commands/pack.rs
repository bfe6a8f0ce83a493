//! `cargo xtask pack`: builds the npm tarball.
//!
//! cargo → wasm-bindgen → wasm-opt → the scripts in js/ → npm pack. A step runs only if its inputs have changed.

use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::tools::progress::{self, say};
use crate::tools::stamp::Stamp;
use crate::tools::toolchain::{Toolchain, WASM};
use crate::tools::{files, npm, paths, requirements, run, shell, short_names, wasm_bindgen};

/// What Rust's wasm32-unknown-unknown uses beyond the first version of wasm. Every browser has all of it since 2022.
const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

const WASM_OPT: [&str; 13] = [
    // Control flow is built again, for size.
    "--flatten",
    "--rereloop",
    "-Oz",
    "--converge",
    // The end of the stack is there; code that reaches it has overflowed the stack anyway.
    "--low-memory-unused",
    // The rest is for the gzipped size: less inlining than -Oz does leaves more similar code. Found by trying; saves 3 %.
    "--one-caller-inline-max-function-size",
    "60",
    "--always-inline-max-function-size",
    "4",
    "--generate-global-effects",
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
];

/// Only the loader in js/ names the wasm file: with a second place, bundlers emit the file twice.
const WASM_BINDGEN: [&str; 8] = [
    "--target",
    "web",
    "--out-name",
    "seamline",
    "--omit-default-module-path",
    "--remove-producers-section",
    // Every browser with the features above has `encodeInto`.
    "--encode-into",
    "always",
];

/// The file from which the npm package's build embeds the wasm: `build/scripts.mjs`.
const PACKED: &str = "seamline_bg.wasm.zlib";

/// One of the package's wasm files, with its glue. All have the same exports.
struct Variant {
    /// Its name, also in file names.
    name: &'static str,
    features: &'static str,
    /// Its folder in js/.
    out: &'static str,
    /// Its folder in the target directory of the wasm build: cargo gives the wasm the same name with any features.
    target: &'static str,
    /// rustc's inliner is off where LLVM optimizes for size. It makes one of the two smaller, by 0.2 KB.
    inline_mir: &'static str,
}

/// A page that does not use the plain dialect does not download it.
const VARIANTS: [Variant; 2] = [
    Variant { name: "seamline", features: "npm,js-texts", out: "pkg", target: "", inline_mir: "yes" },
    Variant {
        name: "seamline-plain",
        features: "npm,plain",
        out: "pkg-plain",
        target: "plain",
        inline_mir: "no",
    },
];

/// `cargo xtask pack`.
pub fn command() -> Result<ExitCode> {
    let tarball = pack()?;
    let bytes = fs::metadata(&tarball).map(|meta| meta.len()).unwrap_or_default();
    say!("\n{} ({bytes} bytes)", paths::shown(&tarball));
    Ok(ExitCode::SUCCESS)
}

/// Installs what is missing, builds the tarball, and returns its path.
pub fn pack() -> Result<PathBuf> {
    requirements::ensure(requirements::PACK)?;
    let version = package_version()?;
    for variant in &VARIANTS {
        let wasm = build_wasm(variant)?;
        bind(variant, &wasm)?;
    }
    build_js()?;
    npm_pack(&version)
}

fn package_version() -> Result<String> {
    let file = paths::js().join("package.json");
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let package: Value = serde_json::from_str(&text).context("js/package.json is not JSON")?;
    let version = package["version"].as_str().context("js/package.json has no version")?.to_string();
    let ours = env!("CARGO_PKG_VERSION");
    if version != ours {
        bail!("js/package.json has version {version}, but Cargo.toml has {ours}: make them equal");
    }
    Ok(version)
}

/// A std built for size, without panic messages: 3 KB less (gzip). No panic is reachable in the client, and a panic
/// traps with or without a message.
const SMALL_STD: [&str; 4] =
    ["-Z", "build-std=std,panic_abort", "-Z", "build-std-features=optimize_for_size"];
const SMALL_STD_FLAGS: &str = "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none";

/// What LLVM does for speed where it should optimize for size. Each was found by trying; together they save 1 %.
const LLVM: [&str; 3] = [
    // It copies computations to where they may not be needed …
    "-Cllvm-args=-enable-pre=false",
    // … adds variables to loops …
    "-Cllvm-args=-disable-lsr",
    // … and estimates 5 for an instruction when it decides what to inline.
    "-Cllvm-args=-inline-instr-cost=8",
];

fn build_wasm(variant: &Variant) -> Result<PathBuf> {
    let toolchain = Toolchain::get()?;
    let mut cargo = shell::cargo();
    let target = paths::wasm_target().join(variant.target);
    // The type is not in Cargo.toml: each front end that depends on the crate would link a wasm of its own.
    cargo.args(["rustc", "-p", "seamline", "--lib", "--crate-type", "cdylib", "--profile", "wasm"]);
    // Locked: wasm-bindgen's program was installed in the version of Cargo.lock.
    cargo.args(["--locked", "--features", variant.features]);
    cargo.args(["--target", WASM]).arg("--target-dir").arg(&target);
    toolchain.apply(&mut cargo);
    if toolchain.has_source {
        // Building std is an unstable option, but a stable toolchain has everything it needs.
        let flags = format!("{SMALL_STD_FLAGS} -Zinline-mir={}", variant.inline_mir);
        cargo.args(SMALL_STD).env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", flags);
    } else {
        say!("- the source of std is missing, so the wasm is 3 KB larger (gzip); run cargo xtask setup");
    }
    cargo.arg("--").args(LLVM);
    run::step(
        &format!("build {}.wasm", variant.name),
        &mut cargo,
        "Fix the errors in src/. If there are none, run cargo xtask doctor.",
    )?;
    Ok(target.join(WASM).join("wasm/seamline.wasm"))
}

/// Starts the wasm. The glue's own functions for that can do more, and are larger.
const START: &str = "export function start(module) {
    __wbg_finalize_init(new WebAssembly.Instance(module, __wbg_get_imports()), module);
}
";
const START_TYPE: &str = "export function start(module: WebAssembly.Module): void;\n";

/// Writes the wasm and its glue into its folder in js/.
fn bind(variant: &Variant, wasm: &Path) -> Result<()> {
    let out = paths::js().join(variant.out);
    let version = wasm_bindgen::version()?;
    let how = format!(
        "{version} {WASM_BINDGEN:?} {WASM_FEATURES:?} {WASM_OPT:?} short names of what is used, {START}"
    );
    let inputs = vec![wasm.to_path_buf(), paths::js().join("package-lock.json")];
    let outputs =
        ["seamline.js", "seamline.d.ts", "seamline_bg.wasm", PACKED].map(|name| out.join(name)).to_vec();
    let ran = Stamp::new(&format!("bindgen-{}", variant.name), &how, inputs, outputs).renew(|| {
        let raw = paths::target().join("bindgen").join(variant.name);
        let mut bindgen = shell::command(wasm_bindgen::dir()?.join("wasm-bindgen"));
        bindgen.args(WASM_BINDGEN).arg("--out-dir").arg(&raw).arg(wasm);
        run::step(
            &format!("wasm-bindgen for {}", variant.name),
            &mut bindgen,
            "The wasm was built with the version in Cargo.lock. Run cargo xtask setup for a program of that version.",
        )?;

        let optimised = raw.join("optimised.wasm");
        let mut opt = shell::command(npm::bin("wasm-opt"));
        opt.args(WASM_FEATURES).args(WASM_OPT).arg(raw.join("seamline_bg.wasm")).arg("-o").arg(&optimised);
        run::step(
            &format!("wasm-opt for {}", variant.name),
            &mut opt,
            "If it rejects an instruction, add the feature to WASM_FEATURES in xtask/src/commands/pack.rs.",
        )?;

        let mut opt = shell::command(npm::bin("wasm-opt"));
        let glue = short_names::shorten(opt.args(WASM_FEATURES), &optimised, &raw.join("seamline.js"))?;
        files::write_if_changed(&out.join("seamline.js"), format!("{glue}{START}").as_bytes())?;
        let types = fs::read_to_string(raw.join("seamline.d.ts"));
        let types = types.context("wasm-bindgen wrote no seamline.d.ts")?;
        files::write_if_changed(&out.join("seamline.d.ts"), format!("{types}{START_TYPE}").as_bytes())?;
        let wasm = fs::read(&optimised)?;
        files::write_if_changed(&out.join("seamline_bg.wasm"), &wasm)?;
        files::write_if_changed(&out.join(PACKED), &packed(&wasm)?)
    })?;
    if !ran {
        progress::already(&format!("js/{}", variant.out), "up to date");
    }
    Ok(())
}

/// How often zopfli tries to improve its result. More than this saves nothing.
const ITERATIONS: NonZeroU64 = NonZeroU64::new(100).unwrap();

/// The wasm in the form that the scripts embed: deflated, because that is what browsers can unpack.
fn packed(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let options = zopfli::Options { iteration_count: ITERATIONS, ..zopfli::Options::default() };
    zopfli::compress(options, zopfli::Format::Zlib, wasm, &mut packed).context("cannot deflate the wasm")?;
    Ok(packed)
}

fn build_js() -> Result<()> {
    let js = paths::js();
    let dist = js.join("dist");
    let mut inputs = sources(&js);
    for directory in ["build", "src"] {
        inputs.extend(files::below(&js.join(directory)));
    }
    for variant in &VARIANTS {
        inputs.extend(files::below(&js.join(variant.out)));
    }
    let outputs = vec![dist.join("index.js")];
    let ran = Stamp::new("js", "npm run build", inputs, outputs).renew(|| {
        let mut npm = npm::command()?;
        npm.args(["run", "build"]);
        run::step("npm run build in js/", &mut npm, "Fix the errors it reports in js/src.")?;
        if !dist.join("index.js").exists() {
            bail!("npm run build wrote no js/dist/index.js");
        }
        Ok(())
    })?;
    if !ran {
        progress::already("js/dist", "up to date");
    }
    Ok(())
}

/// The files directly in js/: package.json, tsconfig.json, build scripts.
fn sources(js: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(js).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_copy = |path: &PathBuf| LICENSES.iter().any(|name| path.ends_with(name));
    let mut files: Vec<_> = entries.filter(|path| path.is_file() && !is_copy(path)).collect();
    files.sort();
    files
}

/// The repository has them once. npm packs only what is in js/.
const LICENSES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

fn npm_pack(version: &str) -> Result<PathBuf> {
    for name in LICENSES {
        let text = fs::read(paths::root().join(name)).with_context(|| format!("cannot read {name}"))?;
        files::write_if_changed(&paths::js().join(name), &text)?;
    }
    let to = paths::target().join("npm");
    let tarball = to.join(format!("seamline-{version}.tgz"));
    let mut inputs = sources(&paths::js());
    for directory in ["dist", "src"] {
        inputs.extend(files::below(&paths::js().join(directory)));
    }
    let ran = Stamp::new("npm-pack", version, inputs, vec![tarball.clone()]).renew(|| {
        fs::create_dir_all(&to).with_context(|| format!("cannot create {}", to.display()))?;
        let mut npm = npm::command()?;
        npm.args(["pack", "--pack-destination"]).arg(&to);
        run::step("npm pack", &mut npm, "Check `files` in js/package.json.")?;
        if !tarball.exists() {
            bail!("npm pack wrote no {}", paths::shown(&tarball));
        }
        Ok(())
    })?;
    if !ran {
        progress::already(&paths::shown(&tarball), "up to date");
    }
    Ok(tarball)
}
