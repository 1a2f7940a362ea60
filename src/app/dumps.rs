//! A process that holds master keys leaves no picture of its memory behind.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core dumps of this process from now on. What it answers where that cannot be done is worth a warning, and no
/// reason to stop.
///
/// The limit stops the kernel from writing a file; that the process is not dumpable also stops a program that dumps are
/// piped to, for which no limit holds, and keeps others who run as the same user from reading its memory and environment.
pub fn forbid() -> Result<(), String> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none)
        .and_then(|()| not_dumpable())
        .map_err(|error| format!("a crash of this process may leave its secrets in a core dump: {error}"))
}

#[cfg(target_os = "linux")]
fn not_dumpable() -> rustix::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

#[cfg(not(target_os = "linux"))]
fn not_dumpable() -> rustix::io::Result<()> {
    Ok(())
}
