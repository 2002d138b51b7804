import { describe, expect, it } from "vitest";
import { AgentError } from "../../../agent/core/errors.ts";
import type { Vault } from "../../../agent/core/ports.ts";
import { vaultContract, type VaultHarness } from "../../contracts/vault.ts";
import { faultyVault, memoryVault } from "../../doubles/vault.ts";

function inMemory(wrap: (vault: Vault) => Vault): VaultHarness {
  const memory = memoryVault();
  return { ...memory, vault: wrap(memory.vault), dispose: async () => {} };
}

vaultContract({ name: "memory", create: async () => inMemory((vault) => vault), skips: [] });
vaultContract({ name: "faulty without faults", create: async () => inMemory((vault) => faultyVault(vault)), skips: [] });

describe("the faulty vault", () => {
  const signal = new AbortController().signal;

  it("strikes once where it is told to", async () => {
    const vault = faultyVault(memoryVault().vault, [{ on: "list", error: new AgentError("auth", "planted", "planted") }]);
    await expect(vault.list("", { pattern: "*", signal })).rejects.toMatchObject({ code: "planted" });
    await expect(vault.list("", { pattern: "*", signal })).resolves.toMatchObject({ entries: [] });
    vault.verifyAllStruck();
  });

  it("hangs until it is no longer waited for", async () => {
    const vault = faultyVault(memoryVault().vault, [{ on: "hang" }]);
    const controller = new AbortController();
    const listing = vault.list("", { pattern: "*", signal: controller.signal });
    controller.abort();
    await expect(listing).rejects.toMatchObject({ code: "aborted" });
    vault.verifyAllStruck();
  });

  it("says which faults a test never met", () => {
    const vault = faultyVault(memoryVault().vault, [{ on: "open" }]);
    expect(() => vault.verifyAllStruck()).toThrow("open");
  });
});
