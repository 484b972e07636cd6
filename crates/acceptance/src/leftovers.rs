//! What is left of a server anywhere: cluster, database server, object store, record.

use anyhow::{Result, bail, ensure};
use howdah_domain::InstanceId;
use reqwest::Method;

use crate::s3::Somebody;
use crate::wait::{seconds, until};
use crate::{Stack, World};

/// Removes it and waits until it is gone, so that nothing of its end disturbs who counts writes next.
pub async fn remove_whole(world: &World, id: InstanceId) -> Result<()> {
    let operator = world.operator()?;
    operator.remove(id).await?;
    world.record()?.end_grace(id).await?;
    operator.wait_for_phase(id, "gone", seconds(300)).await.map(drop)
}

/// Fails with a list of what is left; waits a little for what ends by itself once its owner is gone (volumes).
pub async fn assert_nothing_left(world: &World, ids: &[InstanceId]) -> Result<()> {
    until("nothing is left", seconds(30), async || {
        let left = leftovers(world, ids).await?;
        ensure!(left.is_empty(), "left: {}", left.join(", "));
        Ok(())
    })
    .await
}

pub async fn leftovers(world: &World, ids: &[InstanceId]) -> Result<Vec<String>> {
    let mut left = world.cluster.objects(ids).await?;
    for id in ids {
        left.extend(world.tenants.leftovers(*id).await?);
        left.extend(in_store(&world.stack, *id).await?);
        if let Some(record) = &world.record {
            left.extend(record.leftovers(*id).await?);
        }
    }
    Ok(left)
}

/// The bucket and its user.
pub async fn in_store(stack: &Stack, id: InstanceId) -> Result<Vec<String>> {
    let admin = Somebody::new(&stack.s3, Some((&stack.s3.access_key, &stack.s3.secret_key)))?;
    let name = id.resource_name();
    let bucket = admin.s3(Method::HEAD, &format!("/{name}"), &[], "").await?;
    let user = admin.iam(&format!("Action=GetUser&UserName={name}")).await?;
    let mut left = Vec::new();
    for (what, status) in [("bucket", bucket.status), ("S3 user", user.status)] {
        match status {
            404 => {}
            200 => left.push(format!("{what} {name}")),
            other => bail!("the object store answers {other} when asked for the {what} {name}"),
        }
    }
    Ok(left)
}

/// How many keys the bucket's user has.
pub async fn keys_in_store(stack: &Stack, id: InstanceId) -> Result<usize> {
    let admin = Somebody::new(&stack.s3, Some((&stack.s3.access_key, &stack.s3.secret_key)))?;
    let answer = admin.iam(&format!("Action=ListAccessKeys&UserName={}", id.resource_name())).await?;
    ensure!(answer.status == 200, "the keys can't be listed: {answer:?}");
    Ok(answer.body.matches("<AccessKeyId>").count())
}

/// Every object of the bucket with its size and digest, as the store lists them.
pub async fn objects_in_store(stack: &Stack, id: InstanceId) -> Result<Vec<String>> {
    let admin = Somebody::new(&stack.s3, Some((&stack.s3.access_key, &stack.s3.secret_key)))?;
    let answer = admin.s3(Method::GET, &format!("/{}?list-type=2&max-keys=1000", id.resource_name()), &[], "").await?;
    ensure!(answer.status == 200, "the bucket can't be listed: {answer:?}");
    let part = |entry: &str, tag: &str| {
        let inner = entry.split(&format!("<{tag}>")).nth(1).and_then(|it| it.split(&format!("</{tag}>")).next());
        inner.unwrap_or_default().to_owned()
    };
    let entries = answer.body.split("<Contents>").skip(1);
    Ok(entries.map(|it| format!("{} {} {}", part(it, "Key"), part(it, "Size"), part(it, "ETag"))).collect())
}
