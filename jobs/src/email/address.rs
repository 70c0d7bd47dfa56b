//! Addresses and domains: ours, everybody's, and those that say whose mail it is.

/// Where anybody has an address: such a domain says nothing of an investor.
const PUBLIC: &[&str] = &[
    "163.com",
    "126.com",
    "aol.com",
    "bluewin.ch",
    "btinternet.com",
    "comcast.net",
    "duck.com",
    "fastmail.com",
    "free.fr",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hey.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.de",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "libero.it",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "me.com",
    "msn.com",
    "naver.com",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "pm.me",
    "posteo.de",
    "proton.me",
    "protonmail.com",
    "protonmail.ch",
    "qq.com",
    "rediffmail.com",
    "rocketmail.com",
    "sbcglobal.net",
    "t-online.de",
    "tutanota.com",
    "tuta.io",
    "verizon.net",
    "wanadoo.fr",
    "web.de",
    "yahoo.co.in",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.de",
    "yahoo.fr",
    "yandex.com",
    "yandex.ru",
    "ymail.com",
    "zoho.com",
    "zohomail.com",
];
/// Sites that many have a page on: an investor's link there is not their domain.
const SITES: &[&str] = &[
    "airtable.com",
    "angel.co",
    "crunchbase.com",
    "docsend.com",
    "dropbox.com",
    "facebook.com",
    "github.com",
    "google.com",
    "linkedin.com",
    "medium.com",
    "notion.so",
    "pitchbook.com",
    "substack.com",
    "twitter.com",
    "wellfound.com",
    "wikipedia.org",
    "x.com",
    "youtube.com",
];
/// Second levels of countries that are longer than `co` or `com`.
const ENDINGS: &[&str] = &["asso", "govt", "info", "nhs", "name", "press", "school"];
/// Where strangers have a name of their own each.
const HOSTERS: &[&str] = &[
    "appspot.com",
    "blogspot.com",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "myshopify.com",
    "netlify.app",
    "onmicrosoft.com",
    "pages.dev",
    "squarespace.com",
    "uk.com",
    "us.com",
    "vercel.app",
    "web.app",
    "webflow.io",
    "weebly.com",
    "wixsite.com",
    "wordpress.com",
    "workers.dev",
];
/// Characters of an address that are kept; none that works is longer.
const MAX_ADDRESS: usize = 254;

/// An address as it is compared: lower case, one `@`, no blanks. None if it is no address.
pub fn normal(text: &str) -> Option<String> {
    let text = text
        .trim()
        .trim_matches(['<', '>', '"', '\''])
        .to_lowercase();
    let (name, domain) = text.rsplit_once('@')?;
    let fits = !name.is_empty()
        && !name.contains('@')
        && text.len() <= MAX_ADDRESS
        && domain.contains('.')
        && is_host(domain)
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';'));
    fits.then_some(text)
}

/// What stands behind the `@`.
pub fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// A host as people write it in a cell: `https://www.norwind.example/about` is
/// `norwind.example`. None for what is no host, is everybody's, or is a site for
/// pages of many.
pub fn host(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let rest = text
        .split_once("://")
        .map_or(text.as_str(), |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#', ' ', ',']).next()?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.split(':').next()?;
    let rest = rest.strip_prefix("www.").unwrap_or(rest).trim_matches('.');
    (rest.contains('.') && is_host(rest) && !is_public(rest) && !is_site(rest))
        .then(|| rest.to_owned())
}

/// Whether anybody can have an address there.
pub fn is_public(domain: &str) -> bool {
    PUBLIC.contains(&domain)
}

/// Domains above this one that may name the same owner, the closest first:
/// `norwind.example` of `mail.uk.norwind.example`. None under which strangers live
/// side by side: country endings such as `co.uk`, public providers, hosters of sites.
pub fn parents(domain: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = domain;
    while let Some((_, parent)) = rest.split_once('.') {
        if !parent.contains('.') || is_shared(parent) {
            break;
        }
        found.push(parent);
        rest = parent;
    }
    found
}

/// Whether anybody can have a name below it.
fn is_shared(domain: &str) -> bool {
    let is_ending = domain.split_once('.').is_some_and(|(first, country)| {
        country.len() == 2 && (first.len() <= 3 || ENDINGS.contains(&first))
    });
    is_ending || is_public(domain) || SITES.contains(&domain) || HOSTERS.contains(&domain)
}

fn is_site(host: &str) -> bool {
    SITES
        .iter()
        .any(|site| host == *site || host.strip_suffix(site).is_some_and(|p| p.ends_with('.')))
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        })
}

/// The part of a domain that names its owner: `norwind` of `mail.norwind.co.uk`.
pub fn owner_label(domain: &str) -> Option<&str> {
    let labels: Vec<&str> = domain.split('.').collect();
    let second_level = ["co", "com", "org", "net", "ac", "gov"];
    let at = match labels.len() {
        0 | 1 => return None,
        2 => 0,
        n if labels[n - 1].len() == 2 && second_level.contains(&labels[n - 2]) => n - 3,
        n => n - 2,
    };
    Some(labels[at]).filter(|label| label.len() > 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_in_one_form() {
        assert_eq!(
            normal(" <Ada@Norwind.Example> ").as_deref(),
            Some("ada@norwind.example")
        );
        for bad in [
            "",
            "ada",
            "@x.y",
            "a@b",
            "a b@c.d",
            "a@b@c.d",
            "a@-b.c",
            "a@b..c",
            "undisclosed-recipients:;",
        ] {
            assert_eq!(normal(bad), None, "{bad}");
        }
        assert_eq!(normal(&format!("{}@x.example", "a".repeat(300))), None);
    }

    #[test]
    fn a_website_gives_its_domain_unless_it_is_everybodys() {
        assert_eq!(
            host("https://www.norwind.example/team?x=1").as_deref(),
            Some("norwind.example")
        );
        assert_eq!(
            host("norwind.example:8080").as_deref(),
            Some("norwind.example")
        );
        assert_eq!(
            host("ada@norwind.example").as_deref(),
            Some("norwind.example")
        );
        for none in [
            "gmail.com",
            "ada@gmail.com",
            "https://www.linkedin.com/in/ada",
            "uk.linkedin.com",
            "n/a",
            "-",
            "not yet",
        ] {
            assert_eq!(host(none), None, "{none}");
        }
    }

    #[test]
    fn a_domain_has_those_above_it_but_none_that_strangers_share() {
        assert_eq!(
            parents("mail.uk.norwind.example"),
            ["uk.norwind.example", "norwind.example"]
        );
        assert_eq!(parents("eu.norwind.co.uk"), ["norwind.co.uk"]);
        for alone in [
            "norwind.example",
            "norwind.co.uk",
            "norwind.com.au",
            "fund.onmicrosoft.com",
            "fund.github.io",
            "team.proton.me",
            "fund.substack.com",
            "example",
            "",
        ] {
            assert!(parents(alone).is_empty(), "{alone}: {:?}", parents(alone));
        }
    }

    #[test]
    fn the_owner_of_a_domain_is_found_under_any_ending() {
        assert_eq!(owner_label("mail.norwind.co.uk"), Some("norwind"));
        assert_eq!(owner_label("norwind.io"), Some("norwind"));
        assert_eq!(owner_label("abc.io"), None, "too short to mean anything");
    }
}
