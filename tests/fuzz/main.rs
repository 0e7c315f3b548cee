//! The fuzzer: `MUNIMENT_FUZZ_TARGET` names the body of `bodies/` that is fed. `.ci/fuzz` builds and runs it.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "bodies/mod.rs"]
#[expect(
    dead_code,
    reason = "the bound on memory is the replay's; here the fuzzer has one for all"
)]
mod bodies;

static BODY: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("MUNIMENT_FUZZ_TARGET").unwrap_or_default();
    let target = bodies::TARGETS.iter().find(|target| target.name == name);
    let names: Vec<_> = bodies::TARGETS.iter().map(|target| target.name).collect();
    target
        .unwrap_or_else(|| panic!("MUNIMENT_FUZZ_TARGET={name:?}: one of {names:?} is wanted"))
        .body
});

fuzz_target!(|bytes: &[u8]| BODY(bytes));
