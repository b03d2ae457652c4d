/** A crumpet, from above and a little aside. */
export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="#bb5a00" />
      <path
        fill="#fff9e8"
        d="M16 7c6.600 0 11 2.600 11 6.200 0 1.500-.7 2.700-1.800 3.600v5.700c0 1.800-4 3.500-9.200 3.500s-9.200-1.700-9.200-3.500v-5.700C5.700 15.900 5 14.700 5 13.200 5 9.600 9.400 7 16 7z"
      />
      <g fill="#bb5a00">
        <circle cx="11" cy="12.500" r="1.500" />
        <circle cx="16" cy="15" r="1.500" />
        <circle cx="21" cy="12.500" r="1.500" />
        <circle cx="16" cy="10" r="1.200" />
      </g>
    </svg>
  );
}
