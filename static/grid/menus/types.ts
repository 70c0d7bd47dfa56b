import { shownAs } from "../values";
import type { Column, ColumnType, SummaryKind } from "../wire";

/** The types a field can have, as people call them. */
export const TYPE_NAMES: Readonly<Record<ColumnType, string>> = {
  text: "Text", long_text: "Long text", number: "Number", currency: "Currency", percent: "Percent", date: "Date", date_time: "Date and time", checkbox: "Checkbox",
  select: "Single select", multi_select: "Multiple select", user: "User", contacts: "Contacts", email: "Email", phone: "Phone", url: "Web address", rating: "Rating",
  funds: "Funds", formula: "Formula",
};

export const COLORS = ["blue", "cyan", "teal", "green", "yellow", "orange", "red", "pink", "purple", "gray"] as const;

export const SUMMARY_NAMES: Readonly<Record<SummaryKind, string>> = { sum: "Sum", average: "Average", min: "Smallest", max: "Largest", filled: "Filled", empty: "Empty", unique: "Unique" };

/** What can stand below a column. */
export function summariesOf(column: Column): readonly SummaryKind[] {
  switch (shownAs(column)) {
    case "number": case "currency": case "percent": case "rating": return ["sum", "average", "min", "max", "filled", "empty", "unique"];
    case "date": case "date_time": return ["min", "max", "filled", "empty", "unique"];
    default: return ["filled", "empty", "unique"];
  }
}
