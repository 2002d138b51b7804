/** Refusals in the several shapes Airtable uses. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: unknown;
  constructor(status: number, body: unknown) {
    super(`refused with ${status}`);
    this.status = status;
    this.body = body;
  }
}

/** `{"error":{"type","message"}}` */
export function typed(status: number, type: string, message: string): Refusal {
  return new Refusal(status, { error: { type, message } });
}

/** `{"error":"NOT_FOUND"}` */
export function bare(status: number, code: string): Refusal {
  return new Refusal(status, { error: code });
}

/** `{"errors":[{"error","message"}]}` */
export function listed(status: number, error: string, message: string): Refusal {
  return new Refusal(status, { errors: [{ error, message }] });
}

/** What an id that nobody knows, or that the token may not see, is answered with: 403 and never 404. */
export function forbidden(): Refusal {
  return typed(
    403,
    "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
    "Invalid permissions, or the requested model was not found. Check that both your user and your token have the required permissions.",
  );
}
