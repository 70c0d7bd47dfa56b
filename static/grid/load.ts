import { problemOf } from "./send";
import type { Head, WireBlock } from "./wire";

/** Cuts a stream of bytes into lines; the last may lack its end. */
export async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  // Pieces are joined once a line is whole: adding up a long line byte by byte is quadratic.
  let pieces: string[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    const text = done ? decoder.decode() : decoder.decode(value, { stream: true });
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      pieces.push(text.slice(from, end));
      const line = pieces.join("");
      pieces = [];
      from = end + 1;
      if (line) yield line;
    }
    if (from < text.length) pieces.push(text.slice(from));
    if (done) break;
  }
  const rest = pieces.join("");
  if (rest) yield rest;
}

export interface Loading {
  head(head: Head): void;
  block(block: WireBlock): void;
}

const breathe = (): Promise<void> => new Promise((done) => setTimeout(done));

/** Reads the whole state; each block is handed over as soon as it is there. */
export async function load(into: Loading, fetcher: typeof fetch = fetch, past: string | null = null): Promise<void> {
  const answer = await fetcher(`/api/fundraising/state?form=columns${past ? `&as_of=${encodeURIComponent(past)}` : ""}`, { credentials: "same-origin" });
  if (answer.status === 422) throw new Error((await problemOf(answer)).detail);
  if (!answer.ok || !answer.body) throw new Error(`state: ${answer.status}`);
  let first = true;
  let last = performance.now();
  for await (const line of lines(answer.body)) {
    if (first) into.head(JSON.parse(line) as Head);
    else into.block(JSON.parse(line) as WireBlock);
    first = false;
    // Blocks that arrive together would otherwise be one long task.
    if (performance.now() - last > 12) {
      await breathe();
      last = performance.now();
    }
  }
  if (first) throw new Error("state: empty");
}
