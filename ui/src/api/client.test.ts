// @vitest-environment happy-dom
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { api, call, whenSignedOut } from "./client";
import { ApiError } from "./error";

const server = setupServer();
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const at = (path: string) => new URL(path, location.origin).href;

test("each call carries the header that a form can't send", async () => {
  const seen: (string | null)[] = [];
  server.use(
    http.get(at("/v1/apps/shop"), ({ request }) => {
      seen.push(request.headers.get("X-Crumpet-Session"));
      return HttpResponse.json({ app: "shop" });
    }),
  );
  await api.GET("/v1/apps/{app}", { params: { path: { app: "shop" } } });
  await call("GET", at("/v1/apps/shop"));
  expect(seen).toEqual(["1", "1"]);
});

test("a problem becomes one error with all it says", async () => {
  server.use(
    http.get(at("/v1/apps/shop"), () =>
      HttpResponse.json(
        {
          status: 422,
          code: "invalid",
          detail: "Two things are wrong.",
          errors: [{ location: "name", message: "is taken" }],
          request_id: "abc",
        },
        { status: 422, headers: { "Content-Type": "application/problem+json" } },
      ),
    ),
  );
  for (const ask of [
    () => api.GET("/v1/apps/{app}", { params: { path: { app: "shop" } } }),
    () => call("GET", at("/v1/apps/shop")),
  ]) {
    const e = await ask().then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(e).toBeInstanceOf(ApiError);
    expect(e).toMatchObject({ status: 422, code: "invalid", message: "Two things are wrong.", requestId: "abc" });
    expect((e as ApiError).about("name")).toBe("is taken");
    expect((e as ApiError).about("other")).toBeUndefined();
  }
});

test("an answer that is no problem, as of a proxy, is an error with its status and request", async () => {
  server.use(
    http.get(
      at("/v1/apps/shop"),
      () => new HttpResponse("<h1>Bad gateway</h1>", { status: 502, headers: { "X-Request-Id": "r1" } }),
    ),
  );
  await expect(api.GET("/v1/apps/{app}", { params: { path: { app: "shop" } } })).rejects.toMatchObject({
    status: 502,
    code: "internal",
    requestId: "r1",
  });
});

test("a server that can't be reached is an error of status 0", async () => {
  server.use(http.get(at("/v1/apps/shop"), () => HttpResponse.error()));
  await expect(api.GET("/v1/apps/{app}", { params: { path: { app: "shop" } } })).rejects.toMatchObject({
    status: 0,
    code: "unreachable",
  });
});

test("a session that has ended leads to the page of signing in; a wrong password there does not", async () => {
  const signedOut = vi.fn();
  whenSignedOut(signedOut);
  const refused = () => HttpResponse.json({ status: 401, code: "unauthorized", detail: "No." }, { status: 401 });
  server.use(http.get(at("/v1/apps/shop"), refused), http.post(at("/v1/login"), refused));
  await expect(call("POST", at("/v1/login").replace(location.origin, ""), { body: {} })).rejects.toMatchObject({
    status: 401,
  });
  expect(signedOut).not.toHaveBeenCalled();
  await expect(api.GET("/v1/apps/{app}", { params: { path: { app: "shop" } } })).rejects.toMatchObject({ status: 401 });
  expect(signedOut).toHaveBeenCalledTimes(1);
});
