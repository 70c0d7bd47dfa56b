//! The grid for the island: a head and column-wise blocks of rows, one line of
//! JSON each. Every block is compressed once and kept until a row of it changes.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use crc32fast::Hasher;
use crm_jobs::{
    accounts::{Role, User},
    grid::{
        FundName, UserName,
        table::{BLOCK, ColumnFacts, Table},
        view::View,
    },
};
use flate2::{Compress, Compression, FlushCompress};
use futures_util::{StreamExt, stream};
use serde::Serialize;

use crate::{error::AppError, request::text, state::App};

/// The fixed beginning of a gzip member: no name, no time, unknown system.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// An empty final block ends a deflate stream.
const DEFLATE_END: [u8; 2] = [0x03, 0x00];
/// Quick rather than small: the last tenth of size costs three times the work.
const LEVEL: u32 = 4;

/// Compressed blocks by place. Cheap to clone.
#[derive(Clone, Default)]
pub struct BlockCache(Arc<Mutex<Cached>>);

#[derive(Default)]
struct Cached {
    epoch: String,
    blocks: Vec<Option<(u64, Part)>>,
}

/// Deflated bytes that can stand anywhere in a stream, and what a gzip trailer
/// must know of them.
#[derive(Clone)]
struct Part {
    bytes: Bytes,
    plain: Hasher,
    length: u32,
}

/// The first line.
#[derive(Serialize)]
pub struct Head {
    pub version: i64,
    pub epoch: String,
    pub stamp: u64,
    pub updated_at: i64,
    pub updated_by: String,
    pub slots: usize,
    pub block: usize,
    pub columns: Vec<ColumnFacts>,
    pub views: Vec<View>,
    pub users: Vec<UserName>,
    pub funds: Vec<FundName>,
    pub me: String,
    pub is_admin: bool,
    pub today: String,
    pub zone: String,
    /// The grid as it was: nothing in it can be changed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub as_of: bool,
}

impl Head {
    /// What the table says of itself.
    pub fn of(table: &Table, views: Vec<View>, me: &User) -> Self {
        Self {
            version: table.version,
            epoch: table.epoch.clone(),
            stamp: table.stamp,
            updated_at: table.updated_at,
            updated_by: table.updated_by.clone(),
            slots: table.slots(),
            block: BLOCK,
            columns: table.facts(),
            views,
            users: table.names.users.clone(),
            funds: table.names.funds.clone(),
            me: me.id.clone(),
            is_admin: me.role == Role::Admin,
            today: table.moment.today.to_string(),
            zone: table.moment.zone.iana_name().unwrap_or("UTC").to_owned(),
            as_of: false,
        }
    }

    /// Changes with everything the answer holds.
    pub fn tag(&self) -> String {
        let views = serde_json::to_vec(&(&self.views, &self.me)).unwrap_or_default();
        let mut hasher = Hasher::new();
        hasher.update(&views);
        format!("\"{}.{}.{:x}\"", self.epoch, self.stamp, hasher.finalize())
    }
}

/// The head and the blocks of a past table. Nobody asks for the same past twice,
/// so it is left to the usual compression and not kept.
pub fn past(table: Table, me: &User) -> Result<Response, AppError> {
    let head = Head {
        as_of: true,
        ..Head::of(&table, Vec::new(), me)
    };
    let mut line = serde_json::to_string(&head).map_err(AppError::internal)?;
    line.push('\n');
    let table = Arc::new(table);
    let rest = stream::iter(0..table.blocks()).then(move |at| {
        let table = table.clone();
        async move {
            tokio::task::spawn_blocking(move || Bytes::from(table.block_line(at)))
                .await
                .map_err(std::io::Error::other)
        }
    });
    let body = stream::once(async move { Ok(Bytes::from(line)) }).chain(rest);
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(body.fuse())).into_response())
}

/// Streams the head and the blocks of the table as it is now.
pub fn answer(app: &App, headers: &HeaderMap, head: &Head) -> Result<Response, AppError> {
    let mut line = serde_json::to_string(head).map_err(AppError::internal)?;
    line.push('\n');
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    let blocks = head.slots.div_ceil(BLOCK);
    let takes_gzip = text(headers, &header::ACCEPT_ENCODING)
        .unwrap_or_default()
        .split(',')
        .any(|e| e.trim().starts_with("gzip"));
    if !takes_gzip {
        let app = app.clone();
        let rest = stream::iter(0..blocks).then(move |at| plain(app.clone(), at));
        let body = stream::once(async move { Ok(Bytes::from(line)) }).chain(rest);
        return Ok((kind, Body::from_stream(body)).into_response());
    }
    let first = Part::of(line.as_bytes()).map_err(AppError::internal)?;
    let state = Some(Joined::new(app.clone(), blocks, first));
    let body = stream::unfold(state, |state| async move {
        let mut joined = state?;
        match joined.step().await {
            Ok((bytes, is_last)) => Some((Ok(bytes), (!is_last).then_some(joined))),
            Err(error) => Some((Err::<Bytes, std::io::Error>(error), None)),
        }
    });
    let encoding = [(header::CONTENT_ENCODING, "gzip")];
    // A compressed body asks once more after the end; `unfold` panics then.
    Ok((kind, encoding, Body::from_stream(body.fuse())).into_response())
}

