//! A year at the demo fund, week by week.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Map, Value, json};

use super::{
    DemoError, INVESTORS,
    samples::{
        CITIES, Dice, FIRST, FUNDS, KINDS, LAST, NOTES, REASONS, STAGES, STEPS, TAGS, columns,
        views,
    },
};
use crate::{
    clock::DAY,
    db::{Db, DbError},
    funds,
    grid::{
        self, ChangeBy, Operation, apply,
        view::{self, Mode, NewView},
    },
    raise,
    work::{CONTACT_KINDS, NewInteraction, NewTask, add_interaction, add_task},
};

const WEEKS: usize = 52;
const EUR_STEP: usize = 250_000;

/// What the team did, week after week, until `now`.
pub(super) async fn live_through(db: &Db, now: i64) -> Result<(), DemoError> {
    let mut dice = Dice::new(0x00C0_FFEE);
    let funds = first_day(db).await?;
    let mut rows: Vec<String> = Vec::new();
    for week in 0..WEEKS {
        db.clock().advance(7 * DAY);
        // Most of the list is there early; the rest trickles in.
        let wanted = if week < 12 {
            (week + 1) * 25
        } else {
            300 + (week - 11) * 100 / (WEEKS - 12)
        };
        let new = wanted.min(INVESTORS).saturating_sub(rows.len());
        rows.extend(add_investors(db, &mut dice, rows.len(), new, &funds).await?);
        edit_some(db, &mut dice, &rows).await?;
        talk_to_some(db, &mut dice, &rows).await?;
    }
    db.clock().advance((now - db.now()).max(0));
    add_tasks(db, &mut dice, &rows).await?;
    say_why(db, &mut dice).await?;
    Ok(())
}

