/** Sealing for a recipient whose key we do not have: age, X25519. */
import { armor, Encrypter } from "age-encryption";

/**
 * @param recipients public keys, `age1…`
 * @returns an armoured age file
 * @throws Error where a recipient is no age public key
 */
export async function sealFor(recipients: readonly string[], clear: Uint8Array): Promise<string> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return armor.encode(await encrypter.encrypt(clear));
}
