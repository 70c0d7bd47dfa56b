use proptest::prelude::*;

use super::field;
use crate::formula::graph::{dependants, order};
use crate::formula::{Formula, Type, compile};

/// Formulas over columns `c0`, `c1`, …, the first `plain` of which people fill in.
fn columns(plain: usize, reads: &[Vec<usize>]) -> Vec<(String, Formula)> {
    let total = plain + reads.len();
    let fields: Vec<_> = (0..total)
        .map(|i| field(&format!("c{i}"), &format!("c{i}"), Type::Number))
        .collect();
    reads
        .iter()
        .enumerate()
        .map(|(i, reads)| {
            let names: Vec<String> = reads.iter().map(|r| format!("c{}", r % total)).collect();
            let source = format!("SUM({})", [vec!["1".to_owned()], names].concat().join(","));
            (
                format!("c{}", plain + i),
                compile(&source, &fields).unwrap(),
            )
        })
        .collect()
}

fn lent(columns: &[(String, Formula)]) -> Vec<(String, &Formula)> {
    columns.iter().map(|(id, f)| (id.clone(), f)).collect()
}

#[test]
fn a_circle_is_named() {
    let columns = columns(1, &[vec![2], vec![3], vec![1], vec![0]]);
    let cycle = order(&lent(&columns)).unwrap_err();
    assert_eq!(cycle.to_string(), "c1 → c2 → c3 → c1");
    let of_itself = super::graphs::columns(1, &[vec![1]]);
    assert_eq!(order(&lent(&of_itself)).unwrap_err().to_string(), "c1 → c1");
}

#[test]
fn ten_thousand_columns_in_a_row_have_an_order() {
    let fields: Vec<_> = (0..10_000)
        .map(|i| field(&format!("c{i}"), &format!("c{i}"), Type::Number))
        .collect();
    let columns: Vec<(String, Formula)> = (0..9_999)
        .map(|i| {
            let near = &fields[i + 1..=i + 1];
            (
                format!("c{i}"),
                compile(&format!("c{} + 1", i + 1), near).unwrap(),
            )
        })
        .collect();
    let sorted = order(&lent(&columns)).unwrap();
    assert_eq!(sorted, (0..9_999).rev().collect::<Vec<_>>());
}

#[test]
fn watching_makes_a_dependant() {
    let fields = [
        field("a", "A", Type::Number),
        field("b", "B", Type::Number),
        field("w", "W", Type::DateTime),
    ];
    let columns = vec![
        (
            "w".to_owned(),
            compile("LAST_MODIFIED_TIME(A)", &fields).unwrap(),
        ),
        ("x".to_owned(), compile("YEAR(W)", &fields).unwrap()),
        (
            "y".to_owned(),
            compile("LAST_MODIFIED_TIME()", &fields).unwrap(),
        ),
    ];
    assert_eq!(dependants(&lent(&columns), &["a"]), [0, 1, 2]);
    assert_eq!(dependants(&lent(&columns), &["b"]), [2]);
    assert!(dependants(&lent(&columns), &[]).is_empty());
}

proptest! {
    /// Against the definition: everything read comes first, or there is a path back.
    #[test]
    fn the_order_is_right(reads in prop::collection::vec(prop::collection::vec(0..12_usize, 0..3), 1..9)) {
        let plain = 3;
        let columns = columns(plain, &reads);
        let count = columns.len();
        // Which formula reaches which, by repeated composition.
        let mut reach = vec![vec![false; count]; count];
        for (i, reads) in reads.iter().enumerate() {
            for read in reads {
                if let Some(j) = (read % (plain + count)).checked_sub(plain) {
                    reach[i][j] = true;
                }
            }
        }
        for k in 0..count {
            for i in 0..count {
                for j in 0..count {
                    reach[i][j] |= reach[i][k] && reach[k][j];
                }
            }
        }
        let circular = (0..count).any(|i| reach[i][i]);
        match order(&lent(&columns)) {
            Ok(sorted) => {
                prop_assert!(!circular);
                let mut place = vec![usize::MAX; count];
                for (at, &i) in sorted.iter().enumerate() {
                    place[i] = at;
                }
                prop_assert!(place.iter().all(|p| *p != usize::MAX));
                for i in 0..count {
                    for j in 0..count {
                        prop_assert!(!reach[i][j] || place[j] < place[i]);
                    }
                }
            }
            Err(cycle) => {
                prop_assert!(circular);
                let ring = [cycle.columns.clone(), vec![cycle.columns[0].clone()]].concat();
                for pair in ring.windows(2) {
                    let formula = &columns.iter().find(|(id, _)| *id == pair[0]).unwrap().1;
                    prop_assert!(formula.inputs().contains(&pair[1]));
                }
            }
        }
        // A change concerns exactly what reaches it.
        let changed = columns[0].0.clone();
        let wanted: Vec<usize> = (0..count).filter(|i| reach[*i][0]).collect();
        prop_assert_eq!(dependants(&lent(&columns), &[&changed]), wanted);
    }
}
