//! What a page and a native program share differently: a page has one thread, and values that no other thread may
//! have.

#[cfg(not(target_arch = "wasm32"))]
mod kinds {
    pub use std::sync::MutexGuard as Guard;
    pub use std::sync::{Arc as Shared, Weak};
    use std::sync::{Mutex, PoisonError};

    /// A value that one call at a time may change.
    #[derive(Debug, Default)]
    pub struct Lock<T>(Mutex<T>);

    impl<T> Lock<T> {
        pub fn new(value: T) -> Self {
            Lock(Mutex::new(value))
        }

        /// No application code runs while it is held, so nothing can panic in the middle of a change.
        pub fn lock(&self) -> Guard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// [`Send`], except in a page.
    pub trait MaybeSend: Send {}
    impl<T: Send + ?Sized> MaybeSend for T {}

    /// [`Sync`], except in a page.
    pub trait MaybeSync: Sync {}
    impl<T: Sync + ?Sized> MaybeSync for T {}
}

#[cfg(target_arch = "wasm32")]
mod kinds {
    use std::cell::RefCell;
    pub use std::cell::RefMut as Guard;
    pub use std::rc::{Rc as Shared, Weak};

    /// A value that one call at a time may change.
    #[derive(Debug, Default)]
    pub struct Lock<T>(RefCell<T>);

    impl<T> Lock<T> {
        pub fn new(value: T) -> Self {
            Lock(RefCell::new(value))
        }

        pub fn lock(&self) -> Guard<'_, T> {
            self.0.borrow_mut()
        }
    }

    /// `Send`, except in a page.
    pub trait MaybeSend {}
    impl<T: ?Sized> MaybeSend for T {}

    /// `Sync`, except in a page.
    pub trait MaybeSync {}
    impl<T: ?Sized> MaybeSync for T {}
}

pub(crate) use kinds::{Guard, Lock, Shared, Weak};
pub use kinds::{MaybeSend, MaybeSync};
