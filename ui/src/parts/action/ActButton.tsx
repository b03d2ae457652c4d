import { Button, type ButtonProps } from "../../kit/Button";
import { useToast } from "../../kit/Toast";

/** A button that says why it does nothing, where it does nothing: it can still have the focus. */
export function ActButton({ refused, onClick, title, disabled, type, ...rest }: ButtonProps & { refused?: string }) {
  const toast = useToast();
  if (!refused) return <Button {...rest} type={type} disabled={disabled} title={title} onClick={onClick} />;
  return <Button {...rest} aria-disabled="true" title={refused} onClick={() => toast(refused, "info")} />;
}
