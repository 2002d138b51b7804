import { describe, expect, test } from "vitest";
import { configJsonSchema, type JsonSchema } from "../../../agent/config/json-schema.ts";
import { starterYaml } from "../../../agent/config/starter.ts";
import { loadText } from "./load-fixture.ts";
import { testRegistries } from "./registries.ts";

const starter = starterYaml(testRegistries, "./restorewatch.schema.json");

describe("the starter", () => {
  test("tells editors where the schema is, first thing", () => {
    expect(starter.split("\n")[0]).toBe("# yaml-language-server: $schema=./restorewatch.schema.json");
  });

  test("is valid as it is, without a warning", async () => {
    const config = await loadText(starter);
    expect(config.warnings).toEqual([]);
    expect(config.sources).toHaveLength(1);
    expect(config.vaults).toMatchObject([{ type: "dir", config: { path: "./backups" } }]);
  });

  test("is valid with every # before a setting taken out, and then turns everything on", async () => {
    const config = await loadText(starter.replaceAll(/^(\s*)#(?! \S)/gmu, "$1"));
    expect(config.warnings).toEqual([]);
    expect(config.calendars.map((calendar) => calendar.kind)).toEqual(["smoke", "deep"]);
    expect(config.telemetry.otlpEndpoint).toBe("http://127.0.0.1:4318");
    expect(config.secrets.map((secret) => secret.at)).toEqual([
      "telemetry.otlp.headers.authorization",
      "http.runs.token",
      "sources[0].data.erasure.key",
      "sources[0].backups.key",
    ]);
  });

  test("has a line for every field of the schema, commented or not", () => {
    const names = (schema: JsonSchema): string[] => [
      ...Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => [key, ...names(inner)]),
      ...(schema.items === undefined ? [] : names(schema.items)),
    ];
    const missing = names(configJsonSchema(testRegistries)).filter(
      (key) => key !== "capture" && !new RegExp(`^[\\s#-]*((?:capture|scratch)\\.)?${key}:`, "mu").test(starter),
    );
    expect(missing).toEqual([]);
  });
});

describe("the JSON Schema", () => {
  test("describes every field and allows no others", () => {
    const gaps: string[] = [];
    const walk = (schema: JsonSchema, at: string): void => {
      // What a scratch place takes depends on the platform, and its connector's own schema says it.
      if (schema.properties !== undefined && schema.additionalProperties !== false && !at.endsWith(".scratch")) gaps.push(`${at} is open`);
      for (const [key, inner] of Object.entries(schema.properties ?? {})) {
        if ((inner.description ?? "") === "") gaps.push(`${at}.${key} has no description`);
        walk(inner, `${at}.${key}`);
      }
      if (schema.items !== undefined) walk(schema.items, `${at}[]`);
      if (typeof schema.additionalProperties === "object") walk(schema.additionalProperties, `${at}.*`);
      for (const [index, one] of [...(schema.oneOf ?? []), ...(schema.anyOf ?? [])].entries()) walk(one, `${at}|${index}`);
    };
    walk(configJsonSchema(testRegistries), "");
    expect(gaps).toEqual([]);
  });
});
