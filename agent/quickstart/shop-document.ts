/** The shop's data as a Grist document, whole or with one fault planted in it. */
import type { GristRow, GristSpec } from "./grist-document.ts";
import { STAGE_CHOICES, type Order, type ShopData } from "./invent.ts";

/** `collapsed`: most orders are gone. `broken`: customers were removed and some orders point to each other's customers. */
export type Damage = "collapsed" | "broken";

const LEFT_AFTER_COLLAPSE = 18;
const REMOVED_CUSTOMERS = [7, 19, 33];

export function shopDocument(data: ShopData, damage: Damage | null): GristSpec {
  const orders = damage === "collapsed" ? data.orders.slice(0, LEFT_AFTER_COLLAPSE) : data.orders;
  const customers = damage === "broken" ? data.customers.filter((customer) => !REMOVED_CUSTOMERS.includes(customer.id)) : data.customers;
  const placedBy = Map.groupBy(orders, (order) => order.customer);
  const pointsTo = damage === "broken" ? swapped(orders) : new Map<number, number>();
  return {
    timezone: "UTC",
    tables: [
      {
        id: "Customers",
        columns: [
          { id: "Name", type: "Text" },
          { id: "City", type: "Choice", choices: [...new Set(data.customers.map((customer) => customer.city))].sort() },
          { id: "Since", type: "Date" },
          { id: "Orders", type: "RefList:Orders", reverse: "Orders.Customer" },
        ],
        rows: customers.map((customer): GristRow => ({
          id: customer.id,
          Name: customer.name,
          City: customer.city,
          Since: new Date(customer.since),
          // Grist keeps an empty list as NULL.
          Orders: placedBy.get(customer.id)?.map((order) => order.id) ?? null,
        })),
      },
      {
        id: "Orders",
        columns: [
          { id: "Customer", type: "Ref:Customers", reverse: "Customers.Orders" },
          { id: "Product", type: "Text" },
          { id: "Amount", type: "Numeric" },
          { id: "Paid", type: "Bool" },
          { id: "Stage", type: "Choice", choices: STAGE_CHOICES },
          { id: "Placed", type: "DateTime:UTC" },
        ],
        rows: orders.map((order): GristRow => ({
          id: order.id,
          Customer: pointsTo.get(order.id) ?? order.customer,
          Product: order.product,
          Amount: order.amount,
          Paid: order.paid,
          Stage: order.stage,
          Placed: new Date(order.at),
        })),
      },
    ],
    rules: [
      {
        table: "Orders",
        columns: "*",
        formula: "user.Access != OWNER",
        parsed: JSON.stringify(["NotEq", ["Attr", ["Name", "user"], "Access"], ["Name", "OWNER"]]),
        permissions: "-D",
      },
    ],
    webhooks: [{ table: "Orders", id: "order-placed", label: "Tell the warehouse", events: ["add"], enabled: true }],
  };
}

/** Two pairs of orders whose customers changed places on the orders' side only: every count stays what it was. */
function swapped(orders: readonly Order[]): ReadonlyMap<number, number> {
  const usable = orders.filter((order) => !REMOVED_CUSTOMERS.includes(order.customer));
  const result = new Map<number, number>();
  for (const [index, order] of usable.entries()) {
    const other = usable.slice(index + 1).find((candidate) => candidate.customer !== order.customer && !result.has(candidate.id));
    if (result.has(order.id) || other === undefined) continue;
    result.set(order.id, other.customer);
    result.set(other.id, order.customer);
    if (result.size === 4) break;
  }
  return result;
}
