//! Tars that somebody wrote who means no good, header by header.

use std::{fs, io::Cursor};

use howdah_bundle::place::{Place, PlaceError, Reader, TarStream};

use crate::sample::all_members;

/// A member: a header with these fields, and its bytes.
#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    kind: u8,
    size: Vec<u8>,
    bytes: Vec<u8>,
    magic: &'static [u8; 8],
    prefix: &'static str,
}

fn entry(name: &str, kind: u8, bytes: &[u8]) -> Entry {
    let size = format!("{:011o}\0", bytes.len()).into_bytes();
    Entry { name: name.into(), kind, size, bytes: bytes.to_vec(), magic: b"ustar\x0000", prefix: "" }
}

fn file(name: &str) -> Entry {
    entry(name, b'0', b"x")
}

/// A pax header: records of key and value.
fn pax(records: &[(&str, &[u8])]) -> Entry {
    let mut bytes = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let length = (rest..).find(|it| it - it.to_string().len() == rest).unwrap();
        bytes.extend_from_slice(format!("{length} {key}=").as_bytes());
        bytes.extend_from_slice(value);
        bytes.push(b'\n');
    }
    entry("PaxHeader", b'x', &bytes)
}

impl Entry {
    fn size(mut self, size: &[u8]) -> Self {
        self.size = size.to_vec();
        self
    }

    fn pack(&self) -> Vec<u8> {
        let mut block = vec![0; 512];
        block[..self.name.len()].copy_from_slice(&self.name);
        block[100..108].copy_from_slice(b"0000600\0");
        block[124..124 + self.size.len()].copy_from_slice(&self.size);
        block[136..148].copy_from_slice(b"00000000000\0");
        block[148..156].copy_from_slice(b"        ");
        block[156] = self.kind;
        block[257..265].copy_from_slice(self.magic);
        block[345..345 + self.prefix.len()].copy_from_slice(self.prefix.as_bytes());
        let sum = block.iter().map(|it| u32::from(*it)).sum::<u32>();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block.extend_from_slice(&self.bytes);
        block.resize(block.len().next_multiple_of(512), 0);
        block
    }
}

fn pack(entries: &[Entry]) -> Vec<u8> {
    let mut tar = entries.iter().flat_map(Entry::pack).collect::<Vec<_>>();
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// Both ways of reading have to say the same of it.
async fn read(tar: Vec<u8>) -> Result<Vec<String>, PlaceError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.tar");
    fs::write(&path, &tar).unwrap();
    let indexed = Reader::open(&Place::TarFile(path)).await;
    let streamed = all_members(TarStream::new(Cursor::new(tar))).await;
    match (&indexed, &streamed) {
        (Ok(_), Ok(_)) | (Err(PlaceError::NotWhole { .. }), Err(PlaceError::NotWhole { .. })) => {}
        // The size of the file tells of one what the end of the stream tells of the other.
        (Err(PlaceError::Member { problem, .. }), Err(PlaceError::ReadTar(_) | PlaceError::Tar { .. }))
            if problem.contains("cut short") => {}
        (Err(indexed), Err(streamed)) => assert_eq!(indexed.to_string(), streamed.to_string()),
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => panic!("only one reader refuses it: {error}"),
    }
    Ok(streamed?.into_keys().collect())
}

