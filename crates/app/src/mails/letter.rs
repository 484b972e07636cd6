//! A mail's words, and the two forms they are sent in.

/// Stands in both bodies for what opens something to whoever has it: the control character SUBSTITUTE, which no name and no address can hold.
const MARK: &str = "\u{1a}";

/// One mail: what it is for, and its words, in the order in which they are read.
#[derive(Debug, Clone)]
pub struct Mail {
    pub kind: &'static str,
    pub subject: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Text(String),
    /// What it does, and its target, which is spelled out.
    Link(&'static str, String),
}

/// Subject and bodies as they are kept and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl Mail {
    #[must_use]
    pub fn new(kind: &'static str, subject: impl Into<String>) -> Self {
        Self { kind, subject: shortened(subject.into()), parts: Vec::new() }
    }

    /// A paragraph.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    /// A link to a page that asks who comes.
    #[must_use]
    pub fn link(mut self, label: &'static str, url: impl Into<String>) -> Self {
        self.parts.push(Part::Link(label, url.into()));
        self
    }

    /// The link that opens something to whoever has it: it is given to the outbox beside the words.
    #[must_use]
    pub fn secret_link(self, label: &'static str) -> Self {
        self.link(label, MARK)
    }

    /// `reference` is what the operator's search finds it by.
    #[must_use]
    pub fn render(&self, reference: &str, support: &str) -> Rendered {
        let footer = [
            format!("Questions? Answer this mail, or write to {support}."),
            format!("Reference: {reference}"),
            "Howdah, managed hosting for Mastodon. Not affiliated with Mastodon gGmbH.".to_owned(),
        ];
        Rendered { subject: self.subject.clone(), text: self.as_text(&footer), html: self.as_html(&footer) }
    }

    fn as_text(&self, footer: &[String]) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => format!("{text}\n\n"),
            Part::Link(label, url) => format!("{label}:\n{url}\n\n"),
        });
        // Mail programs cut off what comes after this line when the mail is answered.
        parts.chain(["-- \n".to_owned()]).chain(footer.iter().map(|it| format!("{it}\n"))).collect()
    }

    fn as_html(&self, footer: &[String]) -> String {
        let parts: String = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => format!("<p>{}</p>\n", escaped(text)),
                Part::Link(label, url) => {
                    format!("<p>{label}:<br>\n<a href=\"{url}\">{url}</a></p>\n", label = escaped(label), url = escaped(url))
                }
            })
            .collect();
        let footer = footer.iter().map(|it| escaped(it)).collect::<Vec<_>>().join("<br>\n");
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n</head>\n\
             <body style=\"font: 16px/1.5 system-ui, sans-serif; max-width: 36em; margin: 0 auto; padding: 16px\">\n\
             {parts}<hr>\n<p><small>{footer}</small></p>\n</body>\n</html>\n",
            title = escaped(&self.subject),
        )
    }
}

impl Rendered {
    /// As it is sent: with the link where the bodies have its mark.
    #[must_use]
    pub(crate) fn with_link(self, link: &str) -> Self {
        Self { text: self.text.replace(MARK, link), html: self.html.replace(MARK, &escaped(link)), ..self }
    }
}

/// The names in a subject may be long, and the outbox takes 250 characters.
fn shortened(subject: String) -> String {
    if subject.chars().count() <= 250 { subject } else { subject.chars().take(249).chain(['…']).collect() }
}

/// As text and attribute values of HTML are written.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use howdah_domain::{DisplayName, EmailAddress};

    use super::*;

    #[test]
    fn no_name_becomes_the_link() {
        let mail = Mail::new("test", "{link}").text("{link} invites you.").secret_link("Accept");
        let rendered = mail.render("1", "help@howdah.example").with_link("https://howdah.example/secret");
        assert!(rendered.text.starts_with("{link} invites you.\n"), "{}", rendered.text);
        assert_eq!(rendered.text.matches("/secret").count(), 1);
        assert_eq!(rendered.html.matches("/secret").count(), 2);
        assert!(format!("Ada {MARK} Lovelace").parse::<DisplayName>().is_err());
        assert!(format!("ada{MARK}@birds.example").parse::<EmailAddress>().is_err());
    }

    #[test]
    fn a_subject_is_cut_where_the_outbox_ends() {
        let of = |length: usize| Mail::new("test", "é".repeat(length)).subject.chars().count();
        assert_eq!([of(250), of(251), of(700)], [250; 3]);
    }

    #[test]
    fn what_people_chose_is_text_in_both() {
        let name = "<a href=\"https://evil.example\">Ada & Co</a>";
        let mail = Mail::new("test", name).text(format!("{name} invites you."));
        let rendered = mail.render(name, "help@howdah.example");
        assert!(rendered.text.starts_with(&format!("{name} invites you.\n")));
        assert!(!rendered.html.contains("<a href=\"https://evil"));
        assert_eq!(rendered.html.matches("&lt;a href=&quot;https://evil.example&quot;&gt;Ada &amp; Co&lt;/a&gt;").count(), 3);
    }
}
