import { createOutput, type Output } from "../../../agent/cli/output.ts";

/** An output without colour that keeps what was written. */
export function capturedOutput(): { readonly out: Output; stdout(): string; stderr(): string } {
  let stdout = "";
  let stderr = "";
  const out = createOutput({
    write: (text) => {
      stdout += text;
    },
    writeError: (text) => {
      stderr += text;
    },
    isTty: false,
    errorIsTty: false,
    colour: false,
    columns: 120,
  });
  return { out, stdout: () => stdout, stderr: () => stderr };
}
