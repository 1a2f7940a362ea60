//! The program as people and scripts run it: what it prints, and how it ends.

mod check;
mod demo;
mod doctor;
mod doctor_certificate;
mod events;
mod explain;
mod fmt;
mod folder;
mod graph;
mod help;
mod hooks;
mod init;
mod jira_hooks;
mod plan;
mod queue;
mod reaching;
mod replaying;
mod run;
mod secrets;
mod starting;
mod store;
mod tokens;
mod why;
