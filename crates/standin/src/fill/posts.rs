//! Posts, replies and boosts, of here and from elsewhere; their threads, tags, mentions, polls, edits and counts.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use tokio_postgres::Transaction;

use super::copy::{self, Cell, Table};
use super::plan::{FIRST_ID, Kind, Post, signed};
use super::{Filling, words};

/// So many are in memory at once.
const BATCH: u64 = 5_000;
const TAGS: [&str; 10] =
    ["photography", "CatsOfMastodon", "straße", "写真", "Россия", "café", "100daystooffload", "under_score", "İstanbul", "ΣΊΣΥΦΟΣ"];

struct Tables<'a> {
    statuses: Table<'a>,
    stats: Table<'a>,
    tags: Table<'a>,
    mentions: Table<'a>,
    polls: Table<'a>,
    edits: Table<'a>,
    favourites: Table<'a>,
    bookmarks: Table<'a>,
}

pub async fn fill(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<()> {
    let known = copy::ids(transaction, "statuses").await?;
    tags(filling, transaction).await?;
    let media = media_of_posts(filling);
    let count = filling.amounts.statuses;
    for start in (0..count).step_by(usize::try_from(BATCH)?) {
        let numbers = start..count.min(start + BATCH);
        conversations(filling, transaction, numbers.clone(), &known).await?;
        batch(filling, transaction, numbers, &known, &media).await?;
    }
    Ok(())
}

/// Ids of the media of each post, by the post's number.
fn media_of_posts(filling: &Filling<'_>) -> HashMap<u64, Vec<i64>> {
    let mut media: HashMap<u64, Vec<i64>> = HashMap::new();
    for number in 0..filling.amounts.media {
        if let Some(post) = filling.amounts.post_of_medium(number) {
            media.entry(post).or_default().push(filling.amounts.medium(number).id);
        }
    }
    media
}

async fn tags(filling: &mut Filling<'_>, transaction: &Transaction<'_>) -> anyhow::Result<()> {
    let known = copy::ids(transaction, "tags").await?;
    let mut tags = Table::new(filling.catalogue, "tags");
    let at = filling.amounts.post(0).at;
    for (id, name) in (FIRST_ID..).zip(TAGS).filter(|(id, _)| !known.contains(id)) {
        tags.row([
            ("id", id.into()),
            ("name", name.to_lowercase().into()),
            ("display_name", name.into()),
            ("created_at", at.into()),
            ("updated_at", at.into()),
            ("trendable", (id % 3 == 0).into()),
            ("max_score", "0.30000000000000004".into()),
            ("last_status_at", at.into()),
        ]);
    }
    filling.rows += tags.copy(transaction).await?;
    Ok(())
}

/// One for each thread, with the number of the post that began it.
async fn conversations(
    filling: &mut Filling<'_>,
    transaction: &Transaction<'_>,
    numbers: Range<u64>,
    known: &HashSet<i64>,
) -> anyhow::Result<()> {
    let mut conversations = Table::new(filling.catalogue, "conversations");
    for number in numbers {
        let post = filling.amounts.post(number);
        if post.kind != Kind::Post || known.contains(&post.id) {
            continue;
        }
        let uri = post.author.domain.map(|domain| format!("tag:{domain},2019-01-01:objectId={number}:objectType=Conversation"));
        conversations.row([
            ("id", conversation(number).into()),
            ("uri", uri.into()),
            ("created_at", post.at.into()),
            ("updated_at", post.at.into()),
        ]);
    }
    filling.rows += conversations.copy(transaction).await?;
    Ok(())
}

const fn conversation(root: u64) -> i64 {
    FIRST_ID + root.cast_signed()
}

async fn batch(
    filling: &mut Filling<'_>,
    transaction: &Transaction<'_>,
    numbers: Range<u64>,
    known: &HashSet<i64>,
    media: &HashMap<u64, Vec<i64>>,
) -> anyhow::Result<()> {
    let table = |name| Table::new(filling.catalogue, name);
    let mut tables = Tables {
        statuses: table("statuses"),
        stats: table("status_stats"),
        tags: table("statuses_tags"),
        mentions: table("mentions"),
        polls: table("polls"),
        edits: table("status_edits"),
        favourites: table("favourites"),
        bookmarks: table("bookmarks"),
    };
    for number in numbers {
        let post = filling.amounts.post(number);
        if known.contains(&post.id) {
            continue;
        }
        let own_media = media.get(&number).map_or(&[][..], Vec::as_slice);
        status(filling, &mut tables.statuses, number, &post, own_media);
        if !matches!(post.kind, Kind::Boost(_)) {
            belongings(filling, &mut tables, number, &post, own_media);
        }
    }
    let Tables { statuses, stats, tags, mentions, polls, edits, favourites, bookmarks } = tables;
    for table in [statuses, stats, tags, mentions, polls, edits, favourites, bookmarks] {
        filling.rows += table.copy(transaction).await?;
    }
    Ok(())
}

fn status(filling: &Filling<'_>, statuses: &mut Table<'_>, number: u64, post: &Post, media: &[i64]) {
    let web_domain = &filling.config.identity.web_domain;
    let mut dice = post.dice.clone();
    let is_boost = matches!(post.kind, Kind::Boost(_));
    let text = if is_boost { String::new() } else { words::text(&mut dice) };
    let (reply_to, boost_of) = match post.kind {
        Kind::Post => (None, None),
        Kind::Reply(to) => (Some(filling.amounts.post(to)), None),
        Kind::Boost(of) => (None, Some(filling.amounts.post(of).id)),
    };
    let uri = post.uri(web_domain);
    statuses.row([
        ("id", post.id.into()),
        ("uri", uri.as_str().into()),
        ("url", if is_boost { Cell::Null } else { format!("{uri}?page=1&x=%20").into() }),
        ("text", text.into()),
        ("created_at", post.at.into()),
        ("updated_at", post.at.into()),
        ("in_reply_to_id", reply_to.as_ref().map(|other| other.id).into()),
        ("in_reply_to_account_id", reply_to.as_ref().map(|other| other.author.id).into()),
        ("reblog_of_id", boost_of.into()),
        ("reply", reply_to.is_some().into()),
        ("sensitive", dice.one_in(9).into()),
        ("visibility", post.visibility.into()),
        ("spoiler_text", if dice.one_in(8) && !is_boost { words::awkward(number).into() } else { "".into() }),
        ("language", if is_boost { Cell::Null } else { words::language(&mut dice).into() }),
        ("conversation_id", if is_boost { Cell::Null } else { conversation(filling.amounts.root(number)).into() }),
        ("local", post.author.is_local().into()),
        ("account_id", post.author.id.into()),
        ("poll_id", has_poll(number, post).then(|| poll(number)).into()),
        ("deleted_at", Some(post.at).filter(|_| number % 97 == 96).into()),
        ("edited_at", Some(post.at).filter(|_| is_edited(number)).into()),
        ("ordered_media_attachment_ids", if media.is_empty() { Cell::Null } else { Cell::numbers(media) }),
    ]);
}

const fn is_edited(number: u64) -> bool {
    number % 31 == 30
}

fn has_poll(number: u64, post: &Post) -> bool {
    number % 41 == 40 && post.kind == Kind::Post
}

const fn poll(number: u64) -> i64 {
    FIRST_ID + number.cast_signed()
}

/// What lies in other tables.
fn belongings(filling: &Filling<'_>, tables: &mut Tables<'_>, number: u64, post: &Post, media: &[i64]) {
    let mut dice = filling.amounts.dice("belongings", number);
    let at = || [("created_at", Cell::from(post.at)), ("updated_at", Cell::from(post.at))];
    let [created, updated] = at();
    tables.stats.row([
        ("status_id", post.id.into()),
        ("replies_count", signed(dice.below(4)).into()),
        ("reblogs_count", signed(dice.below(9)).into()),
        ("favourites_count", signed(dice.below(30)).into()),
        created,
        updated,
    ]);
    if dice.one_in(4) {
        let tag = signed(dice.below(TAGS.len() as u64));
        tables.tags.row([("status_id", post.id.into()), ("tag_id", (FIRST_ID + tag).into())]);
    }
    let someone = filling.amounts.local(dice.below(filling.amounts.accounts));
    if post.visibility == 3 || dice.one_in(7) {
        let [created, updated] = at();
        tables.mentions.row([("status_id", post.id.into()), ("account_id", someone.id.into()), created, updated]);
    }
    for table in [&mut tables.favourites, &mut tables.bookmarks] {
        if dice.one_in(3) {
            let [created, updated] = at();
            table.row([("status_id", post.id.into()), ("account_id", someone.id.into()), created, updated]);
        }
    }
    if has_poll(number, post) {
        let [created, updated] = at();
        tables.polls.row([
            ("id", poll(number).into()),
            ("account_id", post.author.id.into()),
            ("status_id", post.id.into()),
            ("expires_at", post.at.into()),
            ("options", Cell::texts(&[Some("yes, \"of course\""), Some("no\\never"), Some("NULL"), Some(words::awkward(number))])),
            ("cached_tallies", Cell::numbers(&[3, 1, 0, 2])),
            ("votes_count", 6.into()),
            ("voters_count", 6.into()),
            created,
            updated,
        ]);
    }
    if is_edited(number) {
        edit(tables, number, post, media, at());
    }
}

fn edit(tables: &mut Tables<'_>, number: u64, post: &Post, media: &[i64], [created, updated]: [(&'static str, Cell); 2]) {
    let mut dice = post.dice.clone();
    tables.edits.row([
        ("status_id", post.id.into()),
        ("account_id", post.author.id.into()),
        ("text", format!("{} (as it was)", words::text(&mut dice)).into()),
        ("spoiler_text", "".into()),
        ("ordered_media_attachment_ids", Cell::numbers(media)),
        ("media_descriptions", Cell::texts(&[Some(words::awkward(number)), None, Some("")])),
        ("sensitive", Cell::Null),
        created,
        updated,
    ]);
}
