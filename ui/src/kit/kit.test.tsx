// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { StatusBadge } from "./Badge";
import { Button, IconButton } from "./Button";
import { CliHint, command } from "./CliHint";
import { ConfirmDialog } from "./Dialog";
import { diffLines } from "./Diff";
import { Field, TextInput } from "./Field";
import { xIcon } from "./icons";
import { Menu } from "./Menu";
import { Table } from "./Table";
import { ago, duration, Time } from "./Time";
import { ToastProvider, useToast } from "./Toast";

afterEach(cleanup);

test("a field's label, hint and error are its control's", () => {
  render(
    <Field label="Name" hint="Up to 24 letters." error="Name shop is taken.">
      <TextInput />
    </Field>,
  );
  const input = screen.getByLabelText("Name");
  const told = (input.getAttribute("aria-describedby") ?? "")
    .split(" ")
    .map((id) => document.getElementById(id)?.textContent);
  expect(told).toEqual(["Up to 24 letters.", "Name shop is taken."]);
  expect(input.getAttribute("aria-invalid")).toBe("true");
  expect(screen.getByRole("alert").textContent).toBe("Name shop is taken.");
});

test("a busy button does nothing, and says so", () => {
  const press = vi.fn();
  const { rerender } = render(
    <Button busy onClick={press}>
      Scale
    </Button>,
  );
  fireEvent.click(screen.getByRole("button", { name: "Scale" }));
  expect(press).not.toHaveBeenCalled();
  expect(screen.getByRole("button").getAttribute("aria-busy")).toBe("true");
  rerender(<Button onClick={press}>Scale</Button>);
  fireEvent.click(screen.getByRole("button"));
  expect(press).toHaveBeenCalledTimes(1);
});

test("a button of an icon has a name, and its icon is not read", () => {
  render(<IconButton icon={xIcon} label="Close" />);
  expect(screen.getByRole("button", { name: "Close" }).querySelector("svg")?.getAttribute("aria-hidden")).toBe("true");
});

test("a state is a word with an icon", () => {
  render(<StatusBadge kind="app" word="failing" />);
  expect(screen.getByText("Failing").parentElement?.querySelector("svg")).not.toBeNull();
});

test("what can't be undone has to be typed", () => {
  const destroy = vi.fn();
  render(
    <ConfirmDialog
      open
      onClose={() => {}}
      title="Destroy shop?"
      description="All of it goes."
      confirm="Destroy shop"
      name="shop"
      onConfirm={destroy}
    />,
  );
  const button = screen.getByRole("button", { name: "Destroy shop" });
  expect(button).toHaveProperty("disabled", true);
  fireEvent.submit(button.closest("form") as HTMLFormElement);
  fireEvent.change(screen.getByLabelText("Type shop to confirm"), { target: { value: "sho" } });
  expect(button).toHaveProperty("disabled", true);
  expect(destroy).not.toHaveBeenCalled();
  fireEvent.change(screen.getByLabelText("Type shop to confirm"), { target: { value: "shop" } });
  fireEvent.submit(button.closest("form") as HTMLFormElement);
  expect(destroy).toHaveBeenCalledTimes(1);
});

test("a table sorts by a column, and says how it is sorted", () => {
  const rows = [{ n: 10 }, { n: 9 }, { n: 100 }];
  render(
    <Table
      label="Numbers"
      rows={rows}
      rowKey={(r) => String(r.n)}
      columns={[{ id: "n", head: "N", cell: (r) => r.n, sort: (r) => r.n }]}
    />,
  );
  const cells = () => screen.getAllByRole("cell").map((c) => c.textContent);
  expect(cells()).toEqual(["10", "9", "100"]);
  fireEvent.click(screen.getByRole("button", { name: "N" }));
  expect(cells()).toEqual(["9", "10", "100"]);
  expect(screen.getByRole("columnheader").getAttribute("aria-sort")).toBe("ascending");
  fireEvent.click(screen.getByRole("button", { name: "N" }));
  expect(cells()).toEqual(["100", "10", "9"]);
  expect(screen.getByRole("columnheader").getAttribute("aria-sort")).toBe("descending");
});

test("a menu is fetched when it is opened, and what is chosen is done", async () => {
  const out = vi.fn();
  render(
    <Menu
      label="You"
      trigger={<button type="button">ada</button>}
      items={[{ heading: "You" }, { label: "Sign out", onSelect: out }]}
    />,
  );
  const button = screen.getByRole("button", { name: "ada" });
  expect(button.getAttribute("aria-haspopup")).toBe("menu");
  expect(button.getAttribute("aria-expanded")).toBe("false");
  fireEvent.click(button);
  fireEvent.click(await screen.findByRole("menuitem", { name: "Sign out" }));
  expect(out).toHaveBeenCalledTimes(1);
  await waitFor(() => expect(screen.queryByRole("menu")).toBeNull());
});

test("a command's words are quoted where a shell would take them apart", () => {
  expect(command("crumpet", "scale", "shop", "web=3")).toBe("crumpet scale shop web=3");
  expect(command("crumpet", "set", "GREETING=it's $HOME", false, undefined)).toBe(
    "crumpet set 'GREETING=it'\\''s $HOME'",
  );
  render(<CliHint command="crumpet apps" />);
  expect(screen.getByRole("button", { name: "Copy the command" })).toBeDefined();
});

test("times are said relative, and in full on hover; the time of nothing is never", () => {
  render(
    <>
      <Time at={new Date(Date.now() - 65_000)} />
      <Time at="0001-01-01T00:00:00Z" />
      <Time at={undefined} none="not yet" />
    </>,
  );
  const shown = screen.getByText("1m ago");
  expect(shown.getAttribute("title")).toBeTruthy();
  expect(screen.getByText("never")).toBeDefined();
  expect(screen.getByText("not yet")).toBeDefined();
  expect([ago(0), ago(59_999), ago(3_600_000), ago(3 * 86_400_000)]).toEqual(["0s", "59s", "1h", "3d"]);
  expect([duration(12), duration(4200), duration(72_000)]).toEqual(["12 ms", "4.2 s", "1 m 12 s"]);
});

function Say() {
  const toast = useToast();
  return (
    <button
      type="button"
      onClick={() => {
        toast("Scaled shop.");
        toast("It failed.", "bad");
      }}
    >
      say
    </button>
  );
}

test("a message is told to screen readers and goes; a bad one stays", () => {
  vi.useFakeTimers();
  render(
    <ToastProvider>
      <Say />
    </ToastProvider>,
  );
  fireEvent.click(screen.getByText("say"));
  expect(screen.getByRole("region", { name: "Messages" }).getAttribute("aria-live")).toBe("polite");
  expect(screen.getByText("Scaled shop.")).toBeDefined();
  act(() => void vi.advanceTimersByTime(6000));
  expect(screen.queryByText("Scaled shop.")).toBeNull();
  expect(screen.getByText("It failed.")).toBeDefined();
  vi.useRealTimers();
});

test("a diff has what went before what came, and the numbers of both sides", () => {
  expect(
    diffLines("a\nb\nc\nd", "a\nc\nx\nd").map((l) => `${l.sign}${l.text} ${l.before ?? ""}|${l.after ?? ""}`),
  ).toEqual([" a 1|1", "-b 2|", " c 3|2", "+x |3", " d 4|4"]);
  expect(diffLines("same", "same").every((l) => l.sign === " ")).toBe(true);
});
