/**
 * The failures real users of these platforms met (platforms.md §10), and what answers each: checks of today, and what only a later
 * layer can see.
 */

export interface Pitfall {
  /** As platforms.md tells it. */
  readonly failure: string;
  /** Where users told of it; a few. */
  readonly seen: string;
  readonly checks: readonly string[];
  /** What no look at one backup can find, and which check of a later layer will. */
  readonly later: readonly { readonly check: string; readonly because: string }[];
}

export const PITFALLS: readonly Pitfall[] = [
  {
    failure: "wrong/lost encryption key; import reports success",
    seen: "n8n #17816, #12949; Node-RED #1611",
    checks: ["artifact.decrypts", "credentials.decrypt"],
    later: [{ check: "restore.reconnects", because: "that a decrypted login still works takes the other end" }],
  },
  {
    failure: "FK order inside the vendor's own importer",
    seen: "n8n #24367, #23128, #3483",
    checks: ["links.resolve", "records.duplicates"],
    later: [{ check: "restore.readback", because: "the vendor's importer only runs in a scratch workspace" }],
  },
  {
    failure: "importer breaks on mixed directories",
    seen: "n8n #37814, #1546",
    checks: ["artifact.readable", "artifact.complete"],
    later: [{ check: "restore.readback", because: "the vendor's importer only runs in a scratch workspace" }],
  },
  {
    failure: "workflow id changes cut parent/sub-workflow links",
    seen: "Shuffle #1953, Automa #1777",
    checks: ["automations.references", "links.resolve"],
    later: [{ check: "restore.readback", because: "ids change when a platform takes the backup back" }],
  },
  {
    failure: "schema apply order / partial apply drops FKs",
    seen: "Directus #9723, #13323, #18689",
    checks: ["structure.fields", "structure.collections", "structure.types", "links.digest"],
    later: [{ check: "restore.readback", because: "applying a schema takes a scratch workspace" }],
  },
  {
    failure: 'sequence not advanced after import -> next insert "has to be unique"',
    seen: "Directus #3374, #13983; saltcorn #1695",
    checks: ["records.sequence", "structure.indices"],
    later: [{ check: "restore.readback", because: "where no backup says the next key, only an insert into a scratch workspace does" }],
  },
  {
    failure: "permissions/flows duplicated or lost",
    seen: "directus-schema-sync #70, Directus #22631",
    checks: ["access.permissions", "access.roles", "automations.present"],
    later: [{ check: "restore.access", because: "what a person then sees takes a person in a scratch workspace" }],
  },
  {
    failure: "duplicate/restore silently drops rows, views, links",
    seen: "NocoDB #11496, #10657, #7125",
    checks: ["records.count", "restore.loads", "restore.counts", "structure.views", "links.resolve", "links.reciprocal", "links.digest"],
    later: [],
  },
  {
    failure: "attachments: expired URL saved as the file, or not in backup, or shared with the source",
    seen: "Baserow #3675, NocoDB #12796, Budibase #4293",
    checks: ["files.media-type", "files.present", "files.digest"],
    later: [{ check: "restore.rollback", because: "files shared with the source show when the copy is removed" }],
  },
  {
    failure: "rows missing on in-place import; restore broken for months unnoticed",
    seen: "Budibase #17974, #19471",
    checks: ["records.count", "artifact.readable", "restore.loads", "restore.counts", "artifact.age"],
    later: [],
  },
  {
    failure: "structure-only export fails on header image; select filters lost",
    seen: "Baserow #3321, #3123",
    checks: ["structure.views", "structure.templates", "files.present", "artifact.not-empty"],
    later: [],
  },
  {
    failure: "relations/media swapped between records (counts still equal!)",
    seen: "Strapi #24948, #17343, #16813",
    checks: ["links.digest", "links.reciprocal", "files.digest"],
    later: [{ check: "live.compared", because: "a swap among records edited meanwhile shows only beside production" }],
  },
  {
    failure: "nobody can restore the export",
    seen: "simonw/airtable-export #11",
    checks: ["artifact.readable", "restore.loads", "restore.time"],
    later: [{ check: "restore.readback", because: "that the platform itself takes it back is shown by doing it" }],
  },
  {
    failure: "content vanishes from zip import",
    seen: "AppFlowy #8982",
    checks: ["artifact.not-empty", "artifact.complete", "records.count"],
    later: [],
  },
];
