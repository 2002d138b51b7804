/** What is known of the nodes that come with Node-RED itself. */

export const CORE_CONFIG_TYPES: ReadonlySet<string> = new Set([
  "mqtt-broker",
  "tls-config",
  "http proxy",
  "websocket-listener",
  "websocket-client",
  "global-config",
]);

/** Properties that hold the id of a configuration node, by node type. */
export const CONFIG_PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  "mqtt in": ["broker"],
  "mqtt out": ["broker"],
  "mqtt-broker": ["tls"],
  "http request": ["tls", "proxy"],
  "websocket in": ["server", "client"],
  "websocket out": ["server", "client"],
  "websocket-listener": ["tls"],
  "websocket-client": ["tls"],
  "tcp in": ["tls"],
  "tcp out": ["tls"],
  "tcp request": ["tls"],
};

/** Names under which added nodes (dashboards, databases) hold a configuration node; taken only where the value looks like an id. */
export const USUAL_CONFIG_PROPERTIES: ReadonlySet<string> = new Set([
  "server",
  "broker",
  "group",
  "tab",
  "page",
  "theme",
  "base",
  "ui",
  "tls",
  "proxy",
  "connection",
  "config",
  "mydb",
]);

/** Properties of every node that never hold a configuration node. */
export const OWN_PROPERTIES: ReadonlySet<string> = new Set([
  "id",
  "type",
  "z",
  "g",
  "d",
  "name",
  "label",
  "info",
  "x",
  "y",
  "w",
  "h",
  "wires",
]);

/** Types that come with Node-RED 0.20 to 5. */
export const CORE_TYPES: ReadonlySet<string> = new Set([
  ...CORE_CONFIG_TYPES,
  ..."tab subflow group junction unknown comment inject debug complete catch status function switch change range".split(" "),
  ..."template delay trigger exec rbe split join sort batch csv html json xml yaml file watch tail sentiment".split(" "),
  ..."file in,link in,link out,link call,mqtt in,mqtt out,http in,http response,http request".split(","),
  ..."websocket in,websocket out,tcp in,tcp out,tcp request,udp in,udp out".split(","),
]);

/** Types that begin a flow, other than `inject`. `link in`, `catch`, `status` and `complete` only carry on what another began. */
export const TRIGGER_TYPES: ReadonlySet<string> = new Set(["mqtt in", "websocket in", "tcp in", "udp in", "watch", "tail"]);
