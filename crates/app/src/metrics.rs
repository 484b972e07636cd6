//! What Prometheus is told of the worker's work. All of it is read from the record when it is asked for: of several workers each
//! tells the same, and one that was killed has lost nothing.

use chrono::{DateTime, TimeDelta, Utc};
use howdah_db::models::tally::{self, ClusterTally, JobTally, OperationTally, OutboxTally, ProbeTally};
use howdah_db::{Conn, QueryError};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::App;
use crate::error::chain;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfJob {
    job: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct JobsIn {
    job: String,
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfOperation {
    kind: String,
    state: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfKind {
    kind: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfProbe {
    leads_here: &'static str,
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OfCluster {
    cluster: String,
}

/// In OpenMetrics' text. A record that is away is told, and is no error.
pub async fn text(app: &App) -> String {
    let mut registry = Registry::with_prefix("howdah_worker");
    let up: Gauge = Gauge::default();
    registry.register("record_up", "1 where the record answered", up.clone());
    match Tallies::read(app).await {
        Ok(tallies) => {
            up.set(1);
            tallies.register(&mut registry, app.now());
        }
        Err(error) => tracing::warn!(error = chain(&error), "the record could not be measured"),
    }
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => text,
        Err(_) => String::new(),
    }
}

struct Tallies {
    jobs: Vec<JobTally>,
    operations: Vec<OperationTally>,
    outbox: OutboxTally,
    probes: Vec<ProbeTally>,
    clusters: Vec<ClusterTally>,
}

impl Tallies {
    async fn read(app: &App) -> Result<Self, crate::Error> {
        let mut conn = app.conn().await?;
        Ok(Self::of(&mut conn).await?)
    }

    async fn of(conn: &mut Conn) -> Result<Self, QueryError> {
        Ok(Self {
            jobs: tally::jobs(conn).await?,
            operations: tally::operations(conn).await?,
            outbox: tally::outbox(conn).await?,
            probes: tally::probes(conn).await?,
            clusters: tally::clusters(conn).await?,
        })
    }

    fn register(self, registry: &mut Registry, now: DateTime<Utc>) {
        let Self { jobs, operations, outbox, probes, clusters } = self;
        of_jobs(registry, jobs);
        of_operations(registry, operations, now);
        let waiting: Gauge = Gauge::default();
        waiting.set(outbox.count);
        registry.register("outbox_mails", "Mails that no relay has taken yet", waiting);
        let age: Gauge = Gauge::default();
        age.set(outbox.oldest.map_or(0, |it| seconds(now - it)));
        registry.register("outbox_oldest_seconds", "Age of the oldest of them", age);
        of_probes(registry, probes, now);
        of_clusters(registry, clusters, now);
    }
}

fn of_jobs(registry: &mut Registry, jobs: Vec<JobTally>) {
    let count = Family::<JobsIn, Gauge>::default();
    let overdue = Family::<OfJob, Gauge>::default();
    for JobTally { name, waiting, running, failed, overdue_seconds } in jobs {
        for (state, number) in [("waiting", waiting), ("running", running), ("failed", failed)] {
            count.get_or_create(&JobsIn { job: name.clone(), state }).set(number);
        }
        overdue.get_or_create(&OfJob { job: name }).set(overdue_seconds);
    }
    registry.register("jobs", "Jobs of the queue; failed: the last try came to nothing", count);
    registry.register("job_overdue_seconds", "For how long the oldest job that is due has waited", overdue);
}

fn of_operations(registry: &mut Registry, operations: Vec<OperationTally>, now: DateTime<Utc>) {
    let count = Family::<OfOperation, Gauge>::default();
    let held_up = Family::<OfKind, Gauge>::default();
    let oldest = Family::<OfOperation, Gauge>::default();
    for it in operations {
        let labels = OfOperation { kind: it.kind.clone(), state: it.state };
        count.get_or_create(&labels).set(it.count);
        oldest.get_or_create(&labels).set(seconds(now - it.oldest));
        held_up.get_or_create(&OfKind { kind: it.kind }).inc_by(it.held_up);
    }
    registry.register("operations", "Live operations", count);
    registry.register("operations_held_up", "Live operations of which a step fails and is tried again", held_up);
    registry.register("operation_oldest_seconds", "Age of the oldest live operation", oldest);
}

fn of_probes(registry: &mut Registry, probes: Vec<ProbeTally>, now: DateTime<Utc>) {
    let count = Family::<OfProbe, Gauge>::default();
    let oldest: Gauge = Gauge::default();
    oldest.set(probes.iter().map(|it| seconds(now - it.oldest)).max().unwrap_or_default());
    for ProbeTally { leads_here, reason, count: number, .. } in probes {
        let leads_here = if leads_here { "yes" } else { "no" };
        count.get_or_create(&OfProbe { leads_here, reason }).set(number);
    }
    registry.register("probes", "Servers by what the last look from outside found", count);
    registry.register("probe_oldest_seconds", "Age of the oldest last look", oldest);
}

fn of_clusters(registry: &mut Registry, clusters: Vec<ClusterTally>, now: DateTime<Utc>) {
    let age = Family::<OfCluster, Gauge>::default();
    let away = Family::<OfCluster, Gauge>::default();
    for ClusterTally { name, observed_at, unreachable_since } in clusters {
        let labels = OfCluster { cluster: name };
        if let Some(at) = observed_at {
            age.get_or_create(&labels).set(seconds(now - at));
        }
        away.get_or_create(&labels).set(unreachable_since.map_or(0, |it| seconds(now - it).max(1)));
    }
    registry.register("observation_age_seconds", "Since the observer was last in touch with a cluster", age);
    registry.register("cluster_unreachable_seconds", "For how long a cluster can't be reached; 0 while it can", away);
}

/// Clocks differ: nothing is younger than now.
fn seconds(age: TimeDelta) -> i64 {
    age.num_seconds().max(0)
}
