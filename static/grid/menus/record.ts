// Everything about single rows that a grid just opened does without.
import type { Opening } from "../doors";
import type { Grid } from "../grid";
import { showConflicts } from "./conflicts";
import { Panel } from "./expand";
import { Find } from "./find";
import { showHelp } from "./help";
import { rowBar } from "./rows";

let panel: Panel | null = null;
let find: Find | null = null;
let bar: { draw: () => void } | null = null;

export function open(grid: Grid, { name, slot }: Opening): void {
  if (name === "help") showHelp(() => grid.focus());
  else if (name === "conflicts") showConflicts(grid);
  else if (name === "find") {
    if (!find) {
      find = new Find(grid);
      grid.root.append(find.element);
    }
    find.open();
  } else if (name === "ticked") {
    if (bar) return;
    const made = rowBar(grid);
    grid.root.append(made.element);
    bar = made;
  } else {
    panel ??= new Panel(grid);
    panel.open(slot ?? grid.slot);
  }
}
