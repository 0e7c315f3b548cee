//! Whatever a file or a variable says: it is a configuration that reads back, or a fault with its line or its name.

#[path = "../../../tests/fuzz/replay/mutation.rs"]
mod mutation;

use std::path::Path;

use chat::testing::SeededRng;

use super::{Config, Layers};

const MUTATIONS: u64 = 20_000;
const FILES: &[&str] = &[
    "[server]\nlisten = \"127.0.0.1:1\"\nhost_names = [\"desk.example\", \"ä\"]\ndrain_seconds_max = 5\n",
    "# a remark\n[archive]\nseal_bytes = 65536\nseal_hours = 24\nreserve_bytes = 0\n[time]\nzone = 'Europe/Berlin'\n",
    "keys.kek_file = \"/x\"\nlogs = { filter = \"info\", form = \"json\" }\n[metrics]\nopen = true\n[sessions]\nidle_minutes = 1_000\n",
    "[witnesses]\ntrusted = [\"http://127.0.0.1:1 w+0a0b0c0d+BA==\"]\nseconds = 60\n[limits]\njobs_max = 0x10\n",
    "[tls]\ncertificate = \"/c.pem\"\nkey = '/k.pem'\nself_signed = false\n",
];
const VARIABLES: &[&str] =
    &["SERVER__LISTEN", "LIMITS__JOBS_MAX", "SERVER__HOST_NAMES", "TIME", "X__Y__Z"];

fn check(text: &str) {
    let mut layers = Layers::default();
    match layers.lay_file(Path::new("m.toml"), text) {
        Ok(()) => {
            let config = layers.config().expect("what was laid is a configuration");
            drop(config.faults());
            let written = toml::to_string(&config).expect("a configuration can be shown");
            let again: Config = toml::from_str(&written).expect("what is shown reads back");
            assert_eq!(toml::to_string(&again).unwrap(), written);
        }
        Err(problem) => {
            let line =
                problem.detail.split(", line ").nth(1).and_then(|rest| rest.split(':').next());
            let line: Option<usize> = line.and_then(|line| line.parse().ok());
            let lines = 1 + text.matches('\n').count();
            assert!(line.is_none_or(|line| (1..=lines).contains(&line)), "{problem}");
        }
    }
}

#[test]
fn any_file_and_any_variable_is_a_configuration_or_a_fault_that_says_where() {
    let seed =
        std::env::var("MUNIMENT_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(42_u64);
    let known: Vec<_> = FILES.iter().map(|text| text.as_bytes().to_vec()).collect();
    for text in FILES {
        check(text);
    }
    println!("seed {seed} (MUNIMENT_SEED), {MUTATIONS} mutations");
    for round in 0..MUTATIONS {
        let rng = SeededRng::new(seed.wrapping_mul(1 << 32).wrapping_add(round));
        let bytes = mutation::mutate(&rng, &known);
        let text = String::from_utf8_lossy(&bytes);
        check(&text);
        let place = usize::try_from(rng.below(VARIABLES.len().try_into().unwrap())).unwrap();
        let name = format!("MUNIMENT__{}", VARIABLES[place]);
        let value = text.get(..text.len().min(40)).unwrap_or_default().to_owned();
        let mut layers = Layers::default();
        match layers.lay_variables([(name.clone(), value)].into_iter()) {
            Ok(()) => drop(layers.config().expect("what was laid is a configuration")),
            Err(problem) => assert!(problem.detail.contains(&name), "{problem}"),
        }
    }
}
