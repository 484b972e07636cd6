//! Bundles that are brought to a host: from a folder, from a tar, in parts, through breaks, by links that end.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use howdah_bundle::format::{MANIFEST, Sha256Hex};
use howdah_bundle::outside::{Allowed, Certificate, Guard, Remote};
use howdah_bundle::place::{Place, TarStream};
use howdah_bundle::push::{Host, PushError, Pushed, Source as From, push};
use serde_json::{Value, json};

use crate::sample::{Source, make, noise};
use crate::web::{Answer, Asked, Web};

/// As Howdah's server has it.
const WHOLE: u64 = 8 << 20;
const PART: u64 = 8 << 20;
const LONGEST_QUESTION: usize = 64 * 1024;

#[derive(Default)]
struct Store {
    files: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<String, BTreeMap<u64, Vec<u8>>>,
    /// In their order.
    puts: Vec<String>,
    /// So many of the next PUTs come too late.
    stale: usize,
    /// So many of the next PUTs fail.
    failing: usize,
    /// No PUT is ever answered.
    is_silent: bool,
    /// What is put is nowhere afterwards.
    forgets: bool,
    /// Longer parts than usual, of a file that is very large.
    part: Option<u64>,
    refusal: Option<(u16, &'static str)>,
    /// Which bundle it was that was asked about last.
    preflight: Value,
}

#[derive(Clone)]
struct Taker(Arc<Mutex<Store>>);

impl Taker {
    async fn start() -> (Self, Web) {
        let taker = Self(Arc::default());
        let answering = taker.clone();
        let web = Web::plain(move |asked| answering.answer(asked)).await;
        (taker, web)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap()
    }

    fn answer(&self, asked: Asked) -> Answer {
        let mut store = self.store();
        if asked.method == "PUT" {
            return store.put(&asked);
        }
        assert_eq!((asked.path.as_str(), asked.header("authorization")), ("/import/files", Some("Bearer token")));
        if asked.body.len() > LONGEST_QUESTION {
            return Answer::new(413, "{}");
        }
        if let Some((status, detail)) = store.refusal {
            return Answer::new(status, json!({ "detail": detail }).to_string());
        }
        let host = asked.header("host").unwrap().to_owned();
        let question: Value = serde_json::from_slice(&asked.body).unwrap();
        store.preflight = question["preflight_sha256"].clone();
        let offered: Vec<Value> = question["files"].as_array().unwrap().iter().map(|it| store.offer(&host, it)).collect();
        Answer::new(200, json!({ "files": offered }).to_string())
    }
}

impl Store {
    fn offer(&mut self, host: &str, file: &Value) -> Value {
        let (path, bytes) = (file["path"].as_str().unwrap(), file["bytes"].as_u64().unwrap());
        let link = |offset: u64, length: u64| {
            let path = path.bytes().map(|it| format!("{it:02x}")).collect::<String>();
            format!("http://{host}/put/{path}?{offset}+{length}")
        };
        if self.files.get(path).is_some_and(|it| it.len() as u64 == bytes) {
            return json!({ "path": path, "url": null });
        }
        if bytes <= WHOLE {
            return json!({ "path": path, "url": link(0, bytes) });
        }
        let there = self.parts.entry(path.to_owned()).or_default();
        let part = self.part.unwrap_or(PART);
        let missing = (0..bytes).step_by(part as usize).filter(|it| !there.contains_key(it));
        // Not all at once.
        let parts: Vec<Value> = missing
            .take(2)
            .map(|offset| (offset, part.min(bytes - offset)))
            .map(|(offset, length)| json!({ "offset": offset, "bytes": length, "url": link(offset, length) }))
            .collect();
        if parts.is_empty() {
            let whole = std::mem::take(there).into_values().flatten().collect();
            self.files.insert(path.to_owned(), whole);
            return json!({ "path": path, "url": null });
        }
        json!({ "path": path, "url": null, "parts": parts })
    }

    fn put(&mut self, asked: &Asked) -> Answer {
        if self.stale > 0 {
            self.stale -= 1;
            return Answer::new(403, "");
        }
        if self.failing > 0 {
            self.failing -= 1;
            return Answer::new(503, "");
        }
        if self.is_silent {
            return Answer { is_silent: true, ..Answer::new(200, "") };
        }
        assert_eq!(asked.header("authorization"), None, "a token is the host's alone");
        let (path, range) = asked.path.strip_prefix("/put/").unwrap().split_once('?').unwrap();
        let path: Vec<u8> = (0..path.len()).step_by(2).map(|it| u8::from_str_radix(&path[it..it + 2], 16).unwrap()).collect();
        let path = String::from_utf8(path).unwrap();
        let (offset, length) =
            range.split_once('+').map(|(offset, length)| (offset.parse::<u64>().unwrap(), length.parse::<u64>().unwrap())).unwrap();
        assert_eq!(asked.header("content-length"), Some(length.to_string().as_str()));
        self.puts.push(path.clone());
        if self.forgets {
            return Answer::new(200, "");
        }
        match self.parts.get_mut(&path) {
            Some(parts) => drop(parts.insert(offset, asked.body.clone())),
            None => drop(self.files.insert(path, asked.body.clone())),
        }
        Answer::new(200, "")
    }

