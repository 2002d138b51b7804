/** The quickstart's configuration: an ordinary one, to be read and changed. */

export function quickstartConfig(): string {
  const source = (id: string, platform: string, team: string, domain: string, tier: string, more = ""): string => `  - id: ${id}
    platform: { type: ${platform} }
    owner: { team: ${team} }
    domain: ${domain}
    tier: ${tier}
    objectives: { rpo: 36h, rto: 1h }
    backups: { vault: local, path: ${id}, every: 24h, jitter: 6h, settle: 2s, retention: 30d${more} }
    poll: 5s
`;
  return `# The quickstart of Restorewatch: five invented sources with 45 nights of backups in ./backups.
# Break one by hand and watch: truncate -s 40000 backups/healthy/*.grist
state: { sqlite: ./restorewatch.db }
evidence: { directory: ./evidence }
http: { listen: "127.0.0.1:9464" }
vaults:
  local: { type: dir, path: ./backups }
sources:
${source("healthy", "grist", "sales-ops", "sales", "critical")}${source("late", "node-red", "facilities", "building", "standard", ", key: { file: ./node-red.key }")}${source("collapsed", "grist", "web-shop", "sales", "important")}${source("broken", "grist", "finance", "finance", "critical")}${source("locked", "node-red", "facilities", "building", "important", ", key: { file: ./node-red.key }")}`;
}
