use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::ErrorKind;
use super::super::json::samples::{any_json, nearly_json};
use super::*;

#[derive(Clone, Debug, PartialEq, PartialOrd, Eq, Ord, Serialize, Deserialize)]
enum Plain {
    Unit,
    #[serde(rename = "a")]
    New(Option<i64>),
    Pair(bool, String),
    Named {
        a: u8,
        b: Option<Vec<i8>>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Unit,
    Named { a: u64, b: Option<String> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Float(f64),
    Text(String),
    Pair(u8, u8),
    Named { a: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Wrapped(i64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
    a: char,
}

type Keys = (
    BTreeMap<u64, ()>,
    BTreeMap<i128, Unit>,
    BTreeMap<bool, u8>,
    BTreeMap<char, u8>,
    BTreeMap<Wrapped, u8>,
    BTreeMap<Option<String>, u8>,
);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct All {
    plain: Vec<Plain>,
    tagged: Tagged,
    untagged: Untagged,
    flat: Flat,
    keys: Keys,
    large: (i128, u128),
    floats: (f64, f32),
    unit: Unit,
    option: Option<Option<Wrapped>>,
    bytes: [u8; 2],
}

fn plain() -> impl Strategy<Value = Plain> {
    prop_oneof![
        Just(Plain::Unit),
        any::<Option<i64>>().prop_map(Plain::New),
        any::<(bool, String)>().prop_map(|(a, b)| Plain::Pair(a, b)),
        any::<(u8, Option<Vec<i8>>)>().prop_map(|(a, b)| Plain::Named { a, b }),
    ]
}

fn tagged() -> impl Strategy<Value = Tagged> {
    prop_oneof![Just(Tagged::Unit), any::<(u64, Option<String>)>().prop_map(|(a, b)| Tagged::Named { a, b })]
}

fn untagged() -> impl Strategy<Value = Untagged> {
    prop_oneof![
        any::<i64>().prop_map(Untagged::Number),
        finite().prop_map(Untagged::Float),
        any::<String>().prop_map(Untagged::Text),
        any::<(u8, u8)>().prop_map(|(a, b)| Untagged::Pair(a, b)),
        any::<bool>().prop_map(|a| Untagged::Named { a }),
    ]
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), any::<i32>().prop_map(f64::from)].prop_filter("JSON has it", |f| f.is_finite())
}

fn keys() -> impl Strategy<Value = Keys> {
    let wrapped = any::<i64>().prop_map(Wrapped);
    let small = 0..4;
    (
        prop::collection::btree_map(any::<u64>(), Just(()), 0..3),
        prop::collection::btree_map(any::<i128>(), Just(Unit), 0..3),
        prop::collection::btree_map(any::<bool>(), any::<u8>(), 0..3),
        prop::collection::btree_map(any::<char>(), any::<u8>(), 0..3),
        prop::collection::btree_map(wrapped, any::<u8>(), small),
        prop::collection::btree_map(any::<String>().prop_map(Some), any::<u8>(), 0..3),
    )
}

fn all() -> impl Strategy<Value = All> {
    let flat = (prop::collection::btree_map("[b-d]", any_json(), 0..3), any::<char>())
        .prop_map(|(rest, a)| Flat { rest, a });
    let floats = (finite(), any::<f32>().prop_filter("JSON has it", |f| f.is_finite()));
    let option = any::<Option<i64>>().prop_map(|number| number.map(|number| Some(Wrapped(number))));
    let parts = (prop::collection::vec(plain(), 0..4), tagged(), untagged(), flat, keys());
    (parts, any::<(i128, u128)>(), floats, option, any::<[u8; 2]>()).prop_map(
        |((plain, tagged, untagged, flat, keys), large, floats, option, bytes)| All {
            plain,
            tagged,
            untagged,
            flat,
            keys,
            large,
            floats,
            unit: Unit,
            option,
            bytes,
        },
    )
}

/// Reads a text as a type, as serde_json does.
fn is_read_alike<'a, T: Deserialize<'a> + Debug + PartialEq>(json: &'a str) {
    let (ours, theirs) = (read::<T>(json), serde_json::from_str::<T>(json));
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours, theirs, "{json}"),
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{json}: {ours:?}, but serde_json: {theirs:?}"),
    }
}

