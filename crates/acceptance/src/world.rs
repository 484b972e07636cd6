//! Everything a test needs of a running stack, opened once a test.

use anyhow::{Context, Result};
use howdah_domain::InstanceId;

use crate::Stack;
use crate::api::Api;
use crate::cluster::Cluster;
use crate::dns::OutsideDns;
use crate::mail::MailCatcher;
use crate::record::Record;
use crate::tenants::Tenants;
use crate::visitor::{self, Visitor};

pub struct World {
    pub stack: Stack,
    /// Trusts the stack's CA; finds names as pods do.
    pub http: reqwest::Client,
    pub cluster: Cluster,
    pub tenants: Tenants,
    pub dns: OutsideDns,
    pub mail: MailCatcher,
    pub visitor: Visitor,
    /// Absent where only the operator is tested.
    pub record: Option<Record>,
}

impl World {
    /// Without the record and the API: the operator alone.
    pub async fn without_control_plane() -> Result<Self> {
        // A second test in the same process finds it installed.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let stack = Stack::attach()?;
        let http = visitor::client(&stack)?;
        Ok(Self {
            cluster: Cluster::open(&stack).await?,
            tenants: Tenants::new(&stack)?,
            dns: OutsideDns::new(&stack, http.clone()),
            mail: MailCatcher::new(&stack, http.clone()),
            visitor: Visitor::new(http.clone()),
            record: None,
            http,
            stack,
        })
    }

    pub async fn open() -> Result<Self> {
        let world = Self::without_control_plane().await?;
        Ok(Self { record: Some(Record::open(&world.stack).await?), ..world })
    }

    /// The API as the demo customer.
    pub fn customer(&self) -> Result<Api> {
        let token = self.stack.api_token.clone().context("stack.json has no api_token")?;
        Ok(Api::new(&self.stack, self.http.clone(), token))
    }

    /// The API as the platform's operator.
    pub fn operator(&self) -> Result<Api> {
        let token = self.stack.operator_api_token.clone().context("stack.json has no operator_api_token")?;
        Ok(Api::new(&self.stack, self.http.clone(), token))
    }

    /// The record, where the control plane is tested.
    pub fn record(&self) -> Result<&Record> {
        self.record.as_ref().context("this test was opened without the record")
    }
}

/// A name that no other run has.
#[must_use]
pub fn fresh_name(kind: &str) -> String {
    let number: u32 = rand::random();
    format!("{kind}{number:08x}")
}

/// An id that no other run has.
#[must_use]
pub fn fresh_id() -> InstanceId {
    InstanceId::from_uuid(uuid::Builder::from_random_bytes(rand::random()).into_uuid())
}
