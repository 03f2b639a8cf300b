//! Makes the mutants: copies of the core's refresh machine with one piece replaced.

use std::{env, fmt::Write as _, fs, path::Path};

include!("mutants.rs");

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    let out = env::var("OUT_DIR").expect("set by cargo");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=mutants.rs");
    let texts = machine(&Path::new(&here).join("../../core/src/session"));
    let mut modules = String::new();
    for mutant in MUTANTS {
        let Mutant { name, from, to, .. } = mutant;
        let found: usize = texts
            .iter()
            .map(|(_, text)| text.matches(from).count())
            .sum();
        assert_eq!(
            found, 1,
            "The mutant {name} replaces a piece of the machine that occurs {found} times, not once. Adapt tests/model/mutants.rs: {from}"
        );
        let folder = Path::new(&out).join(name);
        for (source, text) in &texts {
            let path = folder.join(source);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a writable OUT_DIR");
            fs::write(path, text.replace(from, to)).expect("a writable OUT_DIR");
        }
        writeln!(
            modules,
            "mod {name} {{
    #[allow(warnings, clippy::all)]
    #[path = {machine:?}]
    mod machine;
    #[path = {model:?}]
    mod model;

    #[test]
    fn is_found() {{
        crate::is_found({name:?}, model::explore);
    }}
}}",
            machine = folder.join("machine.rs"),
            model = Path::new(&here).join("src/model/mod.rs"),
        )
        .expect("a string grows");
    }
    fs::write(Path::new(&out).join("mutants.rs"), modules).expect("a writable OUT_DIR");
}

/// The machine's file, and the folder of its parts where it has some: names and texts.
fn machine(session: &Path) -> Vec<(String, String)> {
    let folder = session.join("machine");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut sources = vec!["machine.rs".to_owned()];
    if let Ok(parts) = fs::read_dir(folder) {
        let names = parts.map(|part| part.expect("a readable folder").file_name());
        sources.extend(names.map(|name| format!("machine/{}", name.to_string_lossy())));
    }
    sources.sort();
    sources
        .into_iter()
        .map(|name| {
            let path = session.join(&name);
            println!("cargo::rerun-if-changed={}", path.display());
            let text = fs::read_to_string(&path).expect("the core's source");
            (name, text)
        })
        .collect()
}
