/** The Node-RED flows of the quickstart: a small building automation with two MQTT brokers that need credentials. */

type Node = Readonly<Record<string, unknown>>;

const id = (prefix: string, number: number): string => `${prefix}${number.toString(16).padStart(16 - prefix.length, "0")}`;

/**
 * @param rooms how many rooms are automated; each is a tab with a sensor, a filter, an alarm link and a switch
 * @param rename changes the wording of one room, as people do: ordinary life between two backups
 */
export function buildingFlows(rooms: number, rename: number): readonly Node[] {
  const brokers = ["Ground floor broker", "Roof broker"].map((name, index): Node => ({
    id: id("b", index + 1),
    type: "mqtt-broker",
    name,
    broker: `mqtt-${index + 1}.example.org`,
    port: "8883",
    tls: "",
    clientid: "",
    autoConnect: true,
    usetls: true,
  }));
  const flows: Node[] = [...brokers];
  const subflow = id("5", 1);
  flows.push(
    {
      id: subflow,
      type: "subflow",
      name: "Debounce",
      info: "Lets one message in a minute through",
      in: [{ x: 40, y: 40, wires: [{ id: id("5", 2) }] }],
      out: [{ x: 400, y: 40, wires: [{ id: id("5", 2), port: 0 }] }],
    },
    {
      id: id("5", 2),
      type: "delay",
      z: subflow,
      name: "one a minute",
      pauseType: "rate",
      rate: "1",
      rateUnits: "minute",
      x: 200,
      y: 40,
      wires: [[]],
    },
  );
  const alarmTab = id("a", 1);
  const alarmIn = id("a", 2);
  flows.push({ id: alarmTab, type: "tab", label: "Alarms", disabled: false, info: "" });
  const roomLinks = Array.from({ length: rooms }, (_, room) => id("c", room * 16 + 6));
  flows.push(
    { id: alarmIn, type: "link in", z: alarmTab, name: "alarm", links: roomLinks, x: 80, y: 60, wires: [[id("a", 3)]] },
    {
      id: id("a", 3),
      type: "mqtt out",
      z: alarmTab,
      name: "page the caretaker",
      topic: "building/alarm",
      qos: "1",
      broker: id("b", 2),
      x: 320,
      y: 60,
      wires: [],
    },
  );
  for (let room = 0; room < rooms; room += 1) {
    const tab = id("c", room * 16 + 1);
    const node = (number: number): string => id("c", room * 16 + number);
    const label = room === rename % rooms ? `Room ${room + 1} (window side)` : `Room ${room + 1}`;
    flows.push(
      { id: tab, type: "tab", label, disabled: false, info: "" },
      {
        id: node(2),
        type: "mqtt in",
        z: tab,
        name: "temperature",
        topic: `room/${room + 1}/temperature`,
        qos: "1",
        datatype: "json",
        broker: id("b", 1 + (room % 2)),
        x: 90,
        y: 60,
        wires: [[node(3)]],
      },
      { id: node(3), type: `subflow:${subflow}`, z: tab, name: "", x: 260, y: 60, wires: [[node(4)]] },
      {
        id: node(4),
        type: "switch",
        z: tab,
        name: "too warm?",
        property: "payload",
        propertyType: "msg",
        rules: [{ t: "gt", v: String(24 + (room % 4)), vt: "num" }, { t: "else" }],
        checkall: "true",
        repair: false,
        outputs: 2,
        x: 430,
        y: 60,
        wires: [[node(5), node(6)], [node(7)]],
      },
      {
        id: node(5),
        type: "mqtt out",
        z: tab,
        name: "ventilation on",
        topic: `room/${room + 1}/fan`,
        qos: "1",
        broker: id("b", 1 + (room % 2)),
        x: 620,
        y: 40,
        wires: [],
      },
      { id: node(6), type: "link out", z: tab, name: "alarm", mode: "link", links: [alarmIn], x: 620, y: 80, wires: [] },
      { id: node(7), type: "debug", z: tab, name: "fine", active: false, tosidebar: true, complete: "payload", x: 620, y: 120, wires: [] },
    );
  }
  return flows;
}

/** Logins of the two brokers; invented, and encrypted in the directory as Node-RED does it. */
export function buildingCredentials(password: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return { [id("b", 1)]: { user: "building", password: `${password}-1` }, [id("b", 2)]: { user: "building", password: `${password}-2` } };
}
