import { Button, type ButtonProps, IconButton, type IconButtonProps } from "../../kit/Button";
import { useToast } from "../../kit/Toast";

/** A button that says why it does nothing, where it does nothing: it can still have the focus. */
export function ActButton({ refused, onClick, title, disabled, type, ...rest }: ButtonProps & { refused?: string }) {
  const toast = useToast();
  if (!refused) return <Button {...rest} type={type} disabled={disabled} title={title} onClick={onClick} />;
  return <Button {...rest} aria-disabled="true" title={refused} onClick={() => toast(refused, "info")} />;
}

/** The same for a button of an icon only: its name stays what it would do. */
export function ActIcon({ refused, onClick, disabled, ...rest }: IconButtonProps & { refused?: string }) {
  const toast = useToast();
  if (!refused) return <IconButton {...rest} disabled={disabled} onClick={onClick} />;
  return <IconButton {...rest} aria-disabled="true" title={refused} onClick={() => toast(refused, "info")} />;
}
