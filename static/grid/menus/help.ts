import { button, h, openDialog } from "../dom";

const KEYS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ["Move", [
    ["Arrows", "one cell"], ["Tab, Shift+Tab", "next, previous cell"], ["Home, End", "first, last column"], ["Page Up, Page Down", "a screen"],
    ["Ctrl+arrow", "to the edge"], ["Ctrl+Home, Ctrl+End", "first, last row"], ["Shift with any", "extends the selection"], ["Ctrl+A", "everything"], ["Esc, then Tab", "leave the grid"],
  ]],
  ["Edit", [
    ["Type", "replaces"], ["Enter, F2", "edits"], ["Esc", "cancels"], ["Delete", "clears"], ["Ctrl+C, X, V", "copy, cut, paste"], ["Ctrl+D", "fills down"],
    ["Ctrl+Z", "undo"], ["Ctrl+Y, Ctrl+Shift+Z", "redo"],
  ]],
  ["Rows and columns", [
    ["Space", "opens the record"], ["Shift+Space", "ticks the row"], ["Shift+Enter", "new row below"], ["Enter on a group", "folds it"], ["Alt+Shift+← →", "moves the column"], ["Alt+Shift+↑ ↓", "column width"], ["Alt+↓", "column menu"], ["Shift+F10", "menu of the cell and row"],
  ]],
  ["Look", [["Ctrl+F", "find"], ["Ctrl+Shift+F", "filter"], ["Ctrl+Shift+S", "sort"], ["Ctrl+Shift+D", "group"], ["Ctrl+K", "jump to a page"], ["?", "this help"]]],
];

export function showHelp(after: () => void): void {
  const dialog = h("dialog", { class: "g-dialog g-wide", "aria-label": "Keys of the grid" }, h("h2", {}, "Keys"),
    h("div", { class: "g-keys" }, ...KEYS.map(([title, keys]) => h("section", {}, h("h3", {}, title), h("dl", {}, ...keys.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)]))))));
  dialog.append(h("div", { class: "actions" }, button("Close", () => dialog.close(), "button")));
  dialog.addEventListener("close", after);
  openDialog(dialog);
}
