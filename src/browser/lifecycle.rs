//! The page's lifecycle events. Works without a `document`, as in workers.

use js_sys::global;
use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

use super::object::property;
use super::platform::Runtime;
use crate::client::platform::PageEvent;

/// Listens until it is dropped.
pub struct Lifecycle {
    /// May run inside itself: what is called at one event may dispatch another.
    listener: Closure<dyn Fn(JsValue)>,
    targets: Vec<(EventTarget, &'static str)>,
}

impl Lifecycle {
    pub fn watch(_runtime: &Runtime, report: impl Fn(PageEvent) + 'static) -> Self {
        let document = property(&global(), "document");
        let window_events: &[_] = &["online", "offline", "pageshow", "pagehide"];
        let document_events: &[_] = &["visibilitychange", "resume", "freeze"];
        let mut targets = Vec::new();
        for (target, names) in [(&JsValue::from(global()), window_events), (&document, document_events)] {
            // If there are no events, `EventTarget` may be missing, or the global object may not be an instance
            // of it.
            if property(target, "addEventListener").is_function() {
                for name in names {
                    targets.push((target.clone().unchecked_into::<EventTarget>(), *name));
                }
            }
        }
        let listener = Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
            let hidden = property(&document, "visibilityState") == "hidden";
            let name = property(&event, "type").as_string().unwrap_or_default();
            report(match name.as_str() {
                "pagehide" if property(&event, "persisted").is_truthy() => PageEvent::Suspend,
                "pagehide" | "freeze" | "offline" => PageEvent::Hide,
                "visibilitychange" if hidden => PageEvent::Hide,
                _ => PageEvent::Wake,
            });
        });
        for (target, name) in &targets {
            let _ = target.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
        }
        Lifecycle { listener, targets }
    }
}

impl Drop for Lifecycle {
    fn drop(&mut self) {
        for (target, name) in &self.targets {
            let _ = target.remove_event_listener_with_callback(name, self.listener.as_ref().unchecked_ref());
        }
    }
}
