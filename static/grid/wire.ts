// The contract with the server, as types. Nothing here runs.

export type ColumnType =
  | "text" | "long_text" | "number" | "currency" | "percent" | "date" | "date_time" | "checkbox" | "select"
  | "multi_select" | "user" | "contacts" | "email" | "phone" | "url" | "rating" | "funds" | "formula";

export type Result = "text" | "number" | "currency" | "percent" | "date" | "date_time" | "boolean" | "list" | "error";

export interface Choice {
  readonly id: string;
  readonly name: string;
  readonly color: string;
}

export interface Options {
  readonly description?: string;
  readonly choices?: readonly Choice[];
  readonly currency?: string;
  readonly precision?: number;
  readonly date_format?: "iso" | "european" | "us" | "long";
  readonly required?: boolean;
  readonly unique?: boolean;
  readonly default?: Value;
  readonly commitment?: unknown;
  readonly formula?: string;
  readonly airtable_blanks?: boolean;
  readonly number_format?: "number" | "currency" | "percent";
  readonly pipeline?: boolean;
}

export interface Column {
  readonly id: string;
  readonly name: string;
  readonly type: ColumnType;
  readonly options: Options;
  readonly position: number;
  readonly hidden: boolean;
  readonly derived?: boolean;
  readonly result?: Result;
}

export interface Contact {
  readonly id?: string;
  readonly name: string;
  readonly email?: string;
  readonly phone?: string;
  readonly role?: string;
}

export type Value = null | string | number | boolean | readonly string[] | readonly Contact[] | { readonly error: string };

export interface Person { readonly id: string; readonly name: string }
export interface Fund extends Person { readonly currency: string }

export type Filter = { readonly all: readonly Filter[] } | { readonly any: readonly Filter[] } | Condition;
export interface Condition {
  readonly column: string;
  readonly op: string;
  readonly value?: unknown;
}
export interface Sort { readonly column: string; readonly descending?: boolean }
export type SummaryKind = "sum" | "average" | "min" | "max" | "filled" | "empty" | "unique";
export type RowHeight = "short" | "medium" | "tall";

export interface ColumnSetting { readonly id: string; readonly hidden?: boolean; readonly width?: number }

export interface ViewConfig {
  readonly filter?: Filter;
  readonly sorts?: readonly Sort[];
  readonly groups?: readonly Sort[];
  readonly columns?: readonly ColumnSetting[];
  readonly frozen?: number;
  readonly row_height?: RowHeight;
  readonly colors?: readonly { readonly filter: Filter; readonly color: string }[];
  readonly summaries?: Readonly<Record<string, SummaryKind>>;
  readonly layout?: "grid" | "board" | "calendar";
  readonly board_column?: string;
  readonly date_column?: string;
}

export interface View {
  readonly id: string;
  readonly name: string;
  readonly mode: "shared" | "personal" | "locked";
  readonly owner: string | null;
  readonly config: ViewConfig;
  readonly position?: number;
}

export interface Head {
  readonly version: number;
  readonly epoch: number | string;
  /** Counts more than versions do: derived values change without one. */
  readonly stamp?: number;
  readonly updated_at: number;
  readonly updated_by: string;
  readonly slots: number;
  readonly block: number;
  readonly columns: readonly Column[];
  readonly views: readonly View[];
  readonly users: readonly Person[];
  readonly funds: readonly Fund[];
  readonly me: string;
  readonly is_admin: boolean;
}

export type WireColumn = { readonly d: Value[]; readonly c: readonly number[] } | { readonly v: Value[] };

export interface WireBlock {
  readonly start: number;
  readonly ids: (string | null)[];
  readonly versions: readonly number[];
  readonly archived?: readonly number[];
  readonly columns: Readonly<Record<string, WireColumn>>;
  readonly cut?: Readonly<Record<string, readonly number[]>>;
}

export interface Group {
  readonly depth: number;
  readonly column: string;
  readonly value: Value;
  readonly label: string;
  readonly color?: string;
  readonly start: number;
  readonly count: number;
  readonly subtotals: Readonly<Record<string, string>>;
}

export interface Order {
  readonly version: number;
  readonly epoch: number | string;
  readonly total: number;
  readonly slots: readonly number[];
  readonly groups: readonly Group[];
  readonly summary: Readonly<Record<string, { readonly kind: SummaryKind; readonly text: string }>>;
  readonly colors?: Readonly<Record<string, string>>;
}

export type Operation =
  | { op: "set"; row: string; column: string; value: Value; base: number }
  | { op: "add_row"; id: string; cells?: Record<string, Value>; list?: string; after?: string }
  | { op: "move"; row: string; list: string; reason?: string }
  | { op: "set_stage"; row: string; stage: string; reason?: string }
  | { op: "archive"; row: string; reason: string }
  | { op: "restore" | "delete"; row: string }
  | { op: "add_column"; id?: string; name: string; type: ColumnType; options?: Options }
  | { op: "update_column"; column: string; name?: string; options?: Options; hidden?: boolean }
  | { op: "retype_column"; column: string; type: ColumnType; options?: Options }
  | { op: "move_column"; column: string; before: string | null }
  | { op: "delete_column" | "restore_column"; column: string };

export interface Conflict {
  readonly row: string;
  readonly column: string | null;
  readonly yours: Value;
  readonly theirs: Value;
  readonly by: string;
  readonly at: number;
}

export interface Applied {
  readonly version: number;
  readonly rows: readonly { readonly id: string; readonly version: number; readonly slot?: number }[];
  readonly columns: readonly string[];
  readonly conflicts: readonly Conflict[];
  readonly changes: number;
  readonly computed?: readonly { readonly row: string; readonly slot?: number; readonly cells: Readonly<Record<string, Value>> }[];
}

export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly field?: string;
}

export interface ChangedRow {
  readonly slot: number;
  readonly id: string;
  readonly version: number;
  readonly archived?: boolean;
  readonly deleted?: boolean;
  readonly cells: Readonly<Record<string, Value>>;
}

export interface Here {
  readonly client: string;
  readonly user: string;
  readonly name: string;
  readonly row: string | null;
  readonly column: string | null;
}

export type LiveMessage =
  | {
      readonly type: "changes"; readonly version: number; readonly stamp?: number; readonly epoch: number | string; readonly by: readonly string[];
      readonly rows: readonly ChangedRow[]; readonly columns?: readonly Column[]; readonly views?: true;
    }
  | { readonly type: "reload"; readonly version: number }
  | { readonly type: "presence"; readonly people: readonly Here[] };

export interface ChangeSet {
  readonly id: number;
  readonly actor: string;
  readonly origin: string;
  readonly summary: string;
  readonly at: number;
  readonly changes: readonly {
    readonly what: string; readonly row_id: string | null; readonly column_id: string | null;
    readonly before: string | null; readonly after: string | null;
  }[];
}