/// As many types as have rules of their own.
fn is_read_alike_as_any_type(json: &str) {
    is_read_alike::<Value>(json);
    is_read_alike::<String>(json);
    is_read_alike::<Cow<'_, str>>(json);
    is_read_alike::<&str>(json);
    is_read_alike::<char>(json);
    is_read_alike::<bool>(json);
    is_read_alike::<()>(json);
    is_read_alike::<i8>(json);
    is_read_alike::<u64>(json);
    is_read_alike::<i64>(json);
    is_read_alike::<i128>(json);
    is_read_alike::<u128>(json);
    is_read_alike::<f64>(json);
    is_read_alike::<Option<u32>>(json);
    is_read_alike::<Option<Vec<Option<i64>>>>(json);
    is_read_alike::<(i64, Option<bool>)>(json);
    is_read_alike::<Wrapped>(json);
    is_read_alike::<Unit>(json);
    is_read_alike::<Plain>(json);
    is_read_alike::<Vec<Plain>>(json);
    is_read_alike::<Tagged>(json);
    is_read_alike::<Untagged>(json);
    is_read_alike::<Flat>(json);
    is_read_alike::<BTreeMap<i64, Value>>(json);
    if json.is_ascii() {
        is_read_alike::<BTreeMap<bool, Value>>(json); // serde_json panics at other keys
    }
    is_read_alike::<BTreeMap<Plain, Value>>(json);
    is_read_alike::<BTreeMap<Wrapped, Value>>(json);
    is_read_alike::<BTreeMap<Option<char>, Value>>(json);
    assert_eq!(read::<serde::de::IgnoredAny>(json).is_ok(), serde_json::from_str::<&RawValue>(json).is_ok());
    let raw = |raw: &RawValue| raw.get().to_owned();
    assert_eq!(read::<&RawValue>(json).ok().map(raw), serde_json::from_str::<&RawValue>(json).ok().map(raw));
}

proptest! {
    #[test]
    fn values_are_written_and_read_like_by_serde_json(value in all()) {
        let json = write(&value).unwrap();
        // Not the same texts: floats are spelled differently.
        prop_assert_eq!(&serde_json::from_str::<All>(&json).unwrap(), &value);
        prop_assert_eq!(&read::<All>(&json).unwrap(), &value);
        prop_assert_eq!(&read::<All>(&serde_json::to_string(&value).unwrap()).unwrap(), &value);
    }

    #[test]
    fn any_json_is_read_like_by_serde_json(value in any_json(), pretty: bool) {
        let json = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        is_read_alike_as_any_type(&json.unwrap());
    }

    #[test]
    fn nearly_json_is_read_like_by_serde_json(text in nearly_json()) {
        is_read_alike_as_any_type(&text);
    }

    #[test]
    fn members_are_read_like_by_serde_json(
        key in prop::sample::select(vec!["a", "1", "-7", "Unit", "Pair", "Named", "kind", "true", " 1", "1.5", "\\u0031"]),
        text in nearly_json(),
    ) {
        is_read_alike_as_any_type(&format!(r#"{{"{key}":{text}}}"#));
        is_read_alike_as_any_type(&format!(r#"{{"{key}":{text}, "kind":"Named"}}"#));
    }

    #[test]
    fn floats_are_read_like_by_serde_json(number in finite(), digits in "-?[0-9]{1,25}(\\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?") {
        is_read_alike::<f64>(&number.to_string());
        is_read_alike::<Value>(&digits);
        is_read_alike::<f64>(&digits);
        is_read_alike::<u128>(&digits);
    }
}

#[test]
fn raw_values_are_written_as_they_are() {
    let value = vec![RawValue::from_string("{\"a\": 1.0e2}".to_owned()).unwrap()];
    assert_eq!(&*write(&value).unwrap(), serde_json::to_string(&value).unwrap());
}

#[test]
fn payloads_may_be_nested_as_deeply_as_in_serde_json() {
    for depth in [127, 128, 100_000] {
        let json = "[".repeat(depth) + &"]".repeat(depth);
        is_read_alike_as_any_type(&json);
    }
}

#[test]
fn integers_at_their_limits_are_exact() {
    for json in [
        "-0",
        "0",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "340282366920938463463374607431768211455",
        "340282366920938463463374607431768211456",
        "1e400",
        "-1e400",
        "1e-400",
    ] {
        is_read_alike_as_any_type(json);
    }
}

#[test]
fn a_payload_of_another_shape_is_explained() {
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only the errors count")]
    struct Said {
        text: String,
    }
    for (json, problem) in [
        ("{}", "missing field `text`"),
        (r#"{"text":1.5}"#, "invalid type: floating point `1.5`, expected a string"),
        (r#"{"text":null}"#, "invalid type: null, expected a string"),
        (r#""hi""#, "invalid type: string \"hi\", expected struct Said"),
        ("7", "invalid type: integer `7`, expected struct Said"),
    ] {
        let error = read::<Said>(json).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Payload);
        assert!(error.message.starts_with("the payload has another shape: "), "{error}");
        assert!(error.message.contains(problem), "{error}");
    }
}

#[test]
fn values_that_json_does_not_have_are_refused() {
    for (problem, text) in [
        (write(&[f64::NAN]), "JSON has no NaN"),
        (write(&f64::NEG_INFINITY), "JSON has no -inf"),
        (write(&Some(f32::INFINITY)), "JSON has no inf"),
        (write(&BTreeMap::from([((), 1)])), "key must be a string"),
        (write(&BTreeMap::from([(vec![1], 1)])), "key must be a string"),
    ] {
        let error = problem.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Payload);
        assert!(error.message.contains(text), "{error}");
    }
}
