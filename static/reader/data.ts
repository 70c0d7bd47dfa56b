/** The data of an archive, loaded script by script: a page from a disk may load nothing else. */

export interface Column {
  readonly name: string;
  readonly kind: "text" | "long" | "number" | "date" | "url" | "email";
  readonly listed: boolean;
  readonly derived: boolean;
}

export interface Head {
  readonly made: string;
  readonly version: string;
  readonly zone: string;
  readonly funds: readonly string[];
  readonly columns: readonly Column[];
  readonly rows: number;
  readonly chunk: number;
}

/** Id, whether it is archived, and the cells. */
export type Row = readonly [string, number, ...string[]];

/** What a page of an investor has below its fields; every list may be absent. */
export interface More {
  readonly people?: readonly (readonly (string | null)[])[];
  readonly money?: readonly (readonly (string | null)[])[];
  readonly tasks?: readonly (readonly (string | null)[])[];
  readonly notes?: readonly (readonly (string | number | null)[])[];
  readonly talks?: readonly (readonly (string | null)[])[];
  readonly files?: readonly (readonly string[])[];
}

/** Where a column's cells begin in a row. */
export const FIRST = 2;

export interface Archive {
  readonly head: Head;
  readonly rows: Row[];
  /** What is known of the investor at this place. */
  more(at: number): Promise<More>;
}

type Calls = typeof globalThis & {
  crmHead?: (head: Head) => void;
  crmRows?: (chunk: number, rows: Row[]) => void;
  crmMore?: (chunk: number, more: More[]) => void;
};

/** Loads `src`; whatever it calls has happened when this is settled. */
function script(page: Document, src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const element = page.createElement("script");
    element.src = src;
    element.addEventListener("load", () => { element.remove(); resolve(); });
    element.addEventListener("error", () => reject(new Error(`${src} is missing: unpack the whole archive and open this page there`)));
    page.head.append(element);
  });
}

/** Begins with what `data.js` says; `loaded` hears of every further piece. */
export function openArchive(page: Document, begun: (archive: Archive) => void, loaded: () => void, failed: (why: string) => void): void {
  const calls = globalThis as Calls;
  const details = new Map<number, Promise<More[]>>();
  let arrived: More[] = [];
  calls.crmMore = (_chunk, more) => { arrived = more; };
  calls.crmHead = (head) => {
    const rows: Row[] = [];
    calls.crmRows = (_chunk, more) => { for (const row of more) rows.push(row); };
    // One after the other: each script hands over what it has when it is loaded.
    let last: Promise<unknown> = Promise.resolve();
    const more = (at: number): Promise<More> => {
      const chunk = Math.floor(at / head.chunk) + 1;
      let known = details.get(chunk);
      if (!known) {
        known = last.then(() => script(page, `data/more-${chunk}.js`)).then(() => arrived);
        last = known.catch(() => undefined);
        details.set(chunk, known);
        known.catch(() => details.delete(chunk));
      }
      return known.then((all) => all[at % head.chunk] ?? {});
    };
    begun({ head, rows, more });
    void (async () => {
      for (let chunk = 1; rows.length < head.rows; chunk++) {
        const before = rows.length;
        await script(page, `data/rows-${chunk}.js`);
        if (rows.length === before) throw new Error("a part of the data is empty: unpack the archive again");
        loaded();
      }
      loaded();
    })().catch((error: unknown) => failed(error instanceof Error ? error.message : String(error)));
  };
}
