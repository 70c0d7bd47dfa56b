export interface Rect { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number }

/** An anchor that stays and a focus that moves; lines and columns by index. */
export class Selection {
  anchor = { line: 0, column: 0 };
  focus = { line: 0, column: 0 };

  get rect(): Rect {
    return {
      top: Math.min(this.anchor.line, this.focus.line),
      bottom: Math.max(this.anchor.line, this.focus.line),
      left: Math.min(this.anchor.column, this.focus.column),
      right: Math.max(this.anchor.column, this.focus.column),
    };
  }

  get isSingle(): boolean {
    return this.anchor.line === this.focus.line && this.anchor.column === this.focus.column;
  }

  place(line: number, column: number): void {
    this.anchor = { line, column };
    this.focus = { line, column };
  }

  extend(line: number, column: number): void {
    this.focus = { line, column };
  }

  span(rect: Rect): void {
    this.anchor = { line: rect.top, column: rect.left };
    this.focus = { line: rect.bottom, column: rect.right };
  }

  /** Keeps both ends on the table. */
  clamp(lines: number, columns: number): void {
    const fit = (at: { line: number; column: number }): { line: number; column: number } => ({
      line: Math.max(0, Math.min(lines - 1, at.line)),
      column: Math.max(0, Math.min(columns - 1, at.column)),
    });
    this.anchor = fit(this.anchor);
    this.focus = fit(this.focus);
  }
}

/** Where Ctrl+arrow leads: to the end of the filled stretch, or the next filled cell. */
export function edge(from: number, step: 1 | -1, count: number, filled: (at: number) => boolean): number {
  const last = step > 0 ? count - 1 : 0;
  if (from === last) return from;
  let at = from + step;
  const within = filled(from) && filled(at);
  while (at !== last && (within ? filled(at + step) : !filled(at))) at += step;
  return at;
}
