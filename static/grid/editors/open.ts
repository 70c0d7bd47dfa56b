import { choiceEditor } from "./choice";
import { contactsEditor } from "./contacts";
import { dateEditor, dateTimeEditor } from "./date";
import type { Editing, Editor } from "./editor";
import { lineEditor, textEditor } from "./line";
import { ratingEditor } from "./rating";

/** The editor of a column's type. Checkboxes have none: they toggle. */
export function openEditor(editing: Editing): Editor {
  switch (editing.column.type) {
    case "long_text": return textEditor(editing);
    case "date": return dateEditor(editing);
    case "date_time": return dateTimeEditor(editing);
    case "select": case "multi_select": case "user": case "funds": return choiceEditor(editing);
    case "contacts": return contactsEditor(editing);
    case "rating": return ratingEditor(editing);
    default: return lineEditor(editing);
  }
}
