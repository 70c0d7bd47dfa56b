import type { Applied, Operation, Problem } from "./wire";

/** How a request ended, in the cases that the queue treats differently. */
export type Answer =
  | { readonly is: "applied"; readonly applied: Applied }
  | { readonly is: "refused"; readonly status: number; readonly problem: Problem }
  | { readonly is: "signed_out" }
  | { readonly is: "unreachable" };

export type Send = (operations: readonly Operation[], key: string, label: string) => Promise<Answer>;

export async function post(method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(path, {
    method,
    credentials: "same-origin",
    headers: { "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

export async function problemOf(answer: Response): Promise<Problem> {
  const found = (await answer.json().catch(() => null)) as Problem | null;
  return found ?? { code: String(answer.status), detail: `The server answered ${answer.status}.` };
}

export const send: Send = async (operations, key, label) => {
  let answer: Response;
  try {
    answer = await post("PATCH", "/api/fundraising/state", { operations, idempotency_key: key, summary: label });
    if (answer.ok) return { is: "applied", applied: (await answer.json()) as Applied };
  } catch {
    return { is: "unreachable" };
  }
  if (answer.status === 401) return { is: "signed_out" };
  if (answer.status === 429 || answer.status >= 500) return { is: "unreachable" };
  return { is: "refused", status: answer.status, problem: await problemOf(answer) };
};

/** A new id that sorts by time, as the server's own do. */
export function newId(now = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now / 256 ** (5 - i)) % 256;
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
