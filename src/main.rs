//! The `conduit` binary: parse, run, exit code.

fn main() -> std::process::ExitCode {
    conduit::cli::run()
}
