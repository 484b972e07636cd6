//! What else people have, a little of each: lists, filters, sessions, settings, notifications, drafts; every type of column is among it.

use serde_json::json;
use tokio_postgres::Transaction;

use super::copy::{Cell, Table};
use super::dice::Dice;
use super::people::address;
use super::plan::{FIRST_ID, Person, Post, signed};
use super::{Filling, words};

/// Most tables that only a person's rows are in.
struct Tables<'a> {
    lists: Table<'a>,
    list_accounts: Table<'a>,
    markers: Table<'a>,
    filters: Table<'a>,
    keywords: Table<'a>,
    logins: Table<'a>,
    tokens: Table<'a>,
    sessions: Table<'a>,
    web_settings: Table<'a>,
    pushes: Table<'a>,
    security_keys: Table<'a>,
    notifications: Table<'a>,
    requests: Table<'a>,
    drafts: Table<'a>,
    conversations: Table<'a>,
    notes: Table<'a>,
    imports: Table<'a>,
    import_rows: Table<'a>,
}

/// One person's rows: they share the number, as an id where one is needed.
struct Owner<'a> {
    number: u64,
    id: i64,
    person: &'a Person,
    /// Some post, and somebody of another server.
    post: Post,
    other: Person,
}

pub async fn fill(filling: &mut Filling<'_>, transaction: &Transaction<'_>, newcomers: &[(u64, Person)]) -> anyhow::Result<()> {
    let table = |name| Table::new(filling.catalogue, name);
    let mut tables = Tables {
        lists: table("lists"),
        list_accounts: table("list_accounts"),
        markers: table("markers"),
        filters: table("custom_filters"),
        keywords: table("custom_filter_keywords"),
        logins: table("login_activities"),
        tokens: table("oauth_access_tokens"),
        sessions: table("session_activations"),
        web_settings: table("web_settings"),
        pushes: table("web_push_subscriptions"),
        security_keys: table("webauthn_credentials"),
        notifications: table("notifications"),
        requests: table("notification_requests"),
        drafts: table("scheduled_statuses"),
        conversations: table("account_conversations"),
        notes: table("account_notes"),
        imports: table("bulk_imports"),
        import_rows: table("bulk_import_rows"),
    };
    for (number, person) in newcomers {
        let mut dice = filling.amounts.dice("other belongings", *number);
        let other = filling.amounts.remote(dice.below(filling.amounts.remote_accounts()));
        if filling.amounts.statuses == 0 {
            continue;
        }
        let post = filling.amounts.post(dice.below(filling.amounts.statuses));
        let owner = Owner { number: *number, id: FIRST_ID + signed(*number), person, post, other };
        chosen(&mut tables, &owner);
        signed_in(&mut tables, &owner, &mut dice);
        happened(filling, &mut tables, &owner);
    }
    let Tables { lists, list_accounts, markers, filters, keywords, logins, tokens, sessions, web_settings, .. } = tables;
    for table in [lists, list_accounts, markers, filters, keywords, logins, tokens, sessions, web_settings] {
        filling.rows += table.copy(transaction).await?;
    }
    let Tables { pushes, security_keys, notifications, requests, drafts, conversations, notes, imports, import_rows, .. } = tables;
    for table in [pushes, security_keys, notifications, requests, drafts, conversations, notes, imports, import_rows] {
        filling.rows += table.copy(transaction).await?;
    }
    Ok(())
}

fn times(owner: &Owner<'_>) -> [(&'static str, Cell); 2] {
    [("created_at", owner.person.since.into()), ("updated_at", owner.person.since.into())]
}

/// Lists, filters, notes, and how the pages look.
fn chosen(tables: &mut Tables<'_>, owner: &Owner<'_>) {
    let ([created, updated], account) = (times(owner), Cell::from(owner.person.id));
    tables.lists.row([
        ("id", owner.id.into()),
        ("account_id", account.clone()),
        ("title", words::awkward(owner.number).into()),
        created,
        updated,
    ]);
    tables.list_accounts.row([("list_id", owner.id.into()), ("account_id", owner.other.id.into())]);
    let [created, updated] = times(owner);
    tables.filters.row([
        ("id", owner.id.into()),
        ("account_id", account.clone()),
        ("phrase", words::awkward(owner.number + 3).into()),
        ("context", Cell::texts(&[Some("home"), Some("notifications")])),
        created,
        updated,
    ]);
    let [created, updated] = times(owner);
    tables.keywords.row([("custom_filter_id", owner.id.into()), ("keyword", words::awkward(owner.number + 5).into()), created, updated]);
    let [created, updated] = times(owner);
    tables.notes.row([
        ("account_id", account),
        ("target_account_id", owner.other.id.into()),
        ("comment", words::awkward(owner.number + 7).into()),
        created,
        updated,
    ]);
    let [created, updated] = times(owner);
    tables.web_settings.row([
        ("user_id", owner.id.into()),
        ("data", format!("{{\"onboarded\" : true,\n\"skinTone\":1, \"text\": {}}}", json!(words::awkward(owner.number))).into()),
        created,
        updated,
    ]);
}

