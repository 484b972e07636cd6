//! Accounts of this server and of others, with their pictures; users, their second factors and keys; who follows whom.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::json;
use tokio_postgres::Transaction;

use super::copy::{self, Cell, Table};
use super::dice::Dice;
use super::files::{Missing, Whose};
use super::plan::{FIRST_ID, Person, signed};
use super::{Filling, words};
use crate::crypto::password;
use crate::crypto::record_encryption::RecordCipher;
use crate::crypto::signing::ActorKey;
use crate::media::{Attachment, ORIGINAL, Upload, profile_styles};

/// What every filled user signs in with.
const PASSWORD: &str = "correct horse battery staple";
/// So many pairs are made, and shared by all: each takes a while.
const KEYS: u64 = 4;
const IMAGES: [(&str, &str); 5] =
    [("png", "image/png"), ("jpeg", "image/jpeg"), ("gif", "image/gif"), ("webp", "image/webp"), ("jpg", "image/jpeg")];

/// Those of this server that were not there before, by their numbers.
pub type Newcomers = Vec<(u64, Person)>;

pub async fn fill(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<Newcomers> {
    let known = copy::ids(transaction, "accounts").await?;
    let keys = (0..KEYS.min(filling.amounts.accounts)).map(|_| ActorKey::generate()).collect::<Result<Vec<_>, _>>()?;
    let newcomers = locals(filling, transaction, &known, &keys).await?;
    remotes(filling, transaction, &known, &keys).await?;
    users(filling, transaction, &newcomers).await?;
    relationships(filling, transaction, &newcomers).await?;
    Ok(newcomers)
}

async fn locals(
    filling: &mut Filling<'_>,
    transaction: &Transaction<'_>,
    known: &HashSet<i64>,
    keys: &[ActorKey],
) -> anyhow::Result<Newcomers> {
    let [mut accounts, mut stats, mut keypairs] = ["accounts", "account_stats", "keypairs"].map(|name| Table::new(filling.catalogue, name));
    let cipher = RecordCipher::new(&filling.config.identity);
    let mut newcomers = Newcomers::new();
    for number in 0..filling.amounts.accounts {
        let person = filling.amounts.local(number);
        let is_new = !known.contains(&person.id);
        let pictures = Pictures::of(filling, &person, number, is_new);
        if !is_new {
            continue;
        }
        let mut dice = person.dice.clone();
        let key = dice.pick(keys);
        local_row(filling, &mut accounts, number, &person, pictures, key);
        stats.row([
            ("account_id", person.id.into()),
            ("statuses_count", signed(dice.below(1_000)).into()),
            ("created_at", person.since.into()),
            ("updated_at", person.since.into()),
            ("last_status_at", person.since.into()),
        ]);
        keypairs.row([
            ("account_id", person.id.into()),
            ("type", 0.into()),
            ("local_fragment", "#main-key".into()),
            ("public_key", key.public_pem.as_str().into()),
            ("private_key", cipher.encrypt(&key.private_pem).into()),
        ]);
        newcomers.push((number, person));
    }
    for table in [accounts, stats, keypairs] {
        filling.rows += table.copy(transaction).await?;
    }
    filling.files.write().await?;
    Ok(newcomers)
}

fn local_row(filling: &Filling<'_>, accounts: &mut Table<'_>, number: u64, person: &Person, pictures: Pictures, key: &ActorKey) {
    let mut dice = filling.amounts.dice("local row", number);
    // From 4.7 on keys have a table of their own, and nobody here has an address in their row.
    let (public_key, private_key) = match filling.catalogue.has("keypairs") {
        true => ("", Cell::Null),
        false => (key.public_pem.as_str(), key.private_pem.as_str().into()),
    };
    let fields = json!([
        {"name": "Site", "value": "https://home.example/?a=1&b=2"},
        {"name": words::awkward(number), "value": "\\ \t \" '"},
    ]);
    let also = [Some("https://old.example/users/\"me\""), Some("https://old.example/users/back\\slash")];
    let [avatar_name, avatar_type, avatar_size, avatar_at, avatar_version] = pictures.avatar;
    let [header_name, header_type, header_size, header_at, header_version] = pictures.header;
    accounts.row([
        ("id", person.id.into()),
        ("username", person.username.as_str().into()),
        ("private_key", private_key),
        ("public_key", public_key.into()),
        ("created_at", person.since.into()),
        ("updated_at", person.since.into()),
        ("note", words::text(&mut dice).into()),
        ("display_name", words::awkward(number).chars().take(30).collect::<String>().into()),
        ("uri", if filling.catalogue.is_nullable("accounts", "uri") { Cell::Null } else { "".into() }),
        ("locked", dice.one_in(5).into()),
        ("actor_type", Some("Service").filter(|_| dice.one_in(10)).into()),
        ("discoverable", if dice.one_in(4) { Cell::Null } else { true.into() }),
        ("indexable", dice.one_in(2).into()),
        ("fields", fields.into()),
        ("also_known_as", Cell::texts(&also)),
        ("attribution_domains", Cell::texts(&[Some("blog.example"), Some("*.news.example")])),
        ("suspended_at", Some(person.since).filter(|_| number % 23 == 22).into()),
        ("avatar_file_name", avatar_name),
        ("avatar_content_type", avatar_type),
        ("avatar_file_size", avatar_size),
        ("avatar_updated_at", avatar_at),
        ("avatar_storage_schema_version", avatar_version),
        ("header_file_name", header_name),
        ("header_content_type", header_type),
        ("header_file_size", header_size),
        ("header_updated_at", header_at),
        ("header_storage_schema_version", header_version),
    ]);
}

async fn remotes(filling: &mut Filling<'_>, transaction: &Transaction<'_>, known: &HashSet<i64>, keys: &[ActorKey]) -> anyhow::Result<()> {
    let mut accounts = Table::new(filling.catalogue, "accounts");
    for number in 0..filling.amounts.remote_accounts() {
        let person = filling.amounts.remote(number);
        let is_new = !known.contains(&person.id);
        let pictures = Pictures::of(filling, &person, number, is_new);
        if is_new {
            remote_row(filling, &mut accounts, number, &person, pictures, keys);
        }
    }
    filling.rows += accounts.copy(transaction).await?;
    Ok(filling.files.write().await?)
}

fn remote_row(filling: &Filling<'_>, accounts: &mut Table<'_>, number: u64, person: &Person, pictures: Pictures, keys: &[ActorKey]) {
    let mut dice = filling.amounts.dice("remote row", number);
    let uri = person.uri("");
    let address_of = |cells: &[Cell; 5], name: &str| if cells[0] == Cell::Null { String::new() } else { format!("{uri}/{name}") };
    let (avatar_address, header_address) = (address_of(&pictures.avatar, "avatar"), address_of(&pictures.header, "header"));
    let [avatar_name, avatar_type, avatar_size, avatar_at, avatar_version] = pictures.avatar;
    let [header_name, header_type, header_size, header_at, header_version] = pictures.header;
    accounts.row([
        ("id", person.id.into()),
        ("username", person.username.as_str().into()),
        ("domain", person.domain.into()),
        ("public_key", dice.pick(keys).public_pem.as_str().into()),
        ("created_at", person.since.into()),
        ("updated_at", person.since.into()),
        ("note", words::text(&mut dice).into()),
        ("display_name", words::awkward(number).chars().take(100).collect::<String>().into()),
        ("uri", uri.as_str().into()),
        ("url", format!("{uri}/page").into()),
        ("inbox_url", format!("{uri}/inbox").into()),
        ("outbox_url", format!("{uri}/outbox").into()),
        ("shared_inbox_url", format!("https://{}/inbox", person.domain.unwrap_or_default()).into()),
        ("followers_url", format!("{uri}/followers").into()),
        ("protocol", 1.into()),
        ("last_webfingered_at", person.since.into()),
        ("actor_type", "Person".into()),
        ("discoverable", true.into()),
        ("silenced_at", Some(person.since).filter(|_| number % 29 == 28).into()),
        ("avatar_remote_url", avatar_address.into()),
        ("header_remote_url", header_address.into()),
        ("avatar_file_name", avatar_name),
        ("avatar_content_type", avatar_type),
        ("avatar_file_size", avatar_size),
        ("avatar_updated_at", avatar_at),
        ("avatar_storage_schema_version", avatar_version),
        ("header_file_name", header_name),
        ("header_content_type", header_type),
        ("header_file_size", header_size),
        ("header_updated_at", header_at),
        ("header_storage_schema_version", header_version),
    ]);
}

/// An account's two, as its row names them: name, content type, size, time, storage schema version.
struct Pictures {
    avatar: [Cell; 5],
    header: [Cell; 5],
}

impl Pictures {
    fn of(filling: &mut Filling<'_>, person: &Person, number: u64, is_new: bool) -> Self {
        let [avatar, header] =
            [Attachment::Avatar, Attachment::Header].map(|attachment| picture(filling, person, number, attachment, is_new));
        Self { avatar, header }
    }
}

/// Most have an avatar, fewer a header; every fifth of another server's lies where all did before there was a `cache/`.
fn picture(filling: &mut Filling<'_>, person: &Person, number: u64, attachment: Attachment, is_new: bool) -> [Cell; 5] {
    let is_avatar = attachment == Attachment::Avatar;
    let mut dice = filling.amounts.dice(if is_avatar { "avatar" } else { "header" }, person.id.unsigned_abs());
    if dice.one_in(if is_avatar { 10 } else { 3 }) {
        return [const { Cell::Null }; 5];
    }
    let (extension, content_type) = *dice.pick(&IMAGES);
    let file = words::file_name(&mut dice, extension);
    let bytes = dice.file_size();
    let is_old = number % 5 == 4;
    let (whose, is_cached) = match (person.is_local(), is_old) {
        (true, _) => (Whose::Own, false),
        (false, false) => (Whose::Cached, true),
        (false, true) => (Whose::RemoteOutsideCache, false),
    };
    let missing = if person.is_local() && number % 17 == 9 { Missing::Original } else { Missing::Nothing };
    let upload = Upload { attachment, id: person.id, file: &file, content_type, is_cached };
    filling.files.upload(whose, &upload, profile_styles(content_type), bytes, missing, is_new);
    if person.is_local() && number % 13 == 6 {
        // Left behind by an earlier picture of the same account.
        let key = Upload { file: "replaced.png", ..upload }.key(ORIGINAL);
        filling.files.file(Whose::Orphan, key, "image/png", 1_500, is_new);
    }
    let schema_version = (!is_old).then_some(1);
    [file.into(), content_type.into(), signed(bytes).into(), person.since.into(), schema_version.into()]
}

async fn users(filling: &mut Filling<'_>, transaction: &Transaction<'_>, newcomers: &[(u64, Person)]) -> anyhow::Result<()> {
    let rows = transaction.query("SELECT name, id FROM user_roles WHERE name <> ''", &[]).await?;
    let roles: HashMap<String, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let cipher = RecordCipher::new(&filling.config.identity);
    let password = password::hash(PASSWORD);
    let mut users = Table::new(filling.catalogue, "users");
    for (number, person) in newcomers {
        let mut dice = filling.amounts.dice("user", *number);
        let role = ["Owner", "Admin", "Moderator"].get(usize::try_from(*number)?).and_then(|name| roles.get(*name));
        let has_second_factor = number % 5 == 1;
        let iv = dice.bytes(12).try_into().expect("twelve bytes were rolled");
        let secret = has_second_factor.then(|| cipher.encrypt_with(iv, &base32(&mut dice)));
        let codes = [dice.hex(10), dice.hex(10)];
        users.row([
            ("id", (FIRST_ID + signed(*number)).into()),
            ("email", format!("{}@people.example", person.username.to_lowercase()).into()),
            ("created_at", person.since.into()),
            ("updated_at", person.since.into()),
            ("encrypted_password", password.as_str().into()),
            ("sign_in_count", signed(dice.below(100)).into()),
            ("current_sign_in_at", person.since.into()),
            ("confirmed_at", Some(person.since).filter(|_| number % 19 != 18).into()),
            ("locale", words::language(&mut dice).into()),
            ("otp_secret", secret.into()),
            ("otp_required_for_login", has_second_factor.into()),
            (
                "otp_backup_codes",
                if has_second_factor { Cell::texts(&codes.each_ref().map(|code| Some(code.as_str()))) } else { Cell::Null },
            ),
            ("account_id", person.id.into()),
            ("chosen_languages", if dice.one_in(3) { Cell::texts(&[Some("en"), None, Some("zh-TW")]) } else { Cell::Null }),
            ("approved", (number % 19 != 17).into()),
            ("sign_up_ip", address(*number).into()),
            ("role_id", role.copied().into()),
            ("settings", json!({"default_privacy": "private", "web.advanced_layout": true, "text": words::awkward(*number)}).into()),
            ("time_zone", "Europe/Berlin".into()),
        ]);
    }
    filling.rows += users.copy(transaction).await?;
    Ok(())
}

fn base32(dice: &mut Dice) -> String {
    data_encoding::BASE32_NOPAD.encode(&dice.bytes(20))
}

pub fn address(number: u64) -> String {
    if number.is_multiple_of(2) { format!("198.51.100.{}", number % 256) } else { format!("2001:db8::{:x}", number % 0xffff) }
}

async fn relationships(filling: &mut Filling<'_>, transaction: &Transaction<'_>, newcomers: &[(u64, Person)]) -> anyhow::Result<()> {
    let mut follows = Table::new(filling.catalogue, "follows");
    let mut pairs = BTreeSet::new();
    for (number, person) in newcomers {
        let mut dice = filling.amounts.dice("follows", *number);
        for _ in 0..4 {
            let other = filling.amounts.remote(dice.below(filling.amounts.remote_accounts()));
            pairs.extend([(person.id, other.id), (other.id, person.id)].into_iter().filter(|_| !dice.one_in(3)));
        }
        let neighbour = filling.amounts.local(dice.below(filling.amounts.accounts));
        pairs.extend((neighbour.id != person.id).then_some((person.id, neighbour.id)));
    }
    for (account, target) in pairs {
        let mut dice = filling.amounts.dice("follow", account.unsigned_abs() ^ target.unsigned_abs());
        let at = filling.amounts.post(0).at;
        follows.row([
            ("created_at", at.into()),
            ("updated_at", at.into()),
            ("account_id", account.into()),
            ("target_account_id", target.into()),
            ("show_reblogs", (!dice.one_in(6)).into()),
            ("uri", format!("https://one.example/{}", dice.hex(12)).into()),
            ("languages", if dice.one_in(5) { Cell::texts(&[Some("de")]) } else { Cell::Null }),
        ]);
    }
    filling.rows += follows.copy(transaction).await?;
    Ok(())
}
