use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use howdah_bundle::{
    format::{MANIFEST, Sha256Hex},
    place::{Place, PlaceError, Prefix, Reader},
    s3::S3Settings,
};
use object_store::{
    Attribute, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    memory::InMemory,
    multipart::{MultipartStore, PartId},
    path::Path,
};

use crate::sample::{Source, bundle, held, make, make_with, open, path, run};

/// A bucket in memory that is out of reach after so many requests that write, and that knows which uploads are open.
#[derive(Debug, Clone)]
pub struct Bucket {
    memory: Arc<InMemory>,
    writes: Arc<AtomicI64>,
    open: Arc<Mutex<BTreeSet<String>>>,
    /// What was asked of it, such as `put media/…`.
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Bucket {
    pub fn new() -> Self {
        let (writes, open, asked) = (Arc::new(AtomicI64::new(i64::MAX)), Arc::default(), Arc::default());
        Self { memory: Arc::new(InMemory::new()), writes, open, asked }
    }

    fn failing_after(&self, writes: i64) -> Self {
        Self { writes: Arc::new(AtomicI64::new(writes)), ..self.clone() }
    }

    pub fn at(&self, prefix: &str) -> Place {
        Place::Prefix(Prefix::new(Arc::new(self.clone()), Path::parse(prefix).unwrap(), format!("s3://bucket/{prefix}")))
    }

    fn ask(&self, what: &str, of: &Path) -> Result<()> {
        self.asked.lock().unwrap().push(format!("{what} {of}"));
        if what != "get" && self.writes.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err(Error::Generic { store: "test", source: "out of reach".into() });
        }
        Ok(())
    }

    /// As somebody does who has the bucket's keys.
    pub async fn put(&self, at: &str, text: &'static str) {
        self.memory.put(&Path::parse(at).unwrap(), text.into()).await.unwrap();
    }

    pub async fn remove(&self, at: &str) {
        self.memory.delete(&Path::parse(at).unwrap()).await.unwrap();
    }

