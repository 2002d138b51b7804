/** Sealed credentials: age files made here by the same rules (C2SP age), opened or not. */
import {
  createCipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  scryptSync,
} from "node:crypto";
import { describe, expect, it } from "vitest";
import { keyRing, stateOf } from "../../../../agent/formats/bag/age.ts";

/** A key of the age test vectors (C2SP/CCTV). */
const SECRET = "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6";

function seal(key: Buffer, nonce: Buffer, clear: Buffer): Buffer {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  return Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
}

function derive(secret: Buffer, salt: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, salt, info, 32));
}

function plain64(bytes: Buffer): string {
  return bytes.toString("base64").replaceAll("=", "");
}

function fileOf(stanza: string, fileKey: Buffer, clear: Buffer): Buffer {
  const header = `age-encryption.org/v1\n${stanza}\n---`;
  const mac = createHmac("sha256", derive(fileKey, Buffer.alloc(0), "header"))
    .update(header)
    .digest();
  const nonce = randomBytes(16);
  const key = derive(fileKey, nonce, "payload");
  const chunks: Buffer[] = [];
  const count = Math.max(1, Math.ceil(clear.length / 65536));
  for (let index = 0; index < count; index += 1) {
    const counter = Buffer.alloc(12);
    counter.writeUInt32BE(index, 7);
    counter[11] = index === count - 1 ? 1 : 0;
    chunks.push(seal(key, counter, clear.subarray(index * 65536, (index + 1) * 65536)));
  }
  return Buffer.concat([Buffer.from(`${header} ${plain64(mac)}\n`), nonce, ...chunks]);
}

function forPassphrase(passphrase: string, clear: Buffer): Buffer {
  const fileKey = randomBytes(16);
  const salt = randomBytes(16);
  const wrapping = scryptSync(passphrase, Buffer.concat([Buffer.from("age-encryption.org/v1/scrypt"), salt]), 32, {
    N: 2 ** 10,
    r: 8,
    p: 1,
  });
  return fileOf(`-> scrypt ${plain64(salt)} 10\n${plain64(seal(wrapping, Buffer.alloc(12), fileKey))}`, fileKey, clear);
}

function forRecipient(recipient: Buffer, clear: Buffer): Buffer {
  const fileKey = randomBytes(16);
  const ephemeral = generateKeyPairSync("x25519");
  const share = ephemeral.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  const publicKey = createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b656e032100", "hex"), recipient]),
    format: "der",
    type: "spki",
  });
  const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey });
  const wrapping = derive(shared, Buffer.concat([share, recipient]), "age-encryption.org/v1/X25519");
  return fileOf(`-> X25519 ${plain64(share)}\n${plain64(seal(wrapping, Buffer.alloc(12), fileKey))}`, fileKey, clear);
}

const ring = keyRing(SECRET);
const recipient = ring?.identities[0]?.recipient ?? Buffer.alloc(32);
const sealed = forRecipient(recipient, Buffer.from('{"password":"x"}'));

/** Made with age-encryption 0.3.1, for the key above and for the passphrase "correct horse". */
const BY_LIBRARY = {
  key: "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSByNkNMK3piUVJPeHhRbVJOUWpUaUVUV1VOTDJVd2dTQjF5VE44NjRhblNRCnNFZkp6eklCMFU2K2FZUjhISVk4RnozZ3ZEMzdKOG1xR3ovMEcrMitsRmsKLS0tIHR3QlB3YS8wbndxRk1oNHcxYjNVMldxcUdaTHlpMEZHUTJLUm5rd01rNDAKtVPUM9lSXpF9z+AQrvcb0F1ujDck+Lxm0ZS2Pm5nCH+XgjllPaCS4/NeeOWo5X0VmTS3poeSZPzyD2hWkQ==",
  passphrase:
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBXVVRiUnlTZVVqVnVvS0tnc25CWWRnIDEwCkVudUxhSUwyY0l0ZHFhYTdWWWRkTS9GeUhqS0Fidm1nQzh1N3BsMTJCdlkKLS0tIDkwTWFxMnRWcHdqWWNVTEJ3SnhTeDErZUh6V3ZmbXRadkwwU1A3QXF0NjQKYeKpd2woyehBblNyFja+XQwriKpcE1YQA2ItemDVnPWK",
};

describe("a sealed credential", () => {
  it("made by the library opens", () => {
    expect(stateOf(BY_LIBRARY.key, ring)).toBe("decryptable");
    expect(stateOf(BY_LIBRARY.passphrase, keyRing("correct horse"))).toBe("decryptable");
  });

  it("opens with its key, in base64 and armoured, also when it is long", () => {
    expect(ring?.identities).toHaveLength(1);
    expect(stateOf(sealed.toString("base64"), ring)).toBe("decryptable");
    const armour = `-----BEGIN AGE ENCRYPTED FILE-----\n${sealed.toString("base64").replaceAll(/(.{64})/gu, "$1\n")}\n-----END AGE ENCRYPTED FILE-----\n`;
    expect(stateOf(armour, ring)).toBe("decryptable");
    expect(stateOf(forRecipient(recipient, randomBytes(150_000)).toString("base64"), keyRing(`# made here\n${SECRET}\n`))).toBe(
      "decryptable",
    );
  });

  it("opens with its passphrase, and with no other", () => {
    const file = forPassphrase("correct horse", Buffer.from("x")).toString("base64");
    expect(stateOf(file, keyRing("correct horse\n"))).toBe("decryptable");
    expect(stateOf(file, keyRing("wrong horse"))).toBe("undecryptable");
    expect(stateOf(file, ring)).toBe("undecryptable");
  });

  it("without a key it is not known whether it opens", () => {
    expect(stateOf(sealed.toString("base64"), keyRing(null))).toBe("key-missing");
  });

  it("does not open with any byte of it changed, nor cut off", () => {
    for (let at = 0; at < sealed.length; at += 7) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(stateOf(changed.toString("base64"), ring), `byte ${at}`).toBe("undecryptable");
    }
    for (const length of [0, 1, 30, 100, sealed.length - 1])
      expect(stateOf(sealed.subarray(0, length).toString("base64"), ring)).toBe("undecryptable");
  });

  it("is no sealed one where it is something else", () => {
    for (const other of ["hunter2", "", 7, {}, null, "AAAA"]) expect(stateOf(other, null)).toBe("undecryptable");
  });

  it("a key with a mistyped letter is no key", () => {
    expect(keyRing(SECRET.replace("XMWW", "XMWQ"))?.identities).toEqual([]);
    expect(keyRing(SECRET.toLowerCase())?.identities).toHaveLength(1);
  });
});
