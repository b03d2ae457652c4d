// Writes src/kit/icons.ts: the Flight icons that are used, as path data. Add a name here and run `npm run icons`.
import { readFileSync, writeFileSync } from "node:fs";

const names =
  `activity alert-circle alert-diamond alert-octagon alert-triangle arrow-down arrow-left arrow-right arrow-up auto-apply bar-chart
bell box bookmark caret check check-circle check-circle-fill chevron-down chevron-left chevron-right chevron-up clipboard clipboard-copy clock
cloud-off command corner-down-right dashboard database delay delete diamond dot dot-half download edit external-link eye eye-off file-text filter
fast-forward git-branch git-commit globe hard-drive help hexagon history home hourglass identity-user info key keychain layers link loading lock
menu minus minus-circle monitor moon more-horizontal network outline pause pause-circle pipeline play play-circle plus plus-circle queue
redirect reload repeat rocket rotate-ccw search send server server-cluster service settings shield skip sliders sort-asc sort-desc
star stop-circle sun swap-horizontal sync tag terminal terminal-screen token trash trend-up unlock upload folder-users nomad-color consul-color vault-color nomad consul bank-vault user user-check user-circle user-minus user-plus users
vault wand x x-circle x-circle-fill wrench tools zap`.split(/\s+/);

const dir = new URL("../node_modules/@hashicorp/flight-icons/svg/", import.meta.url);
let text = `// Made by \`npm run icons\` from @hashicorp/flight-icons (MPL-2.0): the 16 px drawings. One constant each, so that only
// what is used is bundled. Draw them with <Icon of={searchIcon} />.
export type IconShape = readonly (readonly [path: string, evenOdd: number, opacity: number, fill?: string])[];

`;
for (const name of [...new Set(names)].sort()) {
  let svg;
  try {
    svg = readFileSync(new URL(`${name}-16.svg`, dir), "utf8");
  } catch {
    console.error(`Flight has no icon ${name}`);
    process.exitCode = 1;
    continue;
  }
  const inner = svg.replace(/^<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "");
  const paths = [...inner.matchAll(/<path ([^>]*)\/>/g)].map((m) => ({
    d: / ?d="([^"]*)"/.exec(m[1])[1],
    rule: /fill-rule="evenodd"/.test(m[1]),
    fill: /fill="(#[^"]*)"/.exec(m[1])?.[1],
    opacity: /opacity="([^"]*)"/.exec(m[1])?.[1],
  }));
  if (paths.length === 0 || /<(?!path|g|\/g|defs|clipPath|\/)/.test(inner))
    console.error(`look at ${name}: ${inner.slice(0, 80)}`);
  const constant = `${name.replace(/-(.)/g, (_, c) => c.toUpperCase())}Icon`;
  const shape = paths.map((p) =>
    JSON.stringify([p.d, p.rule ? 1 : 0, p.opacity ? Number(p.opacity) : 1, ...(p.fill ? [p.fill] : [])]),
  );
  text += `export const ${constant}: IconShape = [${shape.join(", ")}];\n`;
}
writeFileSync(new URL("../src/kit/icons.ts", import.meta.url), text);