    fn digests(&self) -> BTreeMap<String, Sha256Hex> {
        self.files
            .iter()
            .filter(|(path, _)| !["media/INVENTORY.ndjson", MANIFEST].contains(&path.as_str()))
            .map(|(path, it)| (path.clone(), Sha256Hex::of(it)))
            .collect()
    }
}

async fn pushed(from: From, web: &Web) -> Result<Pushed, PushError> {
    let url = format!("http://{}/import", web.address).parse().unwrap();
    push(from, &Host::new(url, "token".to_owned().into(), &[]).unwrap(), &|_| {}).await
}

/// With a dump that goes in three parts.
fn with_parts() -> Source {
    let mut source = Source::small();
    source.dump = noise((2 * PART + 77) as usize, 3);
    source
}

#[tokio::test]
async fn whatever_it_lies_in_all_of_it_arrives_and_the_manifest_last() {
    let folder = tempfile::tempdir().unwrap();
    let source = with_parts();
    for name in ["tree/", "b.tar"] {
        let place = match name {
            "tree/" => Place::Directory(folder.path().join(name)),
            _ => Place::TarFile(folder.path().join(name)),
        };
        make(&place, &source).await.unwrap();
        let (taker, web) = Taker::start().await;
        (taker.store().stale, taker.store().failing) = (3, 1);
        let first = pushed(From::open(&place).await.unwrap(), &web).await.unwrap();
        assert_eq!(taker.store().digests(), source.expected(), "{name}");
        assert_eq!(taker.store().puts.last().unwrap(), MANIFEST, "{name}");
        let preflight = Sha256Hex::of(&taker.store().files["PREFLIGHT.json"]).to_string();
        assert_eq!(taker.store().preflight, preflight, "{name}: by which the host tells it from another bundle");
        assert_eq!((first.files, first.kept), (source.expected().len() as u64 + 2, 0), "{name}");
        taker.store().puts.clear();
        let second = pushed(From::open(&place).await.unwrap(), &web).await.unwrap();
        assert_eq!((second.files, second.kept, taker.store().puts.len()), (0, first.files, 0), "{name}: nothing is sent twice");
    }
}

/// What came before `PREFLIGHT.json` would be thrown away when that came, as another bundle's.
#[tokio::test]
async fn a_tar_that_was_packed_in_another_order_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    make(&Place::Directory(tree.clone()), &with_parts()).await.unwrap();
    let tar = folder.path().join("b.tar");
    let packed =
        Command::new("tar").arg("-cf").arg(&tar).arg("-C").arg(&tree).args(["postgres", "PREFLIGHT.json", "MANIFEST.json"]).status();
    assert!(packed.unwrap().success());
    let (taker, web) = Taker::start().await;
    let refused = pushed(From::Stream(TarStream::new(tokio::fs::File::open(&tar).await.unwrap())), &web).await.unwrap_err();
    assert!(refused.to_string().contains("PREFLIGHT.json does not come first") && refused.is_lasting(), "{refused}");
    assert!(taker.store().puts.is_empty());
}

#[tokio::test]
async fn parts_that_are_there_are_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let (source, dump) = (with_parts(), "postgres/mastodon_production.dump.age");
    for place in [Place::Directory(folder.path().join("tree")), Place::TarFile(folder.path().join("b.tar"))] {
        make(&place, &source).await.unwrap();
        let (taker, web) = Taker::start().await;
        let second = source.dump[PART as usize..2 * PART as usize].to_vec();
        taker.store().parts.insert(dump.to_owned(), BTreeMap::from([(PART, second)]));
        pushed(From::open(&place).await.unwrap(), &web).await.unwrap();
        assert_eq!(taker.store().digests(), source.expected());
        assert_eq!(taker.store().puts.iter().filter(|it| *it == dump).count(), 2, "{place}");
    }
}

/// The server reads no question that is longer than 64 KiB, and names are long.
#[tokio::test]
async fn questions_are_no_longer_than_the_host_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut source = Source::small();
    for number in 0..700 {
        source.media.insert(
            format!("media_attachments/files/{}/{number:03}/original/x.png", "123/".repeat(20).trim_end_matches('/')),
            (vec![1], 1),
        );
    }
    for place in [Place::Directory(folder.path().join("tree")), Place::TarFile(folder.path().join("b.tar"))] {
        make(&place, &source).await.unwrap();
        let (taker, web) = Taker::start().await;
        pushed(From::open(&place).await.unwrap(), &web).await.unwrap();
        assert_eq!(taker.store().digests(), source.expected());
    }
}

