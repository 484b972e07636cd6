//! What every pass over an export has at hand, and what is remembered of each between passes. All memory can be lost: it is read anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use howdah_crd::export::PROGRESS_PORT;
use howdah_crd::{MastodonExport, MastodonExportStatus};

use super::progress::Asker;
use crate::controllers::instance;

pub struct Context {
    pub instances: Arc<instance::Context>,
    pub asker: Asker,
    /// By uid: an export made anew has no past.
    memories: Mutex<HashMap<String, Remembered>>,
}

#[derive(Clone, Default)]
pub struct Remembered {
    /// Passes in a row that failed.
    pub failures: u32,
    pub written: Option<Written>,
}

/// The status as last written.
#[derive(Clone)]
pub struct Written {
    /// The resourceVersion that the export got by it.
    pub version: String,
    pub status: MastodonExportStatus,
}

impl Context {
    #[must_use]
    pub fn new(instances: Arc<instance::Context>) -> Self {
        Self::asking(instances, PROGRESS_PORT)
    }

    /// Exports are asked at this port.
    #[must_use]
    pub fn asking(instances: Arc<instance::Context>, port: u16) -> Self {
        Self { instances, asker: Asker::new(port), memories: Mutex::default() }
    }

    #[must_use]
    pub fn recall(&self, cr: &MastodonExport) -> Remembered {
        let memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.get(cr.metadata.uid.as_deref().unwrap_or_default()).cloned().unwrap_or_default()
    }

    /// Changes what is remembered, and gives it back.
    pub fn remember(&self, cr: &MastodonExport, change: impl FnOnce(&mut Remembered)) -> Remembered {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = memories.entry(cr.metadata.uid.clone().unwrap_or_default()).or_default();
        change(remembered);
        remembered.clone()
    }

    pub fn forget(&self, cr: &MastodonExport) {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner).remove(cr.metadata.uid.as_deref().unwrap_or_default());
    }
}
