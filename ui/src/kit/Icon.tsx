import type { IconShape } from "./icons";

/** A Flight icon, in the colour of the text around it. Without a label it is left out for screen readers. */
export function Icon({
  of,
  label,
  size = 16,
  className,
}: {
  of: IconShape;
  label?: string;
  size?: number;
  className?: string;
}) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      className={className}
      role={label ? "img" : undefined}
      aria-label={label}
      aria-hidden={label ? undefined : true}
      focusable="false"
    >
      {of.map(([path, evenOdd, opacity, fill]) => (
        <path
          key={path}
          d={path}
          fill={fill ?? "currentColor"}
          fillRule={evenOdd ? "evenodd" : undefined}
          opacity={opacity === 1 ? undefined : opacity}
        />
      ))}
    </svg>
  );
}
