//! Notes: safe whatever is typed, with their past, mentions and deletion.

use super::*;
use crate::{
    accounts::{
        Role,
        users::{self, NewUser},
    },
    audit::Actor,
    grid::{self, ChangeBy, Operation},
    testing::TestDb,
};

fn robin() -> Mention {
    Mention {
        user_id: "r".to_owned(),
        name: "Robin <b>".to_owned(),
        written: "@robin".to_owned(),
    }
}

#[test]
fn markdown_reads_well() {
    for (body, shown) in [
        (
            "**Bold** and _thin_",
            "<p><strong>Bold</strong> and <em>thin</em></p>",
        ),
        ("one\ntwo", "<p>one<br />\ntwo</p>"),
        ("# Big", "<h4>Big</h4>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        (
            "Ask @robin.",
            "<p>Ask <span class=\"mention\">@Robin &lt;b&gt;</span>.</p>",
        ),
        (
            "See https://example.org/a?b=1&c=2.",
            "<p>See <a href=\"https://example.org/a?b=1&amp;c=2\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">https://example.org/a?b=1&amp;c=2</a>.</p>",
        ),
        (
            "[us](/investors/r1)",
            "<p><a href=\"/investors/r1\" rel=\"noopener noreferrer nofollow\">us</a></p>",
        ),
        ("`@robin <b>`", "<p><code>@robin &lt;b&gt;</code></p>"),
    ] {
        assert_eq!(html(body, &[robin()]).trim(), shown, "{body}");
    }
    assert_eq!(plain("# Head\n\n**bold**\ntext", 40), "Head bold text");
    assert_eq!(plain("a long line of words", 8), "a long…");
}

#[test]
fn nothing_harmful_comes_through() {
    for body in [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick=x>b</b>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>)",
        "[x](//evil.example)",
        "[x](/\\\\evil.example)",
        "![x](https://evil.example/track.gif)",
        "![x](data:image/png;base64,AA)",
        "[a](https://x.example/\"onmouseover=\"alert(1))",
        "[a](<https://x.example/' onclick='x>)",
        "<https://x.example/\"><script>",
        "```html\"><script>\n</code><script>\n```",
        "~~~ x onload=y\n<svg onload=x>\n~~~",
        "[![i](https://a.example/i.png)](https://b.example)",
        "<!-- --><iframe src=/x></iframe>",
        "https://x.example/<script>",
    ] {
        assert_safe(body);
    }
}

