/** JSON files from outside: what they give, and how what is wrong with them is told. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../../agent/kit/input-error.ts";
import { canonicalJson, ExactNumber, parseJson } from "../../../agent/kit/json.ts";

function parse(text: string | Uint8Array, maxDepth = 64): unknown {
  return parseJson(typeof text === "string" ? Buffer.from(text) : text, "The file", maxDepth);
}

function refusal(text: string | Uint8Array, maxDepth?: number): string {
  try {
    return `read: ${canonicalJson(parse(text, maxDepth))}`;
  } catch (thrown) {
    return thrown instanceof InputError ? `${thrown.reason} ${thrown.code}: ${thrown.message}` : String(thrown);
  }
}

describe("a JSON file", () => {
  it("keeps the digits that a double cannot hold", () => {
    const text = '{"a":9007199254740993,"b":[0.12345678901234567890,-1.5,1e3],"c":12345678901234567890e1}';
    expect(parse(text)).toEqual({
      a: new ExactNumber("9007199254740993"),
      b: [new ExactNumber("0.12345678901234567890"), -1.5, 1000],
      c: new ExactNumber("12345678901234567890e1"),
    });
    expect(canonicalJson(parse(text))).toBe('{"a":9007199254740993,"b":[0.12345678901234567890,-1.5,1000],"c":12345678901234567890e1}');
  });

  it("is written back with sorted keys, whatever it holds", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const written = canonicalJson(parse(JSON.stringify(value)));
        expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(parse(written))).toBe(written);
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  it.each([
    ["", "damaged json-empty: The file is empty."],
    [" \n\ufeff", "damaged json-empty: The file holds nothing but white space."],
    ['{"a":[1,2', "damaged json-truncated: The file is cut off: it ends at character 9, inside a, before it closes."],
    ['[{"a":"x', "damaged json-truncated: The file is cut off: it ends at character 8, inside [0], before it closes."],
    ['{"a":1}}', "damaged json-trailing: The file goes on after its structure closed at character 6."],
    ['{"a":1\n,x}', "damaged json-broken: The file is not valid JSON, first at line 2, column 2."],
    ['{"a":1,"b":{"a":2,\n"a":3}}', "damaged json-duplicate-key: The file names a key twice in one object, at line 2, column 1."],
    ['{"a":1,"\\u0061":2}', "damaged json-duplicate-key: The file names a key twice in one object, at line 1, column 8."],
    ['{"__proto__":1,"__proto__":2}', "damaged json-duplicate-key: The file names a key twice in one object, at line 1, column 16."],
    ["[[[[1]]]]", "limit too-deep: The file is nested more than the 3 levels deep that are allowed."],
    ['{"a":"\0"}', "damaged json-nul-bytes: The file holds NUL bytes from byte 6 on."],
  ])("%j: %s", (text, told) => {
    expect(refusal(text, 3)).toBe(told);
  });

  it("that is not UTF-8 is told with the first byte that is not", () => {
    expect(refusal(Buffer.concat([Buffer.from('["é'), Buffer.from([0xe9]), Buffer.from('"]')]))).toBe(
      "damaged json-not-utf8: The file is not valid UTF-8, first at byte 4.",
    );
    expect(refusal(Buffer.from('\ufeff["x"]', "utf16le"))).toBe("damaged json-not-utf8: The file is UTF-16, and JSON files are UTF-8.");
  });

  it("may have the same key in two objects, and a value like a key", () => {
    expect(refusal('[{"a":"a","b":"a"},{"a":{"a":1}},"a","a"]')).toBe('read: [{"a":"a","b":"a"},{"a":{"a":1}},"a","a"]');
  });

  it("cut at any place that is inside of it is cut off, never broken", () => {
    const text = '[{"name":"x \\" y","tags":["a","b\\\\"],"n":-12.5e3,"t":true,"u":null},{"name":"z"}]';
    for (let length = 1; length < text.length; length += 1) expect(refusal(text.slice(0, length))).toMatch(/^damaged json-truncated/u);
  });

  it("of ten million brackets is our limit, at once", () => {
    expect(refusal("[".repeat(10_000_000))).toMatch(/^limit too-deep/u);
  });
});
