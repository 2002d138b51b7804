/** Sealed credentials: age files, opened or not. */
import { randomBytes } from "node:crypto";
import { Encrypter, identityToRecipient } from "age-encryption";
import { beforeAll, describe, expect, it } from "vitest";
import { keyRing, stateOf } from "../../../../agent/formats/bag/age.ts";

/** A key of the age test vectors (C2SP/CCTV). */
const SECRET = "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6";

async function forRecipient(clear: Uint8Array): Promise<Buffer> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(SECRET));
  return Buffer.from(await encrypter.encrypt(clear));
}

async function forPassphrase(passphrase: string, clear: Uint8Array): Promise<string> {
  const encrypter = new Encrypter();
  encrypter.setScryptWorkFactor(10);
  encrypter.setPassphrase(passphrase);
  return Buffer.from(await encrypter.encrypt(clear)).toString("base64");
}

const ring = keyRing(SECRET);
let sealed: Buffer = Buffer.alloc(0);
beforeAll(async () => {
  sealed = await forRecipient(Buffer.from('{"password":"x"}'));
});

/** Made once, for the key above and for the passphrase "correct horse". */
const BY_LIBRARY = {
  key: "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSByNkNMK3piUVJPeHhRbVJOUWpUaUVUV1VOTDJVd2dTQjF5VE44NjRhblNRCnNFZkp6eklCMFU2K2FZUjhISVk4RnozZ3ZEMzdKOG1xR3ovMEcrMitsRmsKLS0tIHR3QlB3YS8wbndxRk1oNHcxYjNVMldxcUdaTHlpMEZHUTJLUm5rd01rNDAKtVPUM9lSXpF9z+AQrvcb0F1ujDck+Lxm0ZS2Pm5nCH+XgjllPaCS4/NeeOWo5X0VmTS3poeSZPzyD2hWkQ==",
  passphrase:
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBXVVRiUnlTZVVqVnVvS0tnc25CWWRnIDEwCkVudUxhSUwyY0l0ZHFhYTdWWWRkTS9GeUhqS0Fidm1nQzh1N3BsMTJCdlkKLS0tIDkwTWFxMnRWcHdqWWNVTEJ3SnhTeDErZUh6V3ZmbXRadkwwU1A3QXF0NjQKYeKpd2woyehBblNyFja+XQwriKpcE1YQA2ItemDVnPWK",
};

describe("a sealed credential", () => {
  it("made before opens", async () => {
    expect(await stateOf(BY_LIBRARY.key, ring)).toBe("decryptable");
    expect(await stateOf(BY_LIBRARY.passphrase, keyRing("correct horse"))).toBe("decryptable");
  });

  it("opens with its key, in base64 and armoured, also when it is long", async () => {
    expect(await stateOf(sealed.toString("base64"), ring)).toBe("decryptable");
    const armour = `-----BEGIN AGE ENCRYPTED FILE-----\n${sealed.toString("base64").replaceAll(/(.{64})/gu, "$1\n")}\n-----END AGE ENCRYPTED FILE-----\n`;
    expect(await stateOf(armour, ring)).toBe("decryptable");
    const long = (await forRecipient(randomBytes(150_000))).toString("base64");
    expect(await stateOf(long, keyRing(`# made here\n${SECRET}\n`))).toBe("decryptable");
    expect(await stateOf(long, keyRing(SECRET.toLowerCase()))).toBe("decryptable");
  });

  it("opens with its passphrase, and with no other", async () => {
    const file = await forPassphrase("correct horse", Buffer.from("x"));
    expect(await stateOf(file, keyRing("correct horse\n"))).toBe("decryptable");
    expect(await stateOf(file, keyRing("wrong horse"))).toBe("undecryptable");
    expect(await stateOf(file, ring)).toBe("undecryptable");
  });

  it("without a key it is not known whether it opens", async () => {
    expect(await stateOf(sealed.toString("base64"), keyRing(null))).toBe("key-missing");
  });

  it("does not open with any byte of it changed, nor cut off", async () => {
    for (let at = 0; at < sealed.length; at += 7) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await stateOf(changed.toString("base64"), ring), `byte ${at}`).toBe("undecryptable");
    }
    for (const length of [0, 1, 30, 100, sealed.length - 1])
      expect(await stateOf(sealed.subarray(0, length).toString("base64"), ring)).toBe("undecryptable");
  });

  it("is no sealed one where it is something else", async () => {
    for (const other of ["hunter2", "", 7, {}, null, "AAAA"]) expect(await stateOf(other, null)).toBe("undecryptable");
  });

  it("a key with a mistyped letter opens nothing", async () => {
    expect(await stateOf(sealed.toString("base64"), keyRing(SECRET.replace("XMWW", "XMWQ")))).toBe("undecryptable");
  });
});
