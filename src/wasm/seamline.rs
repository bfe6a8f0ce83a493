//! The dialect of `seamline.wasm`.

use wasm_bindgen::JsValue;

use super::host::JsHost;
use super::tables::Kind;
use crate::browser::v1::Seamline;
use crate::core::{Batch, ChannelId};

pub type Dialect = Seamline;

pub fn read(_numbers: &JsValue) -> Dialect {
    Seamline
}

/// Reports a `msgs` frame.
pub fn deliver(host: &JsHost, channel: ChannelId, batch: Batch<JsValue>, skip: u64) {
    host.report_with(Kind::Deliver, channel, "", "", [skip, 0, 0], batch.payload);
}
