//! `Setting`: rows of `settings` whose value is YAML, as Rails writes it.

use tokio_postgres::GenericClient;

/// The value of a setting that holds a word or a sentence; `None` where it was never set.
pub async fn word(client: &impl GenericClient, name: &str) -> Result<Option<String>, tokio_postgres::Error> {
    let row = client.query_opt("SELECT value FROM settings WHERE var = $1", &[&name]).await?;
    Ok(row.and_then(|row| row.get::<_, Option<String>>(0)).map(|yaml| read_scalar(&yaml)).filter(|value| !value.is_empty()))
}

/// Sets a word that needs no quotes in YAML, or a truth value.
pub async fn set_plain(client: &impl GenericClient, name: &str, value: &str) -> Result<(), tokio_postgres::Error> {
    let yaml = format!("--- {value}\n");
    let changed =
        client.execute("UPDATE settings SET value = $2, updated_at = now() AT TIME ZONE 'utc' WHERE var = $1", &[&name, &yaml]).await?;
    if changed == 0 {
        client
            .execute(
                "INSERT INTO settings (var, value, created_at, updated_at)
                 VALUES ($1, $2, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc')",
                &[&name, &yaml],
            )
            .await?;
    }
    Ok(())
}

/// A YAML document of one scalar.
fn read_scalar(yaml: &str) -> String {
    let text = yaml.strip_prefix("---").unwrap_or(yaml).trim_end_matches("...\n").trim();
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('\'').map(|text| text.replace("''", "'")).or_else(|| inner('"').map(str::to_owned)).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rails_writes_is_read() {
        assert_eq!(read_scalar("--- none\n"), "none");
        assert_eq!(read_scalar("--- 'it''s: ours'\n"), "it's: ours");
        assert_eq!(read_scalar("--- 7\n"), "7");
        assert_eq!(read_scalar("---\n...\n"), "");
        assert_eq!(read_scalar("--- \n"), "");
    }
}
