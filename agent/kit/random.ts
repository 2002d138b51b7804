/** Randomness: the system's, and one that repeats for a seed. */
import { randomBytes } from "node:crypto";

export interface RandomSource {
  next(): number;
  bytes(n: number): Uint8Array;
}

export function systemRandom(): RandomSource {
  return { next: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48, bytes: (n) => new Uint8Array(randomBytes(n)) };
}

/** SplitMix64 finaliser over a counter: the same seed gives the same numbers everywhere. */
export function seededRandom(seed: number): RandomSource {
  let state = BigInt.asUintN(64, BigInt(Math.trunc(seed)) * 0x9e3779b97f4a7c15n + 0x1234567n);
  const draw = (): bigint => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
  return {
    next: () => Number(draw() >> 11n) / 2 ** 53,
    bytes: (n) => Uint8Array.from({ length: n }, () => Number(draw() & 0xffn)),
  };
}
