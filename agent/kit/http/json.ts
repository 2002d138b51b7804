/** JSON from outside, without losing digits. */

/**
 * Numbers a double cannot hold come as their digits (text): integers beyond 2^53, decimals of more than fifteen digits.
 * @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  // Looking first is far cheaper than a reviver on every member.
  if (!/\d[\d.]{14,}/u.test(text)) return JSON.parse(text);
  const exact = (_: string, value: unknown, context?: { source?: string }): unknown => {
    if (typeof value !== "number" || context?.source === undefined) return value;
    const { source } = context;
    if (source.replace(/[eE].*$/u, "").replace(/\D/gu, "").length <= 15) return value;
    return String(value) === source && (Number.isSafeInteger(value) || !Number.isInteger(value)) ? value : source;
  };
  return JSON.parse(text, exact);
}
