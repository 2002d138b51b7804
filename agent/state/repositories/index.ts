import type { Kysely } from "kysely";
import type { Repositories } from "../../core/ports.ts";
import { type Bodies } from "../bodies.ts";
import type { Database } from "../schema.ts";
import { alarmsRepository } from "./alarms.ts";
import { actorsRepository, baselinesRepository, decisionsRepository, papersRepository } from "./decisions.ts";
import { drillsRepository } from "./drills.ts";
import { metaRepository } from "./meta.ts";
import { observationsRepository } from "./observations.ts";
import { pointsRepository } from "./points.ts";
import { runsRepository } from "./runs.ts";
import { sourcesRepository } from "./sources.ts";
import { talliesRepository } from "./tallies.ts";

export function repositoriesOn(db: Kysely<Database>, bodies: Bodies): Repositories {
  return {
    points: pointsRepository(db, bodies),
    runs: runsRepository(db, bodies),
    observations: observationsRepository(db, bodies),
    drills: drillsRepository(db, bodies),
    alarms: alarmsRepository(db, bodies),
    sources: sourcesRepository(db, bodies),
    baselines: baselinesRepository(db, bodies),
    decisions: decisionsRepository(db, bodies),
    papers: papersRepository(db),
    actors: actorsRepository(db),
    tallies: talliesRepository(db, bodies),
    meta: metaRepository(db),
  };
}
