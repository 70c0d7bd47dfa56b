//! What a person wrote in a message, without what they quoted and without their
//! signature. Heuristics in several languages; the whole text is kept beside it,
//! so a mistake here costs a sentence in a summary and nothing else.

use std::sync::LazyLock;

use regex::Regex;

/// Lines looked at; nobody writes more by hand.
const MOST_LINES: usize = 5_000;
/// Characters kept.
const MOST_CHARS: usize = 20_000;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of this file is a regular expression")
}

/// The line above a quoted message: "On … wrote:".
static INTRO: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?ix)^(
          on\s.{4,300}\swrote | am\s.{4,300}\sschrieb(\s.{0,200})? | le\s.{4,300}\sa\sécrit |
          el\s.{4,300}\sescribió | il\s.{4,300}\sha\sscritto | op\s.{4,300}\sschreef(\s.{0,200})? |
          em\s.{4,300}\sescreveu | a\s.{4,300}\sescreveu | (den|på)\s.{4,300}\sskrev(\s.{0,200})? |
          (w\sdniu|dnia)\s.{4,300}\snapisał(\(a\)|a)? | .{4,300}\s(написала?|пишет) |
          .{2,200}\s(wrote|schrieb|a\sécrit|escribió|ha\sscritto|schreef|skrev)
        )\s?:$|^.{4,300}(写道|寫道|のメール|さんは書きました)\s?[:：]$",
    )
});
/// A line that separates a quoted or forwarded message.
static BAR: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?ix)^\s*([-_*]{2,}\s*)?(original\smessage|original\sappointment|ursprüngliche\s(nachricht|mail)|
          message\sd'origine|message\soriginal|mensaje\soriginal|messaggio\soriginale|mensagem\soriginal|
          oorspronkelijk\sbericht|ursprungligt\smeddelande|oprindelig\smeddelelse|исходное\sсообщение)\s*([-_*]{2,})\s*$",
    )
});
/// The first line of a block of headers, as Outlook quotes.
static HEAD_FROM: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?i)^\s*\*?(from|von|de|da|van|från|fra|от|发件人|差出人)\*?\s*[:：]\s*\S")
});
static HEAD_MORE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)^\s*\*?(sent|date|to|subject|gesendet|datum|an|betreff|envoyé|à|objet|enviado( el)?|para|asunto|inviato|data|a|oggetto|verzonden|aan|onderwerp|enviada( em)?|assunto|skickat|till|ämne|sendt|til|emne|дата|кому|тема|发送时间|收件人|主题|送信日時|宛先|件名)\*?\s*[:：]",
    )
});
/// A telephone signs by itself.
static DEVICE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)^\s*(sent (from|with|via) (my )?\S.{0,40}|get outlook for .{1,20}|von meinem .{1,30} gesendet|gesendet von .{1,30}|envoyé (de|depuis) (mon )?.{1,30}|enviado desde (mi )?.{1,30}|inviato da(l mio)? .{1,30}|verzonden (met|vanaf) .{1,30}|enviado do (meu )?.{1,30}|skickat från .{1,30}|sendt fra .{1,30}|отправлено с .{1,30})\.?\s*$",
    )
});
/// The word before a name at the end.
static CLOSING: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)^\s*((with )?(best|kind|warm|many|kindest|warmest)( regards| wishes| thanks)?|regards|cheers|sincerely( yours)?|yours (sincerely|truly|faithfully)|all the best|thanks( again| and regards)?|thank you|mit (freundlichen|besten|herzlichen|lieben) grüßen|mit (freundlichen|besten) grüssen|(viele|beste|liebe|herzliche|freundliche) (grüße|grüsse|gruss)|(bien )?cordialement|bien à (vous|toi)|meilleures salutations|(un )?(saludo|saludos)( cordiales)?|atentamente|(cordiali|distinti) saluti|met vriendelijke groet(en)?|atenciosamente|(med )?vänliga hälsningar|med venlig hilsen|mvh|vg|lg|mfg)\s*[,.!–-]?\s*$",
    )
});
/// What lawyers add.
static NOTICE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)^\s*\*?(this (e-?mail|message|communication)( message)?( and any| \(including| contains| is (intended|confidential)).*|confidentiality notice.*|disclaimer:?.*|diese e-?mail (enthält|kann|ist).*|ce (message|courriel) .{0,40}(confidentiel|destin).*|este (mensaje|correo) .{0,60}confidencial.*|questo messaggio .{0,60}riservat.*)",
    )
});

