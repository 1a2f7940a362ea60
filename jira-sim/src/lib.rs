//! A stateful, strict simulation of the parts of Jira that Conduit talks to.
