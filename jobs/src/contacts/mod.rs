//! People at investors. Who they are and where they stand is in the grid's
//! contact cells; here is each person once, and what makes two entries one.

mod duplicates;
mod edit;
mod store;
mod told;

pub use duplicates::{Duplicate, Person, likely};
pub use edit::{Details, MergeWanted, edit, keep_apart, merge};
pub use store::{
    Contact, ContactFilter, Place, contact, contacts, count, duplicates, family, find_kept,
    of_investor, places,
};
pub use told::{InTouch, Told, in_touch, told};
