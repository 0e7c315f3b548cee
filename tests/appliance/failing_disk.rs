//! A process whose Nth touch of the disk fails or is its last: `tests/faults/shim.c`, compiled here and loaded before the C
//! library. A claim about faults is checked by an audit after each of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use chat::testing::{SeededRng, share_of};

use crate::support::Appliance;

/// One fault: at the Nth call of a class.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) class: &'static str,
    pub(crate) at: u64,
    pub(crate) with: With,
}

/// What happens then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    /// The process is killed before the call.
    Kill,
    /// Half of a write reaches the disk, and the process is killed.
    Tear,
    /// The call fails once.
    Once(&'static str),
    /// The call and all later ones of its class fail.
    Lasting(&'static str),
    /// The call and all later ones of its class do nothing and say that they did.
    Lie,
}

/// Every way to die.
pub(crate) const DEATHS: &[(&str, With)] = &[
    ("sync", With::Kill),
    ("write", With::Kill),
    ("rename", With::Kill),
    ("unlink", With::Kill),
    ("open", With::Kill),
    ("write", With::Tear),
];

/// Every error of a disk.
pub(crate) const ERRORS: &[(&str, With)] = &[
    ("sync", With::Once("EIO")),
    ("write", With::Once("EIO")),
    ("write", With::Lasting("ENOSPC")),
    ("rename", With::Once("EIO")),
    ("rename", With::Lasting("EROFS")),
    ("unlink", With::Once("EIO")),
    ("unlink", With::Lasting("EROFS")),
    ("open", With::Once("EMFILE")),
    ("open", With::Lasting("ENOSPC")),
    ("open", With::Lasting("EROFS")),
    ("read", With::Once("EIO")),
    ("sync", With::Lasting("EIO")),
];

/// Lets an appliance run with this fault from here on, until its variables are unset. Without one, calls are counted only.
pub(crate) fn arm(appliance: &mut Appliance, shim: &Path, fault: Option<&Fault>) {
    appliance.unset();
    let data = appliance.data();
    let folder = data.parent().expect("it lies in a folder").canonicalize().unwrap();
    appliance.set("LD_PRELOAD", shim.to_str().unwrap());
    // The input and what this harness writes lie beside these two and are left alone.
    let under = format!("{0}/data:{0}/out", folder.display());
    appliance.set("FAULT_UNDER", &under);
    appliance.set("FAULT_LOG", appliance.path("fault.log").to_str().unwrap());
    if let Some(Fault { class, at, with }) = fault {
        appliance.set("FAULT_CLASS", class);
        appliance.set("FAULT_AT", &at.to_string());
        let (word, lasts) = match with {
            With::Kill => ("kill", "0"),
            With::Tear => ("tear", "0"),
            With::Once(code) => (*code, "0"),
            With::Lasting(code) => (*code, "1"),
            With::Lie => ("lie", "1"),
        };
        appliance.set("FAULT_WITH", word);
        appliance.set("FAULT_LASTS", lasts);
    }
}

/// Returns how many calls of each class a run made.
pub(crate) fn counted(appliance: &Appliance) -> BTreeMap<String, u64> {
    let log = std::fs::read_to_string(appliance.path("fault.log")).unwrap();
    let lines = log.lines().filter_map(|line| line.strip_prefix("count ")?.split_once(' '));
    lines.map(|(class, count)| (class.to_owned(), count.parse().unwrap())).collect()
}

/// Returns where the fault struck, if it did.
pub(crate) fn struck(appliance: &Appliance) -> Option<String> {
    let log = std::fs::read_to_string(appliance.path("fault.log")).unwrap_or_default();
    log.lines().find_map(|line| line.strip_prefix("fired ")).map(str::to_owned)
}

/// Compiles the shim once, or says by name which test goes without it.
pub(crate) fn shim(test: &str) -> Option<&'static Path> {
    static SHIM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let flags = ["-shared", "-fPIC", "-D_LARGEFILE64_SOURCE", "-ldl"];
    let compiled = SHIM.get_or_init(|| compiled("shim.c", "shim.so", &flags));
    if compiled.is_none() {
        println!("skipped: {test}: no C compiler");
    }
    compiled.as_deref()
}

/// Compiles a C program of `tests/faults`; nothing where there is no compiler. One that refuses the program is a failure and no
/// reason to skip.
pub(crate) fn compiled(source: &str, target: &str, flags: &[&str]) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/faults").join(source);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(target);
    let mut compile = Command::new("cc");
    compile.args(["-O1", "-o"]).arg(&target).arg(source).args(flags);
    let done = compile.stdin(Stdio::null()).output().ok()?;
    assert!(done.status.success(), "{compile:?}: {}", String::from_utf8_lossy(&done.stderr));
    Some(target)
}

/// Returns the faults to try: every one of them, or the part of them that `MUNIMENT_SHARE` asks for, if `MUNIMENT_FAULTS` is `all`;
/// as many as it says if it is a number, else `many`, drawn by a seed that is printed.
pub(crate) fn chosen(
    kinds: &[(&'static str, With)],
    counts: &BTreeMap<String, u64>,
    many: usize,
) -> Vec<Fault> {
    let asked = std::env::var("MUNIMENT_FAULTS").unwrap_or_default();
    if asked == "all" {
        let every = |&(class, with): &(&'static str, With)| {
            (1..=counts[class]).map(move |at| Fault { class, at, with })
        };
        return share_of(
            kinds.iter().flat_map(every).collect(),
            std::env::var("MUNIMENT_SHARE").ok(),
        );
    }
    let many = asked.parse().unwrap_or(many);
    let seed = std::env::var("MUNIMENT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(42);
    println!("seed {seed} (MUNIMENT_SEED), {many} faults (MUNIMENT_FAULTS, all for every one)");
    let rng = SeededRng::new(seed);
    let possible: Vec<_> = kinds.iter().filter(|(class, _)| counts[*class] > 0).collect();
    let draw = |(_, &&(class, with)): (usize, &&(&'static str, With))| Fault {
        class,
        at: 1 + rng.below(counts[class]),
        with,
    };
    (0..many).zip(possible.iter().cycle()).map(draw).collect()
}
