//! A process that holds master keys leaves no picture of its memory behind.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Forbids core dumps of this process from now on. It goes on where that cannot be done, and says so.
///
/// The limit stops the kernel from writing a file; that the process is not dumpable also stops a program that dumps are
/// piped to, for which no limit holds, and keeps others who run as the same user from reading its memory and environment.
pub fn forbid() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none).and_then(|()| not_dumpable()) {
        tracing::warn!("a crash of this process may leave its secrets in a core dump: {error}");
    }
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
