//! Floating-point numbers as text. A page leaves them to JavaScript: Rust's tables would add 7 KB to its download.

pub(super) use on_platform::{parse, short_text};

/// A finite number as JSON, with as many digits as it takes to read it back.
pub(super) fn text(number: f64) -> String {
    let mut text = on_platform::text(number);
    if number == 0.0 && number.is_sign_negative() {
        return "-0.0".to_owned(); // JavaScript writes `0`
    }
    // Not an integer, for a reader that distinguishes them.
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        text.push_str(".0");
    }
    text
}

#[cfg(target_arch = "wasm32")]
mod on_platform {
    use js_sys::{JsString, Number};
    use wasm_bindgen::JsCast;

    /// The number that a JSON text states.
    pub fn parse(json: &str) -> f64 {
        js_sys::parse_float(json)
    }

    pub fn text(number: f64) -> String {
        let text: JsString = js_sys::Object::from(Number::from(number)).to_string();
        text.into()
    }

    /// The number that has the fewest digits of those which round to this one.
    pub fn short_text(number: f32) -> String {
        let exact = f64::from(number);
        let rounded = (1..=9).filter_map(|digits| {
            let text = Number::from(exact).to_precision(digits).ok()?;
            Some(parse(&String::from(text.unchecked_into::<JsString>())))
        });
        let short = rounded.into_iter().find(|rounded| *rounded as f32 == number).unwrap_or(exact);
        super::text(short.copysign(exact))
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod on_platform {
    /// The number that a JSON text states.
    pub fn parse(json: &str) -> f64 {
        json.parse().unwrap_or(f64::NAN)
    }

    pub fn text(number: f64) -> String {
        format!("{number:?}")
    }

    /// The number that has the fewest digits of those which round to this one.
    pub fn short_text(number: f32) -> String {
        format!("{number:?}")
    }
}
