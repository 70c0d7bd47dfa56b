//! What is drafted without a model.

use super::{Gathered, Mail, by_rule};

fn mail(direction: &str, subject: &str, said: &str) -> Mail {
    Mail {
        email_id: "e1".to_owned(),
        row_id: "r1".to_owned(),
        thread_id: "t1".to_owned(),
        contact_id: None,
        sent_at: 1_772_532_000_000,
        direction: direction.to_owned(),
        from_name: "Synthetic Sam".to_owned(),
        from_address: "sam@example.org".to_owned(),
        subject: subject.to_owned(),
        said: said.to_owned(),
        proposes: true,
        is_known: true,
    }
}

fn of(mail: Vec<Mail>) -> Gathered {
    Gathered {
        row_id: "r1".to_owned(),
        row_title: "Alpha Family Office".to_owned(),
        thread_id: "t1".to_owned(),
        day: "2026-03-03".to_owned(),
        mail,
    }
}

#[test]
fn a_note_is_one_dated_line_of_who_said_what() {
    let said = "Hi Ana,\n\nthank you for the deck. We would like to see the data room.\nBest";
    let drafted = by_rule(&of(vec![mail("in", "RE: AW: Our fund", said)]));
    assert_eq!(
        drafted.note,
        "2026-03-03: Synthetic Sam wrote about “Our fund”: thank you for the deck."
    );
    assert_eq!(drafted.stage_hint.as_deref(), Some("diligence"));
    assert_eq!(drafted.new_contact, None);
}

#[test]
fn mail_that_shares_nothing_is_told_without_words() {
    let drafted = by_rule(&of(vec![mail("in", "", ""), mail("out", "", "")]));
    assert_eq!(
        drafted.note,
        "2026-03-03: Synthetic Sam wrote to Alpha Family Office (2 mails that day)."
    );
}

#[test]
fn a_day_named_as_next_step_becomes_a_follow_up() {
    for (said, day) in [
        ("Let us talk next week.", Some("2026-03-09")),
        ("Please call in two weeks", Some("2026-03-17")),
        (
            "Our committee meets on 2026-03-20, more then.",
            Some("2026-03-20"),
        ),
        ("It was on 2026-03-01.", None),
        ("No date here.", None),
    ] {
        let drafted = by_rule(&of(vec![mail("in", "x", said)]));
        assert_eq!(drafted.follow_up_on.as_deref(), day, "{said}");
    }
}

#[test]
fn whoever_is_no_contact_yet_is_suggested_as_one() {
    let mut stranger = mail("in", "x", "y");
    stranger.is_known = false;
    let person = by_rule(&of(vec![stranger])).new_contact.unwrap();
    assert_eq!(
        (person.name.as_str(), person.email.as_str()),
        ("Synthetic Sam", "sam@example.org")
    );
}

#[test]
fn a_pass_is_heard_even_among_thanks() {
    let said = "Thank you. After due diligence we have to pass this time.";
    let drafted = by_rule(&of(vec![mail("in", "x", said)]));
    assert_eq!(drafted.stage_hint.as_deref(), Some("lost"));
    let ours = by_rule(&of(vec![mail("out", "x", said)]));
    assert_eq!(ours.stage_hint, None, "what we write says nothing of them");
}

proptest::proptest! {
    /// Whatever a mail says, the note is one line of a size that can be approved.
    #[test]
    fn any_text_makes_one_line(subject in "\\PC{0,300}", said in "(\\PC|\n){0,600}") {
        let drafted = by_rule(&of(vec![mail("in", &subject, &said)]));
        proptest::prop_assert!(!drafted.note.contains('\n'));
        proptest::prop_assert!(drafted.note.chars().count() <= 600);
    }
}
