//! The fields that may stand on a transition's screen.

/// What a field holds, which decides how its values are read and described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Resolution,
    Versions,
    User,
    Labels,
    Text,
}

/// A field on a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

impl Field {
    /// How the issue was settled: Done, Fixed, Won't Do, Duplicate.
    pub fn resolution() -> Self {
        Self::system("resolution", "Resolution", Shape::Resolution)
    }

    /// The versions that hold the change.
    pub fn fix_versions() -> Self {
        Self::system("fixVersions", "Fix versions", Shape::Versions)
    }

    /// Who works on it.
    pub fn assignee() -> Self {
        Self::system("assignee", "Assignee", Shape::User)
    }

    /// The labels.
    pub fn labels() -> Self {
        Self::system("labels", "Labels", Shape::Labels)
    }

    /// A custom text field, such as `customfield_10050`, "Root cause".
    pub fn text(key: &str, name: &str) -> Self {
        Self { key: key.into(), name: name.into(), shape: Shape::Text, required: false }
    }

    /// The screen refuses to close without it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    fn system(key: &str, name: &str, shape: Shape) -> Self {
        Self { key: key.into(), name: name.into(), shape, required: false }
    }
}

/// The resolutions every site here has, with their ids.
pub(crate) const RESOLUTIONS: [(u64, &str); 4] =
    [(10000, "Done"), (10001, "Won't Do"), (10002, "Duplicate"), (10003, "Fixed")];
