/** What is wrong with bytes that were given to be read, said by readers that know nothing of where the bytes come from. */

/** `damaged`: the bytes themselves are broken; `limit`: a bound of ours; `unsupported`: made in a way that cannot be read here. */
export class InputError extends Error {
  readonly reason: "damaged" | "limit" | "unsupported";
  /** Stable, kebab-case, for example `zip-checksum`. */
  readonly code: string;

  /** @param message one sentence, without anything that stands in the bytes but names of entries */
  constructor(reason: InputError["reason"], code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "InputError";
    this.reason = reason;
    this.code = code;
  }
}
