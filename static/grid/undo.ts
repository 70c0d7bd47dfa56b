import type { Ops } from "./ops";
import { post, problemOf } from "./send";
import type { Batch } from "./shelf";
import type { Store } from "./store";
import type { Applied } from "./wire";

interface Undone { readonly change_set: number; readonly summary: string; readonly applied: Applied }
export type Say = (message: string) => void;
export type Call = (which: "undo" | "redo") => Promise<Undone | { readonly refused: string }>;

/** Undo is the server's, across sessions; this page only shows it at once. */
export const call: Call = async (which) => {
  const answer = await post("POST", `/api/fundraising/${which}`, {});
  if (answer.ok) return (await answer.json()) as Undone;
  const problem = await problemOf(answer);
  return { refused: problem.code === "nothing_to_undo" || problem.code === "nothing_to_redo" ? `Nothing to ${which}` : problem.detail };
};

/** Remembered actions; older ones are undone without being shown beforehand. */
const MOST = 200;

export class Undo {
  #done: Batch[] = [];
  #undone: Batch[] = [];
  #busy = Promise.resolve();

  constructor(readonly store: Store, readonly ops: Ops, readonly say: Say, readonly caller: Call = call) {}

  push(batch: Batch | null): void {
    if (!batch) return;
    this.#done.push(batch);
    if (this.#done.length > MOST) this.#done.shift();
    this.#undone = [];
  }

  undo(): Promise<void> {
    return this.#turn(() => this.#step("undo"));
  }

  redo(): Promise<void> {
    return this.#turn(() => this.#step("redo"));
  }

  /** One after the other: the server knows only "the last". */
  #turn(work: () => Promise<void>): Promise<void> {
    this.#busy = this.#busy.then(work).catch(() => this.say("The server cannot be reached. Nothing was undone."));
    return this.#busy;
  }

  async #step(which: "undo" | "redo"): Promise<void> {
    const batch = which === "undo" ? this.#done.pop() : this.#undone.pop();
    if (which === "undo" && batch && this.ops.withdraw(batch.key)) {
      this.say(`Undone: ${batch.label}`);
      return;
    }
    if (batch) this.#show(batch, which);
    await this.ops.fence();
    const answer = await this.caller(which).catch((error: unknown) => {
      this.ops.release();
      if (batch) this.#show(batch, which === "undo" ? "redo" : "undo");
      if (batch) (which === "undo" ? this.#done : this.#undone).push(batch);
      throw error;
    });
    this.ops.release("refused" in answer ? undefined : answer.applied, batch?.traces);
    if ("refused" in answer) {
      if (batch) this.#show(batch, which === "undo" ? "redo" : "undo");
      this.say(answer.refused);
      return;
    }
    // Another page of the same person may have done something since: then that was undone.
    const expected = new Set(batch?.traces.map((it) => it.row));
    const isOther = batch && batch.traces.length > 0 && !answer.applied.rows.some((row) => expected.has(row.id)) && answer.applied.conflicts.length === 0;
    if (isOther) this.#show(batch, which === "undo" ? "redo" : "undo");
    this.store.tell(this.ops.absorb(answer.applied));
    if (batch && !isOther) (which === "undo" ? this.#undone : this.#done).push(batch);
    this.say(`${which === "undo" ? "Undone" : "Redone"}: ${answer.summary}`);
  }

  #show(batch: Batch, which: "undo" | "redo"): void {
    const touched = new Set<number>();
    for (const { row, column, before, after } of batch.traces) {
      const slot = this.store.slot(row);
      if (slot === undefined || this.ops.isPending(row, column)) continue;
      this.store.set(slot, column, which === "undo" ? before : after);
      touched.add(slot);
    }
    for (const operation of batch.operations) {
      const row = operation.op === "add_row" ? operation.id : operation.op === "archive" || operation.op === "delete" ? operation.row : null;
      const slot = row === null ? undefined : this.store.slot(row);
      if (slot === undefined) continue;
      const isGone = (which === "undo") === (operation.op === "add_row");
      this.store.setGone(slot, { archived: isGone && operation.op === "archive", deleted: isGone && operation.op !== "archive" });
      touched.add(slot);
    }
    this.store.tell(touched);
  }
}
