/** A sentence of the server: what stands between backticks is a command, and is set as one. Everything is text. */
export function Prose({ children }: { children: string }) {
  const parts = children.split("`");
  if (parts.length < 3) return <>{children}</>;
  // An odd number of backticks leaves the last part without an end: it is text.
  return (
    <>
      {parts.map((part, i) =>
        i % 2 === 1 && i < parts.length - 1 ? <code key={i}>{part}</code> : (i % 2 === 1 ? "`" : "") + part,
      )}
    </>
  );
}

/** A text of the server as a sentence begins: but a key, a name with a dot or a command stays as it is. */
export function capital(text: string): string {
  const word = /^\S*/.exec(text)?.[0] ?? "";
  return /[._`/=]/.test(word.replace(/[.,:;]$/, "")) ? text : text.charAt(0).toUpperCase() + text.slice(1);
}
