//! The keys that tokens are checked with, and where they come from: a secret, a file, or a URL.

use std::path::PathBuf;
use std::sync::Arc;

use super::jwks_url::JwksUrl;
use super::key::{Key, KeySet};
use super::key_file;
use crate::config::Config;
use crate::error::SetupError;

/// See the module.
pub struct Keys {
    set: KeySet,
    source: Source,
}

enum Source {
    Secret,
    File(PathBuf),
    // Boxed, because it is much larger than the others.
    Url(Box<JwksUrl>),
}

/// The search for a key that is not there.
pub enum Search {
    /// The keys are fixed.
    Impossible,
    /// The keys are those that the provider has.
    Done,
    /// The provider's keys are not known at the moment.
    Failed,
}

impl Keys {
    /// As the settings say; `None` if they ask for no tokens. A file is read; [`load`](Self::load) fetches what is at a
    /// URL.
    pub fn new(config: &Config) -> Result<Option<Keys>, SetupError> {
        let (keys, source) = if let Some(secret) = &config.token_secret {
            (vec![Key::secret(secret)], Source::Secret)
        } else if let Some(file) = &config.token_key {
            (key_file::read(file)?, Source::File(file.clone()))
        } else if let Some(url) = &config.token_jwks_url {
            (Vec::new(), Source::Url(Box::new(JwksUrl::new(url, config.token_jwks_refresh)?)))
        } else {
            return Ok(None);
        };
        Ok(Some(Keys { set: KeySet::new(keys), source }))
    }

    /// The keys in use. There are none before those of a URL have been fetched.
    pub fn get(&self) -> Arc<[Key]> {
        self.set.get()
    }

    /// Reads the keys again. If something is wrong, they stay as they are. `None` if there is nothing to read.
    pub async fn load(&self) -> Option<Result<(), SetupError>> {
        match &self.source {
            Source::Secret => None,
            Source::File(file) => Some(key_file::read(file).map(|keys| self.set.replace(keys))),
            Source::Url(url) => Some(url.load(&self.set).await),
        }
    }

    /// Looks for a key that a token names, and that is not there.
    pub async fn look_for_unknown_key(&self) -> Search {
        match &self.source {
            Source::Secret | Source::File(_) => Search::Impossible,
            Source::Url(url) => match url.look_for_unknown_key(&self.set).await {
                true => Search::Done,
                false => Search::Failed,
            },
        }
    }

    /// Keeps the keys of a URL up to date. Does not end.
    pub async fn refresh_regularly(&self) {
        match &self.source {
            Source::Secret | Source::File(_) => std::future::pending().await,
            Source::Url(url) => url.refresh_regularly(&self.set).await,
        }
    }
}
