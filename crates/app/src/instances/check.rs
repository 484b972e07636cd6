//! What a launch would say of an address or a name, while it is being typed. Nothing is kept and nobody is asked but the record;
//! of a name that is held it tells no more than that.

use howdah_db::models::name_claim::NameClaim;
use howdah_domain::records::is_apex;
use howdah_domain::{AddressKind, FediverseDomain, ServerAddress, Username};

use super::launch::{has_remnants, name_taken, remnants};
use crate::{Actor, App, Error, FieldError};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressCheck {
    /// `None` where it can't be an address.
    pub normalised: Option<NormalisedAddress>,
    /// Why a launch would refuse it.
    pub problems: Vec<FieldError>,
    pub notes: Vec<AddressNote>,
    /// `@ana@example.org`; empty where it can't be an address.
    pub handle: String,
    /// `https://social.example.org`.
    pub url: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormalisedAddress {
    pub domain: String,
    pub web_domain: String,
    pub media_domain: String,
    /// The handles' domain as people read it, where that is another spelling.
    pub in_unicode: Option<String>,
    pub is_platform: bool,
}

/// What is worth knowing before it can't be changed any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressNote {
    ForEver {
        domain: String,
        web_domain: String,
        media_domain: String,
    },
    /// A platform's name can't be taken along.
    StaysHere {
        domain: String,
    },
    Proof {
        names: Vec<String>,
    },
    /// A name that is a zone of its own.
    Apex {
        name: String,
        target: String,
    },
    /// The customer's own site has to pass on what is asked for handles.
    PassOn {
        domain: String,
        web_domain: String,
    },
    TrademarkAsked {
        domain: String,
    },
    /// A server at this address said farewell before.
    Remnants {
        sentence: String,
    },
}

impl AddressNote {
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::ForEver { .. } => "for_ever",
            Self::StaysHere { .. } => "stays_here",
            Self::Proof { .. } => "proof",
            Self::Apex { .. } => "apex",
            Self::PassOn { .. } => "pass_on",
            Self::TrademarkAsked { .. } => "trademark",
            Self::Remnants { .. } => "remnants",
        }
    }

    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::ForEver { domain, web_domain, media_domain } if domain == web_domain => {
                format!(
                    "Neither {domain} nor the media host {media_domain} can change after the launch: other servers remember them for ever."
                )
            }
            Self::ForEver { domain, web_domain, media_domain } => format!(
                "None of {domain} (handles), {web_domain} (the server) and {media_domain} (media) can change after the launch: \
                 other servers remember them for ever."
            ),
            Self::StaysHere { domain } => format!(
                "{domain} belongs to this platform: you can take your people and posts along, but not this address. \
                 With a domain of your own everything can be taken along, the address too."
            ),
            Self::Proof { names } => {
                format!("You will add a TXT record to {}, which proves that the domain is yours.", names.join(" and "))
            }
            Self::Apex { name, target } => {
                format!("{name} is your domain itself, where no CNAME can be: your provider needs ALIAS, ANAME or the like, to {target}.")
            }
            Self::PassOn { domain, web_domain } => format!(
                "Handles end in {domain}, and the server is at {web_domain}. So the web site at {domain} has to redirect \
                 /.well-known/webfinger to the server; without that nobody finds your people."
            ),
            Self::TrademarkAsked { domain } => {
                format!("{domain} contains a trademark of Mastodon gGmbH. You will have to confirm that you have their permission.")
            }
            Self::Remnants { sentence } => format!("{sentence} You will have to confirm that you know."),
        }
    }
}

/// # Errors
/// The record's. What is wrong with the address is part of the answer.
pub async fn check_address(app: &App, actor: &Actor, domain: &str, web_domain: Option<&str>) -> Result<AddressCheck, Error> {
    actor.may_read()?;
    let address = match ServerAddress::parse(domain, web_domain, &app.config.names) {
        Ok(address) => address,
        Err(refused) => {
            let problems = vec![FieldError::of(refused.field, &refused.error)];
            return Ok(AddressCheck { normalised: None, problems, notes: Vec::new(), handle: String::new(), url: String::new() });
        }
    };
    let hosts: Vec<&str> = address.hosts().into_iter().map(FediverseDomain::as_str).collect();
    let mut conn = app.conn().await?;
    let mut problems = Vec::new();
    if NameClaim::is_any_held(&mut conn, &hosts).await? {
        problems.push(FieldError { field: "domain", reason: "name_taken", sentence: name_taken(&address) });
    }
    let mut notes = notes(app, &address);
    if has_remnants(&mut conn, &address).await? {
        notes.push(AddressNote::Remnants { sentence: remnants(&address) });
    }
    let local = &address.local_domain;
    Ok(AddressCheck {
        notes,
        problems,
        handle: format!("@ana@{}", local.to_unicode()),
        url: format!("https://{}", address.web_domain),
        normalised: Some(NormalisedAddress {
            domain: local.to_string(),
            web_domain: address.web_domain.to_string(),
            media_domain: address.media_domain.to_string(),
            in_unicode: Some(local.to_unicode()).filter(|it| it != local.as_str()),
            is_platform: matches!(address.kind, AddressKind::Platform { .. }),
        }),
    })
}

fn notes(app: &App, address: &ServerAddress) -> Vec<AddressNote> {
    let [domain, web_domain, media_domain] = [&address.local_domain, &address.web_domain, &address.media_domain].map(ToString::to_string);
    let for_ever = AddressNote::ForEver { domain: domain.clone(), web_domain: web_domain.clone(), media_domain };
    if matches!(address.kind, AddressKind::Platform { .. }) {
        return vec![AddressNote::StaysHere { domain }, for_ever];
    }
    let mut notes = vec![for_ever, AddressNote::Proof { names: address.to_be_proven().into_iter().map(ToString::to_string).collect() }];
    if address.local_domain.asks_about_trademark() || address.web_domain.asks_about_trademark() {
        notes.push(AddressNote::TrademarkAsked { domain: domain.clone() });
    }
    if let Some(target) = app.config.ingress_name.clone().filter(|_| is_apex(&web_domain)) {
        notes.push(AddressNote::Apex { name: web_domain.clone(), target });
    }
    if domain != web_domain {
        notes.push(AddressNote::PassOn { domain, web_domain });
    }
    notes
}

/// The owner's username as Mastodon takes it.
///
/// # Errors
/// What is wrong with it, for whoever typed it.
pub fn check_owner_name(typed: &str) -> Result<String, FieldError> {
    let name: Username = typed.parse().map_err(|it| FieldError::of("owner.username", &it))?;
    Ok(name.to_string())
}