/// A gzip member made of parts compressed at different times.
struct Joined {
    app: App,
    blocks: usize,
    next: usize,
    first: Option<Part>,
    plain: Hasher,
    length: u32,
}

impl Joined {
    fn new(app: App, blocks: usize, first: Part) -> Self {
        Self {
            app,
            blocks,
            next: 0,
            first: Some(first),
            plain: Hasher::new(),
            length: 0,
        }
    }

    /// The next bytes, and whether they are the last.
    async fn step(&mut self) -> Result<(Bytes, bool), std::io::Error> {
        let mut bytes = Vec::new();
        if let Some(part) = self.first.take() {
            bytes.extend_from_slice(&GZIP_HEAD);
            self.add(&part, &mut bytes);
        } else if self.next < self.blocks {
            let part = compressed(&self.app, self.next).await?;
            self.next += 1;
            self.add(&part, &mut bytes);
        }
        let is_last = self.next >= self.blocks;
        if is_last {
            bytes.extend_from_slice(&DEFLATE_END);
            bytes.extend_from_slice(&self.plain.clone().finalize().to_le_bytes());
            bytes.extend_from_slice(&self.length.to_le_bytes());
        }
        Ok((Bytes::from(bytes), is_last))
    }

    fn add(&mut self, part: &Part, out: &mut Vec<u8>) {
        out.extend_from_slice(&part.bytes);
        self.plain.combine(&part.plain);
        // The trailer holds the length modulo 2³².
        self.length = self.length.wrapping_add(part.length);
    }
}

async fn plain(app: App, block: usize) -> Result<Bytes, std::io::Error> {
    let table = app.grid.last().await.map_err(std::io::Error::other)?;
    tokio::task::spawn_blocking(move || Bytes::from(table.block_line(block)))
        .await
        .map_err(std::io::Error::other)
}

async fn compressed(app: &App, block: usize) -> Result<Part, std::io::Error> {
    let table = app.grid.last().await.map_err(std::io::Error::other)?;
    let cache = app.blocks.clone();
    tokio::task::spawn_blocking(move || {
        let stamp = table.block_stamp(block);
        if let Some(part) = cache.find(&table.epoch, block, stamp) {
            return Ok(part);
        }
        let part = Part::of(table.block_line(block).as_bytes())?;
        cache.keep(&table.epoch, block, stamp, &part);
        Ok(part)
    })
    .await
    .map_err(std::io::Error::other)?
}

impl BlockCache {
    fn find(&self, epoch: &str, block: usize, stamp: u64) -> Option<Part> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (kept, part) = cached.blocks.get(block)?.as_ref()?;
        (cached.epoch == epoch && *kept == stamp).then(|| part.clone())
    }

    fn keep(&self, epoch: &str, block: usize, stamp: u64, part: &Part) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.epoch != epoch {
            epoch.clone_into(&mut cached.epoch);
            cached.blocks.clear();
        }
        if cached.blocks.len() <= block {
            cached.blocks.resize_with(block + 1, || None);
        }
        cached.blocks[block] = Some((stamp, part.clone()));
    }
}

impl Part {
    /// Compresses to a byte boundary without looking back at anything before, so
    /// that parts can be joined in any order.
    fn of(plain: &[u8]) -> Result<Self, std::io::Error> {
        let mut deflate = Compress::new(Compression::new(LEVEL), false);
        let mut out = Vec::with_capacity(plain.len() / 4 + 1_024);
        loop {
            let done = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX);
            out.reserve(plain.len() / 8 + 1_024);
            deflate
                .compress_vec(&plain[done..], &mut out, FlushCompress::Full)
                .map_err(std::io::Error::other)?;
            let all_in = deflate.total_in() == plain.len() as u64;
            if all_in && out.len() < out.capacity() {
                break;
            }
        }
        out.flush()?;
        out.shrink_to_fit();
        let mut hasher = Hasher::new();
        hasher.update(plain);
        Ok(Self {
            bytes: Bytes::from(out),
            plain: hasher,
            length: u32::try_from(plain.len() % (1 << 32)).unwrap_or(0),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn parts_joined_in_any_order_are_one_gzip_body() {
        let texts = [
            "first line\n".repeat(5_000),
            "second ".repeat(9),
            String::new(),
        ];
        let parts: Vec<Part> = texts
            .iter()
            .map(|t| Part::of(t.as_bytes()).unwrap())
            .collect();
        for order in [[0, 1, 2], [2, 0, 1], [1, 1, 0]] {
            let (mut body, mut plain, mut length) = (GZIP_HEAD.to_vec(), Hasher::new(), 0_u32);
            let mut wanted = String::new();
            for at in order {
                body.extend_from_slice(&parts[at].bytes);
                plain.combine(&parts[at].plain);
                length += parts[at].length;
                wanted.push_str(&texts[at]);
            }
            body.extend_from_slice(&DEFLATE_END);
            body.extend_from_slice(&plain.finalize().to_le_bytes());
            body.extend_from_slice(&length.to_le_bytes());
            let mut read = String::new();
            flate2::read::GzDecoder::new(&body[..])
                .read_to_string(&mut read)
                .unwrap();
            assert_eq!(read, wanted);
        }
    }
}
