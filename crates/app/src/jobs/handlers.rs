//! The jobs as the queue knows them: each handler finds the worker, runs the job in a span, and logs its error once.

use std::fmt::{self, Debug};
use std::sync::Arc;

use graphile_worker::{IntoTaskHandlerResult, TaskHandler, WorkerContext, WorkerOptions};
use tracing::Instrument;

use super::{
    BillingUpkeep, DeleteExports, HandleBillingEvents, LookAfterEndings, LookOutside, ResyncAll, SendMails, SyncExport, SyncInstance,
    SyncPull, Tick, VerifyFinalBundles,
};
use crate::error::chain;
use crate::worker::{WorkError, Worker};

/// The worker, as the queue hands it to its jobs.
#[derive(Clone)]
pub struct Context(Arc<Worker>);

impl Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Context")
    }
}

/// All of Howdah's jobs, on this worker.
#[must_use]
pub fn define(options: WorkerOptions, worker: &Arc<Worker>) -> WorkerOptions {
    options
        .add_extension(Context(worker.clone()))
        .define_job::<SyncInstance>()
        .define_job::<SyncExport>()
        .define_job::<SyncPull>()
        .define_job::<Tick>()
        .define_job::<LookOutside>()
        .define_job::<ResyncAll>()
        .define_job::<SendMails>()
        .define_job::<DeleteExports>()
        .define_job::<VerifyFinalBundles>()
        .define_job::<HandleBillingEvents>()
        .define_job::<LookAfterEndings>()
        .define_job::<BillingUpkeep>()
}

/// What the queue keeps of an error: one line with all its sources.
fn told(job: &'static str, result: Result<(), WorkError>) -> Result<(), String> {
    result.map_err(|error| {
        let text = chain(&error);
        tracing::warn!(job.name = job, error = text, "a job failed");
        text
    })
}

fn worker(context: &WorkerContext) -> Result<Arc<Worker>, String> {
    let found = context.get_ext::<Context>();
    found.map(|it| it.0.clone()).ok_or_else(|| "the queue runs without its worker".to_owned())
}

macro_rules! handler {
    ($job:ident $(, $what:ident.$id:ident = $field:ident)?) => {
        impl TaskHandler for $job {
            const IDENTIFIER: &'static str = Self::NAME;

            async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
                let worker = worker(&context)?;
                let span = tracing::info_span!("job", job.name = Self::NAME $(, $what.$id = %self.$field)?);
                let result = self.work(&worker).instrument(span).await;
                told(Self::NAME, result)
            }
        }
    };
}

handler!(SyncInstance, instance.id = instance_id);
handler!(SyncExport, export.id = export_id);
handler!(SyncPull, import.id = import_id);
handler!(Tick);
handler!(LookOutside);
handler!(ResyncAll);
handler!(SendMails);
handler!(DeleteExports);
handler!(VerifyFinalBundles);
handler!(HandleBillingEvents);
handler!(LookAfterEndings);
handler!(BillingUpkeep);
