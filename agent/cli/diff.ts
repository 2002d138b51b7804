/** `restorewatch diff`: where the last comparison of a source found production and backup apart, field by field. */
import type { Differences, DifferentItem } from "../core/differences.ts";
import { asAgentError } from "../core/errors.ts";
import { describeCount, describeTime } from "../core/words-for-people.ts";
import type { Output } from "./output.ts";
import { clean } from "./render.ts";

export interface DiffDeps {
  readonly out: Output;
  readonly read: () => Promise<Differences | null>;
  readonly forget: () => Promise<void>;
}

/** @returns 0 when nothing the backup has to answer for differs, 1 when something does, 3 when no comparison is kept */
export async function diffCommand(
  source: string,
  options: { readonly output: "text" | "json"; readonly forget: boolean },
  deps: DiffDeps,
): Promise<number> {
  const { out } = deps;
  try {
    if (options.forget) {
      await deps.forget();
      out.line(
        options.output === "json"
          ? JSON.stringify({ schema: "restorewatch.differences/v1", source, differences: null })
          : `${clean(source)}: no values are kept any more.`,
      );
      return 0;
    }
    const found = await deps.read();
    if (options.output === "json") out.line(JSON.stringify({ schema: "restorewatch.differences/v1", source, differences: found }));
    else for (const line of textOf(source, found, out)) out.line(line);
    if (found === null) return 3;
    return found.items.some((item) => item.result === "mismatch") ? 1 : 0;
  } catch (thrown) {
    return out.failure(asAgentError(thrown), options.output);
  }
}

function textOf(source: string, found: Differences | null, out: Output): string[] {
  const { style } = out;
  if (found === null)
    return [
      `${clean(source)}: no differences are kept: nothing differed, nothing was compared yet (verify.layers: live), or they have expired.`,
    ];
  const lines = [
    `${style.bold(clean(source))}: backup of ${describeTime(found.startedAt)}, compared with production ${describeTime(found.comparedAt)}; kept until ${describeTime(found.expiresAt)}`,
  ];
  for (const item of found.items) lines.push(...itemLines(item, out));
  if (found.more > 0) lines.push(style.dim(`and ${describeCount(found.more, "further record")}`));
  return lines;
}

function itemLines({ collection, key, result, because, fields, more, productionUpdatedAt }: DifferentItem, { style }: Output): string[] {
  const mark =
    result === "mismatch" ? style.bad("✗ mismatch") : result === "changed" ? style.dim("· changed") : style.warn("? unverifiable");
  const when = productionUpdatedAt === null ? "" : `, in production updated ${describeTime(productionUpdatedAt)}`;
  const show = (value: string | null): string => (value === null ? "(empty)" : clean(value));
  return [
    `${mark}  ${clean(collection)} ${clean(key)}: ${because}${when}`,
    ...fields.flatMap((one) => [
      `    ${clean(one.field)}`,
      `      backup      ${show(one.backup)}`,
      `      production  ${show(one.production)}`,
    ]),
    ...(more > 0 ? [`    and ${describeCount(more, "more field")}`] : []),
  ];
}
