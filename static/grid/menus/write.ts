import type { Grid } from "../grid";
import { newId, send } from "../send";
import type { Operation, Problem } from "../wire";

/** Changes fields, and waits for the answer: unlike a cell, a field is not shown
    before the server has taken it. Gives back what was wrong, if anything. */
export async function write(grid: Grid, operations: readonly Operation[], label: string): Promise<Problem | null> {
  if (grid.past !== null) return { code: "past", detail: "This is how the grid was. Go back to now to change it." };
  const { isOffline, isSignedOut } = grid.ops.progress;
  if (isOffline || isSignedOut) return { code: "offline", detail: "Fields can be changed once the server can be reached again." };
  await grid.ops.settled();
  const key = newId();
  const answer = await send(operations, key, label);
  if (answer.is === "refused") return answer.problem;
  if (answer.is === "signed_out") return { code: "signed_out", detail: "You are signed out. Sign in again in another tab, then repeat this." };
  if (answer.is === "unreachable") return { code: "unreachable", detail: "The server cannot be reached. Nothing was changed." };
  grid.store.tell(grid.ops.absorb(answer.applied));
  grid.undo.push({ key, label, at: Date.now(), operations: [...operations], traces: [] });
  return null;
}

/** A field's id for good; its name may change. */
export function newColumnId(): string {
  return `f_${newId().replace(/-/g, "").slice(0, 20)}`;
}
