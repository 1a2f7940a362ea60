//! The program as people and scripts run it.

mod plan;
