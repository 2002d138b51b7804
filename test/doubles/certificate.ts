/** A certificate that nobody vouches for, made on the spot: for servers that must be refused, or trusted by a test alone. */
import { generateKeyPairSync, sign } from "node:crypto";

const ECDSA_WITH_SHA256 = "06082a8648ce3d040302";
const COMMON_NAME = "0603550403";
const SUBJECT_ALTERNATIVES = "0603551d11";

/**
 * @param host a DNS name or an IPv4 address
 * @returns PEM of the private key and of the certificate, valid from yesterday for two days
 */
export function selfSigned(host: string): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(0x30, hex(ECDSA_WITH_SHA256));
  const name = der(0x30, der(0x31, der(0x30, hex(COMMON_NAME), der(0x0c, Buffer.from(host)))));
  const now = Date.now();
  const validity = der(0x30, moment(now - 86_400_000), moment(now + 86_400_000));
  const address = /^\d+(?:\.\d+){3}$/u.test(host) ? der(0x87, Buffer.from(host.split(".").map(Number))) : der(0x82, Buffer.from(host));
  const extensions = der(0xa3, der(0x30, der(0x30, hex(SUBJECT_ALTERNATIVES), der(0x04, der(0x30, address)))));
  const version = der(0xa0, der(0x02, Buffer.from([2])));
  const serial = der(0x02, Buffer.from([1]));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const body = der(0x30, version, serial, algorithm, name, validity, name, spki, extensions);
  const signature = sign("sha256", body, privateKey);
  const whole = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString("base64").match(/.{1,64}/gu) ?? [];
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
  };
}

/** Tag, length, value. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  if (value.length < 128) return Buffer.concat([Buffer.from([tag, value.length]), value]);
  const length = hex(value.length.toString(16).padStart(value.length > 255 ? 4 : 2, "0"));
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, value]);
}

function hex(text: string): Buffer {
  return Buffer.from(text, "hex");
}

/** UTCTime, `YYMMDDHHMMSSZ`. */
function moment(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\D/gu, "").slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`));
}
