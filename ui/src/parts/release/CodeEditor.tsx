import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { hcl } from "codemirror-lang-hcl";
import { useEffect, useRef } from "react";
import type { SpecEditorProps } from "./SpecEditor";

// Colours are the theme's: they follow the switch of light and dark by themselves.
const look = EditorView.theme({
  "&": { fontSize: "13px", backgroundColor: "var(--code-surface)", color: "var(--text-strong)", borderRadius: "5px" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "0" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", minHeight: "280px", maxHeight: "62vh" },
  ".cm-content": { padding: "10px 0", caretColor: "var(--text-strong)" },
  ".cm-gutters": { backgroundColor: "var(--surface-strong)", color: "var(--text-faint)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--surface-hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-cursor": { borderLeftColor: "var(--text-strong)" },
  ".cm-matchingBracket": { backgroundColor: "var(--surface-active)", color: "inherit" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    border: "1px solid var(--border)",
    borderRadius: "6px",
  },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad-solid)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad-solid)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: "var(--text-faint)", fontStyle: "italic" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--good)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--highlight)" },
  { tag: [tags.keyword, tags.typeName, tags.definition(tags.typeName)], color: "var(--action)", fontWeight: "600" },
  { tag: [tags.propertyName, tags.attributeName, tags.variableName], color: "var(--action)" },
  { tag: [tags.function(tags.variableName)], color: "var(--warn)" },
]);

// What is typed over a selection is put in its place here. Chromium, left to it, keeps the colours of what was selected by a
// style="..." on an element of its own, which the Content-Security-Policy refuses and tells of. Words that are still being
// composed stay the browser's.
const typedOver = EditorView.domEventHandlers({
  beforeinput(e, view) {
    const { state } = view;
    if (e.inputType !== "insertText" || !e.data || !e.cancelable || view.composing || state.readOnly) return false;
    if (state.selection.ranges.every((r) => r.empty)) return false;
    view.dispatch({ ...state.replaceSelection(e.data), userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

/** CodeMirror with HCL. Its styles take the response's nonce. Tab leaves it, as it leaves every field. */
export default function CodeEditor({ value, onChange, faults, label }: SpecEditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const told = useRef(onChange);
  told.current = onChange;

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; the value and the faults follow below
  useEffect(() => {
    const parent = box.current;
    if (!parent) return;
    const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "";
    const made = new EditorView({
      parent,
      state: EditorState.create({
        doc: value,
        extensions: [
          nonce ? EditorView.cspNonce.of(nonce) : [],
          lineNumbers(),
          lintGutter(),
          highlightActiveLineGutter(),
          highlightActiveLine(),
          history(),
          drawSelection(),
          indentUnit.of("  "),
          EditorState.tabSize.of(2),
          indentOnInput(),
          bracketMatching(),
          hcl(),
          syntaxHighlighting(colours),
          keymap.of([...defaultKeymap, ...historyKeymap]),
          EditorView.contentAttributes.of({
            "aria-label": label,
            tabindex: "0",
            spellcheck: "false",
            autocapitalize: "off",
          }),
          EditorView.updateListener.of((u) => u.docChanged && told.current(u.state.doc.toString())),
          typedOver,
          look,
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = undefined;
    };
  }, []);

  useEffect(() => {
    const v = view.current;
    if (v && v.state.doc.toString() !== value)
      v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    const v = view.current;
    if (!v) return;
    const doc = v.state.doc;
    v.dispatch(
      setDiagnostics(
        v.state,
        faults
          .filter((f) => f.line !== undefined && f.line >= 1 && f.line <= doc.lines)
          .map((f) => {
            const line = doc.line(f.line ?? 1);
            const from = Math.min(line.to, line.from + Math.max(0, (f.column ?? 1) - 1));
            return { from, to: line.to, severity: "error" as const, message: f.message };
          }),
      ),
    );
  }, [faults]);

  return <div ref={box} />;
}