/// Why some of the lost ones were lost.
async fn say_why(db: &Db, dice: &mut Dice) -> Result<(), DemoError> {
    let mut tx = db.write().await?;
    for lost in raise::lost(&mut tx, 200).await? {
        if dice.chance(70) {
            raise::set_exit_reason(&mut tx, &lost.id, dice.pick(&REASONS)).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

fn by(summary: &str) -> ChangeBy<'_> {
    ChangeBy {
        actor: "demo",
        origin: "demo",
        summary,
        job: None,
    }
}

async fn first_day(db: &Db) -> Result<Vec<String>, DemoError> {
    let mut tx = db.write().await?;
    let mut ids = Vec::new();
    for (name, target, cap, status) in FUNDS {
        let terms = funds::Terms {
            name: Some(name.to_owned()),
            target: Some(target.to_owned()),
            hard_cap: Some(cap.to_owned()),
            status: Some(status.to_owned()),
            ..funds::Terms::default()
        };
        let id = funds::create(&mut tx, &terms).await?;
        ids.push(id);
    }
    let operations = decode(columns(&ids))?;
    apply(&mut tx, &operations, &by("The demo fund's columns")).await?;
    grid::add_default_views(&mut tx).await?;
    for (name, config) in views() {
        let config = serde_json::from_value(config).map_err(|e| DbError::Decode(Box::new(e)))?;
        let new = NewView {
            name,
            mode: Mode::Shared,
            owner: "demo",
            config: &config,
        };
        view::add(&mut tx, &new).await?;
    }
    tx.commit().await?;
    Ok(ids)
}

async fn add_investors(
    db: &Db,
    dice: &mut Dice,
    from: usize,
    count: usize,
    funds: &[String],
) -> Result<Vec<String>, DemoError> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut tx = db.write().await?;
    let operations: Vec<Operation> = (from..from + count)
        .map(|n| Operation::AddRow {
            id: Some(tx.new_id()),
            cells: investor(dice, n + 1, funds),
            list: None,
            after: None,
        })
        .collect();
    let added = apply(&mut tx, &operations, &by("New sample investors")).await?;
    tx.commit().await?;
    Ok(added.rows.into_iter().map(|r| r.id).collect())
}

fn investor(dice: &mut Dice, n: usize, funds: &[String]) -> Map<String, Value> {
    let kind = dice.pick(&KINDS);
    let mut cells = Map::new();
    let mut put = |column: &str, value: Value| cells.insert(column.to_owned(), value);
    put("name", format!("Sample {kind} {n:03}").into());
    put("stage", "Lead".into());
    put("type", kind.into());
    put("city", dice.pick(&CITIES).into());
    put("email", format!("office{n:03}@example.org").into());
    put("priority", (1 + dice.below(5)).into());
    put("phone", format!("+41 00 000 {n:04}").into());
    if dice.chance(70) {
        put(
            "website",
            format!("https://sample-{n:03}.example.org").into(),
        );
    }
    let people: Vec<Value> = (0..=dice.below(3)).map(|p| person(dice, n, p)).collect();
    put("contacts", people.into());
    if dice.chance(40) {
        put("tags", json!([dice.pick(&TAGS)]));
    }
    if dice.chance(30) {
        let (column, fund, amount) = if dice.chance(50) {
            ("fund_i_wired", 0, (2 + dice.below(12)) * 100_000)
        } else {
            ("fund_ii_wired", 1, (4 + dice.below(24)) * 125_000)
        };
        put(column, amount.into());
        put("funds", json!([funds[fund]]));
    }
    put("fund_iii_target", ((1 + dice.below(40)) * EUR_STEP).into());
    cells
}

fn person(dice: &mut Dice, n: usize, place: usize) -> Value {
    // Some people advise several investors: they are one contact.
    if dice.chance(6) {
        let adviser = dice.below(8);
        return json!({"name": format!("Adviser {}", LAST[adviser % LAST.len()]), "email": format!("adviser{adviser}@example.org"), "role": "Adviser"});
    }
    json!({
        "name": format!("{} {}", dice.pick(&FIRST), dice.pick(&LAST)),
        "email": format!("person{place}.{n:03}@example.org"),
        "role": dice.pick(&["Principal", "Investment director", "Analyst", "Trustee"]),
    })
}

/// A week's work: some stages move, notes are taken, a few investors change list.
async fn edit_some(db: &Db, dice: &mut Dice, rows: &[String]) -> Result<(), DemoError> {
    let mut operations = Vec::new();
    for _ in 0..24 {
        let row = rows[dice.below(rows.len())].clone();
        let mut set = |column: &str, value: Value| {
            operations.push(Operation::Set {
                row: row.clone(),
                column: column.to_owned(),
                value,
                base: i64::MAX,
            });
        };
        match dice.below(6) {
            0 | 1 => {
                let stage = dice.below(STAGES.len());
                set("stage", STAGES[stage].into());
                set("probability", [5, 15, 40, 85, 0][stage].into());
                if stage == 3 {
                    set("fund_iii_soft", ((1 + dice.below(24)) * EUR_STEP).into());
                    if dice.chance(50) {
                        set("fund_iii_signed", ((1 + dice.below(16)) * EUR_STEP).into());
                    }
                }
            }
            2 => set("notes", dice.pick(&NOTES).into()),
            3 => {
                set("next_step", dice.pick(&STEPS).into());
                set("next_step_on", day(db.now() + 14 * DAY).into());
            }
            4 => set("follow_up", dice.chance(60).into()),
            _ => {
                let (list, reason) = [
                    ("follow_up", "promised an answer"),
                    ("longshot", "no fit this year"),
                    ("graveyard", "declined"),
                ][dice.below(3)];
                operations.push(Operation::Move {
                    row,
                    list: list.to_owned(),
                    reason: format!("Sample reason: {reason}"),
                });
            }
        }
    }
    let mut tx = db.write().await?;
    apply(&mut tx, &operations, &by("A week at the sample fund")).await?;
    tx.commit().await?;
    Ok(())
}

/// Calls and meetings of a week.
async fn talk_to_some(db: &Db, dice: &mut Dice, rows: &[String]) -> Result<(), DemoError> {
    let mut tx = db.write().await?;
    for _ in 0..20 {
        let (kind, _) = CONTACT_KINDS[dice.below(CONTACT_KINDS.len())];
        let new = NewInteraction {
            row: &rows[dice.below(rows.len())],
            kind,
            at: tx.now(),
            note: dice.pick(&NOTES),
            by: "demo",
        };
        add_interaction(&mut tx, &new).await?;
    }
    tx.commit().await?;
    Ok(())
}

async fn add_tasks(db: &Db, dice: &mut Dice, rows: &[String]) -> Result<(), DbError> {
    let mut tx = db.write().await?;
    for _ in 0..40 {
        let row = &rows[dice.below(rows.len())];
        let days = i64::try_from(dice.below(60)).unwrap_or(0) - 10;
        let due_on = day(tx.now() + days * DAY);
        let title = dice.pick(&STEPS);
        add_task(
            &mut tx,
            &NewTask {
                row,
                title,
                due_on: &due_on,
                by: "demo",
            },
        )
        .await?;
    }
    tx.commit().await
}

fn day(ms: i64) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).date().to_string()
}

fn decode(operations: Value) -> Result<Vec<Operation>, DbError> {
    serde_json::from_value(operations).map_err(|e| sqlx::Error::Decode(Box::new(e)))
}