/// Only tags of ours, and of attributes only ours with safe addresses.
fn assert_safe(body: &str) {
    let shown = html(body, &[robin()]);
    for tag in shown.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap();
        let known = [
            "p",
            "br",
            "strong",
            "em",
            "del",
            "a",
            "span",
            "ul",
            "ol",
            "li",
            "blockquote",
            "pre",
            "code",
            "h4",
            "h5",
            "h6",
            "hr",
            "input",
        ];
        assert!(known.contains(&name), "{body:?} gave <{tag}> in {shown}");
        let rest = &tag[tag.find(' ').unwrap_or(tag.len())..];
        // What is outside quotes is attribute names.
        let names: String = rest.split('"').step_by(2).collect();
        for attribute in names.split([' ', '=', '/']).filter(|a| !a.is_empty()) {
            let is_known = [
                "href", "rel", "target", "class", "start", "type", "disabled", "checked",
            ];
            assert!(
                is_known.contains(&attribute),
                "{body:?} gave {attribute} in {shown}"
            );
        }
        if let Some((_, href)) = tag.split_once("href=\"") {
            let is_open = ["https://", "http://", "mailto:", "/"]
                .iter()
                .any(|s| href.starts_with(s));
            assert!(is_open && !href.starts_with("//"), "{body:?} gave {href}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn nothing_harmful_comes_through_whatever_is_typed(body in "[-<>\"'`~!\\[\\]()#*_=/:@\\\\ \na-zé]{0,80}") {
        assert_safe(&body);
        let _ = plain(&body, 20);
    }
}

async fn set_up() -> (TestDb, String) {
    let t = TestDb::new().await;
    let mut tx = t.db.write().await.unwrap();
    grid::begin(&mut tx, "system").await.unwrap();
    let by = ChangeBy {
        actor: "system",
        origin: "edit",
        summary: "",
        job: None,
    };
    let add = Operation::AddRow {
        id: Some("r1".to_owned()),
        after: None,
        cells: [("name".to_owned(), "Sample".into())].into_iter().collect(),
        list: None,
    };
    grid::apply(&mut tx, &[add], &by).await.unwrap();
    let new = NewUser {
        email: "jo@example.org".to_owned(),
        name: "Jo Testcase".to_owned(),
        role: Role::Member,
        password_hash: None,
    };
    let jo = users::create(&mut tx, new, &Actor::System, "")
        .await
        .unwrap();
    tx.commit().await.unwrap();
    (t, jo.id)
}

#[tokio::test]
async fn a_note_is_added_edited_deleted_and_brought_back() {
    let (t, jo) = set_up().await;
    let mut tx = t.db.write().await.unwrap();
    let new = NewNote {
        row: "r1",
        body: "Call @Jo\r\nsoon",
        by: "system",
        ..NewNote::default()
    };
    let note = add(&mut tx, &new).await.unwrap();
    assert_eq!(note.body, "Call @Jo\nsoon");
    assert_eq!(note.mentions[0].user_id, jo);
    t.advance(1);
    let change = NoteChange {
        body: Some("Never mind".to_owned()),
        pinned: Some(true),
    };
    let Edited::Saved(after) = edit(&mut tx, &note.id, &change, Some(note.updated_at), "x")
        .await
        .unwrap()
    else {
        panic!("it was as seen");
    };
    assert_eq!(
        (after.edits, after.pinned, after.mentions.len()),
        (1, true, 0)
    );
    let stale = edit(&mut tx, &note.id, &change, Some(note.updated_at), "x")
        .await
        .unwrap();
    assert!(matches!(stale, Edited::Newer(now) if now.body == "Never mind"));
    remove(&mut tx, &note.id, "x").await.unwrap();
    assert!(of_row(&mut tx, "r1", None, 9).await.unwrap().is_empty());
    assert!(remove(&mut tx, &note.id, "x").await.is_err());
    restore(&mut tx, &note.id, "x").await.unwrap();
    assert_eq!(of_row(&mut tx, "r1", None, 9).await.unwrap().len(), 1);
    for bad in ["", " \n ", "a\u{0}b", &"x".repeat(MAX_CHARS + 1)] {
        let new = NewNote {
            body: bad,
            ..new.clone()
        };
        assert!(add(&mut tx, &new).await.is_err(), "{bad:.9}");
    }
    let new = NewNote {
        row: "nowhere",
        ..new
    };
    assert!(add(&mut tx, &new).await.is_err());
}

#[tokio::test]
async fn a_mention_is_on_the_day_of_who_was_called() {
    let (t, jo) = set_up().await;
    let mut tx = t.db.write().await.unwrap();
    let new = NewNote {
        row: "r1",
        body: "@jo@example.org look",
        by: "user:x",
        ..NewNote::default()
    };
    let note = add(&mut tx, &new).await.unwrap();
    let since = tx.now() - 1;
    assert_eq!(mentioning(&mut tx, &jo, since, 9).await.unwrap().len(), 1);
    // An edit is no second call.
    t.advance(1_000);
    let change = NoteChange {
        body: Some("@jo@example.org look again".to_owned()),
        pinned: None,
    };
    edit(&mut tx, &note.id, &change, None, "user:x")
        .await
        .unwrap();
    let later = tx.now();
    assert!(mentioning(&mut tx, &jo, later, 9).await.unwrap().is_empty());
    let own = format!("user:{jo}");
    let new = NewNote { by: &own, ..new };
    add(&mut tx, &new).await.unwrap();
    assert_eq!(mentioning(&mut tx, &jo, since, 9).await.unwrap().len(), 1);
}
