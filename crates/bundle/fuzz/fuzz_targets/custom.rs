//! A dump in custom format, or whatever else [`Dump::read`](howdah_bundle_fuzz::archive::Dump::read) takes it for.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| howdah_bundle_fuzz::stream(data));
