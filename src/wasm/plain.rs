//! The dialect of `seamline-plain.wasm`. Its settings come after the numbers of every dialect.

use wasm_bindgen::JsValue;

use super::host::JsHost;
use super::tables::{Kind, NUMBERS, read_numbers};
use crate::browser::plain::Plain;
use crate::browser::value::{Data, item};
use crate::core::{Batch, ChannelId};
use crate::plain::{Message, PlainConfig};

pub type Dialect = Plain;

pub fn read(settings: &JsValue) -> Dialect {
    let mut config = PlainConfig::default();
    let fields = [&mut config.settle_ms, &mut config.window_messages, &mut config.silence_ms];
    let first = NUMBERS as u32;
    let first_path = first + fields.len() as u32;
    read_numbers(settings, first, fields);
    for (place, paths) in (first_path..).zip([&mut config.id_paths, &mut config.number_paths]) {
        let path = item(settings, place);
        match path.as_string() {
            Some(path) => *paths = vec![path],
            None if path == false => paths.clear(), // there is none
            None => {}
        }
    }
    Plain(config)
}

/// Reports a message. The session has skipped those that were delivered before.
pub fn deliver(host: &JsHost, channel: ChannelId, batch: Batch<Message<Data>>, _skip: u64) {
    let Message { id, position_id, object } = batch.payload;
    let position_id = position_id.map_or(String::new(), |id| id.text());
    let numbers = [batch.n, batch.replay.into(), 0];
    host.report_with(Kind::DeliverObject, channel, &id, &position_id, numbers, object);
}
