import { useVirtualizer, useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { cx } from "./cx";
import { ariaSort, type Column, SortHead, type Sorting } from "./Table";
import css from "./Table.module.css";

export type VirtualListProps = {
  count: number;
  rowHeight: number; // measured when rows differ: `measure`
  measure?: boolean;
  label: string;
  className?: string; // gives the height
  follow?: boolean; // keep the end in view while rows come
  role?: "list" | "log" | "none";
  children: (index: number) => ReactNode;
};

/** A scrolling list with only what is seen in the DOM. */
export function VirtualList({
  count,
  rowHeight,
  measure,
  label,
  className,
  follow,
  role = "list",
  children,
}: VirtualListProps) {
  const parent = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => parent.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: it moves when rows come
  useEffect(() => {
    if (follow && count > 0) virtual.scrollToIndex(count - 1, { align: "end" });
  }, [follow, count]);
  return (
    <div
      ref={parent}
      className={cx(css.virtual, className)}
      tabIndex={0}
      role={role === "none" ? undefined : role}
      aria-label={label}
    >
      <Sized height={virtual.getTotalSize()} className={css.vbody}>
        {virtual.getVirtualItems().map((v) => (
          <Moved
            key={v.key}
            top={v.start}
            index={v.index}
            measure={measure ? virtual.measureElement : undefined}
            role={role === "list" ? "listitem" : undefined}
          >
            {children(v.index)}
          </Moved>
        ))}
      </Sized>
    </div>
  );
}

export type VirtualTableProps<T> = {
  label: string;
  columns: Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  rowHeight: number;
  by?: Sorting;
  onSort?: (s: Sorting) => void;
};

/** A table of thousands of rows that scrolls with the page; at most about 60 rows are in the DOM. */
export function VirtualTable<T>({ label, columns, rows, rowKey, rowHeight, by, onSort }: VirtualTableProps<T>) {
  const body = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  // What stands above may grow or go; where the rows begin is measured at each change.
  useLayoutEffect(() => {
    const top = Math.round((body.current?.getBoundingClientRect().top ?? 0) + window.scrollY);
    if (top !== margin) setMargin(top);
  });
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: () => rowHeight,
    overscan: 10,
    scrollMargin: margin,
  });
  const tracks = columns.map((c) => c.width ?? "minmax(0, 1fr)").join(" ");
  return (
    <div role="table" aria-label={label} aria-rowcount={rows.length + 1}>
      <div role="rowgroup" className={css.vgroup}>
        <div role="row" aria-rowindex={1} className={css.vhead} style={{ gridTemplateColumns: tracks }}>
          {columns.map((c) => (
            <div role="columnheader" key={c.id} aria-sort={ariaSort(by, c.id)} className={cx(c.right && css.right)}>
              {onSort ? <SortHead column={c} by={by} onSort={onSort} /> : c.head}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" ref={body}>
        <Sized height={virtual.getTotalSize()} className={css.vbody}>
          {virtual.getVirtualItems().map((v) => {
            const row = rows[v.index] as T;
            return (
              <VirtualRow
                key={rowKey(row)}
                row={row}
                columns={columns as Column<unknown>[]}
                tracks={tracks}
                index={v.index}
                height={rowHeight}
                top={v.start - margin}
              />
            );
          })}
        </Sized>
      </div>
    </div>
  );
}

type VirtualRowProps = {
  row: unknown;
  columns: Column<unknown>[];
  tracks: string;
  index: number;
  height: number;
  top: number;
};

// Memoized: scrolling draws only the rows that come into view.
const VirtualRow = memo(function VirtualRow({ row, columns, tracks, index, height, top }: VirtualRowProps) {
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={css.vrow}
      style={{ gridTemplateColumns: tracks, height, transform: `translateY(${top}px)` }}
    >
      {columns.map((c) => (
        <div role="cell" key={c.id} className={cx(c.right && css.right, c.right && "num")}>
          {c.cell(row)}
        </div>
      ))}
    </div>
  );
});

// Heights and places are set through the CSSOM, which a strict Content-Security-Policy allows.
function Sized({ height, className, children }: { height: number; className?: string; children: ReactNode }) {
  return (
    <div className={className} style={{ height }}>
      {children}
    </div>
  );
}

type MovedProps = {
  top: number;
  index: number;
  measure?: (e: HTMLElement | null) => void;
  role?: string;
  children: ReactNode;
};

function Moved({ top, index, measure, role, children }: MovedProps) {
  return (
    <div
      ref={measure}
      data-index={index}
      role={role}
      style={{ position: "absolute", inset: "0 0 auto 0", transform: `translateY(${top}px)` }}
    >
      {children}
    </div>
  );
}