/// What was said. Never empty where there is any text: then all of it stays.
pub fn said(body: &str) -> String {
    let lines: Vec<&str> = body.lines().take(MOST_LINES).map(str::trim_end).collect();
    let own = unquoted(&lines);
    let own = unsigned(&own);
    let text = joined(&own);
    let text = if text.is_empty() {
        // Only a quotation or a forwarded message: that is what was said.
        let bare: Vec<&str> = lines
            .iter()
            .map(|line| line.trim_start_matches(['>', ' ']))
            .collect();
        joined(&bare)
    } else {
        text
    };
    text.chars().take(MOST_CHARS).collect()
}

fn unquoted<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        if is_quoted(line) {
            at += 1;
            continue;
        }
        if let Some(length) = intro(&lines[at..]) {
            let next = lines[at + length..].iter().find(|l| !l.trim().is_empty());
            // With marks, an answer may stand below or between what is quoted.
            if next.is_some_and(|l| is_quoted(l)) {
                at += length;
                continue;
            }
            if next.is_some() || !kept.is_empty() {
                break;
            }
        }
        if BAR.is_match(line) || is_header_block(&lines[at..]) {
            break;
        }
        kept.push(line);
        at += 1;
    }
    kept
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

/// How many lines an introduction takes; programs wrap it.
fn intro(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?.trim();
    if first.is_empty() {
        return None;
    }
    let mut whole = String::new();
    for (at, line) in lines.iter().take(3).enumerate() {
        if at > 0 && (line.trim().is_empty() || is_quoted(line)) {
            break;
        }
        if at > 0 {
            whole.push(' ');
        }
        whole.push_str(line.trim());
        let names_a_time = whole.chars().any(|c| c.is_ascii_digit()) || whole.contains('@');
        if whole.len() < 600 && names_a_time && INTRO.is_match(&whole) {
            return Some(at + 1);
        }
    }
    None
}

fn is_header_block(lines: &[&str]) -> bool {
    let is_line = lines
        .first()
        .is_some_and(|l| l.len() > 20 && l.chars().all(|c| c == '_'));
    let from = usize::from(is_line);
    let Some(first) = lines.get(from) else {
        return false;
    };
    if !HEAD_FROM.is_match(first) {
        return false;
    }
    let more = lines
        .iter()
        .skip(from + 1)
        .take(6)
        .filter(|l| HEAD_MORE.is_match(l));
    more.count() >= 2
}

fn unsigned<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut end = lines.len();
    for (at, line) in lines.iter().enumerate() {
        let is_mark = matches!(line.trim(), "--" | "—" | "––") || *line == "-- ";
        let ends = is_mark || DEVICE.is_match(line) || NOTICE.is_match(line);
        // A mark in the first line signs nothing.
        if ends && lines[..at].iter().any(|l| !l.trim().is_empty()) {
            end = at;
            break;
        }
    }
    // A closing word and a few short lines under it, at the end only.
    let tail = end.saturating_sub(12);
    for at in (tail..end).rev() {
        let is_short = lines[at + 1..end].iter().all(|l| l.chars().count() <= 80);
        let before = lines[..at].iter().any(|l| !l.trim().is_empty());
        if before && is_short && CLOSING.is_match(lines[at]) {
            end = at;
            break;
        }
    }
    lines[..end].to_vec()
}

