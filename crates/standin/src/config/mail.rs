//! The relay. The stand-in sends no mail itself, but a manifest without a relay is a broken one.

use super::reader::Reader;

pub fn read(reader: &mut Reader<'_>) {
    reader.required("SMTP_SERVER");
    reader.checked("SMTP_PORT", "a port is wanted", |port| port.parse::<u16>().is_ok());
    reader.required("SMTP_LOGIN");
    reader.required("SMTP_PASSWORD");
    reader.checked("SMTP_FROM_ADDRESS", "an address is wanted: name@host, or Name <name@host>", is_sender);
}

fn is_sender(text: &str) -> bool {
    let address = text.split_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>'));
    address.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains(['@', ' ', '>']))
}
