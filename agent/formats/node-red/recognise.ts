/** Whether text is that of Node-RED flows, judged by its structure; the beginning of a file is enough, cut off anywhere. */
import { endOfString } from "../../kit/json.ts";
import { CORE_CONFIG_TYPES } from "../../products/node-red/core-types.ts";

/** What the head of a file shows of one element. */
interface Sighting {
  readonly strings: Map<string, string>;
  readonly keys: Set<string>;
  readonly lists: Set<string>;
}

export interface FlowsLikeness {
  /** 0 to 1, as a Recognition. */
  readonly confidence: number;
  readonly because: string;
  /** `{flows: […]}`, what the admin API of version 2 gives. */
  readonly wrapped: boolean;
}

const MAX_SEEN = 2000;

export function likenessOf(head: Uint8Array): FlowsLikeness {
  const text = new TextDecoder().decode(head);
  const { elements, wrapped } = sightings(text);
  const known = elements.filter((each) => each.strings.has("id") && each.strings.has("type"));
  const no = (because: string): FlowsLikeness => ({ confidence: 0, because, wrapped });
  if (elements.length === 0) return no("it is no list of objects");
  if (known.length < elements.length * 0.8) return no("its objects have no id and type as Node-RED nodes have");
  const tabs = known.filter(isContainer).length;
  const wired = known.filter((each) => each.lists.has("wires")).length;
  const seen = `${known.length} node${known.length === 1 ? "" : "s"} with id and type`;
  if (tabs > 0) return { confidence: 0.97, because: `${seen}, ${tabs} of them tabs or subflows`, wrapped };
  if (wired > 0) return { confidence: 0.95, because: `${seen}, ${wired} of them wired`, wrapped };
  const config = known.filter((each) => CORE_CONFIG_TYPES.has(each.strings.get("type") ?? "")).length;
  if (config > 0) return { confidence: 0.7, because: `${seen}, ${config} of them configuration nodes of Node-RED`, wrapped };
  return { confidence: 0.2, because: "objects with id and type, but nothing that only Node-RED writes", wrapped };
}

function isContainer(each: Sighting): boolean {
  const type = each.strings.get("type");
  if (type === "tab" || type === "workspace") return each.keys.has("label");
  return type === "subflow" && each.keys.has("name") && (each.lists.has("in") || each.lists.has("out"));
}

interface Frame {
  readonly list: boolean;
  key: string | null;
  readonly element: Sighting | null;
}

/** Walks the text without recursion and without asking that it be whole. */
function sightings(text: string): { elements: Sighting[]; wrapped: boolean } {
  const elements: Sighting[] = [];
  const stack: Frame[] = [];
  let wrapped = false;
  for (let at = 0; at < text.length && elements.length < MAX_SEEN; at += 1) {
    const char = text[at];
    const top = stack.at(-1);
    if (char === '"') {
      const end = endOfString(text, at);
      if (end < 0) break;
      const raw = text.slice(at + 1, end);
      if (top !== undefined && !top.list) {
        if (top.key === null) top.key = raw;
        else if (raw !== "") top.element?.strings.set(top.key, raw);
        top.element?.keys.add(top.key);
      }
      at = end;
    } else if (char === "[" || char === "{") {
      const list = char === "[";
      if (list && top?.key != null) top.element?.lists.add(top.key);
      if (list && stack.length === 1 && top?.key === "flows") wrapped = true;
      const element = !list && mayBeElement(stack) ? { strings: new Map(), keys: new Set<string>(), lists: new Set<string>() } : null;
      stack.push({ list, key: null, element });
    } else if (char === "]" || char === "}") {
      const closed = stack.pop();
      if (closed?.element != null) elements.push(closed.element);
      if (stack.length === 0) break;
    } else if (char === "," && top !== undefined) top.key = null;
  }
  // What was still open counts when it had shown enough.
  for (const frame of stack)
    if (frame.element?.strings.has("id") === true && frame.element.strings.has("type")) elements.push(frame.element);
  return { elements: wrapped ? elements.filter((each) => !each.lists.has("flows")) : elements, wrapped };
}

/** An object that stands alone, in the outermost list, or in the list `flows` of an outermost object. */
function mayBeElement(stack: readonly Frame[]): boolean {
  if (stack.length === 0) return true;
  if (stack.length === 1) return stack[0]?.list === true;
  return stack.length === 2 && stack[0]?.key === "flows" && stack[1]?.list === true;
}
