/** Bounds of what a child may say. Apart from protocol.ts, so that the child need not load the schema library to keep them. */

/** Lines longer than this, in bytes, are nonsense. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;
/** Greatest length of a text and of a name in a message; the child clips to them. */
export const MAX_TEXT = 2000;
export const MAX_SHORT = 500;
/** Differences from a baseline that are told one by one; the rest are counted. */
export const MAX_DIFFERENCES = 1000;
