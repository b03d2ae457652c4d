// Writes src/api/schema.d.ts from what bin/crumpet says of its API; with --check it fails when the file is another.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const program = process.env.CRUMPET_BIN ?? fileURLToPath(new URL("../../bin/crumpet", import.meta.url));
const file = new URL("../src/api/schema.d.ts", import.meta.url);
const document = JSON.parse(execFileSync(program, ["openapi"], { maxBuffer: 64 << 20, encoding: "utf8" }));
const text = `// Made by \`npm run types\` from the server's /openapi.json.\n\n${astToString(await openapiTS(document))}`;
if (!process.argv.includes("--check")) writeFileSync(file, text);
else if (readFileSync(file, "utf8") !== text) {
  console.error("ui/src/api/schema.d.ts is not that of this server: run `make build`, then `npm run types` in ui/");
  process.exit(1);
}
