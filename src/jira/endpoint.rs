//! The calls that the client can make, each of them named here once.

/// Makes the enumeration, the list of all and their names from one table, so that none of the three lags behind.
macro_rules! endpoints {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A call that the client can make. No request is sent for any other: whoever holds requests against Jira's own
        /// description can see that none is left out.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Endpoint {
            $($(#[$doc])* $variant,)*
        }

        impl Endpoint {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Its name in traces and metrics.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

endpoints! {
    /// Who we are.
    Myself = "myself",
    /// A ticket.
    Issue = "issue",
    /// A ticket's past.
    History = "history",
    /// What is offered to a ticket.
    Transitions = "transitions",
    /// A ticket moves.
    Transition = "transition",
    /// The comments on a ticket.
    Comments = "comments",
    /// A comment is written.
    Comment = "comment",
    /// A link is written.
    RemoteLink = "remote_link",
    /// A project's versions.
    Versions = "versions",
    /// A version is made.
    CreateVersion = "create_version",
    /// A version is released.
    ReleaseVersion = "release_version",
    /// A ticket gets a version that it is fixed in.
    FixVersion = "fix_version",
    /// Many tickets, on Cloud.
    BulkFetch = "bulkfetch",
    /// Tickets by JQL.
    Search = "search",
    /// Many tickets move.
    BulkTransition = "bulk_transition",
    /// How far a bulk move is.
    BulkTask = "bulk_task",
    /// What the account may do.
    Permissions = "permissions",
    /// Which Jira it is, and its clock.
    ServerInfo = "server_info",
    /// A project's issue types and their statuses.
    Statuses = "statuses",
    /// What the gateway knows a site by.
    TenantInfo = "tenant_info",
    /// A token is bought.
    Token = "token",
    /// Jira's own webhooks.
    Webhooks = "webhooks",
    /// A webhook is made.
    CreateWebhook = "create_webhook",
    /// A webhook is changed.
    UpdateWebhook = "update_webhook",
    /// A webhook is deleted.
    DeleteWebhook = "delete_webhook",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name_of_its_own() {
        let mut names: Vec<_> = Endpoint::ALL.iter().map(|endpoint| endpoint.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Endpoint::ALL.len());
    }
}
