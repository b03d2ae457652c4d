// A stand-in for the server, to look at pages and to measure them with as many apps as wanted: the built pages with the
// server's headers, gzip, and enough of the API for the shell and the list. `node e2e/fake.mjs 10000 8080`
import { randomUUID } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

const teams = ["default", "checkout", "search", "payments", "data", "mobile"];
const people = ["ada", "grace", "linus", "margaret", "barbara", "ci-bot"];
const nouns = [
  "shop",
  "cart",
  "api",
  "worker",
  "web",
  "mailer",
  "search",
  "auth",
  "feed",
  "images",
  "billing",
  "admin",
];
const reasons = {
  failing: "web: exit code 1, 4 times in 2 minutes: cannot open database “orders”",
  degraded: "web: 2 of 3 instances are healthy; no node has 512 MB free",
  deploying: "release 24 to web: 1 of 3 moved",
  pending: "waits for the service db",
};

export function apps(n) {
  const list = [];
  for (let i = 0; i < n; i++) {
    const r = (i * 2654435761) % 1000;
    const status =
      r < 6
        ? "failing"
        : r < 24
          ? "degraded"
          : r < 44
            ? "deploying"
            : r < 52
              ? "pending"
              : r < 950
                ? "running"
                : "stopped";
    const wanted = status === "stopped" ? 0 : [1, 2, 3, 3, 5, 12][i % 6];
    list.push({
      app: `${nouns[i % nouns.length]}-${String(i).padStart(5, "0")}`,
      team: teams[Math.floor((i * teams.length) / n)],
      status,
      health: status === "running" ? "healthy" : "degraded",
      reason: reasons[status] ?? "",
      release: (i % 37) + 1,
      slot: "blue",
      urls: i % 5 ? [`http://app-${i}.127.0.0.1.nip.io:9999/`] : [],
      created_at: "2026-10-01T08:00:00Z",
      wanted,
      healthy:
        status === "failing" || status === "pending" ? 0 : status === "degraded" ? Math.max(0, wanted - 1) : wanted,
      rate: status === "stopped" ? 0 : (r * r) / 900,
      errors: r % 9 === 0 ? r / 9000 : 0,
      deployed_at: new Date(Date.now() - ((i * 7919) % 2_000_000) * 1000).toISOString(),
      deployed_by: people[i % people.length],
    });
  }
  return list.sort((a, b) => (`${a.team}/${a.app}` < `${b.team}/${b.app}` ? -1 : 1));
}

export function serve(n, port = 0) {
  const all = apps(n);
  const streams = new Set();
  const server = createServer((req, res) => {
    const url = new URL(req.url, "http://fake");
    const json = (status, body) => {
      const text = gzipSync(JSON.stringify(body));
      res.writeHead(status, {
        "Content-Type": "application/json",
        "Content-Encoding": "gzip",
        "Content-Length": text.length,
        "Cache-Control": "no-store",
      });
      res.end(text);
    };
    if (url.pathname === "/v1/self") return json(200, { user: "ada", kind: "person", admin: true, roles: {} });
    if (url.pathname === "/v1/teams")
      return json(200, { items: teams.map((name) => ({ name, description: "" })), next: "" });
    if (url.pathname === "/v1/events" && req.headers.accept?.includes("event-stream")) {
      res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      const beat = () => res.write(`event: beat\ndata: ${JSON.stringify({ time: new Date(), backends: [] })}\n\n`);
      beat();
      const timer = setInterval(beat, 5000);
      streams.add(res);
      res.on("close", () => {
        clearInterval(timer);
        streams.delete(res);
      });
      return;
    }
    if (url.pathname === "/v1/apps") {
      const team = url.searchParams.get("team") ?? "default";
      const after = url.searchParams.get("after") ?? "";
      const limit = Number(url.searchParams.get("limit") ?? 50);
      const q = url.searchParams.get("q") ?? "";
      const fits = all.filter(
        (a) => (team === "*" || a.team === team) && `${a.team}/${a.app}` > after && a.app.includes(q),
      );
      const items = fits.slice(0, limit);
      const last = items.at(-1);
      return json(200, { items, next: fits.length > limit && last ? `${last.team}/${last.app}` : "" });
    }
    const one = /^\/v1\/apps\/([^/]+)$/.exec(url.pathname);
    if (one) {
      const a = all.find((x) => x.app === one[1] && x.team === (url.searchParams.get("team") ?? "default"));
      return a
        ? json(200, a)
        : json(404, { code: "not_found", status: 404, detail: `There is no app ${one[1]}.`, request_id: "x" });
    }
    if (url.pathname.startsWith("/v1/"))
      return json(404, {
        code: "not_found",
        status: 404,
        detail: `The stand-in has no ${url.pathname}.`,
        request_id: "x",
      });
    let file = join(dist, url.pathname);
    try {
      if (!statSync(file).isFile()) throw new Error("folder");
    } catch {
      file = join(dist, "index.html");
    }
    const nonce = randomUUID();
    let body = readFileSync(file);
    if (file.endsWith("index.html")) body = Buffer.from(String(body).replaceAll("{{nonce}}", nonce));
    body = gzipSync(body, { level: 9 });
    res.writeHead(200, {
      "Content-Type": types[extname(file)] ?? "application/octet-stream",
      "Content-Encoding": "gzip",
      "Content-Length": body.length,
      "Content-Security-Policy": `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    });
    res.end(body);
  });
  return new Promise((done) =>
    server.listen(port, "127.0.0.1", () =>
      done({
        url: `http://127.0.0.1:${server.address().port}`,
        tell: (names) => {
          for (const s of streams) s.write(`event: changed\ndata: ${JSON.stringify({ apps: names })}\n\n`);
        },
        names: all.map((a) => `${a.team}/${a.app}`),
        close: () => {
          server.closeAllConnections();
          server.close();
        },
      }),
    ),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(Number(process.argv[2] ?? 100), Number(process.argv[3] ?? 0));
  console.log(url);
}
