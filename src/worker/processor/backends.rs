//! Which site a project lives on, and who drives it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Processor;

/// One configured site.
#[derive(Clone)]
pub struct Site {
    /// Its configured name, the same for all processes.
    pub name: String,
    /// Who drives it.
    pub processor: Arc<dyn Processor>,
}

/// All configured sites with their projects.
#[derive(Clone, Default)]
pub struct Backends {
    sites: Vec<Site>,
    projects: BTreeMap<String, usize>,
}

/// A project that is on two sites.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("project {project} is in the `projects` of both {first} and {second}: one site per project key")]
pub struct ProjectTaken {
    /// Its key.
    pub project: String,
    /// The site that has it.
    pub first: String,
    /// The site that asks for it, too.
    pub second: String,
}

impl Backends {
    /// No sites yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a site with its projects.
    pub fn add<S: AsRef<str>>(
        &mut self,
        name: &str,
        processor: Arc<dyn Processor>,
        projects: impl IntoIterator<Item = S>,
    ) -> Result<(), ProjectTaken> {
        let site = self.sites.len();
        self.sites.push(Site { name: name.to_owned(), processor });
        for project in projects {
            let project = project.as_ref().to_ascii_uppercase();
            if let Some(first) = self.projects.insert(project.clone(), site).filter(|first| *first != site) {
                let first = self.sites[first].name.clone();
                return Err(ProjectTaken { project, first, second: name.to_owned() });
            }
        }
        Ok(())
    }

    /// The same sites, with their projects given anew. What names no site of these is left out.
    pub fn with_projects<'a, S: AsRef<str> + 'a>(
        &self,
        projects: impl Fn(&str) -> &'a [S],
    ) -> Result<Self, ProjectTaken> {
        let mut backends = Self::new();
        for site in &self.sites {
            backends.add(&site.name, Arc::clone(&site.processor), projects(&site.name))?;
        }
        Ok(backends)
    }

    /// A site by its name.
    pub fn site(&self, name: &str) -> Option<&Site> {
        self.sites.iter().find(|site| site.name == name)
    }

    /// The site that a project, in capitals, lives on.
    pub fn site_of(&self, project: &str) -> Option<&Site> {
        self.projects.get(project).and_then(|site| self.sites.get(*site))
    }

    /// All sites, in the order they were added.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// All configured projects, in capitals.
    pub fn projects(&self) -> impl Iterator<Item = &str> {
        self.projects.keys().map(String::as_str)
    }
}
