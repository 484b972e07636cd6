//! May this person do this? Asked first in each use case. Not allowed to see is not found.

use chrono::{DateTime, Utc};
use howdah_db::models::instance::Instance;
use howdah_domain::{AccountId, PersonId};
use uuid::Uuid;

use crate::Error;

/// Who asks: a person, for one of their accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub person: PersonId,
    pub account: AccountId,
    pub role: Role,
    /// An operator of the platform, who asks as one.
    pub is_operator: bool,
    pub scopes: Vec<Scope>,
    /// Until when what is made with the credential may last: its own end, or longer where the password was just given.
    pub expires_at: DateTime<Utc>,
    /// The API token's or session's id: what idempotency keys and rate limits belong to.
    pub credential: Uuid,
}

/// A person's role in an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Owner,
    Technical,
    Billing,
}

impl Role {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Technical => "technical",
            Self::Billing => "billing",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Owner, Self::Technical, Self::Billing].into_iter().find(|it| it.as_str() == word)
    }
}

/// What a token may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Read,
    Write,
    /// Who belongs to the account. It is in no other: whoever can make an owner has the account.
    People,
    /// What operators may do: only an operator's token can have it.
    Operate,
}

impl Scope {
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::People, Self::Operate];
    /// What everybody's session has.
    pub const EVERYBODYS: [Self; 3] = [Self::Read, Self::Write, Self::People];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::People => "people",
            Self::Operate => "operate",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

impl Actor {
    fn has(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    pub(crate) fn may_read(&self) -> Result<(), Error> {
        if self.has(Scope::Read) {
            return Ok(());
        }
        Err(Error::Forbidden { reason: "scope_missing", sentence: "This token lacks the scope “read”." })
    }

    /// Changes on behalf of the account.
    pub(crate) fn may_change(&self) -> Result<(), Error> {
        if !self.has(Scope::Write) {
            return Err(Error::Forbidden { reason: "scope_missing", sentence: "This token lacks the scope “write”." });
        }
        match self.role {
            Role::Owner | Role::Technical => Ok(()),
            Role::Billing => {
                Err(Error::Forbidden { reason: "role", sentence: "Your role in this account lets you see servers and bills only." })
            }
        }
    }

    /// What the account pays.
    pub(crate) fn may_pay(&self) -> Result<(), Error> {
        if !self.has(Scope::Write) {
            return Err(Error::Forbidden { reason: "scope_missing", sentence: "This token lacks the scope “write”." });
        }
        match self.role {
            Role::Owner | Role::Billing => Ok(()),
            Role::Technical => {
                Err(Error::Forbidden { reason: "role", sentence: "Your role in this account lets you run servers, not pay for them." })
            }
        }
    }

    /// What can't be taken back is the owners' to decide.
    pub(crate) fn may_close(&self) -> Result<(), Error> {
        self.may_change()?;
        match self.role {
            Role::Owner => Ok(()),
            Role::Technical | Role::Billing => {
                Err(Error::Forbidden { reason: "role", sentence: "Only an owner of the account can close a server." })
            }
        }
    }

    /// Whoever belongs to the account may see who does, and leave.
    pub(crate) fn may_see_people(&self) -> Result<(), Error> {
        if self.has(Scope::People) {
            return Ok(());
        }
        Err(Error::Forbidden { reason: "scope_missing", sentence: "This token lacks the scope “people”." })
    }

    /// Who belongs to the account is the owners' to decide.
    pub(crate) fn may_manage_people(&self) -> Result<(), Error> {
        self.may_see_people()?;
        match self.role {
            Role::Owner => Ok(()),
            Role::Technical | Role::Billing => {
                Err(Error::Forbidden { reason: "role", sentence: "Only an owner of the account can change who belongs to it." })
            }
        }
    }

    pub(crate) fn may_operate(&self) -> Result<(), Error> {
        if self.operates() {
            return Ok(());
        }
        Err(Error::Forbidden { reason: "operators_only", sentence: "Only an operator of the platform can do this." })
    }

    /// Asks as an operator, and with a token made for that.
    #[must_use]
    pub fn operates(&self) -> bool {
        self.is_operator && self.has(Scope::Operate)
    }

    /// Speaks for whom it did, with the same rights. Until when is another matter.
    #[must_use]
    pub fn is_still(&self, before: &Self) -> bool {
        Self { expires_at: before.expires_at, ..self.clone() } == *before
    }

    /// Its account's servers; every server for an operator.
    pub(crate) fn sees(&self, instance: &Instance) -> bool {
        self.operates() || instance.account_id == self.account.as_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(role: Role, is_operator: bool, scopes: &[Scope]) -> Actor {
        Actor {
            person: PersonId::from_uuid(Uuid::nil()),
            account: AccountId::from_uuid(Uuid::nil()),
            role,
            is_operator,
            scopes: scopes.to_vec(),
            expires_at: DateTime::UNIX_EPOCH,
            credential: Uuid::nil(),
        }
    }

    #[test]
    fn whose_rights_are_others_is_another() {
        let before = actor(Role::Owner, true, &Scope::ALL);
        let later = DateTime::UNIX_EPOCH + chrono::TimeDelta::days(1);
        assert!(Actor { expires_at: later, ..before.clone() }.is_still(&before));
        let account = AccountId::from_uuid(Uuid::max());
        for other in
            [actor(Role::Technical, true, &Scope::ALL), actor(Role::Owner, false, &Scope::ALL), actor(Role::Owner, true, &[Scope::Read])]
                .into_iter()
                .chain([Actor { account, ..before.clone() }])
        {
            assert!(!other.is_still(&before), "{other:?}");
        }
    }

    #[test]
    fn the_access_table() {
        let all = Scope::ALL;
        // (actor, read, change, close, see people, manage people, operate)
        let table = [
            (actor(Role::Owner, false, &all), [true, true, true, true, true, false]),
            (actor(Role::Technical, false, &all), [true, true, false, true, false, false]),
            (actor(Role::Billing, false, &all), [true, false, false, true, false, false]),
            (actor(Role::Owner, false, &[Scope::Read]), [true, false, false, false, false, false]),
            (actor(Role::Owner, false, &[Scope::Write]), [false, true, true, false, false, false]),
            (actor(Role::Owner, false, &[Scope::People]), [false, false, false, true, true, false]),
            (actor(Role::Owner, true, &[Scope::Read, Scope::Write]), [true, true, true, false, false, false]),
            (actor(Role::Owner, true, &[Scope::Operate]), [false, false, false, false, false, true]),
            (actor(Role::Owner, true, &all), [true, true, true, true, true, true]),
        ];
        for (actor, wanted) in table {
            let may = [
                actor.may_read(),
                actor.may_change(),
                actor.may_close(),
                actor.may_see_people(),
                actor.may_manage_people(),
                actor.may_operate(),
            ];
            assert_eq!(may.map(|it| it.is_ok()), wanted, "{actor:?}");
        }
    }
}
