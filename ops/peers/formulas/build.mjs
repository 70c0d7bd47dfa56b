// Usage: node build.mjs ROWS
// The twenty formulas of `worker/examples/bench/table.rs` as a spreadsheet has them, one in every row; prints the
// milliseconds until all are computed.
import { HyperFormula } from "hyperformula";

const rows = Number(process.argv[2]);
// A name, B-E amounts, F share, G-H selects, I-L dates, M-N flags, O rating, P-R numbers, S-T texts, U notes, V tags.
const formulas = (n) => [
  `=B${n}*F${n}`,
  `=B${n}+C${n}+D${n}`,
  `=IF(B${n}>5000000,"large",IF(B${n}>1000000,"middle","small"))`,
  `=A${n}&" ("&G${n}&")"`,
  `=DAYS(I${n},J${n})`,
  `=IF(M${n},E${n},0)`,
  `=ROUND(P${n}/(Q${n}+1),2)`,
  `=MAX(B${n},C${n},D${n})`,
  `=UPPER(S${n})`,
  `=LEN(U${n})`,
  `=IF(I${n}<DATE(2024,1,1),"old","new")`,
  `=SWITCH(H${n},"Option 1",1,"Option 2",2,3)`,
  `=SUBSTITUTE(V${n},","," / ")`,
  `=W${n}+X${n}`,
  `=IF(AND(N${n},O${n}>3),"call","")`,
  `=YEAR(K${n})`,
  `=L${n}+30`,
  `=SUBSTITUTE(T${n},"north","N")`,
  `=AJ${n}*2-R${n}`,
  `=Y${n}&"-"&AG${n}`,
];
const amount = (n) => (n % 400) * 25_000;
const day = (n) => 44_000 + (n % 2_400);
const sheet = Array.from({ length: rows }, (_, i) => [
  `Sample investor ${i}`,
  ...[3, 7, 11, 13].map((k) => amount(i * k)),
  i % 101,
  `Option ${i % 8}`,
  `Option ${(i * 3) % 8}`,
  ...[5, 17, 23, 29].map((k) => day(i * k)),
  i % 2 === 0,
  i % 3 === 0,
  1 + (i % 5),
  ...[31, 37, 41].map((k) => ((i * k) % 90_000) + 0.25),
  `sample ${i % 4_000} north`,
  `sample ${(i * 7) % 4_000} north`,
  `Sample note ${i % 900}: met twice, sends the papers.`,
  "Option 1,Option 4",
  ...formulas(i + 1),
]);
const start = performance.now();
const engine = HyperFormula.buildFromArray(sheet, { licenseKey: "gpl-v3", useArrayArithmetic: false, maxRows: rows });
const elapsed = performance.now() - start;
const last = engine.getCellValue({ sheet: 0, row: rows - 1, col: 41 });
if (typeof last !== "string" || !last.includes("-")) throw new Error(`unexpected: ${JSON.stringify(last)}`);
for (let col = 22; col < 42; col++) {
  const value = engine.getCellValue({ sheet: 0, row: 4, col });
  if (typeof value === "object" && value !== null) throw new Error(`column ${col}: ${JSON.stringify(value)}`);
}
console.log(Math.round(elapsed));
