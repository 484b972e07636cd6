//! `tootctl self-destruct`: prints the token after the domain was typed, or how far it is (UP:lib/mastodon/cli/federation.rb).

use std::io::{BufRead, Write};

use tokio_postgres::Client;

use super::Refused;
use crate::config::Config;
use crate::crypto::verifier::MessageVerifier;
use crate::jobs::{Jobs, Stats};
use crate::web::self_destructing;

pub async fn run(client: &Client, config: &Config) -> anyhow::Result<()> {
    if !self_destructing(config) {
        return begin(config);
    }
    println!("Self-destruct mode is already enabled for this Mastodon server");
    let pending: i64 = client
        .query_one(
            "SELECT (SELECT count(*) FROM accounts WHERE domain IS NULL AND suspended_at IS NULL)
                  + (SELECT count(*) FROM accounts a JOIN account_deletion_requests r ON r.account_id = a.id
                     WHERE a.domain IS NULL AND a.suspended_at IS NOT NULL)",
            &[],
        )
        .await?
        .get(0);
    println!("{}", progress(pending, Jobs::connect(&config.redis).await?.stats().await?));
    Ok(())
}

fn progress(pending: i64, stats: Stats) -> String {
    if pending > 0 {
        format!("{pending} accounts are still pending deletion.")
    } else if stats.enqueued > 0 {
        "Deletion notices are still being processed".to_owned()
    } else if stats.retries > 0 {
        "At least one delivery attempt for each deletion notice has been made, but some have failed and are scheduled for retry".to_owned()
    } else {
        "Every deletion notice has been sent! You can safely delete all data and decomission your servers!".to_owned()
    }
}

fn begin(config: &Config) -> anyhow::Result<()> {
    let domain = &config.identity.local_domain;
    if ask("Type in the domain of the server to confirm:")? != *domain {
        return Err(Refused::because("Domains do not match. Stopping self-destruct initiation."));
    }
    println!("This operation WILL NOT be reversible.");
    if !["y", "yes"].contains(&ask("Are you sure you want to proceed? [y/N]")?.to_lowercase().as_str()) {
        return Err(Refused::because("Operation cancelled. Self-destruct will not begin."));
    }
    let token = MessageVerifier::new(&config.identity.secret_key_base, "self-destruct").generate(domain);
    println!("To switch Mastodon to self-destruct mode, add the following variable to your evironment and restart all Mastodon processes:");
    println!("  SELF_DESTRUCT={token}");
    Ok(())
}

fn ask(question: &str) -> anyhow::Result<String> {
    print!("{question} ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_told_in_mastodons_words() {
        let stats = |enqueued, retries| Stats { enqueued, retries };
        assert_eq!(progress(3, stats(9, 9)), "3 accounts are still pending deletion.");
        assert_eq!(progress(0, stats(1, 1)), "Deletion notices are still being processed");
        assert!(progress(0, stats(0, 1)).ends_with("scheduled for retry"));
        assert!(progress(0, stats(0, 0)).starts_with("Every deletion notice has been sent!"));
    }
}
