//! How far what somebody names may lead: the public internet, what is excepted, and whose certificates are trusted there.

use anyhow::Context as _;
use howdah_bundle::outside::{Allowed, Certificate, Guard};
use howdah_bundle::place::{Location, Place};

use super::s3;
use crate::args::bundle::OutsideArgs;

pub struct Outside {
    pub guard: Guard,
    pub authorities: Vec<Certificate>,
}

impl Outside {
    pub fn of(args: &OutsideArgs) -> anyhow::Result<Self> {
        Ok(Self { guard: Guard::new(Allowed::also(args.allowed.clone())), authorities: authorities(args)? })
    }

    /// A place in somebody's bucket.
    pub fn place(&self, location: &Location) -> anyhow::Result<Place> {
        match location {
            Location::S3 { .. } => Ok(Place::guarded(location, &s3()?, &self.guard, &self.authorities)?),
            _ => anyhow::bail!("--outside is for a bundle in s3://BUCKET/PREFIX, and {location} is none"),
        }
    }
}

fn authorities(args: &OutsideArgs) -> anyhow::Result<Vec<Certificate>> {
    let Some(file) = &args.extra_ca else { return Ok(Vec::new()) };
    let pem = std::fs::read(file).with_context(|| format!("{} can't be read (--extra-ca)", file.display()))?;
    Certificate::from_pem_bundle(&pem).with_context(|| format!("{} holds no certificates in PEM (--extra-ca)", file.display()))
}
