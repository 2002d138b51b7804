/** Properties are tried on the same examples every time; `FC_SEED=… npm test` looks at others. */
import fc from "fast-check";

const given = Number(process.env["FC_SEED"] ?? "");
fc.configureGlobal({ seed: Number.isSafeInteger(given) && given !== 0 ? given : 20_261_123 });
