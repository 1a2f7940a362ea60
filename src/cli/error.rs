//! How a command can fail, and the exit code that says so to scripts.

use std::process::ExitCode;

use crate::settings::SettingError;

/// A command's failure.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The answer is no, or there are findings; what there is to say has been printed. Exit code 1.
    #[error("")]
    Findings,
    /// Something went wrong. Exit code 1.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
    /// The command was used wrongly. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Something cannot be reached. Exit code 3.
    #[error("{0}")]
    Unreachable(String),
    /// What was asked for does not exist. Exit code 4.
    #[error("{0}")]
    NotFound(String),
    /// Only a part of it was done. Exit code 5.
    #[error("{0}")]
    Partly(String),
}

impl From<SettingError> for CliError {
    fn from(error: SettingError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl CliError {
    /// Says what happened, on standard error.
    pub(super) fn print(&self) {
        let text = self.to_string();
        if !text.is_empty() {
            eprintln!("error: {text}");
        }
    }

    /// The code for scripts.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Failed(error) if error.is::<SettingError>() => 2,
            Self::Findings | Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::NotFound(_) => 4,
            Self::Partly(_) => 5,
        })
    }
}
