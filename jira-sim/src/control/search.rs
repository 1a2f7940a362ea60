//! The search index, which may lag behind.

use super::JiraSim;

impl JiraSim {
    /// From now on the search knows nothing of what is written. Reading an issue, or naming it in `reconcileIssues`,
    /// shows it as it is.
    pub fn hold_index(&self) {
        self.site.change(|core| {
            let state = &mut core.state;
            state.index.get_or_insert_with(|| state.issues.clone());
        });
    }

    /// The search catches up with what was written, and stays up to date.
    pub fn release_index(&self) {
        self.site.change(|core| core.state.index = None);
    }

    /// Forgets every page of a search that somebody is about to go on with.
    pub fn expire_page_tokens(&self) {
        self.site.change(|core| core.state.page_generation += 1);
    }
}
