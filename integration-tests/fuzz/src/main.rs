//! Every fuzz target in one binary: `MOOT_FUZZ_TARGET` says which. One link instead of fifteen.
#![no_main]

use std::{alloc::System, sync::LazyLock};

use cap::Cap;
use libfuzzer_sys::fuzz_target;

/// What one input may make the process take on top of what it had, in bytes.
const GROWTH: usize = 256 << 20;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

static TARGET: LazyLock<fn(&[u8]) -> bool> = LazyLock::new(|| {
    let wanted = std::env::var("MOOT_FUZZ_TARGET").unwrap_or_default();
    let all = [
        folkmoot_schemas::fuzzing::TARGETS,
        folkmoot_node::fuzzing::TARGETS,
        folkmoot_gateway::fuzzing::TARGETS,
        folkmoot_cli::fuzzing::TARGETS,
    ]
    .concat();
    match all.iter().find(|(name, _)| *name == wanted) {
        Some((_, target)) => *target,
        None => {
            for (name, _) in all {
                println!("{name}");
            }
            std::process::exit(0);
        }
    }
});

fuzz_target!(
    // Before libFuzzer watches for exits: listing the targets is no finding.
    init: LazyLock::force(&TARGET),
    |bytes: &[u8]| {
        // Beyond it an allocation fails, which aborts the process: a finding.
        let _ = MEMORY.set_limit(MEMORY.allocated() + GROWTH);
        TARGET(bytes);
    }
);
