/** Invented data that repeats: the same seed and day give the same rows. Names are made of common words, no real person or firm. */
import { seededRandom } from "../kit/random.ts";

const FIRMS = [
  "Harbour",
  "Cedar",
  "Northwind",
  "Bluebird",
  "Copper",
  "Meadow",
  "Lantern",
  "Granite",
  "Willow",
  "Summit",
  "Orchard",
  "Falcon",
  "Riverside",
  "Amber",
  "Juniper",
] as const;
const KINDS = ["Bakery", "Cycles", "Books", "Garden", "Optics", "Tools", "Coffee", "Textiles", "Print", "Toys"] as const;
const CITIES = ["Lisbon", "Graz", "Turku", "Ghent", "Porto", "Leeds", "Bremen", "Lyon", "Malmö", "Kraków", "Brno", "Cork"] as const;
const STAGES = ["lead", "offer", "won", "lost"] as const;
const PRODUCTS = ["Starter kit", "Annual plan", "Spare parts", "Workshop day", "On-site service", "Training"] as const;

export interface Customer {
  readonly id: number;
  readonly name: string;
  readonly city: string;
  readonly since: number;
}

export interface Order {
  readonly id: number;
  readonly customer: number;
  readonly product: string;
  readonly amount: number;
  readonly paid: boolean;
  readonly stage: string;
  readonly at: number;
}

export interface ShopData {
  readonly customers: readonly Customer[];
  readonly orders: readonly Order[];
}

export const STAGE_CHOICES: readonly string[] = STAGES;

/**
 * A shop that grows: every day a few orders more, every other day a customer more. Data of a day contains that of the day before.
 * @param day days since the shop opened, from 0
 */
export function shopOn(
  seed: number,
  day: number,
  start: { readonly customers: number; readonly orders: number; readonly openedAt: number },
): ShopData {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.next() * list.length)] ?? (list[0] as T);
  const customerCount = start.customers + Math.floor(day / 2);
  const orderCount = start.orders + day * 4;
  const customers: Customer[] = [];
  for (let id = 1; id <= start.customers + 400; id += 1) {
    const customer = {
      id,
      name: `${pick(FIRMS)} ${pick(KINDS)} ${id}`,
      city: pick(CITIES),
      since: start.openedAt + Math.floor(random.next() * 300) * 86_400_000,
    };
    if (id <= customerCount) customers.push(customer);
  }
  const orders: Order[] = [];
  for (let id = 1; id <= orderCount; id += 1) {
    const customer = 1 + Math.floor(random.next() * start.customers);
    const amount = Math.round(random.next() * 90_000 + 1_000) / 100;
    orders.push({
      id,
      customer,
      product: pick(PRODUCTS),
      amount,
      paid: random.next() < 0.8,
      stage: pick(STAGES),
      at: start.openedAt + id * 3_600_000,
    });
  }
  return { customers, orders };
}
