//! Plain SQL: the data follow its first lines.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let data = data.strip_prefix(HEAD).unwrap_or(data);
    howdah_bundle_fuzz::stream(&[HEAD, data].concat());
});

const HEAD: &[u8] = b"--\n-- PostgreSQL database dump\n--\n";
