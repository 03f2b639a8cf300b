//! Writes the generated Swift and its C header: `generate-swift <static library> <Sources folder>`.

use std::process::ExitCode;

use camino::Utf8PathBuf;
use uniffi::SwiftBindingsOptions;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).map(Utf8PathBuf::from).collect();
    let [library, sources] = arguments.as_slice() else {
        eprintln!("usage: generate-swift <static library> <Sources folder>");
        return ExitCode::from(64);
    };
    let options = |out_dir: &str| SwiftBindingsOptions {
        source: library.clone(),
        out_dir: sources.join(out_dir),
        ..SwiftBindingsOptions::default()
    };
    let result = uniffi::generate_swift_bindings(SwiftBindingsOptions {
        generate_swift_sources: true,
        ..options("ParallelAccountFFI")
    })
    .and_then(|()| {
        uniffi::generate_swift_bindings(SwiftBindingsOptions {
            generate_headers: true,
            generate_modulemap: true,
            module_name: Some("CParallelAccountFFI".into()),
            modulemap_filename: Some("module.modulemap".into()),
            ..options("CParallelAccountFFI")
        })
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate-swift: {error:#}");
            ExitCode::FAILURE
        }
    }
}
