//! Each page load has a name; the next one in the same tab continues it.

use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::{builder, connect, dispatch, name, until};

/// The names that are kept for a client id.
fn names(client_id: &str) -> Vec<String> {
    let item = js_sys::eval(&format!("sessionStorage.getItem('seamline:{client_id}') ?? ''")).unwrap();
    item.as_string().unwrap().split_whitespace().map(str::to_owned).collect()
}

#[wasm_bindgen_test]
async fn the_next_client_with_an_id_continues_it() {
    let id = name("tab");
    let first = connect(builder(&id));
    until(&first, "open").await;
    let [own] = names(&id).try_into().expect("one name");
    assert_eq!(own.len(), 16);
    let beside = connect(builder(&id));
    assert_eq!(names(&id), std::slice::from_ref(&own), "two clients at once have names of their own");
    assert_eq!(names(&format!("{id}+")).len(), 1);
    first.close();
    let second = connect(builder(&id));
    until(&second, "open").await;
    let of_second = names(&id);
    assert_eq!((of_second.len(), &of_second[1]), (2, &own));
    dispatch("pagehide");
    assert_eq!(names(&id), of_second, "the closed client is the past one");
    drop((first, second, beside));
}

#[wasm_bindgen_test]
async fn a_client_without_an_id_stores_nothing() {
    let before = js_sys::eval("sessionStorage.length").unwrap();
    let client = connect(builder(""));
    until(&client, "open").await;
    assert_eq!(js_sys::eval("sessionStorage.length").unwrap(), before);
}
