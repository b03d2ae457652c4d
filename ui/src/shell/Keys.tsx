import { Dialog } from "../kit/Dialog";
import css from "./Shell.module.css";
import { shortcuts } from "./shortcuts";

export default function Keys({ onClose }: { onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} title="Keyboard shortcuts">
      <dl className={css.keys}>
        {shortcuts.map(([keys, does]) => (
          <div key={does} style={{ display: "contents" }}>
            <dt>
              {keys.map((k) => (
                <kbd key={k}>{k}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
