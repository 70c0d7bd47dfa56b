//! What an empty grid begins with, so that a first row can be typed at once.

use serde_json::json;

use super::{ChangeBy, ColumnOptions, ColumnType, GridError, LISTS, Operation, apply, read};
use crate::db::{DbError, WriteTx};

/// Gives a grid without columns the ones every raise needs, and the default
/// views. Does nothing on a grid that has any.
pub async fn begin(tx: &mut WriteTx, actor: &str) -> Result<(), GridError> {
    if read::state(tx).await?.version > 0 {
        return Ok(());
    }
    add_default_views(tx).await?;
    let mut stages = ColumnOptions::default();
    for stage in ["Lead", "Engaged", "Diligence", "Commitment", "Lost"] {
        stages.ensure_choice(stage);
    }
    let add = |name: &str, kind, options| Operation::AddColumn {
        id: None,
        name: name.to_owned(),
        kind,
        options,
    };
    let plain = ColumnOptions::default;
    let operations = [
        add("Name", ColumnType::Text, plain()),
        add("Stage", ColumnType::Select, stages),
        add("Contacts", ColumnType::Contacts, plain()),
        add("Owner", ColumnType::User, plain()),
        add("Email", ColumnType::Email, plain()),
        add("Website", ColumnType::Url, plain()),
        add("Next step", ColumnType::Text, plain()),
        add("Next step on", ColumnType::Date, plain()),
        add("Notes", ColumnType::LongText, plain()),
    ];
    let by = ChangeBy {
        actor,
        origin: "beginning",
        summary: "The columns a new grid begins with",
        job: None,
    };
    apply(tx, &operations, &by).await?;
    Ok(())
}

/// All, and one view per list; shared.
pub async fn add_default_views(tx: &mut WriteTx) -> Result<(), DbError> {
    let now = tx.now();
    let lists = std::iter::once(("All", None)).chain(
        ["Main", "Follow-up", "Longshot", "Graveyard"]
            .into_iter()
            .zip(LISTS.into_iter().map(Some)),
    );
    for (position, (name, list)) in lists.enumerate() {
        let id = tx.new_id();
        sqlx::query(
            "insert into grid_views (id, name, mode, config, position, created_at) values (?1, ?2, 'shared', ?3, ?4, ?5)",
        )
        .bind(id)
        .bind(name)
        .bind(json!({ "list": list }).to_string())
        .bind(i64::try_from(position).unwrap_or(0))
        .bind(now)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
