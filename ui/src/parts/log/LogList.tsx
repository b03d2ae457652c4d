import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef } from "react";
import type { Matcher } from "./filter";
import css from "./Log.module.css";
import { LogLine } from "./LogLine";
import type { Line } from "./line";

const ROW = 21; // px, of a line that is not wrapped

export type LogListProps = {
  lines: readonly Line[];
  ranges: Matcher["ranges"];
  wrap: boolean;
  follow: boolean;
  onFollow: (follow: boolean) => void;
  chosen: Line | undefined;
  onChoose: (line: Line | undefined) => void;
  at: string; // the moment the page was opened for; "" for none
  search: Record<string, string | undefined>;
};

/** The lines, with only those in sight in the DOM. Scrolling up stops following; reaching the end begins it again. */
export function LogList({ lines, ranges, wrap, follow, onFollow, chosen, onChoose, at, search }: LogListProps) {
  const box = useRef<HTMLDivElement>(null);
  const placed = useRef("");
  const count = lines.length;
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    getItemKey: (i) => lines[i]?.n ?? i,
    overscan: 16,
  });

  const last = lines[count - 1]?.n;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it moves when a line comes
  useEffect(() => {
    if (follow && count > 0) virtual.scrollToIndex(count - 1, { align: "end" });
  }, [follow, last, wrap]);

  // The log around a moment: the first line from then on, once it is there.
  useEffect(() => {
    if (at === "" || placed.current === at) return;
    const then = new Date(at).getTime();
    const index = lines.findIndex((l) => new Date(l.time).getTime() >= then);
    const line = lines[index];
    if (!line) return;
    placed.current = at;
    onChoose(line);
    virtual.scrollToIndex(index, { align: "center" });
  }, [at, lines, onChoose, virtual]);

  const keys = (e: KeyboardEvent) => {
    const now = chosen ? lines.findIndex((l) => l.n === chosen.n) : -1;
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 400) / ROW) - 2);
    const from = now < 0 ? count : now;
    const to = {
      ArrowUp: from - 1,
      ArrowDown: from + 1,
      PageUp: from - page,
      PageDown: from + page,
      Home: 0,
      End: count - 1,
    }[e.key];
    if (e.key === "Escape" && chosen) return onChoose(undefined);
    if (to === undefined || count === 0 || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    const index = Math.min(count - 1, Math.max(0, to));
    onFollow(false);
    onChoose(lines[index]);
    virtual.scrollToIndex(index, { align: "auto" });
  };

  // Only the reader's own scrolling counts, not what following does.
  const wheel = (up: boolean) => {
    if (up && follow) onFollow(false);
  };
  const scrolled = () => {
    const e = box.current;
    if (e && !follow && at === "" && e.scrollHeight - e.scrollTop - e.clientHeight < 4 && !chosen) onFollow(true);
  };

  return (
    <div
      ref={box}
      className={css.list}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label="Lines of the log; the arrow keys choose one"
      onKeyDown={keys}
      onWheel={(e) => wheel(e.deltaY < 0)}
      onTouchMove={() => wheel(true)}
      onScroll={scrolled}
    >
      <div className={css.all} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((v) => {
          const line = lines[v.index];
          if (!line) return null;
          return (
            <div
              key={v.key}
              data-index={v.index}
              ref={wrap ? virtual.measureElement : undefined}
              className={css.row}
              style={{ transform: `translateY(${v.start}px)` }}
            >
              <LogLine
                line={line}
                ranges={ranges}
                chosen={chosen?.n === line.n}
                wrap={wrap}
                search={search}
                onChoose={onChoose}
              />
            </div>
          );
        })}
      </div>
    </div>
  );
}
