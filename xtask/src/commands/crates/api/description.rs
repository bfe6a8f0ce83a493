//! rustdoc's description of a crate, as lines: one for each item that a dependent can name, below that which contains
//! it.
//!
//! rustdoc has a structure for each type and bound, and changes it often. Here, the text of an item comes from the
//! source code, at the place that rustdoc names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use super::signature;
use crate::tools::paths;

/// A description.
pub struct Description {
    index: Map<String, Value>,
    root: Value,
    sources: BTreeMap<String, String>,
    /// The items that have a line already: one can be exported in two places.
    seen: BTreeSet<String>,
}

/// A line, and those below it.
struct Entry {
    text: String,
    below: Vec<Entry>,
}

/// An `impl` of a type.
enum Implementation {
    Methods(Vec<String>),
    /// Its head.
    Trait(String),
    /// The trait.
    Derived(String),
    /// No one wrote it.
    Automatic,
}

/// How the text of an item begins that no macro made.
const STARTS: [&str; 6] = ["pub ", "fn ", "type ", "const ", "async ", "unsafe "];

impl Description {
    /// From what rustdoc wrote.
    pub fn new(mut json: Value) -> Result<Description> {
        let Value::Object(index) = json["index"].take() else { anyhow::bail!("rustdoc described no items") };
        Ok(Description { index, root: json["root"].take(), sources: BTreeMap::new(), seen: BTreeSet::new() })
    }

    /// The lines. The first one counts the items, without fields, variants and methods.
    pub fn lines(mut self) -> Result<Vec<String>> {
        let root = self.root.clone();
        let entries = self.module(&root)?;
        let mut lines = vec![format!("{} items at the root, {} in all", entries.len(), self.seen.len())];
        print(&entries, 0, &mut lines);
        Ok(lines)
    }

    /// What a module exports: first the items, so that an item is listed where its path is shortest.
    fn module(&mut self, id: &Value) -> Result<Vec<Entry>> {
        let item = self.item(id)?;
        let mut exports: Vec<_> = self.exports(&item)?;
        exports.sort_by_key(|(_, name, item)| (item["inner"]["module"].is_object(), name.clone()));
        let mut entries = Vec::new();
        for (id, name, item) in exports {
            let kind = kind(&item);
            if !self.seen.insert(id.clone()) {
                entries.push(Entry { text: format!("pub use {name}"), below: Vec::new() });
            } else if kind == "module" {
                let below = self.module(&item["id"])?;
                entries.push(Entry { text: format!("pub mod {name}"), below });
            } else {
                entries.push(self.entry(&item)?);
            }
        }
        Ok(entries)
    }

    /// The items of a module with their ids and names; what it imports with `pub use` is among them.
    fn exports(&self, module: &Value) -> Result<Vec<(String, String, Value)>> {
        let mut found = Vec::new();
        for (id, item) in self.items(&module["inner"]["module"]["items"]) {
            let import = &item["inner"]["use"];
            let target = self.index.get(&key(&import["id"])).cloned();
            match target {
                Some(target) if import["is_glob"] == true => found.extend(self.exports(&target)?),
                Some(target) => found.push((key(&target["id"]), text(&import["name"]), target)),
                // Of another crate.
                None if import.is_object() => found.push((key(&id), text(&import["source"]), item)),
                None => found.push((key(&id), text(&item["name"]), item)),
            }
        }
        Ok(found)
    }

    /// An item with its fields, variants, methods and traits.
    fn entry(&mut self, item: &Value) -> Result<Entry> {
        let mut below = Vec::new();
        let inner = &item["inner"][kind(item)];
        let fields = [&inner["kind"]["plain"]["fields"], &inner["kind"]["tuple"]];
        let members = fields.into_iter().chain([&inner["variants"], &inner["items"]]);
        let members: Vec<_> = members.flat_map(|list| self.items(list)).collect();
        for (_, member) in members {
            below.push(self.text(&member)?);
        }
        let mut derived = Vec::new();
        for (_, implementation) in self.items(&inner["impls"]) {
            match self.implementation(&implementation["inner"]["impl"], &implementation)? {
                Implementation::Methods(methods) => below.extend(methods),
                Implementation::Trait(head) => below.push(head),
                Implementation::Derived(name) => derived.push(name),
                Implementation::Automatic => {}
            }
        }
        if !derived.is_empty() {
            derived.sort();
            below.push(format!("impl {}", derived.join(", ")));
        }
        below.sort();
        let below = below.into_iter().map(|text| Entry { text, below: Vec::new() }).collect();
        Ok(Entry { text: self.text(item)?, below })
    }

    fn implementation(&mut self, details: &Value, item: &Value) -> Result<Implementation> {
        let name = text(&details["trait"]["path"]);
        let is_automatic = details["is_synthetic"] == true || !details["blanket_impl"].is_null();
        if is_automatic || name == "StructuralPartialEq" {
            return Ok(Implementation::Automatic);
        }
        if details["trait"].is_null() {
            let methods = self.items(&details["items"]);
            let texts = methods.iter().map(|(_, method)| self.text(method));
            return Ok(Implementation::Methods(texts.collect::<Result<_>>()?));
        }
        // The place of a derived one is the word in `#[derive(…)]`.
        let head = signature::head(&self.source(item)?);
        Ok(if head.starts_with("impl") { Implementation::Trait(head) } else { Implementation::Derived(name) })
    }

