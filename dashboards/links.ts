/** Where a click leads: from a panel to its source, and from a source to its traces. */

/** A query of TraceQL opened in Explore; what stands in `${…}` is filled in by Grafana. */
export function explore(traceql: string): string {
  const panes = {
    a: {
      datasource: "${tempo}",
      queries: [{ refId: "A", datasource: { type: "tempo", uid: "${tempo}" }, queryType: "traceql", query: traceql, limit: 50 }],
      range: { from: "${__from}", to: "${__to}" },
    },
  };
  const encoded = JSON.stringify(panes)
    .split(/(\$\{[^}]+\})/)
    .map((part) => (part.startsWith("${") ? part : encodeURIComponent(part)))
    .join("");
  return `/explore?schemaVersion=1&panes=${encoded}`;
}

const SOURCE_PAGE = "/d/restorewatch-source?${datasource:queryparam}&${tempo:queryparam}&${loki:queryparam}&${__url_time_range}";

export const LINKS = {
  source: { title: "Open the source", url: `${SOURCE_PAGE}&var-source=\${__field.labels.source}` },
  "source of the row": { title: "Open the source", url: `${SOURCE_PAGE}&var-source=\${__data.fields.Source}` },
  traces: {
    title: "Its drills as traces",
    url: explore('{ name="restore.drill" && span.backup.source="${__field.labels.source}" }'),
  },
  "traces of the row": {
    title: "Its drills as traces",
    url: explore('{ name="restore.drill" && span.backup.source="${__data.fields.Source}" }'),
  },
  "traces of the phase": {
    title: "The slowest of this phase",
    url: explore('{ name="restore.${__field.labels.phase}" && duration > 1s }'),
  },
  "polls of the platform": {
    title: "Its polls as traces",
    url: explore('{ name="backup.poll" && span.backup.platform="${__field.labels.platform}" }'),
  },
} as const;
export type LinkName = keyof typeof LINKS;