    async fn names(&self) -> BTreeSet<String> {
        self.memory.list(None).map_ok(|it| it.location.to_string()).try_collect().await.unwrap()
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bucket")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Bucket {
    async fn put_opts(&self, at: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.ask("put", at)?;
        self.memory.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(&self, at: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.memory.put_multipart_opts(at, options).await
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.ask("get", at)?;
        self.memory.get_opts(at, options).await
    }

    fn delete_stream(&self, all: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let bucket = self.clone();
        self.memory.delete_stream(all.map(move |it| it.and_then(|it| bucket.ask("delete", &it).map(|()| it))).boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.memory.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.memory.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.ask("copy", to)?;
        self.memory.copy_opts(from, to, options).await
    }
}

#[async_trait::async_trait]
impl MultipartStore for Bucket {
    async fn create_multipart(&self, at: &Path) -> Result<MultipartId> {
        self.create_multipart_opts(at, PutMultipartOptions::default()).await
    }

    async fn create_multipart_opts(&self, at: &Path, options: PutMultipartOptions) -> Result<MultipartId> {
        self.ask("create", at)?;
        let id = self.memory.create_multipart_opts(at, options).await?;
        self.open.lock().unwrap().insert(id.clone());
        Ok(id)
    }

    async fn put_part(&self, at: &Path, id: &MultipartId, number: usize, payload: PutPayload) -> Result<PartId> {
        self.ask("part", at)?;
        self.memory.put_part(at, id, number, payload).await
    }

    async fn complete_multipart(&self, at: &Path, id: &MultipartId, parts: Vec<PartId>) -> Result<PutResult> {
        self.ask("complete", at)?;
        let done = self.memory.complete_multipart(at, id, parts).await?;
        self.open.lock().unwrap().remove(id);
        Ok(done)
    }

    async fn abort_multipart(&self, at: &Path, id: &MultipartId) -> Result<()> {
        self.ask("abort", at)?;
        if !self.open.lock().unwrap().remove(id) {
            // As S3 says it.
            return Err(Error::NotFound { path: at.to_string(), source: "NoSuchUpload".into() });
        }
        self.memory.abort_multipart(at, id).await
    }
}

#[tokio::test]
async fn a_bucket_takes_a_bundle() {
    for prefix in ["", "backups/example.org"] {
        let bucket = Bucket::new();
        let place = bucket.at(prefix);
        let source = Source::large();
        make(&place, &source).await.unwrap();
        held(&place).await.is_of(&source);
        let below = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let expected = source.expected().into_keys().chain([MANIFEST.to_owned(), "media/INVENTORY.ndjson".to_owned()]);
        assert_eq!(
            bucket.names().await,
            expected.map(|it| below.clone() + &it).collect(),
            "the journal is gone, and nothing else is there"
        );
        assert!(bucket.open.lock().unwrap().is_empty());

        let key = source.media.keys().next().unwrap();
        let object = bucket.memory.get(&Path::parse(format!("{below}media/{key}")).unwrap()).await.unwrap();
        assert_eq!(object.attributes.get(&Attribute::ContentType).unwrap().as_ref(), "image/png");
        assert_eq!(object.attributes.get(&Attribute::CacheControl).unwrap().as_ref(), "public, max-age=315576000, immutable");
        assert!(matches!(make(&place, &source).await, Err(PlaceError::Whole { .. })));
        let missing = super::sample::bundle(&place).await.open(&path("RESTORE.md")).await.err().unwrap();
        assert!(matches!(missing, PlaceError::Missing { .. }), "{missing}");
    }
}

#[tokio::test]
async fn a_prefix_that_holds_something_else_is_left_alone() {
    let bucket = Bucket::new();
    bucket.memory.put(&Path::from("a/letter.txt"), "dear".into()).await.unwrap();
    assert!(matches!(make(&bucket.at("a"), &Source::small()).await, Err(PlaceError::Foreign { .. })));
    assert!(matches!(make(&bucket.at(""), &Source::small()).await, Err(PlaceError::Foreign { .. })));
    assert_eq!(bucket.names().await.len(), 1);
    assert!(matches!(Reader::open(&bucket.at("a")).await, Err(PlaceError::NotWhole { .. })));
    make(&bucket.at("b"), &Source::small()).await.unwrap();
    let _ = bundle(&bucket.at("b")).await;
}

#[tokio::test]
async fn a_run_that_ends_at_any_request_is_gone_on_with() {
    let source = Source::in_parts();
    let golden = Bucket::new();
    make(&golden.at("p"), &source).await.unwrap();
    let asked = golden.asked.lock().unwrap().clone();
    let writes = asked.iter().filter(|it| !it.starts_with("get ")).count() as i64;
    assert!(writes > 30);
    for ends in 0..writes {
        let bucket = Bucket::new();
        let place = bucket.at("p");
        let failed = make(&bucket.failing_after(ends).at("p"), &source).await;
        // What is aborted in the background finds the bucket out of reach, too.
        tokio::task::yield_now().await;
        assert!(failed.is_err() || ends >= writes - 3, "request {ends} failed unseen");
        let left_before_noted = left_unnoted(&bucket);
        let last = bucket.asked.lock().unwrap().last().cloned().unwrap_or_default();
        match make(&place, &source).await {
            // Only the journal was left to remove.
            Err(PlaceError::Whole { .. }) => assert!(last.starts_with("delete p/.journal"), "{ends}: {last}"),
            other => other.unwrap(),
        }
        held(&place).await.is_of(&source);
        assert!(!bucket.names().await.iter().any(|it| it.starts_with("p/.")), "{ends}: {:?}", bucket.names().await);
        let open = bucket.open.lock().unwrap().len();
        assert!(open <= left_before_noted, "{ends}: {open} uploads stay open");
    }
}

/// An upload whose number was lost between its beginning and its note: it has no part that costs anything.
fn left_unnoted(bucket: &Bucket) -> usize {
    let asked = bucket.asked.lock().unwrap();
    let begun = asked.iter().filter(|it| it.starts_with("create ")).map(|it| it.trim_start_matches("create ")).collect::<Vec<_>>();
    begun.into_iter().filter(|it| !asked.iter().any(|asked| asked == &format!("part {it}"))).count()
}

#[tokio::test]
async fn an_upload_that_fails_is_aborted() {
    let bucket = Bucket::new();
    let source = Source::large();
    for budget in [7 << 20, 18 << 20, 9 << 20] {
        make(&bucket.at("p"), &source.failing_after(budget, || {})).await.unwrap_err();
        // The abort of what is dropped runs on the same thread.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(bucket.open.lock().unwrap().is_empty());
    }
    make(&bucket.at("p"), &source).await.unwrap();
    held(&bucket.at("p")).await.is_of(&source);
    let dumps = bucket.asked.lock().unwrap().iter().filter(|it| it.starts_with("complete p/postgres/")).count();
    assert_eq!(dumps, 1, "the dump was finished once, and kept");
}

#[tokio::test]
async fn what_a_killed_run_had_sent_may_arrive_late() {
    let bucket = Bucket::new();
    let source = Source::small();
    make(&bucket.at("p"), &source.failing_after(source.total() - 1, || {})).await.unwrap_err();
    let parts = bucket.names().await.into_iter().filter(|it| it.starts_with("p/.journal/")).collect::<Vec<_>>();
    let writer = open(&bucket.at("p"), run(), None).await.unwrap();
    // The media that it wrote last, which this run, not knowing it, writes again.
    let record = |(key, (bytes, _)): (&String, &(Vec<u8>, i64))| {
        let media = serde_json::json!({ "key": key, "bytes": bytes.len(), "sha256": Sha256Hex::of(bytes) });
        format!("[null,{}]\n", serde_json::json!({ "media": media }))
    };
    let records = source.media.iter().map(record).collect::<String>();
    let late = Path::from(format!("p/.journal/{:010}-{:016x}.ndjson", parts.len() + 1, 7));
    bucket.memory.put(&late, records.into_bytes().into()).await.unwrap();
    make_with(writer, &source).await.unwrap();
    held(&bucket.at("p")).await.is_of(&source);
}

/// `HOWDAH_TEST_PLACE` is a prefix in an existing bucket that nothing lies below, `s3://bucket/prefix`; the service is told by the usual variables.
#[tokio::test]
#[ignore = "needs an S3 service"]
async fn a_real_bucket_takes_a_bundle() {
    let location = std::env::var("HOWDAH_TEST_PLACE").unwrap();
    let settings = S3Settings::from_variables(|name| std::env::var(name).ok()).unwrap();
    let at = |below: &str| Place::at(&format!("{location}/{below}").parse().unwrap(), Some(&settings)).unwrap();
    let (first, second) = (at("first"), at("second"));
    let source = Source::large();
    for budget in [7 << 20, 18 << 20, 9 << 20] {
        make(&first, &source.failing_after(budget, || {})).await.unwrap_err();
    }
    make(&first, &source).await.unwrap();
    held(&first).await.is_of(&source);

    let again = source.failing_after(i64::MAX, || {});
    for place in [&second, &first] {
        crate::earlier::build(place, &first, &again).await.unwrap();
        held(place).await.is_of(&source);
    }
    assert_eq!(again.read.load(Ordering::SeqCst), 0, "the store itself copied them");
}
