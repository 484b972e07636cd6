//! `howdah bundle inspect`: what it is, on one screen, from the files that describe it alone.

use std::process::ExitCode;

use anyhow::Context as _;
use howdah_bundle::format::{self, BundlePath, Manifest, Preflight, Seal};
use howdah_bundle::place::{Bundle, Reader};
use serde_json::json;

use super::{place, print_json, shown, size};
use crate::args::bundle::InspectArgs;

const HELD: u64 = 16 << 20;

pub async fn run(args: InspectArgs) -> anyhow::Result<ExitCode> {
    let (preflight, manifest, signed) = match Reader::open(&place(&args.from)?).await? {
        Reader::Bundle(bundle) => {
            let signed = bundle.open(&BundlePath::parse(format::SIGNATURE)?).await.is_ok();
            (read(&bundle, format::PREFLIGHT).await?, Some(read(&bundle, format::MANIFEST).await?), Some(signed))
        }
        // It comes first in a tar: the rest need not be waited for.
        Reader::Stream(mut stream) => {
            let member = stream.next().await?.context("the tar is empty")?;
            anyhow::ensure!(member.path.as_str() == format::PREFLIGHT && member.bytes <= HELD, "no bundle: {} comes first", member.path);
            let mut bytes = Vec::new();
            let mut body = member.body;
            tokio::io::AsyncReadExt::read_to_end(&mut body, &mut bytes).await?;
            (serde_json::from_slice(&bytes).context("PREFLIGHT.json is not as the format has it")?, None, None)
        }
    };
    if args.output.json {
        print_json(&json!({ "preflight": preflight, "manifest": manifest, "signed": signed }))?;
    } else {
        print!("{}", screen(&preflight, manifest.as_ref(), signed));
    }
    Ok(ExitCode::SUCCESS)
}

pub async fn read<T: serde::de::DeserializeOwned>(bundle: &Bundle, name: &str) -> anyhow::Result<T> {
    let bytes = bundle.read_small(&BundlePath::parse(name)?, HELD).await?;
    serde_json::from_slice(&bytes).with_context(|| format!("{name} is not as the format has it"))
}

fn screen(preflight: &Preflight, manifest: Option<&Manifest>, signed: Option<bool>) -> String {
    let Preflight { domains, mastodon, schema, postgresql, counts, media, .. } = preflight;
    let mut lines = vec![
        ("server", if domains.local == domains.web { domains.local.clone() } else { format!("{} at {}", domains.local, domains.web) }),
        (
            "made",
            format!("{} by {}, {:?}", preflight.created_at.format("%Y-%m-%d %H:%M UTC"), preflight.made_by, preflight.consistency)
                .to_lowercase(),
        ),
        ("mastodon", mastodon.version.clone().unwrap_or_else(|| "of an unknown version".to_owned())),
        ("schema", schema.newest_migration.clone()),
        ("postgresql", format!("{} ({}, {})", postgresql.major(), postgresql.encoding, postgresql.collation.collate)),
        ("people", format!("{} local, {} posts of theirs", counts.local_users, counts.local_statuses)),
        ("media at", media.public_base_url.clone().unwrap_or_default()),
    ];
    if let Some(fork) = mastodon.fork {
        lines.push(("fork", format!("{fork:?}")));
    }
    if let Some(manifest) = manifest {
        let rows: u64 = manifest.tables.values().map(|it| it.rows).sum();
        lines.push((
            "database",
            format!("{rows} rows in {} tables, {} ({})", manifest.tables.len(), size(manifest.dump.bytes), manifest.dump.compression),
        ));
        lines.push(("media", format!("{} files, {}", manifest.inventory.files, size(manifest.inventory.bytes))));
        lines.push((
            "sealed",
            match &manifest.seal {
                Seal::Recipients { recipients } => format!("to {}", recipients.join(", ")),
                Seal::Passphrase => "by a passphrase".to_owned(),
                Seal::Plain => "no: whoever holds it reads everything".to_owned(),
            },
        ));
        if signed == Some(true) {
            lines.push(("signed", "yes; `verify --signer KEY` says whether by that key".to_owned()));
        }
        lines.push(("content", manifest.content_digest.to_string()));
    }
    lines.iter().map(|(name, value)| format!("{name:<11} {}\n", shown(value))).collect()
}
