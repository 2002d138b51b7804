import { expect, test } from "vitest";
import { AgentError } from "../../../../agent/core/errors.ts";
import { HttpError, type HttpErrorKind } from "../../../../agent/kit/http/errors.ts";
import { isQuota, isRefusal, listingExpired, refusalCode, schemaChanged } from "../../../../agent/platforms/airtable/errors.ts";

const refused = (body: string, kind: HttpErrorKind = "status"): AgentError =>
  new AgentError("unsupported", "refused-request", "airtable: It answered 422.", {
    cause: new HttpError(kind, "It answered 422.", { status: 422, body }),
  });

test.each([
  ['{"error":{"type":"UNKNOWN_FIELD_NAME","message":"Unknown field name: \\"Ada\\""}}', "UNKNOWN_FIELD_NAME"],
  ['{"error":"NOT_FOUND"}', "NOT_FOUND"],
  ['{"errors":[{"error":"RATE_LIMIT_REACHED","message":"x"},{"error":"SECOND"}]}', "RATE_LIMIT_REACHED"],
  ['{"errors":[]}', null],
  ['{"error":7}', null],
  ["<html>", null],
  ["", null],
  ["null", null],
])("%s says %s", (body, code) => {
  expect(refusalCode(refused(body))).toBe(code);
});

test("what was no refusal has no code", () => {
  expect(refusalCode(new AgentError("transient", "not-reachable", "x", { cause: new Error('{"error":"NOT_FOUND"}') }))).toBeNull();
  expect(refusalCode("NOT_FOUND")).toBeNull();
});

test("refused is what was asked, not a token, a limit or a line", () => {
  expect(isRefusal(refused("{}"))).toBe(true);
  for (const kind of ["refused", "rate", "server", "network", "timeout"] as const) expect(isRefusal(refused("{}", kind))).toBe(false);
  expect(isRefusal(new Error("x"))).toBe(false);
});

test("only the calls of the month are a quota; a limit of the second is waited for", () => {
  expect(isQuota(429, '{"errors":[{"error":"PUBLIC_API_BILLING_LIMIT_EXCEEDED"}]}')).toBe(true);
  expect(isQuota(429, '{"errors":[{"error":"RATE_LIMIT_REACHED"}]}')).toBe(false);
  expect(isQuota(403, "PUBLIC_API_BILLING_LIMIT_EXCEEDED")).toBe(false);
});

test("a listing that ended and a schema that changed are told apart, both tried again, and repeat nothing of the answer", () => {
  const cause = refused('{"error":{"type":"X","message":"Ada Lovelace"}}');
  expect(listingExpired("tbl1", cause)).toMatchObject({ kind: "transient", code: "listing-expired" });
  expect(schemaChanged("tbl1", cause)).toMatchObject({ kind: "transient", code: "schema-changed" });
  for (const error of [listingExpired("tbl1", cause), schemaChanged("tbl1", cause)])
    expect(`${error.message} ${error.mend ?? ""}`).not.toContain("Ada");
});
