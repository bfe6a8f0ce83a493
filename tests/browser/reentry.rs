//! Application code may call the client back wherever the client runs it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures::StreamExt;
use js_sys::{Function, Reflect, global};
use seamline::{Client, StartFrom, State};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::support::*;

/// Replaces the page's WebSocket by a class that calls back wherever the client uses it. Ends when it is dropped.
struct CallingBack {
    original: JsValue,
    _callback: Closure<dyn Fn()>,
}

impl CallingBack {
    fn install(callback: impl Fn() + 'static) -> Self {
        const CLASS: &str = "return class extends WebSocket {
            constructor(...all) { super(...all); callback(); }
            send(text) { callback(); super.send(text); callback(); }
            close(...all) { callback(); super.close(...all); callback(); }
            get bufferedAmount() { callback(); return super.bufferedAmount; }
            set onclose(handler) { super.onclose = handler; callback(); }
        }";
        let callback = Closure::<dyn Fn()>::new(callback);
        let class = Function::new_with_args("callback", CLASS).call1(&JsValue::NULL, callback.as_ref());
        let original = Reflect::get(&global(), &"WebSocket".into()).expect("it is there");
        Reflect::set(&global(), &"WebSocket".into(), &class.expect("it is a class")).expect("it can be set");
        CallingBack { original, _callback: callback }
    }
}

impl Drop for CallingBack {
    fn drop(&mut self) {
        Reflect::set(&global(), &"WebSocket".into(), &self.original).expect("it can be set");
    }
}

#[wasm_bindgen_test]
async fn a_web_socket_may_use_the_client_anywhere() {
    let shared = Rc::new(RefCell::new(None::<Client>));
    let calls = Rc::new(Cell::new(0));
    let (user, count) = (Rc::clone(&shared), Rc::clone(&calls));
    let room = name("room");
    let channel = room.clone();
    let socket = CallingBack::install(move || {
        let Some(client) = user.borrow().clone() else { return };
        count.set(count.get() + 1);
        client.stats();
        // Each of these is sent, which calls back again.
        if count.get() < 20 {
            drop(client.channel(&name("other"), StartFrom::Tail));
            let _ = client.cast(&channel, &1);
            drop(client.publish(&channel, &2));
        }
    });
    let client = connect(builder(&name("client")));
    *shared.borrow_mut() = Some(client.clone());
    until(&client, "open").await;
    client.cast(&room, &3).unwrap();
    assert!(client.publish(&room, &4).await.unwrap().offset > 1);
    dispatch("online");
    client.close();
    assert!(matches!(client.state(), State::Closed { .. }));
    assert!(calls.get() > 5, "{} calls", calls.get());
    shared.borrow_mut().take();
    drop(socket);
}

#[wasm_bindgen_test]
async fn a_close_may_dispatch_page_events() {
    let (depth, deepest) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let max = Rc::clone(&deepest);
    let socket = CallingBack::install(move || {
        depth.set(depth.get() + 1);
        max.set(depth.get().max(max.get()));
        dispatch("online");
        depth.set(depth.get() - 1);
    });
    let client = connect(patient(&name("client")));
    until(&client, "open").await;
    let mut states = client.states();
    dispatch_persisted("pagehide");
    next_state(&mut states, "waiting").await;
    next_state(&mut states, "open").await; // the wake event inside `close` counts
    client.close();
    assert!(deepest.get() < 10, "the events were {} deep", deepest.get());
    drop(socket);
}

thread_local! {
    static CLIENT: RefCell<Option<Client>> = const { RefCell::new(None) };
}

/// A waker that uses the client, like an executor that polls inside `wake`.
struct UsesClient;

impl Wake for UsesClient {
    fn wake(self: Arc<Self>) {
        let client = CLIENT.with_borrow(Clone::clone).expect("it is set");
        drop(client.states());
        drop(client.channel(&name("room"), StartFrom::Tail));
    }
}

#[wasm_bindgen_test]
async fn a_waker_may_use_the_client() {
    let client = connect(builder(&name("client")));
    CLIENT.set(Some(client.clone()));
    let waker = Waker::from(Arc::new(UsesClient));
    let mut cx = Context::from_waker(&waker);
    let mut states = client.states();
    let mut channel = client.channel(&name("room"), StartFrom::Tail).unwrap();
    assert!(matches!(states.poll_next_unpin(&mut cx), Poll::Ready(Some(State::Connecting))));
    assert!(matches!(states.poll_next_unpin(&mut cx), Poll::Pending));
    assert!(matches!(channel.poll_next_unpin(&mut cx), Poll::Pending));
    until(&client, "open").await;
    assert!(matches!(states.poll_next_unpin(&mut cx), Poll::Ready(Some(_))));
    client.close();
    CLIENT.set(None);
    assert!(matches!(client.state(), State::Closed { .. }));
}
