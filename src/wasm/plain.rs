//! The settings of the plain dialect, which come after the numbers of every dialect.

use wasm_bindgen::JsValue;

use super::NUMBERS;
use crate::browser::frame;
use crate::plain::PlainConfig;

pub(super) fn read_config(settings: &JsValue) -> PlainConfig {
    let mut config = PlainConfig::default();
    let fields = [&mut config.settle_ms, &mut config.window_messages, &mut config.silence_ms];
    let mut place = NUMBERS as u32;
    for field in fields {
        *field = frame::item(settings, place).as_f64().and_then(frame::integer).unwrap_or(*field);
        place += 1;
    }
    for paths in [&mut config.id_paths, &mut config.number_paths] {
        let path = frame::item(settings, place);
        match path.as_string() {
            Some(path) => *paths = vec![path],
            None if path == false => paths.clear(), // there is none
            None => {}
        }
        place += 1;
    }
    config
}
