//! Ways of failing, switched on by environment: `STANDIN_FAIL=mode,mode`, for all servers or for those whose `LOCAL_DOMAIN` is in
//! `STANDIN_FAIL_DOMAINS`. Each mode is a way in which a real server is known to fail.

use std::time::Duration;

use anyhow::bail;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::Env;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `db:prepare` fails before it touches anything.
    DbPrepare,
    /// `db:prepare` dies when half of the tables are there.
    DbPrepareHalfway,
    /// The pre-deployment migration fails before it touches anything.
    PreMigrate,
    /// The pre-deployment migration dies after its first step.
    PreMigrateHalfway,
    /// The post-deployment migration fails.
    PostMigrate,
    /// `tootctl accounts` fails.
    Owner,
    /// `tootctl settings` fails, and so does every `Setting.x =` in a runner script.
    Configure,
    WebCrash,
    /// Web answers its first health checks, then exits.
    WebCrashAfterReady,
    StreamingCrash,
    SidekiqCrash,
    /// Sidekiq runs, is ready, and takes no job.
    QueueStuck,
    /// Web answers health checks with 503, and Sidekiq never writes its readiness file.
    NotReady,
}

const NAMES: [(&str, Fault); 13] = [
    ("db_prepare", Fault::DbPrepare),
    ("db_prepare_halfway", Fault::DbPrepareHalfway),
    ("pre_migrate", Fault::PreMigrate),
    ("pre_migrate_halfway", Fault::PreMigrateHalfway),
    ("post_migrate", Fault::PostMigrate),
    ("owner", Fault::Owner),
    ("configure", Fault::Configure),
    ("web_crash", Fault::WebCrash),
    ("web_crash_after_ready", Fault::WebCrashAfterReady),
    ("streaming_crash", Fault::StreamingCrash),
    ("sidekiq_crash", Fault::SidekiqCrash),
    ("queue_stuck", Fault::QueueStuck),
    ("not_ready", Fault::NotReady),
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    active: Vec<Fault>,
    pub slow_start: Duration,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSwitch {
    #[error("STANDIN_FAIL: there is no failure mode `{0}`")]
    Mode(String),
    #[error("STANDIN_SLOW_START_SECONDS: `{0}` is not a number of seconds")]
    Seconds(String),
}

impl Faults {
    pub fn read(env: &Env) -> Result<Self, BadSwitch> {
        let seconds = env.get("STANDIN_SLOW_START_SECONDS").unwrap_or("0");
        let slow_start = seconds.parse().ok().and_then(|number| Duration::try_from_secs_f32(number).ok());
        let slow_start = slow_start.ok_or_else(|| BadSwitch::Seconds(seconds.to_owned()))?;
        let chosen = match (env.get("STANDIN_FAIL_DOMAINS"), env.get("LOCAL_DOMAIN")) {
            (None, _) => true,
            (Some(domains), Some(own)) => domains.split(',').any(|domain| domain.trim() == own),
            (Some(_), None) => false,
        };
        if !chosen {
            return Ok(Self::default());
        }
        let modes = env.get("STANDIN_FAIL").unwrap_or_default().split(',').map(str::trim).filter(|mode| !mode.is_empty());
        let active = modes
            .map(|mode| {
                NAMES.iter().find(|(name, _)| *name == mode).map(|(_, fault)| *fault).ok_or_else(|| BadSwitch::Mode(mode.to_owned()))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { active, slow_start })
    }

    pub fn has(&self, fault: Fault) -> bool {
        self.active.contains(&fault)
    }

    /// Fails here, if this way of failing is switched on.
    pub fn fail_at(&self, fault: Fault) -> anyhow::Result<()> {
        if self.has(fault) {
            let name = NAMES.iter().find(|(_, known)| *known == fault).map_or("", |(name, _)| name);
            bail!("StandInFailure: told to fail by STANDIN_FAIL={name}");
        }
        Ok(())
    }

    /// Waits as a heavy application does before it listens; told to stop meanwhile, it stops.
    pub async fn start_slowly(&self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            () = tokio::time::sleep(self.slow_start) => Ok(()),
            _ = terminate.recv() => bail!("SignalException: SIGTERM"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_domains_limits_a_fault_to_them() {
        let with = |domain| {
            Env::from([("STANDIN_FAIL", "owner, web_crash"), ("STANDIN_FAIL_DOMAINS", "a.example,b.example"), ("LOCAL_DOMAIN", domain)])
        };
        assert!(Faults::read(&with("b.example")).unwrap().has(Fault::Owner));
        assert!(Faults::read(&with("b.example")).unwrap().fail_at(Fault::WebCrash).is_err());
        assert_eq!(Faults::read(&with("c.example")).unwrap(), Faults::default());
    }

    #[test]
    fn an_unknown_mode_is_said_and_not_ignored() {
        assert_eq!(Faults::read(&Env::from([("STANDIN_FAIL", "onwer")])), Err(BadSwitch::Mode("onwer".into())));
    }
}
