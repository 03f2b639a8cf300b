//! Linker flags for a module that Node loads: its symbols come from the running process.

fn main() {
    napi_build::setup();
}
