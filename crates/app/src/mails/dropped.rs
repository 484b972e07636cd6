//! Why a mail that waited is not sent after all: what it tells of is no longer so, or no longer its recipient's.

/// Recorded on the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    LinkReplaced,
    LinkExpired,
    RecipientLeft,
    ServerGone,
}

impl Dropped {
    const ALL: [Self; 4] = [Self::LinkReplaced, Self::LinkExpired, Self::RecipientLeft, Self::ServerGone];

    /// As the record has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LinkReplaced => "link_replaced",
            Self::LinkExpired => "link_expired",
            Self::RecipientLeft => "recipient_left",
            Self::ServerGone => "server_gone",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::LinkReplaced => "A newer link had taken the place of the one that it was about.",
            Self::LinkExpired => "The link that it was about was no longer good.",
            Self::RecipientLeft => "Its recipient no longer owned the server's account, or had another address.",
            Self::ServerGone => "The server that it was about was gone.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_read_again() {
        assert!(Dropped::ALL.into_iter().all(|it| Dropped::parse(it.as_str()) == Some(it)));
    }
}
