import { describe, expect, it } from "vitest";
import { ExactNumber } from "../../../../agent/kit/json.ts";
import { checkSignature, parsePublicKey, pythonJson } from "../../../../agent/formats/baserow/signature.ts";
import { keyPair, signManifest } from "../../../fixtures/baserow/zip.ts";

const manifest = { version: "1.0.0", checksums: { "b.json": "00", "a.json": "11" }, total_files: 4 };

describe("the text that Baserow signs", () => {
  it("is what Python's json.dumps with sorted keys writes", () => {
    const value = {
      b: [1, true, null, 'é\u2028📚\u007f\n"/'],
      "\uffee": 1,
      "📚": { z: "", a: [] },
      a: new ExactNumber("12345678901234567890"),
    };
    // Printed by Python 3.
    expect(pythonJson(value)).toBe(
      String.raw`{"a": 12345678901234567890, "b": [1, true, null, "\u00e9\u2028\ud83d\udcda\u007f\n\"/"], "\uffee": 1, "\ud83d\udcda": {"a": [], "z": ""}}`,
    );
  });
});

describe("a signature", () => {
  it.each([
    ["consistent", manifest, null],
    ["trusted", manifest, keyPair().publicKey],
    ["trusted", manifest, Buffer.from(keyPair().publicKey).toString("base64")],
    ["foreign", manifest, keyPair("other").publicKey],
    ["wrong", { ...manifest, total_files: 5 }, null],
    ["wrong", { ...manifest, total_files: 5 }, keyPair().publicKey],
  ])("is %s", (state, seen, key) => {
    expect(checkSignature(seen, signManifest(manifest), key === null ? null : parsePublicKey(key))).toBe(state);
  });

  it("is wrong when another key was put beside it", () => {
    const other = Buffer.from(keyPair("other").publicKey).toString("base64");
    expect(checkSignature(manifest, { ...signManifest(manifest), public_key_pem: other }, null)).toBe("wrong");
  });

  it.each([null, {}, [], "text", { signature: "!!", public_key_pem: "!!" }, { signature: 1, public_key_pem: 2 }])(
    "that is %j is wrong",
    (signature) => {
      expect(checkSignature(manifest, signature, null)).toBe("wrong");
    },
  );
});

it.each(["", "no key at all", "-----BEGIN PUBLIC KEY-----\nnot base64\n-----END PUBLIC KEY-----"])(
  "a key that is none is a fault of the configuration and is not repeated (%j)",
  (text) => {
    expect(() => parsePublicKey(text)).toThrow(
      expect.objectContaining({ kind: "config", message: expect.not.stringContaining(text || "-----") }),
    );
  },
);
