//! Settings: one's own account, and the team.

use crate::{
    access::Access,
    route::{Route, get, post},
};

mod account;
pub mod factor_page;
pub mod page;
mod second_factor;
mod team;

pub use account::page as account_page;

/// The routes of this area.
pub fn routes() -> Vec<Route> {
    use Access::{Admin, Member};
    vec![
        post("/theme", Member, account::set_theme),
        get("/settings/account", Member, account::show),
        post("/settings/account", Member, account::rename),
        post("/settings/password", Member, account::change_password),
        post(
            "/settings/sessions/end-all",
            Member,
            account::sign_out_everywhere,
        ),
        post("/settings/sessions/{id}/end", Member, account::end_session),
        post("/settings/tokens", Member, account::make_token),
        post(
            "/settings/tokens/{id}/revoke",
            Member,
            account::revoke_token,
        ),
        get("/settings/second-factor", Member, second_factor::show),
        post("/settings/second-factor", Member, second_factor::begin),
        post(
            "/settings/second-factor/confirm",
            Member,
            second_factor::confirm,
        ),
        post(
            "/settings/second-factor/codes",
            Member,
            second_factor::remake_codes,
        ),
        post(
            "/settings/second-factor/off",
            Member,
            second_factor::switch_off,
        ),
        get("/settings/team", Admin, team::show),
        post("/settings/team/invites", Admin, team::invite),
        post("/settings/team/invites/{id}/revoke", Admin, team::withdraw),
        post("/settings/team/{id}/role", Admin, team::set_role),
        post("/settings/team/{id}/reset", Admin, team::reset),
        post(
            "/settings/team/{id}/second-factor/remove",
            Admin,
            team::remove_second_factor,
        ),
        post("/settings/team/{id}/disable", Admin, team::disable),
        post("/settings/team/{id}/enable", Admin, team::enable),
    ]
}
