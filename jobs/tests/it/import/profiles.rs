//! Saved profiles: next week's file in two clicks.

use crm_jobs::{
    import::{self, Blank, DateOrder, Import, ImportProfile, Overrides, Target},
    testing::TestDb,
};

use super::{ACTOR, apply, load, map, upload};

const FIRST: &[u8] = b"Name,Met,Amount,Odd\nA,3/4/2025,\"1,500\",x\nB,5/6/2025,\"2,500\",y\n";

async fn save(t: &TestDb, name: &str, import: &Import) -> ImportProfile {
    let mut tx = t.db.write().await.unwrap();
    let saved = import::save_profile(&mut tx, name, import, ACTOR)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    saved
}

/// A file mapped by hand: days come first, the odd column is left out.
async fn first_week(t: &TestDb) -> ImportProfile {
    let import = upload(t, FIRST).await;
    assert!(import.saved_profile.is_none());
    let mut mapping = import.mapping.clone();
    mapping.columns[1].date_order = Some(DateOrder::DayFirst);
    mapping.columns[2].blank = Blank::Clear;
    mapping.columns[3].target = Target::Skip;
    map(t, &import.id, &mapping).await;
    apply(t, &import.id).await;
    save(t, " Weekly  export ", &load(t, &import.id).await).await
}

#[tokio::test]
async fn a_file_of_the_same_columns_is_mapped_by_its_profile() {
    let t = TestDb::new().await;
    let saved = first_week(&t).await;
    assert_eq!(saved.name, "Weekly export");
    assert_eq!(saved.headers, ["amount", "met", "name", "odd"]);
    // Columns in another order, and dates that do not tell: only the profile knows.
    let import = upload(&t, b"Odd,Met,name,Amount\nz,7/8/2025,A,\n").await;
    let used = import.saved_profile.clone().unwrap();
    assert_eq!((used.id, used.name), (saved.id.clone(), saved.name));
    assert_eq!(import.mapping.key, Some(2));
    assert_eq!(import.mapping.columns[0].target, Target::Skip);
    let report = apply(&t, &import.id).await;
    assert_eq!((report.new, report.changed_cells), (0, 2), "{report:?}");
    assert_eq!(super::shown(&t, 0).await, ["Name=A", "Met=2025-08-07"]);
    let mut conn = t.db.read().acquire().await.unwrap();
    assert!(
        import::profiles(&mut conn).await.unwrap()[0]
            .used_at
            .is_some()
    );
}

#[tokio::test]
async fn what_a_file_leaves_no_doubt_about_is_taken_from_the_file() {
    let t = TestDb::new().await;
    first_week(&t).await;
    let import = upload(&t, b"Name,Met,Amount,Odd\nA,12/31/2025,\"1.500,25\",x\n").await;
    assert!(import.saved_profile.is_some());
    assert_eq!(
        import.mapping.columns[1].date_order,
        Some(DateOrder::MonthFirst)
    );
    assert!(import.mapping.columns[2].decimal_comma);
}

#[tokio::test]
async fn other_columns_do_not_fit_and_none_takes_none() {
    let t = TestDb::new().await;
    let saved = first_week(&t).await;
    assert!(
        upload(&t, b"Name,Met\nA,3/4/2025\n")
            .await
            .saved_profile
            .is_none()
    );
    let read = |profile: &str| {
        let overrides = Overrides {
            profile: Some(profile.to_owned()),
            ..Overrides::default()
        };
        import::read_upload(&t.db, "x.csv", FIRST.to_vec(), overrides)
    };
    assert!(read("none").await.unwrap().saved_profile.is_none());
    assert_eq!(
        read("weekly EXPORT").await.unwrap().saved_profile,
        Some(saved.id.clone())
    );
    assert_eq!(read(&saved.id).await.unwrap().saved_profile, Some(saved.id));
    let refused = read("nothing of this name").await.unwrap_err();
    assert!(refused.to_string().contains("no profile"), "{refused}");
}

#[tokio::test]
async fn a_profile_is_replaced_by_its_name_and_removed_by_its_id() {
    let t = TestDb::new().await;
    let first = first_week(&t).await;
    let import = upload(&t, b"Name,Else\nA,1\n").await;
    let second = save(&t, "weekly export", &import).await;
    assert_eq!(second.id, first.id);
    assert_eq!(second.headers, ["else", "name"]);
    let mut tx = t.db.write().await.unwrap();
    for name in ["", "none", &"x".repeat(101)] {
        let refused = import::save_profile(&mut tx, name, &import, ACTOR).await;
        assert!(refused.unwrap_err().to_string().contains("1 to 100"));
    }
    assert!(import::remove_profile(&mut tx, &first.id).await.unwrap());
    assert!(!import::remove_profile(&mut tx, &first.id).await.unwrap());
    tx.commit().await.unwrap();
    assert!(
        upload(&t, b"Name,Else\nA,1\n")
            .await
            .saved_profile
            .is_none()
    );
    assert!(load(&t, &import.id).await.saved_profile.is_none());
}

#[tokio::test]
async fn a_column_that_left_the_grid_is_suggested_anew() {
    let t = TestDb::new().await;
    first_week(&t).await;
    let delete = crm_jobs::grid::Operation::DeleteColumn {
        column: "amount".to_owned(),
    };
    let by = crm_jobs::grid::ChangeBy {
        actor: ACTOR,
        origin: "edit",
        summary: "",
        job: None,
    };
    let mut tx = t.db.write().await.unwrap();
    crm_jobs::grid::apply(&mut tx, &[delete], &by)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let import = upload(&t, FIRST).await;
    assert!(import.saved_profile.is_some());
    assert!(matches!(
        import.mapping.columns[2].target,
        Target::New { .. }
    ));
    apply(&t, &import.id).await;
}
