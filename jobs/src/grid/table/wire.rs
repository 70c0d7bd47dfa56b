//! The island's form of the state: column-wise blocks of rows, each with
//! dictionaries of its own, as one line of JSON.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use super::{Head, Table, TableColumn};
use crate::{formula::Value, grid::ColumnType};

/// Rows in a block.
pub const BLOCK: usize = 2_000;
/// Characters of a long text that a block holds; the rest is asked for.
const CUT: usize = 200;

impl Table {
    /// Blocks there are.
    pub fn blocks(&self) -> usize {
        self.rows.len().div_ceil(BLOCK)
    }

    /// Raised whenever a row of the block, or the columns, changed.
    pub fn block_stamp(&self, block: usize) -> u64 {
        let heads = self.block_heads(block).iter();
        let newest = heads.map(|h| h.stamp).max().unwrap_or(0);
        newest.max(self.columns_stamp)
    }

    fn block_heads(&self, block: usize) -> &[Head] {
        let start = (block * BLOCK).min(self.rows.len());
        &self.rows[start..(start + BLOCK).min(self.rows.len())]
    }

    /// One block as a line of JSON text, line feed included.
    pub fn block_line(&self, block: usize) -> String {
        let heads = self.block_heads(block);
        let start = block * BLOCK;
        let ids: Json = heads
            .iter()
            .map(|h| {
                if h.live {
                    Json::from(&*h.id)
                } else {
                    Json::Null
                }
            })
            .collect();
        let versions: Json = heads.iter().map(|h| h.version).collect();
        let archived: Json = (0..)
            .zip(heads)
            .filter(|(_, h)| h.archived)
            .map(|(at, _): (usize, _)| at)
            .collect();
        let mut out = format!(
            "{{\"start\":{start},\"ids\":{ids},\"versions\":{versions},\"archived\":{archived},\"columns\":{{"
        );
        let mut cuts = Vec::new();
        let mut is_first = true;
        for column in &self.columns {
            let Some(part) = column.block(start, heads, &mut cuts) else {
                continue;
            };
            if !std::mem::take(&mut is_first) {
                out.push(',');
            }
            out.push_str(&Json::from(column.column.id.as_str()).to_string());
            out.push(':');
            out.push_str(&part);
        }
        let cut: serde_json::Map<String, Json> = cuts.into_iter().collect();
        out.push_str("},\"cut\":");
        out.push_str(&Json::Object(cut).to_string());
        out.push_str("}\n");
        out
    }
}

impl TableColumn {
    /// The column's part of a block: codes into a dictionary, or plain values
    /// where most differ. None if all are blank.
    fn block(
        &self,
        start: usize,
        heads: &[Head],
        cuts: &mut Vec<(String, Json)>,
    ) -> Option<String> {
        let end = (start + heads.len()).min(self.codes.len());
        let codes = self.codes.get(start..end)?;
        let mut local: HashMap<u32, usize> = HashMap::new();
        let mut distinct: Vec<u32> = Vec::new();
        let mut written: Vec<usize> = Vec::with_capacity(codes.len());
        for (code, head) in codes.iter().zip(heads) {
            written.push(if *code == 0 || !head.live {
                0
            } else {
                *local.entry(*code).or_insert_with(|| {
                    distinct.push(*code);
                    distinct.len()
                })
            });
        }
        if distinct.is_empty() {
            return None;
        }
        if self.kind == ColumnType::LongText {
            let is_cut = |w: &usize| *w > 0 && self.is_cut(distinct[*w - 1]);
            let cut: Vec<usize> = (0..)
                .zip(&written)
                .filter(|(_, w)| is_cut(w))
                .map(|(at, _)| at)
                .collect();
            if !cut.is_empty() {
                cuts.push((self.column.id.clone(), json!(cut)));
            }
        }
        let value = |code: u32| self.block_json(code);
        Some(if distinct.len() * 2 > written.len() {
            let values: Json = written
                .iter()
                .map(|w| {
                    w.checked_sub(1)
                        .map_or(Json::Null, |at| value(distinct[at]))
                })
                .collect();
            format!("{{\"v\":{values}}}")
        } else {
            let values: Json = distinct.iter().map(|code| value(*code)).collect();
            format!("{{\"d\":{values},\"c\":{}}}", Json::from(written))
        })
    }

    fn is_cut(&self, code: u32) -> bool {
        matches!(self.dictionary.key(code), Value::Text(text) if text.chars().nth(CUT).is_some())
    }

    fn block_json(&self, code: u32) -> Json {
        match self.dictionary.key(code) {
            Value::Text(text) if self.kind == ColumnType::LongText => {
                text.chars().take(CUT).collect::<String>().into()
            }
            _ => self.json(code),
        }
    }
}
