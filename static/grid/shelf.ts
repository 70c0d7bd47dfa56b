import type { Conflict, Operation, Value } from "./wire";

/** One cell before and after, for taking an edit back here. */
export interface Trace { readonly row: string; readonly column: string; readonly before: Value; readonly after: Value }

/** What one action of a person changes: one request, one step of undo. */
export interface Batch {
  /** Also the idempotency key: a repeated request is answered, not repeated. */
  key: string;
  readonly label: string;
  readonly at: number;
  operations: Operation[];
  traces: Trace[];
}

export interface Kept { readonly batches: Batch[]; readonly conflicts: Conflict[] }

/** Where edits wait that the server has not answered; they outlive the page. */
export interface Shelf {
  all(): Promise<Kept>;
  put(batch: Batch): Promise<void>;
  remove(key: string): Promise<void>;
  conflicts(all: readonly Conflict[]): Promise<void>;
}

export function memoryShelf(): Shelf {
  const batches = new Map<string, Batch>();
  let kept: Conflict[] = [];
  return {
    all: async () => ({ batches: [...batches.values()], conflicts: kept }),
    put: async (batch) => void batches.set(batch.key, structuredClone(batch)),
    remove: async (key) => void batches.delete(key),
    conflicts: async (all) => void (kept = [...all]),
  };
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's database failed"));
  });
}

/** A shelf in the browser's database, one a person: another who signs in here sends nothing of theirs. */
export async function openShelf(person: string): Promise<Shelf> {
  const opening = indexedDB.open(`grid-edits:${person}`, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore("batches", { keyPath: "key" });
    opening.result.createObjectStore("rest");
  };
  const db = await done(opening);
  const store = (name: string, mode: IDBTransactionMode): IDBObjectStore => db.transaction(name, mode, { durability: "strict" }).objectStore(name);
  return {
    async all() {
      const batches = await done<Batch[]>(store("batches", "readonly").getAll());
      const conflicts = await done<Conflict[] | undefined>(store("rest", "readonly").get("conflicts"));
      // Keys are random; edits are sent in the order they were made.
      return { batches: batches.sort((a, b) => a.at - b.at), conflicts: conflicts ?? [] };
    },
    async put(batch) {
      await done(store("batches", "readwrite").put(batch));
    },
    async remove(key) {
      await done(store("batches", "readwrite").delete(key));
    },
    async conflicts(all) {
      await done(store("rest", "readwrite").put([...all], "conflicts"));
    },
  };
}
