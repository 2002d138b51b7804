/** Which bases of live products no source covers: each once, whoever sees it by whatever address. */
import { describe, expect, test } from "vitest";
import { askedPlatforms, type ProductLook, unprotectedIn } from "../../../agent/core/catalogue.ts";

function look(sourceId: string, own: string, scopes: readonly string[] | null, more: Partial<ProductLook> = {}): ProductLook {
  return {
    sourceId,
    platform: "nocodb",
    instance: "i1",
    address: "https://noco.example",
    own: [own],
    scopes: scopes?.map((scope) => ({ scope, kind: "base", name: scope })) ?? null,
    problem: null,
    ...more,
  };
}

const found = (...looks: readonly ProductLook[]): string[] =>
  unprotectedIn(looks).map((one) => `${one.scope} at ${one.address ?? "-"} seen by ${one.seenBy.join("+")}`);

describe("what no source covers", () => {
  test("is what a token sees and no source stands for", () => {
    expect(found(look("crm", "a", ["a", "b", "c"]), look("hr", "b", ["b"]))).toEqual(["c at https://noco.example seen by crm"]);
  });

  test("is one, though the installation is reached by two addresses and by a token that may not ask which one it is", () => {
    const inside = look("hr", "b", ["x", "b"], { address: "http://10.0.0.1:8080" });
    const narrow = look("it", "d", ["x"], { instance: null });
    expect(found(look("crm", "a", ["a", "b", "x"]), inside, narrow)).toEqual(["x at https://noco.example seen by crm+hr+it"]);
  });

  test("is another on another installation, whatever its scope is called", () => {
    const other = look("hr", "b", ["a"], { address: "https://other.example", instance: "i2" });
    const unnamed = look("it", "d", ["a"], { address: "https://third.example", instance: null });
    expect(found(look("crm", "a", ["a"]), other, unnamed)).toEqual([
      "a at https://other.example seen by hr",
      "a at https://third.example seen by it",
    ]);
    expect(found(look("crm", "a", ["a"]), look("hr", "b", ["a"], { platform: "airtable" }))).toHaveLength(1);
  });

  test("a source that cannot be reached is a source all the same", () => {
    expect(found(look("crm", "a", ["a", "b"]), look("hr", "b", null, { instance: null, problem: "refused" }))).toEqual([]);
  });

  test("is known of a platform only while every product of it was asked", () => {
    const fine = look("crm", "a", ["a"]);
    expect(askedPlatforms([fine, look("n8n", "x", ["x"], { platform: "n8n" })])).toEqual(["n8n", "nocodb"]);
    expect(askedPlatforms([fine, look("hr", "b", null, { problem: "refused" })])).toEqual([]);
    expect(askedPlatforms([fine, look("hr", "b", ["b"], { problem: "who it is was not told" })])).toEqual([]);
    expect(askedPlatforms([fine, look("hr", "b", null)])).toEqual([]);
    expect(askedPlatforms([])).toEqual([]);
  });
});
