//! A bundle whose place gives one thing to whoever checks it, and another to whoever reads on.

use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::BoxStream;
use howdah_bundle::create::{self, SealWith};
use howdah_bundle::load::Duplicates;
use howdah_bundle::media::{Store, StoreSettings};
use howdah_bundle::place::{Place, Prefix};
use howdah_bundle::restore::{self, RestoreError, Restored};
use howdah_bundle::sign::{PublicKey, SigningKey};
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt as _,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::server::{Server, all_rows, now, place};
use crate::support::TestDatabase;

/// Gives `name` as it is for so many times, and something else from then on.
#[derive(Debug)]
struct Turncoat {
    memory: InMemory,
    name: &'static str,
    honest: AtomicUsize,
    other: String,
}

impl Turncoat {
    /// With all that a folder has.
    async fn of(folder: &FilePath, name: &'static str, honest: usize, other: String) -> Self {
        let (memory, mut folders) = (InMemory::new(), vec![folder.to_owned()]);
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path: PathBuf = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let at = Path::parse(path.strip_prefix(folder).unwrap().to_str().unwrap()).unwrap();
                memory.put(&at, std::fs::read(&path).unwrap().into()).await.unwrap();
            }
        }
        Self { memory, name, honest: AtomicUsize::new(honest), other }
    }
}

impl fmt::Display for Turncoat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a turncoat")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Turncoat {
    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        let left = |honest: usize| honest.checked_sub(1);
        if at.as_ref() == self.name && self.honest.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_err() {
            self.memory.put(at, self.other.clone().into_bytes().into()).await?;
        }
        self.memory.get_opts(at, options).await
    }

    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.memory.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(&self, at: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.memory.put_multipart_opts(at, options).await
    }

    fn delete_stream(&self, all: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.memory.delete_stream(all)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.memory.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.memory.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.memory.copy_opts(from, to, options).await
    }
}

#[async_trait::async_trait]
impl MultipartStore for Turncoat {
    async fn create_multipart(&self, at: &Path) -> Result<MultipartId> {
        self.memory.create_multipart(at).await
    }

    async fn put_part(&self, at: &Path, id: &MultipartId, number: usize, payload: PutPayload) -> Result<PartId> {
        self.memory.put_part(at, id, number, payload).await
    }

    async fn complete_multipart(&self, at: &Path, id: &MultipartId, parts: Vec<PartId>) -> Result<PutResult> {
        self.memory.complete_multipart(at, id, parts).await
    }

    async fn abort_multipart(&self, at: &Path, id: &MultipartId) -> Result<()> {
        self.memory.abort_multipart(at, id).await
    }
}

/// Made for this test by `openssl genpkey -algorithm ed25519`.
const KEY: &str =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIaHYXnt8+BkeKUtrMoTuFXcGHARP1jVotauHrLIKFOx\n-----END PRIVATE KEY-----\n";

async fn restored(from: Turncoat, signer: PublicKey, target: &TestDatabase, media: &FilePath) -> Result<Restored, RestoreError> {
    let from = Place::Prefix(Prefix::new(Arc::new(from), Path::default(), "s3://turncoat".to_owned()));
    let options = restore::Options {
        from: &from,
        identities: None,
        signers: &[signer],
        database: target.settings(),
        duplicates: Duplicates::Refuse,
        mark: None,
        manifest_sha256: None,
        media_to: Some(Store::open_up(StoreSettings::Disk { root: media.to_owned() }).unwrap()),
        env_to: None,
    };
    restore::restore(options, &|_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_signed_is_what_is_restored() {
    let server = Server::new().await;
    let folder = tempfile::tempdir().unwrap();
    let (at, media) = (folder.path().join("birds"), folder.path().join("system"));
    std::fs::create_dir(&media).unwrap();
    let key = SigningKey::from_pem(&KEY.into()).unwrap();
    let signer = key.public();
    let options = create::Options { sign: Some(key), ..server.options(place(&at), SealWith::Plain) };
    create::create(options, &now, &|_| {}).await.unwrap();
    let target = TestDatabase::schema_only().await;
    let empty = all_rows(&target).await;

    // Checked in full first, and used line by line then.
    let inventory = "media/INVENTORY.ndjson";
    let whole = std::fs::read_to_string(at.join(inventory)).unwrap();
    let (first, rest) = whole.split_once('\n').unwrap();
    let mut line: serde_json::Value = serde_json::from_str(first).unwrap();
    line["content_type"] = "text/html".into();
    let from = Turncoat::of(&at, inventory, 1, format!("{line}\n{rest}")).await;
    let refused = restored(from, signer, &target, &media).await;
    assert!(matches!(refused, Err(RestoreError::InventoryDiffers)), "{:?}", refused.map(drop));
    assert!(all_rows(&target).await == empty, "no row is there");

    // Whether there is one is looked at first; the signature and the rest are of what is read next.
    let manifest = std::fs::read_to_string(at.join("MANIFEST.json")).unwrap();
    let mut other: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    other["format"] = 99.into();
    let from = Turncoat::of(&at, "MANIFEST.json", 2, other.to_string()).await;
    restored(from, signer, &target, &media).await.unwrap();
    assert!(all_rows(&target).await == all_rows(&server.database).await);
}
