//! Embeds what browsers load besides pages: each file of `assets/`, and the libraries that `cargo xtask assets` puts beside them,
//! under a name with a digest of what it holds, so that it can be cached for ever; and compressed, once, here.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use data_encoding::HEXLOWER;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};

/// Name of the constant, files that make it up (it has the first one's name), and type.
/// What streams is in one file with htmx: htmx looks through the page as soon as it is there, and an extension that comes
/// a moment later is never asked.
const ASSETS: &[(&str, &[&str], &str)] = &[
    ("STYLE", &["style.css"], "text/css; charset=utf-8"),
    ("SCRIPT", &["howdah.js"], "text/javascript; charset=utf-8"),
    ("MARK", &["mark.svg"], "image/svg+xml"),
    ("PASSKEYS", &["passkeys.js"], "text/javascript; charset=utf-8"),
    ("UPLOAD", &["upload.js"], "text/javascript; charset=utf-8"),
    ("VIEWER", &["viewer.js"], "text/javascript; charset=utf-8"),
    ("HTMX", &["libraries/htmx.js", "libraries/hx-sse.js"], "text/javascript; charset=utf-8"),
    ("SWAGGER", &["libraries/swagger-ui.js"], "text/javascript; charset=utf-8"),
    ("SWAGGER_STYLE", &["libraries/swagger-ui.css"], "text/css; charset=utf-8"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("assets");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut code = String::new();
    let mut all = String::new();
    println!("cargo:rerun-if-changed=build.rs");
    for (constant, files, kind) in ASSETS {
        let content = joined(&folder, files)?;
        let digest: String = HEXLOWER.encode(&Sha256::digest(&content)).chars().take(16).collect();
        let name = files.first().and_then(|it| Path::new(it).file_name()).and_then(|it| it.to_str()).ok_or("an asset has a name")?;
        let (stem, extension) = name.split_once('.').ok_or("an asset's name has an extension")?;
        let (plain, packed) = (out.join(name), out.join(format!("{name}.gz")));
        fs::write(&packed, compress(&content)?)?;
        fs::write(&plain, &content)?;
        writeln!(
            code,
            "pub const {constant}: Asset = Asset {{ name: \"{stem}.{digest}.{extension}\", url: \"/assets/{stem}.{digest}.{extension}\", \
             kind: \"{kind}\", plain: include_bytes!({plain:?}), packed: include_bytes!({packed:?}) }};",
        )?;
        write!(all, "{constant}, ")?;
    }
    writeln!(code, "const ALL: &[Asset] = &[{all}];")?;
    fs::write(out.join("assets.rs"), code)?;
    Ok(())
}

fn joined(folder: &Path, files: &[&str]) -> Result<Vec<u8>, String> {
    let mut parts = Vec::new();
    for file in files {
        let path = folder.join(file);
        println!("cargo:rerun-if-changed={}", path.display());
        parts.push(fs::read(&path).map_err(|error| missing(&path, &error))?);
    }
    Ok(parts.join(&b"\n;"[..]))
}

fn compress(content: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzBuilder::new().write(Vec::new(), Compression::best());
    packer.write_all(content)?;
    packer.finish()
}

fn missing(path: &Path, error: &std::io::Error) -> String {
    format!(
        "can't read {}: {error}. The libraries of the pages are not checked in: run `cargo xtask assets`, then build again.",
        path.display()
    )
}
