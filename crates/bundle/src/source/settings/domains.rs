//! `LOCAL_DOMAIN`, `WEB_DOMAIN`, `ALTERNATE_DOMAINS`.

use url::Host;

use super::SettingsError;
use crate::format::Domains;
use crate::source::Environment;

/// More than anybody has.
const MOST_ALTERNATES: usize = 100;

pub(super) fn parse(environment: &Environment) -> Result<Domains, SettingsError> {
    const WHAT: &str = "it says who this server is; set it in the .env.production that --env-file names";
    let local = environment.get("LOCAL_DOMAIN").ok_or(SettingsError::Missing { name: "LOCAL_DOMAIN", way_out: WHAT })?;
    let local = domain("LOCAL_DOMAIN", local)?;
    let web = environment.get("WEB_DOMAIN").map(|it| domain("WEB_DOMAIN", it)).transpose()?;
    let alternate = environment.get("ALTERNATE_DOMAINS").unwrap_or_default().split(',').map(str::trim).filter(|it| !it.is_empty());
    let alternate = alternate.take(MOST_ALTERNATES).map(|it| domain("ALTERNATE_DOMAINS", it)).collect::<Result<_, _>>()?;
    Ok(Domains { web: web.unwrap_or_else(|| local.clone()), local, alternate })
}

/// In ASCII and lower case.
fn domain(name: &'static str, text: &str) -> Result<String, SettingsError> {
    match Host::parse(text.trim()) {
        Ok(Host::Domain(domain)) if domain.len() <= 253 => Ok(domain),
        _ => Err(SettingsError::malformed(name, text, "write a domain name alone, such as `example.org`, without https:// or a port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Domains, String> {
        parse(&Environment::from_dotenv(text, &|_| None)).map_err(|it| it.to_string())
    }

    #[test]
    fn names_are_taken_in_ascii_and_lower_case() {
        let domains = parsed("LOCAL_DOMAIN=Bücher.example\nALTERNATE_DOMAINS=a.example, b.example,").unwrap();
        assert_eq!(domains.local, "xn--bcher-kva.example");
        assert_eq!(domains.web, domains.local);
        assert_eq!(domains.alternate, ["a.example", "b.example"]);
        assert_eq!(parsed("LOCAL_DOMAIN=a.example\nWEB_DOMAIN=social.a.example").unwrap().web, "social.a.example");
    }

    #[test]
    fn what_is_no_name_is_refused_by_the_variables_name() {
        for (text, named) in [
            ("", "LOCAL_DOMAIN is not set"),
            ("LOCAL_DOMAIN=", "LOCAL_DOMAIN is not set"),
            ("LOCAL_DOMAIN=https://a.example", "LOCAL_DOMAIN"),
            ("LOCAL_DOMAIN=a.example:443", "LOCAL_DOMAIN"),
            ("LOCAL_DOMAIN='a b'", "LOCAL_DOMAIN"),
            ("LOCAL_DOMAIN=127.0.0.1", "LOCAL_DOMAIN"),
            ("LOCAL_DOMAIN=a.example\nWEB_DOMAIN=../x", "WEB_DOMAIN"),
            ("LOCAL_DOMAIN=a.example\nALTERNATE_DOMAINS=b.example,c/d", "ALTERNATE_DOMAINS"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.starts_with(named), "{text}: {error}");
        }
    }
}
