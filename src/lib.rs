//! Conduit moves Jira tickets when code moves.
