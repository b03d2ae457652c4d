/** What a call came to when it failed: the API's problem+json, or the connection's fault (status 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: readonly Fault[];
  readonly requestId: string;

  constructor(of: { status: number; code: string; detail: string; errors?: Fault[] | null; request_id?: string }) {
    super(of.detail);
    this.name = "ApiError";
    this.status = of.status;
    this.code = of.code;
    this.errors = of.errors ?? [];
    this.requestId = of.request_id ?? "";
  }

  /** The message about one field of the input, by its location. */
  about(location: string): string | undefined {
    return this.errors.find((e) => e.location === location)?.message;
  }
}

export type Fault = { location?: string; message: string };

/** Makes an error of an answer that is none of the good ones. */
export function errorOf(status: number, body: unknown, requestId: string | null): ApiError {
  const b = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  return new ApiError({
    status,
    code: typeof b.code === "string" ? b.code : "internal",
    detail: typeof b.detail === "string" ? b.detail : `The server answered ${status} without a reason.`,
    errors: Array.isArray(b.errors) ? (b.errors as Fault[]) : [],
    request_id: typeof b.request_id === "string" ? b.request_id : (requestId ?? ""),
  });
}

/** The connection's own fault: nothing came back. */
export const unreachable = () =>
  new ApiError({
    status: 0,
    code: "unreachable",
    detail: "The server could not be reached. Nothing is known of what became of the call.",
  });
