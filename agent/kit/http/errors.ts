/** What can go wrong between us and another host; whoever asked turns it into its own words. */

/**
 * - `refused`: 401, 403 · `missing`: 404, 410 · `rate`: 429 after all waiting · `quota`: a 429 that no waiting cures · `budget`: our own
 *   daily budget is spent, nothing was sent · `server`: 5xx · `network`: no or a broken connection · `tls`: it cannot show who it is · `timeout` · `cut`: the answer ended
 *   before its announced length · `too-large` · `shape`: not JSON, or not what was expected · `redirect`: to another host · `plain`:
 *   credentials would go unencrypted · `status`: any other refusal
 */
export type HttpErrorKind =
  | "refused"
  | "missing"
  | "rate"
  | "quota"
  | "budget"
  | "server"
  | "network"
  | "tls"
  | "timeout"
  | "cut"
  | "too-large"
  | "shape"
  | "redirect"
  | "plain"
  | "status";

export class HttpError extends Error {
  readonly kind: HttpErrorKind;
  readonly status: number | null;
  /** Start of a refusal's body, for the connector to read codes from; may hold record values: never to be logged or told. */
  readonly body: string;

  constructor(kind: HttpErrorKind, message: string, options: { status?: number; body?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HttpError";
    this.kind = kind;
    this.status = options.status ?? null;
    this.body = options.body ?? "";
  }
}