fn joined(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut blank = 0;
    for line in lines {
        if line.trim().is_empty() {
            blank += 1;
            continue;
        }
        if !text.is_empty() {
            text.push_str(if blank > 0 { "\n\n" } else { "\n" });
        }
        blank = 0;
        text.push_str(line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    #[allow(clippy::too_many_lines, reason = "a table of messages")]
    fn quotations_and_signatures_go_in_many_tongues_and_programs() {
        for (name, body, wanted) in [
            (
                "gmail",
                "Yes, Tuesday works.\n\nOn Mon, Mar 2, 2026 at 10:14 AM Ada Lovelace <ada@x.example> wrote:\n\n> Does Tuesday work?\n> Ada\n",
                "Yes, Tuesday works.",
            ),
            (
                "gmail wrapped",
                "Sounds good.\n\nOn Mon, Mar 2, 2026 at 10:14 AM Ada Lovelace with a Long Name\n<ada@norwind.example> wrote:\n> hm\n",
                "Sounds good.",
            ),
            (
                "gmail html as text",
                "Fine by us.\n\nOn Mon, Mar 2, 2026 at 10:14 Ada <ada@x.example> wrote:\n\nDoes Tuesday work?\n",
                "Fine by us.",
            ),
            (
                "outlook",
                "Please find the deck.\n\nBest regards,\nBo Vestergaard\nPartner, Norwind\n+45 12 34\n\n________________________________\nFrom: Ada <ada@x.example>\nSent: Monday, 2 March 2026 10:14\nTo: Bo\nSubject: Deck\n\nCould you send it?",
                "Please find the deck.",
            ),
            (
                "outlook german",
                "Passt.\n\nVon: Ada <ada@x.example>\nGesendet: Montag, 2. März 2026\nAn: Bo\nBetreff: Termin\n\nGeht Dienstag?",
                "Passt.",
            ),
            (
                "outlook bar",
                "See below.\n\n-----Original Message-----\nFrom: x\nold",
                "See below.",
            ),
            (
                "german",
                "Gerne am Dienstag.\n\nMit freundlichen Grüßen\nJo Beispiel\n\nAm 02.03.2026 um 10:14 schrieb Ada <ada@x.example>:\n> Wann?\n",
                "Gerne am Dienstag.",
            ),
            (
                "french",
                "D'accord.\n\nCordialement,\nJo\n\nLe lun. 2 mars 2026 à 10:14, Ada <ada@x.example> a écrit :\n> Quand ?\n",
                "D'accord.",
            ),
            (
                "spanish",
                "Perfecto.\n\nEl lun, 2 mar 2026 a las 10:14, Ada (<ada@x.example>) escribió:\n> ¿Cuándo?\n",
                "Perfecto.",
            ),
            (
                "italian",
                "Va bene.\n\nIl giorno lun 2 mar 2026 alle ore 10:14 Ada <ada@x.example> ha scritto:\n> Quando?\n",
                "Va bene.",
            ),
            (
                "dutch",
                "Prima.\n\nOp ma 2 mrt 2026 om 10:14 schreef Ada <ada@x.example>:\n> Wanneer?\n",
                "Prima.",
            ),
            (
                "portuguese",
                "Certo.\n\nEm seg., 2 de mar. de 2026 às 10:14, Ada <ada@x.example> escreveu:\n> Quando?\n",
                "Certo.",
            ),
            (
                "swedish",
                "Det blir bra.\n\nDen mån 2 mars 2026 kl 10:14 skrev Ada <ada@x.example>:\n> När?\n",
                "Det blir bra.",
            ),
            (
                "russian",
                "Хорошо.\n\nпн, 2 мар. 2026 г. в 10:14, Ada <ada@x.example> написала:\n> Когда?\n",
                "Хорошо.",
            ),
            (
                "chinese",
                "好的。\n\nAda <ada@x.example> 于2026年3月2日周一 10:14写道：\n> 什么时候？\n",
                "好的。",
            ),
            (
                "apple phone",
                "On my way.\n\nSent from my iPhone\n\n> On 2 Mar 2026, at 10:14, Ada <ada@x.example> wrote:\n> \n> Where are you?\n",
                "On my way.",
            ),
            (
                "answers between",
                "On Mon, 2 Mar 2026 at 10:14, Ada <ada@x.example> wrote:\n> Which fund?\nFund II.\n> How much?\n500k.\n",
                "Fund II.\n500k.",
            ),
            (
                "signature mark",
                "Numbers attached.\n-- \nAda\nNorwind",
                "Numbers attached.",
            ),
            (
                "notice",
                "Signed copy attached.\n\nThis email and any attachments are confidential and meant for the addressee only.",
                "Signed copy attached.",
            ),
            (
                "only forwarded",
                "> the whole message\n> is quoted",
                "the whole message\nis quoted",
            ),
            (
                "prose stays",
                "He wrote: buy more.\nFrom: here to there is far.\n\nOn balance we like it.",
                "He wrote: buy more.\nFrom: here to there is far.\n\nOn balance we like it.",
            ),
            (
                "thanks in the middle",
                "Thanks\n\nWe will wire on Friday, subject to the side letter being signed by both of us, as we said on the phone last week with everybody.",
                "Thanks\n\nWe will wire on Friday, subject to the side letter being signed by both of us, as we said on the phone last week with everybody.",
            ),
            ("empty", "", ""),
        ] {
            assert_eq!(said(body), wanted, "{name}");
        }
    }

    #[test]
    fn a_monstrous_body_is_read_in_no_time() {
        let body = format!("hello\n{}", "> > > > quoted wrote: \n".repeat(200_000));
        assert_eq!(said(&body), "hello");
        let line = "On 1 ".repeat(100_000);
        assert!(said(&line).len() <= 20_000);
    }
}