    fn text(&mut self, item: &Value) -> Result<String> {
        let (name, kind) = (text(&item["name"]), kind(item));
        let head = signature::head(&self.source(item)?);
        let head = match kind {
            // Its fields follow in lines of their own, or are private.
            "struct" | "union" => signature::before_fields(&head),
            "constant" | "static" => head.split(" = ").next().unwrap_or_default().to_string(),
            _ => head,
        };
        let is_whole = match kind {
            "struct_field" => true,
            "variant" => head.starts_with(&name),
            _ => STARTS.iter().any(|start| head.starts_with(start)) && head.contains(&name),
        };
        // The place of what a macro made is in the macro.
        let head = if is_whole { head } else { format!("{kind} {name}") };
        let is_open = item["attrs"].to_string().contains("non_exhaustive");
        Ok(if is_open { format!("#[non_exhaustive] {head}") } else { head })
    }

    fn item(&self, id: &Value) -> Result<Value> {
        self.index.get(&key(id)).cloned().with_context(|| format!("rustdoc describes no item {id}"))
    }

    /// These items, with their ids. Private and hidden ones are not described.
    fn items(&self, list: &Value) -> Vec<(Value, Value)> {
        let ids = list.as_array().into_iter().flatten();
        ids.filter_map(|id| Some((id.clone(), self.index.get(&key(id))?.clone()))).collect()
    }

    /// The source code of an item.
    fn source(&mut self, item: &Value) -> Result<String> {
        let span = &item["span"];
        let file = text(&span["filename"]);
        if !self.sources.contains_key(&file) {
            let read = fs::read_to_string(paths::root().join(&file));
            self.sources.insert(file.clone(), read.with_context(|| format!("cannot read {file}"))?);
        }
        let place = |end: &str, at: usize| span[end][at].as_u64().unwrap_or_default() as usize;
        let lines = self.sources[&file].lines().enumerate();
        let (first, last) = (place("begin", 0), place("end", 0));
        let part = lines.filter(|(at, _)| (first..=last).contains(&(at + 1))).map(|(at, line)| {
            let from = if at + 1 == first { place("begin", 1) - 1 } else { 0 };
            let to = if at + 1 == last { place("end", 1) - 1 } else { line.chars().count() };
            line.chars().take(to).skip(from).collect::<String>()
        });
        Ok(part.collect::<Vec<_>>().join("\n"))
    }
}

fn print(entries: &[Entry], depth: usize, lines: &mut Vec<String>) {
    for Entry { text, below } in entries {
        lines.push(format!("{}{text}", "    ".repeat(depth)));
        print(below, depth + 1, lines);
    }
}

fn kind(item: &Value) -> &str {
    item["inner"].as_object().and_then(|inner| inner.keys().next()).map_or("item", String::as_str)
}

fn key(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_string)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SOURCE: &str =
        "pub mod core {\n    pub struct Gap { pub from: u64, to: u64 }\n}\npub use core::Gap;\n";

    fn described(mut index: Value) -> Vec<String> {
        for item in index.as_object_mut().expect("an object").values_mut() {
            let [line, from, to] = [&item["at"][0], &item["at"][1], &item["at"][2]];
            item["span"] = json!({ "filename": "lib.rs", "begin": [line, from], "end": [line, to] });
        }
        let mut description = Description::new(json!({ "root": 0, "index": index })).unwrap();
        description.sources.insert("lib.rs".into(), SOURCE.into());
        description.lines().unwrap()
    }

    #[test]
    fn an_item_is_listed_where_its_path_is_shortest() {
        let lines = described(json!({
            "0": { "id": 0, "inner": { "module": { "items": [1, 2] } } },
            "1": { "id": 1, "name": "core", "inner": { "module": { "items": [3] } } },
            "2": { "id": 2, "inner": { "use": { "source": "core::Gap", "name": "Gap", "id": 3 } } },
            "3": { "id": 3, "name": "Gap", "at": [2, 5, 44],
                   "inner": { "struct": { "kind": { "plain": { "fields": [4, 5] } }, "impls": [] } } },
            // Field 5 is private: rustdoc does not describe it.
            "4": { "id": 4, "name": "from", "at": [2, 22, 35], "inner": { "struct_field": {} } },
        }));
        let expected = [
            "2 items at the root, 2 in all",
            "pub struct Gap",
            "    pub from: u64",
            "pub mod core",
            "    pub use Gap",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn impls_that_nobody_wrote_are_not_listed() {
        let by = |name: &str, more: Value| {
            let mut details =
                json!({ "trait": { "path": name }, "is_synthetic": false, "blanket_impl": null });
            details.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "at": [2, 5, 8], "inner": { "impl": details } })
        };
        let lines = described(json!({
            "0": { "id": 0, "inner": { "module": { "items": [3] } } },
            "3": { "id": 3, "name": "Gap", "at": [2, 5, 44],
                   "inner": { "struct": { "kind": "unit", "impls": [6, 7, 8] } } },
            "6": by("Debug", json!({})),
            "7": by("Send", json!({ "is_synthetic": true })),
            "8": by("Into", json!({ "blanket_impl": {} })),
        }));
        assert_eq!(lines, ["1 items at the root, 1 in all", "pub struct Gap", "    impl Debug"]);
    }
}
