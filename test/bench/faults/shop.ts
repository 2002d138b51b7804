/** One small business in plain values; every format's clean document is made of it. */
import { seededRandom } from "../../../agent/kit/random.ts";

export interface Person {
  readonly key: string;
  readonly name: string;
  readonly mail: string;
  readonly city: string;
  readonly joined: number;
  readonly orders: readonly string[];
}

export interface Order {
  readonly key: string;
  readonly title: string;
  /** Beyond 2^53. */
  readonly serial: string;
  readonly amount: string;
  readonly placed: number;
  readonly person: string;
}

export interface Line {
  readonly key: string;
  readonly text: string;
}

export const PEOPLE = 60;
export const ORDERS = 200;
export const LINES = 200;

const CITIES = ["Zürich", "Plzeň", "Tromsø", "Évora", "Łódź", "Ålesund", "Besançon", "Münster"];
const THINGS = ["Käsehobel", "crème brûlée", "smörgåsbord", "piñata", "façade paint", "jalapeño seeds", "Blåbär tea"];

export interface Shop {
  readonly people: readonly Person[];
  readonly orders: readonly Order[];
  readonly log: readonly Line[];
}

export function shop(seed: number): Shop {
  const random = seededRandom(seed);
  const pick = (all: readonly string[]): string => all[Math.floor(random.next() * all.length)] ?? "";
  const begin = Date.UTC(2025, 0, 6, 9, 30, 15);
  const orders = Array.from({ length: ORDERS }, (_, n): Order => ({
    key: String(n + 1),
    title: `${pick(THINGS)} no. ${n + 1}, wrapped for ${pick(CITIES)} and sent with the morning post`,
    // Odd, and far beyond 2^53: as a double every one of them becomes another number.
    serial: String(90_071_992_547_409_931n + BigInt(n) * 1_002n),
    amount: `${Math.floor(random.next() * 9000) + 100}.${String(Math.floor(random.next() * 89) + 10)}`,
    placed: begin + n * 5_400_000 + Math.floor(random.next() * 3_600) * 1000,
    person: String(Math.floor(random.next() * PEOPLE) + 1),
  }));
  const people = Array.from({ length: PEOPLE }, (_, n): Person => ({
    key: String(n + 1),
    name: `Person ${n + 1} of ${pick(CITIES)}`,
    mail: `person${n + 1}@example.org`,
    city: pick(CITIES),
    joined: begin - (n + 1) * 86_400_000,
    orders: orders.filter((order) => order.person === String(n + 1)).map((order) => order.key),
  }));
  const log = Array.from({ length: LINES }, (_, n): Line => ({
    key: String(n + 1),
    text: `line ${n + 1}: parcel left ${pick(CITIES)} at gate ${pick(THINGS)}`,
  }));
  return { people, orders, log };
}

/** 1 × 1, transparent; whole, so that nobody can say it is no picture. */
export const PNG = Buffer.from(
  "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c636000000000050001a5f645400000000049454e44ae426082",
  "hex",
);
export const NOTE = Buffer.from("Terms of sale: all goods remain ours until they are paid for.\n");
/** What a proxy sends instead of a file. */
export const HTML = Buffer.from(
  "<!doctype html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n",
);

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
