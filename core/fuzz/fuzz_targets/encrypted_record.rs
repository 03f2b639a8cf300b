#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| parallel_account_fuzz::run("encrypted_record", data));