#[tokio::test]
async fn what_the_host_decides_is_told_in_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Directory(folder.path().join("tree"));
    make(&place, &Source::small()).await.unwrap();
    let (taker, web) = Taker::start().await;
    taker.store().refusal = Some((409, "An import takes 5 GiB."));
    let refused = pushed(From::open(&place).await.unwrap(), &web).await.unwrap_err();
    assert!(refused.to_string().contains("An import takes 5 GiB.") && refused.is_lasting(), "{refused}");
    taker.store().refusal = None;
    taker.store().stale = usize::MAX;
    let refused = pushed(From::open(&place).await.unwrap(), &web).await.unwrap_err();
    assert!(refused.to_string().contains("refuses the host's links"), "{refused}");
}

/// Of a file of a hundred gigabytes they are longer than what is held: a run that breaks off in one is gone on with by the next.
#[tokio::test]
async fn parts_that_are_too_long_to_be_held_are_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let (source, place) = (with_parts(), Place::TarFile(folder.path().join("b.tar")));
    make(&place, &source).await.unwrap();
    let (taker, web) = Taker::start().await;
    (taker.store().part, taker.store().failing) = (Some(9 << 20), 1);
    let broke = pushed(From::open(&place).await.unwrap(), &web).await.unwrap_err();
    assert!(broke.to_string().contains("broke off") && !broke.is_lasting(), "{broke}");
    pushed(From::open(&place).await.unwrap(), &web).await.unwrap();
    assert_eq!(taker.store().digests(), source.expected());
}

/// A store that takes parts and loses them would have them sent for ever.
#[tokio::test]
async fn what_is_lost_each_time_is_not_sent_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    for place in [Place::Directory(folder.path().join("tree")), Place::TarFile(folder.path().join("b.tar"))] {
        make(&place, &with_parts()).await.unwrap();
        let (taker, web) = Taker::start().await;
        taker.store().forgets = true;
        let refused = pushed(From::open(&place).await.unwrap(), &web).await.unwrap_err().to_string();
        assert!(refused.contains("again and again") || refused.contains("is not there"), "{place}: {refused}");
        assert!(!taker.store().files.contains_key(MANIFEST));
    }
}

#[tokio::test]
async fn a_store_that_says_nothing_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Directory(folder.path().join("tree"));
    make(&place, &Source::small()).await.unwrap();
    let (taker, web) = Taker::start().await;
    taker.store().is_silent = true;
    let url = format!("http://{}/import", web.address).parse().unwrap();
    let host = Host::new(url, "token".to_owned().into(), &[]).unwrap().patient_for(Duration::from_millis(300));
    let refused = push(From::open(&place).await.unwrap(), &host, &|_| {}).await.unwrap_err();
    assert!(refused.to_string().contains("nothing moved") && !refused.is_lasting(), "{refused}");
}

#[tokio::test]
async fn a_tar_is_pulled_from_a_url_and_a_hostile_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.tar");
    make(&Place::TarFile(file.clone()), &Source::small()).await.unwrap();
    let whole = std::fs::read(&file).unwrap();
    let cut = whole[..whole.len() / 2].to_vec();
    let mut hostile = whole.clone();
    hostile[..12].copy_from_slice(b"../../passwd");
    let sum: u32 = (0..512).map(|it| if (148..156).contains(&it) { 32 } else { u32::from(hostile[it]) }).sum();
    hostile[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    for (bytes, why) in [(whole, None), (cut, Some("cut short")), (hostile, Some("../../passwd"))] {
        let from = Web::tls("127.0.0.1:0", &["birds.test"], move |_| Answer::new(200, bytes.clone())).await;
        let guard = Guard::asking(Allowed::also(vec!["127.0.0.1".parse().unwrap()]), |_| {
            Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap()]) })
        });
        let authorities = Certificate::from_pem_bundle(from.authority.as_bytes()).unwrap();
        let url = format!("https://birds.test:{}/b.tar", from.address.port()).parse().unwrap();
        let (taker, web) = Taker::start().await;
        let ended = pushed(From::fetch(Remote::new(url, &guard, &authorities).unwrap()), &web).await;
        match why {
            None => {
                ended.unwrap();
                assert_eq!(taker.store().digests(), Source::small().expected());
            }
            Some(why) => {
                let refused = ended.unwrap_err();
                assert!(refused.to_string().contains(why) && refused.is_lasting(), "{refused}");
                assert!(!taker.store().files.contains_key(MANIFEST));
            }
        }
    }
}

#[tokio::test]
async fn a_pipe_is_brought_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.tar");
    make(&Place::TarFile(file.clone()), &Source::small()).await.unwrap();
    let (taker, web) = Taker::start().await;
    let stream = TarStream::new(tokio::fs::File::open(&file).await.unwrap());
    pushed(From::Stream(stream), &web).await.unwrap();
    assert_eq!(taker.store().digests(), Source::small().expected());
}
