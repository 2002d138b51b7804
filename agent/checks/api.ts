/** The registry of checks: one import and one line each, cheap families first. */
import type { Check } from "../core/ports.ts";
import { accessPermissions } from "./access-permissions.ts";
import { accessRoles } from "./access-roles.ts";
import { artifactAge } from "./artifact-age.ts";
import { artifactChecksum } from "./artifact-checksum.ts";
import { artifactComplete } from "./artifact-complete.ts";
import { artifactCopies } from "./artifact-copies.ts";
import { artifactDecrypts } from "./artifact-decrypts.ts";
import { artifactImmutable } from "./artifact-immutable.ts";
import { artifactNoSecrets } from "./artifact-no-secrets.ts";
import { artifactNotEmpty } from "./artifact-not-empty.ts";
import { artifactPresent } from "./artifact-present.ts";
import { artifactReadable } from "./artifact-readable.ts";
import { automationsPresent } from "./automations-present.ts";
import { automationsReferences } from "./automations-references.ts";
import { baselineDiff } from "./baseline-diff.ts";
import { baselineFidelity } from "./baseline-fidelity.ts";
import { credentialsDecrypt } from "./credentials-decrypt.ts";
import { filesDigest } from "./files-digest.ts";
import { filesMediaType } from "./files-media-type.ts";
import { filesPresent } from "./files-present.ts";
import { governanceErasure } from "./governance-erasure.ts";
import { governanceMasking } from "./governance-masking.ts";
import { governanceRetention } from "./governance-retention.ts";
import { linksCardinality } from "./links-cardinality.ts";
import { linksCrossSource } from "./links-cross-source.ts";
import { linksDigest } from "./links-digest.ts";
import { linksReciprocal } from "./links-reciprocal.ts";
import { linksResolve } from "./links-resolve.ts";
import { recordsCount } from "./records-count.ts";
import { recordsCritical } from "./records-critical.ts";
import { recordsDuplicates } from "./records-duplicates.ts";
import { recordsEncoding } from "./records-encoding.ts";
import { recordsPrecision } from "./records-precision.ts";
import { recordsRequired } from "./records-required.ts";
import { recordsSequence } from "./records-sequence.ts";
import { recordsTimestamps } from "./records-timestamps.ts";
import { recordsTruncated } from "./records-truncated.ts";
import { recordsTypes } from "./records-types.ts";
import { restoreCounts } from "./restore-counts.ts";
import { restoreLoads } from "./restore-loads.ts";
import { restoreTime } from "./restore-time.ts";
import { settingsPresent } from "./settings-present.ts";
import { structureCollections } from "./structure-collections.ts";
import { structureFields } from "./structure-fields.ts";
import { structureIndices } from "./structure-indices.ts";
import { structureTemplates } from "./structure-templates.ts";
import { structureTypes } from "./structure-types.ts";
import { structureViews } from "./structure-views.ts";

export const checks: readonly Check[] = [
  artifactAge,
  artifactChecksum,
  artifactComplete,
  artifactCopies,
  artifactDecrypts,
  artifactImmutable,
  artifactNoSecrets,
  artifactNotEmpty,
  artifactPresent,
  artifactReadable,
  structureCollections,
  structureFields,
  structureIndices,
  structureTemplates,
  structureTypes,
  structureViews,
  recordsCount,
  recordsCritical,
  recordsDuplicates,
  recordsEncoding,
  recordsPrecision,
  recordsRequired,
  recordsSequence,
  recordsTimestamps,
  recordsTruncated,
  recordsTypes,
  linksCardinality,
  linksCrossSource,
  linksDigest,
  linksReciprocal,
  linksResolve,
  filesDigest,
  filesMediaType,
  filesPresent,
  automationsPresent,
  automationsReferences,
  credentialsDecrypt,
  accessPermissions,
  accessRoles,
  settingsPresent,
  restoreCounts,
  restoreLoads,
  restoreTime,
  baselineDiff,
  baselineFidelity,
  governanceRetention,
  // Last: it looks at what all the others told.
  governanceErasure,
  governanceMasking,
];
