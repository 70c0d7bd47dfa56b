//! What an empty grid begins with, so that a first row can be typed at once.

use super::{
    ChangeBy, ColumnOptions, ColumnType, GridError, Operation, apply, read, view::add_default_views,
};
use crate::db::WriteTx;

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
    stages.pipeline = true;
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
