import { GUTTER, type ShownColumn } from "./config";

export const HEAD = 34;
export const FOOT = 30;
/** Room for the button that adds a field, behind the last column. */
const ADD = 44;

export interface Box { readonly x: number; readonly y: number; readonly w: number; readonly h: number; readonly pinned: boolean }

/** Where columns and lines lie. Pinned columns are measured from the left edge
    of the view, the others from the left edge of the table. */
export class Geometry {
  readonly lefts: number[] = [];
  readonly pinned: number;
  readonly paneWidth: number;
  readonly width: number;
  /** Right edge of the last column. */
  readonly end: number;

  constructor(readonly columns: readonly ShownColumn[], frozen: number, readonly rowHeight: number, viewWidth: number) {
    let pinned = Math.min(Math.max(0, frozen), columns.length);
    const widthOf = (n: number): number => columns.slice(0, n).reduce((sum, it) => sum + it.width, GUTTER);
    // Pinned columns must leave room to scroll the others in.
    while (pinned > 0 && widthOf(pinned) > viewWidth * 0.62) pinned--;
    this.pinned = pinned;
    let x = GUTTER;
    for (const it of columns) {
      this.lefts.push(x);
      x += it.width;
    }
    this.paneWidth = widthOf(pinned);
    this.end = x;
    this.width = x + ADD;
  }

  left(column: number): number {
    return this.lefts[column] ?? GUTTER;
  }

  widthOf(column: number): number {
    return this.columns[column]?.width ?? 0;
  }

  right(column: number): number {
    return this.left(column) + this.widthOf(column);
  }

  box(line: number, column: number): Box {
    return { x: this.left(column), y: line * this.rowHeight, w: this.widthOf(column), h: this.rowHeight, pinned: column < this.pinned };
  }

  /** How many columns to freeze so that the line comes closest to x. */
  frozenAt(x: number): number {
    let best = 0;
    for (let n = 1; n <= this.columns.length; n++) {
      if (Math.abs(this.right(n - 1) - x) < Math.abs((best === 0 ? GUTTER : this.right(best - 1)) - x)) best = n;
    }
    return best;
  }

  /** The column under x, which is measured in the table for those not pinned. */
  columnAt(x: number): number {
    let low = 0;
    let high = this.columns.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.left(middle) <= x) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** First and last scrolled column in sight, with one more on each side. */
  inSight(scrollLeft: number, viewWidth: number): readonly [number, number] {
    if (this.pinned >= this.columns.length) return [this.pinned, this.pinned - 1];
    const first = Math.max(this.pinned, this.columnAt(scrollLeft + this.paneWidth) - 1);
    const last = Math.min(this.columns.length - 1, this.columnAt(scrollLeft + viewWidth) + 1);
    return [first, Math.max(first, last)];
  }
}
