import { expect, test } from "vitest";
import { proxyOptions } from "../../../../agent/vaults/s3/proxy.ts";

const AWS = new URL("https://bucket.s3.eu-central-1.amazonaws.com");
const PLAIN = new URL("http://s3.internal:9000");
const PROXY = "http://proxy.internal:3128";

test("the proxy of the address's own scheme, in either case; lower case first", () => {
  expect(proxyOptions({ HTTPS_PROXY: PROXY }, AWS, "24.21.0").proxyEnv).toMatchObject({ HTTPS_PROXY: PROXY });
  expect(proxyOptions({ http_proxy: PROXY, HTTP_PROXY: "http://other:1" }, PLAIN, "24.5.0").proxyEnv).toMatchObject({ HTTP_PROXY: PROXY });
  expect(proxyOptions({ HTTP_PROXY: PROXY }, AWS, "24.21.0")).toEqual({});
  expect(proxyOptions({}, AWS, "18.0.0")).toEqual({});
});

test("what NO_PROXY names goes straight: a host, a domain, everything; this machine without saying so", () => {
  for (const noProxy of ["*", "amazonaws.com", ".amazonaws.com", "*.amazonaws.com", "other, bucket.s3.eu-central-1.amazonaws.com"])
    expect(proxyOptions({ HTTPS_PROXY: PROXY, NO_PROXY: noProxy }, AWS, "24.21.0")).toEqual({});
  for (const noProxy of ["aws.com", "s3", "amazonaws.com.evil.org"])
    expect(proxyOptions({ HTTPS_PROXY: PROXY, NO_PROXY: noProxy }, AWS, "24.21.0")).not.toEqual({});
  for (const host of ["127.0.0.1", "localhost", "[::1]"])
    expect(proxyOptions({ HTTP_PROXY: PROXY }, new URL(`http://${host}:9000`), "24.21.0")).toEqual({});
});

test("a proxy that cannot be used is told, never gone round", () => {
  const thrown = (env: Record<string, string>, node: string): unknown => {
    try {
      return proxyOptions(env, AWS, node);
    } catch (error) {
      return error;
    }
  };
  for (const node of ["20.19.0", "22.23.3", "24.4.1"])
    expect(thrown({ HTTPS_PROXY: PROXY }, node)).toMatchObject({
      kind: "config",
      code: "proxy",
      mend: expect.stringContaining("NO_PROXY"),
    });
  for (const proxy of ["socks5://proxy:1080", "proxy.internal:3128", "nonsense"])
    expect(thrown({ HTTPS_PROXY: proxy }, "24.21.0")).toMatchObject({ kind: "config", code: "proxy" });
  expect(thrown({ HTTPS_PROXY: "http://user:hunter2@:bad" }, "24.21.0")).not.toMatchObject({ message: expect.stringContaining("hunter2") });
  expect(proxyOptions({ HTTPS_PROXY: PROXY, NO_PROXY: "amazonaws.com" }, AWS, "20.0.0")).toEqual({});
});
