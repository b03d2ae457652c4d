import { Component, lazy, type ReactNode, Suspense } from "react";
import { TextArea } from "../../kit/Field";
import type { Placed } from "./faults";
import css from "./Release.module.css";

export type SpecEditorProps = {
  value: string;
  onChange: (text: string) => void;
  faults: readonly Placed[];
  label: string;
};

const CodeEditor = lazy(() => import("./CodeEditor"));

/** The text of a spec to edit. A plain field stands in until the editor has come, and where it does not come. */
export function SpecEditor(props: SpecEditorProps) {
  const plain = <Plain {...props} />;
  return (
    <div className={css.editor}>
      <Fallback to={plain}>
        <Suspense fallback={plain}>
          <CodeEditor {...props} />
        </Suspense>
      </Fallback>
      {props.faults.length > 0 && (
        <ul className={css.faults} aria-label="Faults of the spec">
          {props.faults.map((f) => (
            <li key={`${f.location} ${f.message}`}>
              {f.line !== undefined && (
                <span className={css.at}>
                  line {f.line}
                  {f.column !== undefined && `, column ${f.column}`}
                </span>
              )}
              <span>
                {f.message} {f.location && f.line === undefined && <code>{f.location}</code>}
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Plain({ value, onChange, label }: SpecEditorProps) {
  return (
    <TextArea
      mono
      className={css.plain}
      value={value}
      onChange={(e) => onChange(e.target.value)}
      aria-label={label}
      spellCheck={false}
      autoCapitalize="off"
      wrap="off"
    />
  );
}

class Fallback extends Component<{ to: ReactNode; children: ReactNode }, { broken: boolean }> {
  state = { broken: false };
  static getDerivedStateFromError = () => ({ broken: true });
  render() {
    return this.state.broken ? this.props.to : this.props.children;
  }
}
