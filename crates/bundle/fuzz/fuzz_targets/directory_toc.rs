//! The table of contents of a dump in directory format: no name that it says leads anywhere but to a table's file.
#![no_main]

use std::io::{self, Cursor, Read};

use howdah_bundle_fuzz::{LIMITS, archive::Dump, drain};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let open = |name: &str| -> io::Result<Box<dyn Read + Send>> {
        if name == "toc.dat" {
            return Ok(Box::new(Cursor::new(data.to_vec())));
        }
        let number = name.strip_suffix(".gz").or(name.strip_suffix(".lz4")).or(name.strip_suffix(".zst")).unwrap_or(name);
        let number = number.strip_suffix(".dat").expect("a table's file");
        assert!(number.parse::<u32>().is_ok(), "{name}");
        if name.ends_with(".dat") { Ok(Box::new(Cursor::new(b"1\n\\.\n\n\n"))) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    drain(Dump::folder(open, LIMITS));
});
