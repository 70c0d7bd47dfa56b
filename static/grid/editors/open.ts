import type { ColumnType } from "../wire";
import { choiceEditor } from "./choice";
import type { Editing, Editor } from "./editor";
import { lineEditor, textEditor } from "./line";

let roomy: typeof import("./roomy") | null = null;

/** Fetches the editor of a type if it is not here; null when there is nothing to wait for. */
export function ready(type: ColumnType | undefined): Promise<void> | null {
  if (roomy || (type !== "date" && type !== "date_time" && type !== "contacts" && type !== "rating")) return null;
  return import("./roomy").then((it) => { roomy = it; });
}

/** The editor of a column's type. Checkboxes have none: they toggle. */
export function openEditor(editing: Editing): Editor {
  switch (editing.column.type) {
    case "long_text": return textEditor(editing);
    case "date": return (roomy?.dateEditor ?? lineEditor)(editing);
    case "date_time": return (roomy?.dateTimeEditor ?? lineEditor)(editing);
    case "select": case "multi_select": case "user": case "funds": return choiceEditor(editing);
    case "contacts": return (roomy?.contactsEditor ?? lineEditor)(editing);
    case "rating": return (roomy?.ratingEditor ?? lineEditor)(editing);
    default: return lineEditor(editing);
  }
}
