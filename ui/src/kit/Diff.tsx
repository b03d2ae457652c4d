import css from "./Code.module.css";
import { cx } from "./cx";

type Line = { sign: " " | "+" | "-"; text: string; before?: number; after?: number };

/** Lines of two texts, by the longest common run. Texts above 4,000 lines are compared line by line only. */
export function diffLines(before: string, after: string): Line[] {
  const a = before.split("\n");
  const b = after.split("\n");
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const out: Line[] = [];
  for (let i = 0; i < start; i++) out.push({ sign: " ", text: a[i] ?? "", before: i + 1, after: i + 1 });
  const x = a.slice(start, endA);
  const y = b.slice(start, endB);
  const common = x.length * y.length <= 4_000_000 ? table(x, y) : undefined;
  let i = 0;
  let j = 0;
  while (i < x.length || j < y.length) {
    if (common && i < x.length && j < y.length && x[i] === y[j]) {
      out.push({ sign: " ", text: x[i] ?? "", before: start + ++i, after: start + ++j });
    } else if (i < x.length && (j >= y.length || !common || (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
      out.push({ sign: "-", text: x[i] ?? "", before: start + ++i });
    } else {
      out.push({ sign: "+", text: y[j] ?? "", after: start + ++j });
    }
  }
  for (let k = 0; endA + k < a.length; k++)
    out.push({ sign: " ", text: a[endA + k] ?? "", before: endA + k + 1, after: endB + k + 1 });
  return out;
}

function table(x: string[], y: string[]): Uint16Array[] {
  const t = Array.from({ length: x.length + 1 }, () => new Uint16Array(y.length + 1));
  for (let i = x.length - 1; i >= 0; i--) {
    const row = t[i] as Uint16Array;
    const below = t[i + 1] as Uint16Array;
    for (let j = y.length - 1; j >= 0; j--)
      row[j] = x[i] === y[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
  }
  return t;
}

/** Two texts, what went and what came. Far from a change, lines are left out. */
export function Diff({
  before,
  after,
  label,
  context = 3,
}: {
  before: string;
  after: string;
  label: string;
  context?: number;
}) {
  const lines = diffLines(before, after);
  const near = lines.map((_, i) => lines.slice(Math.max(0, i - context), i + context + 1).some((l) => l.sign !== " "));
  if (!near.some(Boolean)) return <p className="faint">Nothing differs.</p>;
  return (
    <div className={css.diff} tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead className="hidden">
          <tr>
            <th scope="col">Line before</th>
            <th scope="col">Line after</th>
            <th scope="col">Change</th>
            <th scope="col">Text</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((l, i) => {
            if (near[i])
              return (
                <tr key={i} className={cx(l.sign === "+" && css.add, l.sign === "-" && css.del)}>
                  <td className={css.n}>{l.before}</td>
                  <td className={css.n}>{l.after}</td>
                  <td className={css.sign}>{l.sign}</td>
                  <td>{l.text}</td>
                </tr>
              );
            return near[i - 1] || i === 0 ? (
              <tr key={i} className={css.gap}>
                <td colSpan={4}>…</td>
              </tr>
            ) : null;
          })}
        </tbody>
      </table>
    </div>
  );
}