async fn refused(entries: &[Entry]) -> String {
    let all = [&[file("PREFLIGHT.json")], entries, &[file("MANIFEST.json")]].concat();
    read(pack(&all)).await.expect_err("it must be refused").to_string()
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_by_name() {
    for (kind, word) in [
        (b'1', "link"),
        (b'2', "link"),
        (b'3', "device"),
        (b'4', "device"),
        (b'6', "device"),
        (b'7', "kind"),
        (b'S', "sparse"),
        (b'K', "link"),
        (b'D', "kind"),
        (b'V', "kind"),
        (b'M', "kind"),
        (0xff, "kind"),
    ] {
        let refused = refused(&[entry("media/accounts/evil", kind, b"")]).await;
        assert!(refused.contains("media/accounts/evil") && refused.contains(word), "{refused}");
    }
    let sparse = refused(&[pax(&[("GNU.sparse.major", b"1"), ("GNU.sparse.name", b"media/a")]), file("media/accounts/a")]).await;
    assert!(sparse.contains("sparse"), "{sparse}");
    let link = refused(&[pax(&[("linkpath", b"/etc/passwd")]), file("media/accounts/a")]).await;
    assert!(link.contains("link"), "{link}");
    let global = refused(&[entry("g", b'g', b"11 path=a\n")]).await;
    assert!(global.contains("all members"), "{global}");
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused() {
    for name in [
        "/etc/passwd",
        "../evil",
        "media/../../evil",
        "media/./a",
        "media//a",
        "elsewhere/a",
        "",
        ".",
        "./",
        ".journal.ndjson",
        "media/a\\b",
        "media/a\nb",
        "media/a\u{7f}",
        "././media/a",
        "media/",
        "MANIFEST.json/a",
    ] {
        for way in [vec![file(name)], vec![pax(&[("path", name.as_bytes())]), file("media/a")], vec![long(name), file("media/a")]] {
            let empty = name.is_empty() && way.len() == 2;
            let refused = refused(&way).await;
            assert!(refused.contains("path") || refused.contains("among the files") || empty, "{name:?}: {refused}");
        }
    }
    let refused_prefix = refused(&[Entry { prefix: "../..", ..file("media/a") }]).await;
    assert!(refused_prefix.contains(".."), "{refused_prefix}");
    for folder in ["../evil/", "/etc/", "elsewhere/", "media/../x/"] {
        let refused = refused(&[entry(folder, b'5', b"")]).await;
        assert!(refused.contains("directory"), "{refused}");
    }
    let full = refused(&[entry("media/a/", b'5', b"bytes")]).await;
    assert!(full.contains("directory with bytes"), "{full}");
    let mut latin = file("media/");
    latin.name.push(0xe9);
    assert!(refused(&[latin]).await.contains("UTF-8"));
    assert!(refused(&[pax(&[("path", b"media/\xe9")]), file("media/a")]).await.contains("UTF-8"));
    assert!(refused(&[pax(&[("hdrcharset", b"BINARY")]), file("media/a")]).await.contains("charset"));
}

fn long(name: &str) -> Entry {
    entry("././@LongLink", b'L', format!("{name}\0").as_bytes())
}

#[tokio::test]
async fn a_name_is_as_long_as_it_may_be_and_no_longer() {
    let fits = format!("media/{}", "a/".repeat(508) + "b");
    assert!(fits.len() <= 1024);
    let whole = |way: Vec<Entry>| pack(&[way, vec![file("MANIFEST.json")]].concat());
    for way in [vec![long(&fits), file("x")], vec![pax(&[("path", fits.as_bytes())]), file("x")]] {
        assert_eq!(read(whole(way)).await.unwrap(), ["MANIFEST.json", &fits]);
    }
    let longer = "a".repeat(5_000);
    assert!(refused(&[long(&longer), file("x")]).await.contains("longer than a name"));
    assert!(refused(&[pax(&[("path", longer.as_bytes())]), file("x")]).await.contains("longer than 1024"));
    for kind in [b'x', b'L'] {
        for size in [&b"77777777777\0"[..], b"\x80\0\0\0\0\0\0\x01\0\0\0\0", b"00000000000\0"] {
            let bomb = entry("bomb", kind, b"").size(size);
            let refused = refused(&[bomb]).await;
            assert!(refused.contains("`bomb`") && refused.contains("longer than a name can be, or empty"), "{refused}");
        }
    }
    let twice = refused(&[long("media/a"), pax(&[("path", b"media/b")]), file("x")]).await;
    assert!(twice.contains("named twice"), "{twice}");
}

#[tokio::test]
async fn sizes_that_cant_be_are_refused() {
    for size in [
        &b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..],
        b"\x80\xff\0\0\0\0\0\0\0\0\0\x01",
        b"-0000000001\0",
        b"+0000000001\0",
        b"0000000000x\0",
        b"00000000 01\0",
        b"            ",
        b"\0\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        let refused = refused(&[file("media/a").size(size)]).await;
        assert!(refused.contains("`media/a`") && refused.contains("negative, or no number"), "{refused}");
    }
    for size in [&b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\x80\0\0\0\0\x10\0\0\0\0\0\0"] {
        let refused = refused(&[file("media/a").size(size)]).await;
        assert!(refused.contains("`media/a`"), "{refused}");
    }
    for size in [&b"18446744073709551615"[..], b"1125899906842625"] {
        let refused = refused(&[pax(&[("size", size)]), file("media/a")]).await;
        assert!(refused.contains("more bytes than any file"), "{refused}");
    }
    for size in [&b"-1"[..], b"", b"99999999999999999999999", b"1e3", b"+1"] {
        assert!(refused(&[pax(&[("size", size)]), file("media/a")]).await.contains("no number"));
    }
    assert!(refused(&[pax(&[("size", b"1"), ("size", b"1")]), file("media/a")]).await.contains("twice"));
    // It says more than there is.
    assert!(refused(&[file("media/a").size(b"00000100000\0")]).await.contains("cut short"));
}

#[tokio::test]
async fn pax_records_that_dont_add_up_are_refused() {
    for bytes in
        [&b"6 a=\n"[..], b"99 path=a\n", b"7 path=a\n", b"a path=a\n", b"+9 path=a\n", b"0 \n", b"9 path=a ", b"path=a\n", b"9", b"4 a\n"]
    {
        let all = [entry("PaxHeader", b'x', bytes), file("media/a")];
        let refused = refused(&all).await;
        assert!(refused.contains("pax header that can't be read"), "{:?}: {refused}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test]
async fn nothing_is_in_it_twice() {
    for again in ["media/a", "./media/a"] {
        let refused = refused(&[file("media/a"), file("media/b"), file(again)]).await;
        assert!(refused.contains(again) && refused.contains("twice"), "{refused}");
    }
    assert!(refused(&[file("PREFLIGHT.json")]).await.contains("twice"));
}

#[tokio::test]
async fn nothing_follows_its_end_and_no_zeros_lie_between() {
    let whole = pack(&[file("PREFLIGHT.json"), file("MANIFEST.json")]);
    assert_eq!(read(whole.clone()).await.unwrap(), ["MANIFEST.json", "PREFLIGHT.json"]);

    let mut padded = whole.clone();
    padded.resize(padded.len() + 100_000, 0);
    read(padded.clone()).await.unwrap();
    for (extra, sentence) in
        [(vec![1], "goes on after its end"), (whole.clone(), "goes on after its end"), (vec![0; 5 << 20], "goes on after its end")]
    {
        let refused = read([padded.clone(), extra].concat()).await.unwrap_err().to_string();
        assert!(refused.contains(sentence), "{refused}");
    }
    let between = [vec![0; 512], whole.clone()].concat();
    assert!(read(between).await.unwrap_err().to_string().contains("zeros between"));
    let mut alone = pack(&[file("MANIFEST.json"), pax(&[("path", b"media/a")])]);
    alone.resize(alone.len() + 512, 0);
    assert!(read(alone).await.unwrap_err().to_string().contains("belongs to a member"));
    assert!(matches!(read(pack(&[file("PREFLIGHT.json")])).await, Err(PlaceError::NotWhole { .. })));
}

#[tokio::test]
async fn what_is_no_tar_is_said_so() {
    for bytes in [b"age-encryption.org/v1\n".repeat(40), vec![0x1f; 2048], b"PK\x03\x04".repeat(300), vec![b' '; 1024]] {
        assert!(read(bytes).await.unwrap_err().to_string().contains("no tar, or damaged"));
    }
    let mut hurt = pack(&[file("MANIFEST.json")]);
    hurt[120] ^= 1;
    assert!(read(hurt).await.unwrap_err().to_string().contains("checksum"));
    assert!(read(Vec::new()).await.is_err());
    assert!(refused(&[Entry { magic: b"\0\0\0\0\0\0\0\0", ..file("media/a") }]).await.contains("no tar"));
    let gnu = Entry { magic: b"ustar  \0", ..file("media/a") };
    assert_eq!(read(pack(&[gnu, file("MANIFEST.json")])).await.unwrap().len(), 2);
}

#[tokio::test]
async fn no_changed_byte_makes_a_reader_panic_or_hang() {
    let whole = pack(&[
        file("PREFLIGHT.json"),
        pax(&[("path", b"media/a"), ("size", b"3")]),
        entry("y", b'0', b"abc"),
        long("media/b"),
        file("z"),
        file("MANIFEST.json"),
    ]);
    for at in 0..whole.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            // What it says doesn't matter here; that both readers agree is checked.
            let _ = all_members(TarStream::new(Cursor::new(changed))).await;
        }
    }
}
