//! The page loads of a tab, by which the server distinguishes copies of a tab. A duplicated tab has a copy of
//! `sessionStorage`, and so the same client id. From then on, each of the two adds its own names.
//! `js/src/lineage.ts` does the same for the npm package.

use std::cell::{Cell, RefCell};

use js_sys::Reflect;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;
use web_sys::Storage;

use crate::client::platform::PageLoads;
use crate::client::{Shared, random_name};
use crate::wire::LINEAGE_NAMES_MAX;

thread_local! {
    /// The keys that clients of this page use now.
    static IN_USE: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// See the module.
struct Lineage {
    key: String,
    own: String,
    ended: Cell<bool>,
}

/// Draws the name of this page load.
pub(crate) fn page_loads(client_id: &str) -> Option<Shared<dyn PageLoads>> {
    Some(Shared::new(Lineage::new(client_id)))
}

impl Lineage {
    fn new(client_id: &str) -> Self {
        let mut key = format!("seamline:{client_id}");
        IN_USE.with_borrow_mut(|in_use| {
            while in_use.contains(&key) {
                key.push('+'); // another client of this page has the same id
            }
            in_use.push(key.clone());
        });
        Lineage { key, own: random_name().split_off(4), ended: Cell::new(false) }
    }
}

impl PageLoads for Lineage {
    /// The names in the format of the server, this page load's first; `None` without a `sessionStorage`. Also
    /// stores them there, for the next page load.
    fn names(&self) -> Option<String> {
        let storage = session_storage()?;
        let past = storage.get_item(&self.key).ok()?.unwrap_or_default();
        let past = past.split(' ').filter(|name| is_name(name) && *name != self.own);
        let names: Vec<_> = [self.own.as_str()].into_iter().chain(past).take(LINEAGE_NAMES_MAX).collect();
        let names = names.join(" ");
        // The storage may be full. Then the next page load continues the earlier names.
        let _ = storage.set_item(&self.key, &names);
        Some(names)
    }

    /// The client is closed. The next one with its id continues it.
    fn end(&self) {
        if !self.ended.replace(true) {
            IN_USE.with_borrow_mut(|in_use| in_use.retain(|key| *key != self.key));
        }
    }

    /// Whether the client is closed.
    fn ended(&self) -> bool {
        self.ended.get()
    }
}

/// Anything else under the key is not sent to the server, which would reject it.
fn is_name(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A worker has none; if storage is forbidden, reading the property throws.
fn session_storage() -> Option<Storage> {
    let storage = Reflect::get(&js_sys::global(), &JsValue::from("sessionStorage")).ok()?;
    storage.is_object().then(|| storage.unchecked_into())
}
