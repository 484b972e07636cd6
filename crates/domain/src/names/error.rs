//! Why a name was refused: a machine reason, and a sentence that names the value, what is wrong with it and the way out.

/// The refusal of a name. `Display` is the sentence for whoever typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("The {what} is missing. Please fill it in.")]
    Missing { what: &'static str },
    #[error("“{value}” is too short for {what}: use at least {min} characters.")]
    TooShort { what: &'static str, value: String, min: usize },
    #[error("“{value}” is too long for {what}: use at most {max} characters.")]
    TooLong { what: &'static str, value: String, max: usize },
    #[error("“{value}” can't be {what}: {rule}.")]
    Malformed { what: &'static str, value: String, rule: &'static str },
    #[error("“{value}” is reserved. Please choose another name.")]
    Reserved { value: String },
    #[error("“{value}” looks too much like “{like}”, which is reserved. Please choose another name.")]
    LooksLikeReserved { value: String, like: &'static str },
    #[error(
        "“{value}” contains “{word}”, a trademark that addresses under this platform can't carry. Please choose another name, or use a domain of your own."
    )]
    Trademark { value: String, word: &'static str },
    #[error("“{value}” is an IP address. People's handles need a domain name, such as social.example.org.")]
    IpAddress { value: String },
    #[error("“{value}” is a single word. A server needs a whole domain name, such as social.example.org.")]
    SingleLabel { value: String },
    #[error("“{value}” is a public suffix, under which everybody registers names. Please use a name that you registered under it.")]
    PublicSuffix { value: String },
    #[error("“{value}” ends in “.{tld}”, which is not reachable from the Internet. Please use a domain that you registered.")]
    ReservedTld { value: String, tld: String },
    #[error(
        "“{value}” mixes letters of different scripts that look alike, so that people could take it for another address. Please use one script for each part."
    )]
    MixedScript { value: String },
    #[error("“{value}” looks like “{like}” but is written with other letters. Please use a name that can't be taken for another.")]
    LooksLikeLatin { value: String, like: String },
    #[error("“{value}” belongs to this platform. Choose a single name directly under it, or use a domain of your own.")]
    PlatformDomain { value: String },
}

impl NameError {
    /// The machine reason: stable, for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "missing",
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::Malformed { .. } => "malformed",
            Self::Reserved { .. } => "reserved",
            Self::LooksLikeReserved { .. } => "looks_like_reserved",
            Self::Trademark { .. } => "trademark",
            Self::IpAddress { .. } => "ip_address",
            Self::SingleLabel { .. } => "single_label",
            Self::PublicSuffix { .. } => "public_suffix",
            Self::ReservedTld { .. } => "reserved_tld",
            Self::MixedScript { .. } => "mixed_script",
            Self::LooksLikeLatin { .. } => "looks_like_latin",
            Self::PlatformDomain { .. } => "platform_domain",
        }
    }
}

/// What was typed, cut so that an error never carries a megabyte back.
pub(super) fn shown(value: &str) -> String {
    const MAX: usize = 80;
    let mut cut: String = value.chars().filter(|it| !it.is_control()).take(MAX).collect();
    if value.chars().count() > MAX {
        cut.push('…');
    }
    cut
}
