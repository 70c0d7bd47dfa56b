// The editors that are more than a line or a list; fetched while nothing else is to be done.
export { contactsEditor } from "./contacts";
export { dateEditor, dateTimeEditor } from "./date";
export { ratingEditor } from "./rating";
