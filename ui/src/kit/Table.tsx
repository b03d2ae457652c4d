import { type ReactNode, useMemo, useState } from "react";
import { cx } from "./cx";
import { Icon } from "./Icon";
import { arrowDownIcon, arrowUpIcon } from "./icons";
import css from "./Table.module.css";

export type Column<T> = {
  id: string;
  head: ReactNode; // text; read out when it is the row's name
  cell: (row: T) => ReactNode;
  sort?: (row: T) => string | number; // by what it is sorted; without, it is not
  right?: boolean; // numbers
  width?: string; // a track of CSS grid, for VirtualTable
};

export type Sorting = { id: string; down: boolean };

export type TableProps<T> = {
  label: string;
  columns: Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  initial?: Sorting;
  empty?: ReactNode;
};

/** The rows in the order of a column. */
export function sorted<T>(rows: readonly T[], columns: Column<T>[], by: Sorting | undefined): readonly T[] {
  const value = columns.find((c) => c.id === by?.id)?.sort;
  if (!value || !by) return rows;
  const compare = (a: T, b: T) => {
    const x = value(a);
    const y = value(b);
    return typeof x === "number" && typeof y === "number" ? x - y : x < y ? -1 : x > y ? 1 : 0;
  };
  return [...rows].sort(by.down ? (a, b) => compare(b, a) : compare);
}

export function SortHead<T>({
  column,
  by,
  onSort,
}: {
  column: Column<T>;
  by: Sorting | undefined;
  onSort: (s: Sorting) => void;
}) {
  if (!column.sort) return <>{column.head}</>;
  const on = by?.id === column.id;
  return (
    <button
      type="button"
      className={css.sort}
      data-on={on}
      onClick={() => onSort({ id: column.id, down: on ? !by.down : false })}
    >
      {column.head}
      <Icon of={on && by.down ? arrowDownIcon : arrowUpIcon} />
    </button>
  );
}

export const ariaSort = (by: Sorting | undefined, id: string) =>
  by?.id === id ? (by.down ? "descending" : "ascending") : undefined;

/** A table of up to some hundred rows; more belong into VirtualTable. */
export function Table<T>({ label, columns, rows, rowKey, initial, empty }: TableProps<T>) {
  const [by, setBy] = useState(initial);
  const list = useMemo(() => sorted(rows, columns, by), [rows, columns, by]);
  if (rows.length === 0 && empty) return <>{empty}</>;
  return (
    <div className={css.scroll} tabIndex={0} role="group" aria-label={label}>
      <table className={css.table} aria-label={label}>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.id} scope="col" className={cx(c.right && css.right)} aria-sort={ariaSort(by, c.id)}>
                <SortHead column={c} by={by} onSort={setBy} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {list.map((row) => (
            <tr key={rowKey(row)}>
              {columns.map((c) => (
                <td key={c.id} className={cx(c.right && css.right, c.right && "num")}>
                  {c.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
