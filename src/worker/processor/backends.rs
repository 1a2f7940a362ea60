//! Which site a project lives on, and who drives it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Answer, Found, Log, Processor, Setback, Ticket};
use crate::machine::Hop;
use crate::trace::Reason;

/// One configured site.
#[derive(Clone)]
pub struct Site {
    /// Its configured name, the same for all processes.
    pub name: String,
    /// Who drives it.
    pub processor: Arc<dyn Processor>,
    /// How many of its tickets one process works on at once, where that is limited.
    pub at_once: Option<usize>,
}

/// All configured sites with their projects.
#[derive(Clone, Default)]
pub struct Backends {
    sites: Vec<Site>,
    map: SiteMap,
}

/// Which site each project lives on: plain data, also for those who have no login to any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteMap {
    projects: BTreeMap<String, String>,
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

impl SiteMap {
    /// Adds a site with its projects.
    pub fn add<S: AsRef<str>>(
        &mut self,
        site: &str,
        projects: impl IntoIterator<Item = S>,
    ) -> Result<(), ProjectTaken> {
        for project in projects {
            let project = project.as_ref().to_ascii_uppercase();
            if let Some(first) = self.projects.insert(project.clone(), site.to_owned()).filter(|f| f != site)
            {
                return Err(ProjectTaken { project, first, second: site.to_owned() });
            }
        }
        Ok(())
    }

    /// The name of the site that a project, in capitals, lives on.
    pub fn site_of(&self, project: &str) -> Option<&str> {
        self.projects.get(project).map(String::as_str)
    }

    /// All configured projects, in capitals.
    pub fn projects(&self) -> impl Iterator<Item = &str> {
        self.projects.keys().map(String::as_str)
    }
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
        self.sites.push(Site { name: name.to_owned(), processor, at_once: None });
        self.map.add(name, projects)
    }

    /// Limits how many of a site's tickets one process works on at once.
    pub fn limit(&mut self, name: &str, at_once: usize) {
        for site in self.sites.iter_mut().filter(|site| site.name == name) {
            site.at_once = Some(at_once);
        }
    }

    /// The same sites, with their projects given anew. What names no site of these is left out.
    pub fn with_projects<'a, S: AsRef<str> + 'a>(
        &self,
        projects: impl Fn(&str) -> &'a [S],
    ) -> Result<Self, ProjectTaken> {
        let mut backends = Self::new();
        for site in &self.sites {
            backends.add(&site.name, Arc::clone(&site.processor), projects(&site.name))?;
            if let Some(at_once) = site.at_once {
                backends.limit(&site.name, at_once);
            }
        }
        Ok(backends)
    }

    /// A site by its name.
    pub fn site(&self, name: &str) -> Option<&Site> {
        self.sites.iter().find(|site| site.name == name)
    }

    /// All sites, in the order they were added.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Which of them each project lives on.
    pub fn map(&self) -> &SiteMap {
        &self.map
    }
}

/// Ticket systems that can be read, and nothing else: whoever holds one cannot write, by no mistake.
pub struct ReadOnly {
    backends: Backends,
}

impl ReadOnly {
    /// Takes the backends away from who could have written with them.
    pub fn new(backends: Backends) -> Self {
        Self { backends }
    }

    /// A ticket on this site as it is now.
    pub async fn ticket(&self, site: &str, key: &str, log: &mut Log) -> Answer<Ticket> {
        self.site(site)?.processor.read(key, log).await
    }

    /// The transition that a hop would take from where the ticket stands.
    pub async fn transition(&self, site: &str, ticket: &Ticket, hop: &Hop, log: &mut Log) -> Answer<Found> {
        self.site(site)?.processor.find(ticket, hop, None, log).await
    }

    fn site(&self, name: &str) -> Answer<&Site> {
        let unknown = || format!("no worker has a site named {name}");
        self.backends.site(name).ok_or_else(|| Setback::permanent(Reason::ProjectNotConfigured, unknown()))
    }
}
