//! What the record's words for roles and scopes mean to people.

use howdah_app::{Role, Scope};

pub const fn role_in_words(role: &Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Technical => "Technical",
        Role::Billing => "Billing",
    }
}

/// What a role may do.
pub const fn role_may(role: &Role) -> &'static str {
    match role {
        Role::Owner => "do everything: launch, close, invite and remove people",
        Role::Technical => "launch and change servers; not close them, nor change who belongs to the account",
        Role::Billing => "see servers and bills; change nothing",
    }
}

/// What a token with a scope may do.
pub const fn scope_may(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "see the account and its servers",
        Scope::Write => "launch, change and close servers, as far as your role lets you",
        Scope::People => "see who belongs to the account and, if you own it, invite and remove people and change their roles; leave it",
        Scope::Operate => "everything that operators of the platform may do",
    }
}

pub const ROLES: [Role; 3] = [Role::Owner, Role::Technical, Role::Billing];