/// Sessions, apps, devices.
fn signed_in(tables: &mut Tables<'_>, owner: &Owner<'_>, dice: &mut Dice) {
    let [created, updated] = times(owner);
    let ip = Cell::from(address(owner.number));
    tables.logins.row([
        ("user_id", owner.id.into()),
        ("authentication_method", "password".into()),
        ("success", (!owner.number.is_multiple_of(3)).into()),
        ("ip", ip.clone()),
        ("user_agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)".into()),
        created.clone(),
    ]);
    tables.tokens.row([
        ("id", owner.id.into()),
        ("token", dice.hex(43).into()),
        ("scopes", "read write follow push".into()),
        ("resource_owner_id", owner.id.into()),
        ("last_used_ip", ip.clone()),
        created.clone(),
    ]);
    tables.sessions.row([
        ("session_id", dice.hex(32).into()),
        ("user_id", owner.id.into()),
        ("ip", ip),
        ("access_token_id", owner.id.into()),
        created,
        updated,
    ]);
    let [created, updated] = times(owner);
    tables.pushes.row([
        ("endpoint", format!("https://push.example/{}", dice.hex(40)).into()),
        ("key_p256dh", dice.hex(87).into()),
        ("key_auth", dice.hex(22).into()),
        ("data", "{\"alerts\":{\"mention\":true} , \"policy\":\"all\"}".into()),
        ("access_token_id", owner.id.into()),
        ("user_id", owner.id.into()),
        created,
        updated,
    ]);
    let [created, updated] = times(owner);
    tables.security_keys.row([
        ("external_id", dice.hex(86).into()),
        ("public_key", dice.hex(103).into()),
        ("nickname", words::awkward(owner.number + 1).into()),
        ("sign_count", signed(dice.below(90)).into()),
        ("user_id", owner.id.into()),
        created,
        updated,
    ]);
}

/// Notifications, conversations, drafts, and a list that was uploaded.
fn happened(filling: &Filling<'_>, tables: &mut Tables<'_>, owner: &Owner<'_>) {
    let ([created, updated], account) = (times(owner), Cell::from(owner.person.id));
    tables.notifications.row([
        ("activity_id", owner.post.id.into()),
        ("activity_type", "Mention".into()),
        ("account_id", account.clone()),
        ("from_account_id", owner.other.id.into()),
        ("type", "mention".into()),
        ("group_key", format!("mention-{}", owner.post.id).into()),
        created,
        updated,
    ]);
    let [created, updated] = times(owner);
    tables.requests.row([
        ("id", ((owner.post.at.timestamp_millis() << 16) | owner.id).into()),
        ("account_id", account.clone()),
        ("from_account_id", owner.other.id.into()),
        ("last_status_id", owner.post.id.into()),
        ("notifications_count", 2.into()),
        created,
        updated,
    ]);
    tables.drafts.row([
        ("account_id", account.clone()),
        ("scheduled_at", owner.post.at.into()),
        ("params", json!({"text": words::awkward(owner.number), "poll": null, "media_ids": [], "visibility": "private", "ü": 1.50}).into()),
    ]);
    tables.markers.row([
        ("user_id", owner.id.into()),
        ("timeline", "home".into()),
        ("last_read_id", owner.post.id.into()),
        ("created_at", owner.post.at.into()),
        ("updated_at", owner.post.at.into()),
    ]);
    // Threads are there for every post that began one; the first post always did.
    let first = filling.amounts.post(0);
    tables.conversations.row([
        ("account_id", account.clone()),
        ("conversation_id", FIRST_ID.into()),
        ("participant_account_ids", Cell::numbers(&[owner.other.id, owner.person.id])),
        ("status_ids", Cell::numbers(&[first.id])),
        ("last_status_id", first.id.into()),
    ]);
    let [created, updated] = times(owner);
    tables.imports.row([
        ("id", owner.id.into()),
        ("type", 0.into()),
        ("state", 3.into()),
        ("original_filename", "following_accounts (1).csv".into()),
        ("account_id", account),
        created,
        updated,
    ]);
    let [created, updated] = times(owner);
    tables.import_rows.row([
        ("bulk_import_id", owner.id.into()),
        ("data", json!({"acct": "somebody@one.example", "languages": null, "show_reblogs": true}).into()),
        created,
        updated,
    ]);
}
